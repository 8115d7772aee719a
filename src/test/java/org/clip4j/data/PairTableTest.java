package org.clip4j.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import javax.imageio.ImageIO;
import org.clip4j.image.ImageDecoder;
import org.clip4j.image.RgbImage;
import org.clip4j.testing.Bounds;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PairTableTest {
  @TempDir Path folder;

  private Path write(String name, String text) throws IOException {
    return Files.writeString(folder.resolve(name), text);
  }

  private static PairTable read(Path table) throws IOException {
    return Pairs.table(table).setColumns("file", "caption").build();
  }

  private static List<String> captions(PairSource pairs) {
    return java.util.stream.IntStream.range(0, pairs.size())
        .mapToObj(i -> String.join("|", pairs.get(i).captions()))
        .toList();
  }

  @Test
  void quoted_fields_keep_delimiters_line_breaks_and_doubled_quotes() throws IOException {
    Path table =
        write(
            "pairs.csv",
            "file,caption\r\n"
                + "a.png,\"a cat, a dog\"\r\n"
                + "b.png,\"two\nlines\"\r\n"
                + "c.png,\"he said \"\"hi\"\"\"\r\n"
                + "\r\n"
                + "\"d, e.png\",ends here");

    PairTable pairs = read(table);

    assertThat(captions(pairs))
        .containsExactly("a cat, a dog", "two\nlines", "he said \"hi\"", "ends here");
    assertThat(pairs.get(3).image().name()).endsWith("d, e.png");
  }

  @Test
  void tab_separated_files_use_tabs_and_the_same_quotes() throws IOException {
    Path table =
        write(
            "pairs.tsv",
            "file\tcaption\na.png\ta cat, a dog\nb.png\t\"tab\there\"\nc.png\t5\" disk");

    assertThat(captions(read(table))).containsExactly("a cat, a dog", "tab\there", "5\" disk");
  }

  @Test
  void the_delimiter_is_found_by_the_columns_asked_for() throws IOException {
    assertThat(captions(read(write("tabs.csv", "file\tcaption\na.png\ta, b"))))
        .containsExactly("a, b");
    assertThat(captions(read(write("semicolons.csv", "file;caption\na.png;a, b"))))
        .containsExactly("a, b");
    assertThat(captions(read(write("commas.txt", "file,caption\na.png,a; b"))))
        .containsExactly("a; b");
  }

  @Test
  void a_given_delimiter_is_used() throws IOException {
    Path table = write("pairs.csv", "file|caption\na.png|a, b");

    PairTable pairs = Pairs.table(table).setColumns("file", "caption").optDelimiter('|').build();

    assertThat(captions(pairs)).containsExactly("a, b");
  }

  @Test
  void a_byte_order_mark_is_no_part_of_the_first_column() throws IOException {
    assertThat(captions(read(write("pairs.csv", "\uFEFFfile,caption\na.png,été ☃"))))
        .containsExactly("été ☃");
    assertThat(captions(read(write("quoted.csv", "\uFEFF\"file\",\"caption\"\na.png,x"))))
        .containsExactly("x");
  }

  @Test
  void a_row_may_have_several_captions() throws IOException {
    Path table = write("pairs.csv", "file,one,two,three\na.png,A,,C\nb.png,,B,\n");

    PairTable pairs = Pairs.table(table).setColumns("file", "one", "two", "three").build();

    assertThat(captions(pairs)).containsExactly("A|C", "B");
  }

  @Test
  void rows_without_a_caption_are_left_out_and_counted() throws IOException {
    Path table = write("pairs.csv", "file,caption\na.png,\nb.png,\" \"\nc.png,text\n");

    PairTable pairs = read(table);

    assertThat(captions(pairs)).containsExactly("text");
    assertThat(pairs.rowsWithoutCaption()).isEqualTo(2);
  }

  @Test
  void a_filter_sees_every_column_by_name() throws IOException {
    Path table = write("pairs.csv", "split,file,caption\ntrain,a.png,A\ntest,b.png,B\n");

    PairTable pairs =
        Pairs.table(table)
            .setColumns("file", "caption")
            .optRowFilter(row -> row.get("split").equals("test"))
            .build();

    assertThat(captions(pairs)).containsExactly("B");
  }

  @Test
  void image_names_start_at_the_table_or_at_the_root_given() throws IOException {
    Path absolute = folder.resolve("elsewhere.png").toAbsolutePath();
    Path table = write("pairs.csv", "file,caption\nin/a.png,A\n../b.png,B\n" + absolute + ",C\n");
    Path root = folder.resolve("images");

    PairTable beside = read(table);
    PairTable rooted = Pairs.table(table).setColumns("file", "caption").optImageRoot(root).build();

    assertThat(beside.get(0).image().name())
        .isEqualTo(folder.toAbsolutePath().resolve("in/a.png").toString());
    assertThat(beside.get(1).image().name())
        .isEqualTo(folder.toAbsolutePath().resolve("../b.png").toString());
    assertThat(beside.get(2).image().name()).isEqualTo(absolute.toString());
    assertThat(rooted.get(0).image().name()).isEqualTo(root.resolve("in/a.png").toString());
  }

  @Test
  void images_are_read_when_asked_for() throws IOException {
    Path table = write("pairs.csv", "file,caption\na.png,A\nmissing.png,B\n");
    PairTable pairs = read(table);
    BufferedImage image = new BufferedImage(2, 1, BufferedImage.TYPE_INT_RGB);
    image.setRGB(1, 0, 0x010203);
    ImageIO.write(image, "png", folder.resolve("a.png").toFile());

    RgbImage read = pairs.get(0).image().read();

    assertThat(read.width()).isEqualTo(2);
    assertThat(read.pixels()).containsExactly(0, 0, 0, 1, 2, 3);
    assertThatThrownBy(() -> pairs.get(1).image().read())
        .isInstanceOf(IOException.class)
        .hasMessageContaining("missing.png");
  }

  @Test
  void a_wrong_column_lists_those_there_are() throws IOException {
    Path table = write("pairs.csv", "file,Captions,split\na.png,A,train\n");

    assertThatThrownBy(() -> read(table))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("pairs.csv has no column \"caption\"")
        .hasMessageContaining("[\"file\", \"Captions\", \"split\"]")
        .hasMessageContaining("did you mean \"Captions\"?");
    assertThatThrownBy(() -> Pairs.table(table).setColumns("file", "elephant").build())
        .hasMessageContaining("\"elephant\"")
        .hasMessageNotContaining("did you mean");
  }

  @Test
  void rows_of_another_width_name_file_and_line() throws IOException {
    Path few = write("few.csv", "file,caption\na.png,\"two\nlines\"\nb.png\n");
    Path many = write("many.csv", "file,caption\na.png,a cat, a dog\n");
    Path nameless = write("nameless.csv", "file,caption\n ,a cat\n");

    assertThatThrownBy(() -> read(few)).hasMessageContaining("few.csv line 4 has 1 field but");
    assertThatThrownBy(() -> read(many))
        .hasMessageContaining("many.csv line 2 has 3 fields but the header has 2")
        .hasMessageContaining("quote");
    assertThatThrownBy(() -> read(nameless))
        .hasMessageContaining("nameless.csv line 2 names no image");
  }

  @Test
  void broken_quotes_name_file_and_line() throws IOException {
    Path after = write("after.csv", "file,caption\na.png,A\nb.png,\"so\" she said\n");
    Path unclosed = write("unclosed.csv", "file,caption\na.png,A\nb.png,\"never closed\n");

    assertThatThrownBy(() -> read(after))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("after.csv")
        .hasMessageContaining("line 3");
    assertThatThrownBy(() -> read(unclosed))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("unclosed.csv")
        .hasMessageContaining("line 3");
  }

  @Test
  void columns_named_twice_are_refused() throws IOException {
    Path table = write("pairs.csv", "file,caption,caption\na.png,A,B\n");

    assertThatThrownBy(() -> read(table)).hasMessageContaining("\"caption\" twice");
  }

  @Test
  void text_that_is_not_utf8_names_its_line() throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    bytes.writeBytes("file,caption\na.png,ok\nb.png,caf".getBytes(StandardCharsets.UTF_8));
    bytes.write(0xE9);
    bytes.writeBytes("\nc.png,ok\n".getBytes(StandardCharsets.UTF_8));
    Path table = Files.write(folder.resolve("latin1.csv"), bytes.toByteArray());
    Path utf16 = Files.write(folder.resolve("wide.csv"), "file,caption\n".getBytes("UTF-16"));

    assertThatThrownBy(() -> read(table))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("latin1.csv line 3 is not UTF-8");
    assertThatThrownBy(() -> read(utf16)).hasMessageContaining("wide.csv line 1 is not UTF-8");
    byte[] cut = "file,caption\na.png,caf\u00e9".getBytes(StandardCharsets.UTF_8);
    Path halved = Files.write(folder.resolve("halved.csv"), Arrays.copyOf(cut, cut.length - 1));
    assertThatThrownBy(() -> read(halved)).hasMessageContaining("halved.csv line 2 is not UTF-8");
  }

  @Test
  void one_endless_line_with_a_bad_byte_takes_no_memory() throws IOException {
    byte[] bytes = new byte[64 << 20];
    Arrays.fill(bytes, (byte) ',');
    bytes[1000] = (byte) 0xE9;
    Path table = Files.write(folder.resolve("endless.csv"), bytes);
    bytes = null;

    assertThat(Bounds.run(() -> read(table)))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("endless.csv line 1 is not UTF-8");
  }

  @Test
  void tables_without_rows_are_refused() throws IOException {
    Path empty = write("empty.csv", "");
    Path header = write("header.csv", "file,caption\n");
    Path blank = write("blank.csv", "file,caption\na.png,\n");

    assertThatThrownBy(() -> read(empty)).hasMessageContaining("empty.csv is empty");
    assertThatThrownBy(() -> read(header)).hasMessageContaining("header.csv has no rows");
    assertThatThrownBy(() -> read(blank)).hasMessageContaining("1 without a caption");
  }

  @Test
  void a_missing_table_is_named() {
    assertThatThrownBy(() -> read(folder.resolve("nowhere.csv")))
        .isInstanceOf(NoSuchFileException.class)
        .hasMessageContaining("nowhere.csv");
    assertThatThrownBy(() -> read(folder)).hasMessageContaining("is a folder");
  }

  @Test
  void columns_must_be_named() {
    assertThatThrownBy(() -> Pairs.table(folder.resolve("pairs.csv")).build())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("setColumns(");
  }

  @Test
  void captions_that_begin_with_a_quote_are_read_without_quoting() throws IOException {
    Path table =
        Files.writeString(
            folder.resolve("quotes.tsv"),
            "file\tcaption\na.png\t\"Hello\" he said\nb.png\t\"12 inches\nc.png\tplain\n");
    assertThatThrownBy(() -> Pairs.table(table).setColumns("file", "caption").build())
        .isInstanceOf(IOException.class)
        .hasMessageContainingAll("quotes.tsv", "line 2", "without quotes");
    PairTable read = Pairs.table(table).setColumns("file", "caption").optQuotes(false).build();
    assertThat(read.size()).isEqualTo(3);
    assertThat(read.get(0).captions()).containsExactly("\"Hello\" he said");
    assertThat(read.get(1).captions()).containsExactly("\"12 inches");
    assertThat(Images.table(table, "file", false, ImageDecoder.defaults()).size()).isEqualTo(3);
  }

  @Test
  void a_quote_that_swallows_rows_names_the_option() throws IOException {
    Path table =
        Files.writeString(
            folder.resolve("swallow.csv"),
            "file,caption\na.png,\"12 inches\nb.png,x\",\"y\nc.png,z\n");
    assertThatThrownBy(() -> Pairs.table(table).setColumns("file", "caption").build())
        .hasMessageContainingAll("swallow.csv", "without quotes");
    Path plain = Files.writeString(folder.resolve("p.csv"), "file,caption\na.png,b,c\n");
    assertThatThrownBy(() -> Pairs.table(plain).setColumns("file", "caption").build())
        .hasMessageNotContaining("without quotes");
  }
}
