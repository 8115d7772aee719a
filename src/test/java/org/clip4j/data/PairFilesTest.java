package org.clip4j.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import javax.imageio.ImageIO;
import org.clip4j.data.internal.DataDigest;
import org.clip4j.encode.ClassNames;
import org.clip4j.encode.PromptFiles;
import org.clip4j.image.ImageDecoder;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** JSON lines, folders of images with texts, class folders; and their digests. */
class PairFilesTest {
  @TempDir Path folder;

  private Path write(String name, String text) throws IOException {
    Path file = folder.resolve(name);
    Files.createDirectories(file.getParent());
    return Files.writeString(file, text);
  }

  private void image(String name, int gray) throws IOException {
    Path file = folder.resolve(name);
    Files.createDirectories(file.getParent());
    BufferedImage image = new BufferedImage(2, 1, BufferedImage.TYPE_INT_RGB);
    image.setRGB(0, 0, gray * 0x010101);
    ImageIO.write(image, "png", file.toFile());
  }

  private List<String> pairs(PairSource source) {
    List<String> pairs = new ArrayList<>();
    for (int i = 0; i < source.size(); i++) {
      ImageTextPair pair = source.get(i);
      String name = folder.relativize(Path.of(pair.image().name())).toString().replace('\\', '/');
      pairs.add(name + "=" + String.join("|", pair.captions()));
    }
    return pairs;
  }

  private static int[] firstPixel(PairSource source) throws IOException {
    byte[] pixels = source.get(0).image().read().pixels();
    return new int[] {pixels[0], pixels[1], pixels[2]};
  }

  @Test
  void images_are_decoded_with_the_decoder_given() throws IOException {
    BufferedImage clear = new BufferedImage(2, 1, BufferedImage.TYPE_INT_ARGB);
    Files.createDirectories(folder.resolve("data/cat"));
    ImageIO.write(clear, "png", folder.resolve("data/cat/1.png").toFile());
    write("data/cat/1.txt", "a cat");
    Path data = folder.resolve("data");
    Path table = write("data/pairs.csv", "file,caption\ncat/1.png,a cat\n");
    Path lines = write("elsewhere/pairs.jsonl", "{\"file\":\"cat/1.png\",\"caption\":\"a cat\"}");
    ImageDecoder decoder = ImageDecoder.defaults().withBackground(0x0A141E);
    List<PairSource> sources =
        List.of(
            Pairs.folder(data).optDecoder(decoder).build(),
            byClass(LabelledImages.classFolders(data, decoder)),
            Pairs.table(table).setColumns("file", "caption").optDecoder(decoder).build(),
            Pairs.jsonLines(lines)
                .setKeys("file", "caption")
                .optImageRoot(data)
                .optDecoder(decoder)
                .build());
    for (PairSource source : sources) {
      assertThat(firstPixel(source)).containsExactly(10, 20, 30);
    }
    assertThat(firstPixel(Pairs.folder(data).build())).containsExactly(0, 0, 0);
  }

  @Test
  void labelled_images_become_pairs_with_the_prompts_of_their_classes() throws IOException {
    image("n01/1.png", 1);
    image("n02/1.png", 2);
    LabelledImages images = LabelledImages.classFolders(folder, ImageDecoder.defaults());
    ClassNames names = ClassNames.inOrder(List.of("cat", "dog"));
    assertThat(names.match(images.labels()).matching()).isEqualTo(ClassNames.Matching.ORDER);
    assertThat(pairs(images.withPrompts(names, List.of("a {}.", "the {}."))))
        .containsExactly("n01/1.png=a cat.|the cat.", "n02/1.png=a dog.|the dog.");
  }

  // ---- JSON lines ----

  @Test
  void json_lines_give_pairs_with_one_or_several_captions() throws IOException {
    Path file =
        write(
            "pairs.jsonl",
            "\uFEFF{\"image\":\"a.png\",\"caption\":\"a cat\",\"other\":{\"deep\":[1]}}\r\n"
                + "\n"
                + "{\"caption\":[\"a dog\",\"\",\"ein Hund \\u00fc\"],\"image\":\"b/b.png\"}\n"
                + "{\"image\":\"c.png\",\"caption\":null}\n"
                + "{\"image\":\"d.png\",\"caption\":\" \",\"alt\":\"last\"}");

    PairTable pairs = Pairs.jsonLines(file).setKeys("image", "caption", "alt").build();

    assertThat(pairs(pairs))
        .containsExactly("a.png=a cat", "b/b.png=a dog|ein Hund ü", "d.png=last");
    assertThat(pairs.rowsWithoutCaption()).isEqualTo(1);
    assertThat(pairs.name()).isEqualTo(file.toString());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      quoteCharacter = '#',
      value = {
        "{\"image\":\"a\",\"caption\":\"b\"; is not valid JSON",
        "{image:\"a\",\"caption\":\"b\"}; is not valid JSON",
        "{\"image\":\"a\",\"caption\":\"b\"} {}; JSON",
        "[1]; does not hold one JSON object",
        "{\"caption\":\"b\"}; has no key \"image\", its keys are [caption]",
        "{\"image\":\"a\",\"text\":\"b\"}; has no key [caption], its keys are [image, text]",
        "{\"image\":5,\"caption\":\"b\"}; \"image\" must be a file name, found 5",
        "{\"image\":\"\",\"caption\":\"b\"}; \"image\" must be a file name",
        "{\"image\":\"a\",\"caption\":7}; \"caption\" must be a caption or a list, found 7",
        "{\"image\":\"a\",\"caption\":[[\"b\"]]}; \"caption\" must be a caption or a list",
      })
  void a_bad_line_is_named_with_what_is_wrong(String line, String message) throws IOException {
    Path file = write("pairs.jsonl", "{\"image\":\"x\",\"caption\":\"y\"}\n\n" + line + "\n");
    assertThatThrownBy(() -> Pairs.jsonLines(file).setKeys("image", "caption").build())
        .isInstanceOf(IOException.class)
        .hasMessageContaining("pairs.jsonl line 3")
        .hasMessageContainingAll(message.split(", "));
  }

  @Test
  void hostile_json_lines_are_refused() throws IOException {
    Path deep = write("deep.jsonl", "{\"image\":" + "[".repeat(1_000_000) + "\n");
    assertThatThrownBy(() -> Pairs.jsonLines(deep).setKeys("image", "caption").build())
        .isInstanceOf(IOException.class)
        .hasMessageContaining("deep.jsonl line 1");
    Path latin = folder.resolve("latin.jsonl");
    Files.write(
        latin,
        "{\"image\":\"x\",\"caption\":\"y\"}\n{\"image\":\"ü\"}"
            .getBytes(StandardCharsets.ISO_8859_1));
    assertThatThrownBy(() -> Pairs.jsonLines(latin).setKeys("image", "caption").build())
        .hasMessageContaining("latin.jsonl line 2 is not UTF-8");
    Path endless = folder.resolve("endless.jsonl");
    Files.write(endless, new byte[(16 << 20) + 1]);
    assertThatThrownBy(() -> Pairs.jsonLines(endless).setKeys("image", "caption").build())
        .hasMessageContaining("endless.jsonl line 1 has more than");
    assertThatThrownBy(() -> Pairs.jsonLines(folder).setKeys("a", "b").build())
        .hasMessageContaining("is a folder");
    assertThatThrownBy(() -> Pairs.jsonLines(folder.resolve("no")).setKeys("a", "b").build())
        .hasMessageContaining("no such file");
    Path empty = write("empty.jsonl", "\n");
    assertThatThrownBy(() -> Pairs.jsonLines(empty).setKeys("a", "b").build())
        .hasMessageContaining("empty.jsonl has no pairs");
    assertThatThrownBy(() -> Pairs.jsonLines(empty).build()).hasMessageContaining("setKeys(");
  }

  // ---- folders ----

  @Test
  void a_folder_gives_images_with_the_texts_beside_them_in_order() throws IOException {
    image("z.png", 1);
    write("z.txt", "last\n");
    image("b/two.PNG", 2);
    write("b/two.txt", "\uFEFFone line\n\nanother line\r\n");
    image("b/a.b.png", 3);
    write("b/a.b.txt", "dots");
    image("without.png", 4);
    image("blank.png", 4);
    write("blank.txt", " \n");
    image(".hidden/x.png", 5);
    write(".hidden/x.txt", "hidden");
    write("notes.txt", "no image");

    PairTable pairs = Pairs.folder(folder).build();

    assertThat(pairs(pairs))
        .containsExactly("b/a.b.png=dots", "b/two.PNG=one line|another line", "z.png=last");
    assertThat(pairs.rowsWithoutCaption()).isEqualTo(2);
    assertThat(pairs.get(1).image().read().width()).isEqualTo(2);
  }

  @Test
  void a_folder_without_pairs_says_what_it_lacks() throws IOException {
    assertThatThrownBy(() -> Pairs.folder(folder).build()).hasMessageContaining("holds no images");
    image("dog.png", 1);
    assertThatThrownBy(() -> Pairs.folder(folder).build())
        .hasMessageContaining("none of its 1 images has a caption")
        .hasMessageContaining("dog.png");
    Files.write(folder.resolve("dog.txt"), new byte[] {(byte) 0xFC});
    assertThatThrownBy(() -> Pairs.folder(folder).build())
        .hasMessageContaining("dog.txt is not UTF-8");
    assertThatThrownBy(() -> Pairs.folder(folder.resolve("no")).build())
        .isInstanceOf(IOException.class)
        .hasMessageContaining("no: it does not exist");
  }

  // ---- class folders ----

  private static PairSource byClass(LabelledImages images) {
    return images.withPrompts(
        ClassNames.fromLabels(images.labels()), List.of("a {}.", "art of the {}, a {}"));
  }

  @Test
  void class_folders_give_captions_by_templates() throws IOException {
    image("tabby_cat/1.png", 1);
    image("tabby_cat/more/2.png", 2);
    image("dog/1.png", 3);
    image("stray.png", 4);

    LabelledImages images = LabelledImages.classFolders(folder, ImageDecoder.defaults());

    assertThat(images.labels()).containsExactly("dog", "tabby_cat");
    assertThat(pairs(byClass(images)))
        .containsExactly(
            "dog/1.png=a dog.|art of the dog, a dog",
            "tabby_cat/1.png=a tabby cat.|art of the tabby cat, a tabby cat",
            "tabby_cat/more/2.png=a tabby cat.|art of the tabby cat, a tabby cat");
    assertThat(images.get(2).label()).isEqualTo(1);
    assertThat(images.get(2).image().read().width()).isEqualTo(2);
    assertThatThrownBy(
            () -> images.withPrompts(ClassNames.fromLabels(images.labels()), List.of("a photo")))
        .hasMessageContaining("a photo");
  }

  @Test
  void class_names_come_from_a_map_or_a_file() throws IOException {
    image("data/n01/1.png", 1);
    image("data/n02/1.png", 2);
    LabelledImages images =
        LabelledImages.classFolders(folder.resolve("data"), ImageDecoder.defaults());
    Path names = write("names.tsv", "n02\tgreat white shark\nn01\ttench\n\nn03\tunused\n");
    assertThat(pairs(images.withPrompts(PromptFiles.classNames(names), List.of("{}"))))
        .containsExactly("data/n01/1.png=tench", "data/n02/1.png=great white shark");
    ClassNames given = ClassNames.ofLabels(Map.of("n01", "a", "n02", "b"));
    assertThat(pairs(images.withPrompts(given, List.of("{}"))))
        .containsExactly("data/n01/1.png=a", "data/n02/1.png=b");
    ClassNames one = ClassNames.ofLabels(Map.of("n01", "a"));
    assertThatThrownBy(() -> images.withPrompts(one, List.of("{}")))
        .hasMessageContaining("\"n02\"");
  }

  @Test
  void class_folders_without_classes_say_so() throws IOException {
    image("1.png", 1);
    assertThatThrownBy(() -> LabelledImages.classFolders(folder, ImageDecoder.defaults()))
        .hasMessageContaining("no class folders");
  }

  // ---- digests ----

  private List<String> differences(Map<String, String> before) throws IOException {
    return DataDigest.differences(Pairs.folder(folder.resolve("b")).build().digest(), before);
  }

  @Test
  void a_digest_says_what_changed_and_survives_a_move() throws IOException {
    image("a/1.png", 1);
    write("a/1.txt", "one");
    image("a/2.png", 2);
    write("a/2.txt", "two\nzwei");
    Map<String, String> before = Pairs.folder(folder.resolve("a")).build().digest();

    Files.move(folder.resolve("a"), folder.resolve("b"));
    assertThat(differences(before)).isEmpty();

    write("b/2.txt", "twozwei");
    assertThat(differences(before)).singleElement().asString().startsWith("captions: was sha256:");
    image("b/3.png", 3);
    write("b/3.txt", "three");
    assertThat(differences(before)).hasSize(3).contains("pairs: was 2, is 3");
  }
}
