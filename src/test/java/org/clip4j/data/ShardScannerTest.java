package org.clip4j.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.clip4j.data.internal.shards.ShardScanner;
import org.clip4j.image.ImageDecoder;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is read out of one tar, well-formed or not. */
@Timeout(60)
class ShardScannerTest {
  @TempDir Path folder;

  private PairShards shard(byte[]... parts) throws IOException {
    ByteArrayOutputStream tar = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      tar.writeBytes(part);
    }
    return Pairs.shards(List.of(Files.write(folder.resolve("s.tar"), tar.toByteArray())))
        .optMaxImageBytes(2000)
        .build();
  }

  private static final byte[] END = new byte[1024];

  private static byte[] file(String name, String content) {
    return TestShards.entry(name, '0', TestShards.text(content));
  }

  private static byte[] image(String name, int number) {
    return TestShards.entry(name, '0', TestShards.png(number));
  }

  /** Of each sample "key: number captions", or what is wrong with it. */
  private static List<String> samples(PairShards shards) throws IOException {
    List<String> samples = new ArrayList<>();
    try (ShardScanner scanner = shards.scan(0)) {
      for (ShardScanner.Sample s = scanner.next(); s != null; s = scanner.next()) {
        ShardSample reading = shards.reading(0, s);
        try {
          ImageTextPair pair = reading.pair();
          byte[] pixel = pair.image().read().pixels();
          int number = (pixel[0] & 0xFF) | (pixel[1] & 0xFF) << 8;
          samples.add(s.key() + ": " + number + " " + String.join("|", pair.captions()));
        } catch (IOException e) {
          assertThat(e).hasMessageStartingWith(reading.name());
          samples.add(e.getMessage().substring(e.getMessage().lastIndexOf("s.tar")));
        }
      }
      assertThat(scanner.next()).isNull();
    }
    return samples;
  }

  private List<String> samples(byte[]... parts) throws IOException {
    return samples(shard(parts));
  }

  /** Written by Python 3's tarfile, with names of over 100 letters and times that need pax. */
  @ParameterizedTest
  @ValueSource(strings = {"ustar", "gnu", "pax"})
  void python_s_formats_are_read(String format) throws IOException, URISyntaxException {
    Path tar = Path.of(getClass().getResource(format + ".tar").toURI());
    boolean ustar = format.equals("ustar");
    assertThat(samples(Pairs.shards(List.of(tar)).build()))
        .containsExactly(
            "0001: 1 eins ü",
            "d".repeat(60) + "/" + "e".repeat(ustar ? 1 : 150) + ": 2 two",
            (ustar ? "0003" : "über") + ": 3 three");
  }

  @Test
  void entries_are_grouped_as_webdataset_groups_them() throws IOException {
    assertThat(
            samples(
                file("README.md", "ignored"),
                TestShards.entry("a/", '5', new byte[0]),
                image("a/x.1/001.JPG", 1), // by content a PNG
                file("a/x.1/001.txt", " one \n"),
                file("a/x.1/001.cls", "7"),
                file("a/x.1/002.meta.json", "{}"),
                image("a/x.1/002.png", 2),
                file("a/x.1/002.txt", "two\nlines"),
                image("a/x.1/002.png", 3), // an extension again: the next sample
                file("a/x.1/002.txt", "again"),
                file(".hidden.txt", "no key"),
                TestShards.entry("004.png", '2', new byte[0]),
                image("004.webp", 4),
                image("004.png", 5),
                file("004.txt", "the first image"),
                END))
        .containsExactly(
            "a/x.1/001: 1 one",
            "a/x.1/002: 2 two\nlines",
            "a/x.1/002: 3 again",
            "004: 4 the first image");
  }

  @Test
  void captions_come_from_txt_or_json() throws IOException {
    byte[][] parts = {
      image("1.png", 1),
      file("1.txt", "text"),
      file("1.json", "{\"caption\":\"json\"}"),
      image("2.png", 2),
      file("2.json", "{\"caption\":[\"a\",\"\",\"b\"],\"alt\":\"c\"}"),
      image("3.png", 3),
      file("3.json", "{\"alt\":\"c\"}"),
      image("4.png", 4),
      file("4.json", "{\"caption\":null}"),
      image("5.png", 5),
      file("5.json", "{\"caption\":{}}"),
      image("6.png", 6),
      file("6.json", "[]"),
      image("7.png", 7),
      file("7.json", "{"),
      image("8.png", 8),
      file("8.txt", " \n"),
      image("9.png", 9),
      TestShards.entry("9.txt", '0', new byte[] {(byte) 0xFC}),
      END
    };
    assertThat(samples(parts))
        .satisfiesExactly(
            s -> assertThat(s).isEqualTo("1: 1 text"),
            s -> assertThat(s).isEqualTo("2: 2 a|b"),
            s -> assertThat(s).isEqualTo("s.tar:3: its json has no key [caption]"),
            s -> assertThat(s).isEqualTo("s.tar:4: its caption is empty"),
            s -> assertThat(s).contains("\"caption\" of its json is neither"),
            s -> assertThat(s).isEqualTo("s.tar:6: its json is no object"),
            s -> assertThat(s).startsWith("s.tar:7: its json is not valid"),
            s -> assertThat(s).isEqualTo("s.tar:8: its caption is empty"),
            s -> assertThat(s).isEqualTo("s.tar:9: its caption is not UTF-8"));
    List<String> json =
        samples(
            Pairs.shards(List.of(folder.resolve("s.tar")))
                .optJsonCaptions("caption", "alt")
                .build());
    assertThat(json.subList(0, 3)).containsExactly("1: 1 json", "2: 2 a|b|c", "3: 3 c");
  }

  @Test
  void samples_that_lack_a_part_or_are_too_large_are_damaged() throws IOException {
    assertThat(
            samples(
                image("1.png", 1),
                file("2.txt", "two"),
                file("3.json", "{\"only\":\"metadata\"}"),
                file("4.png", "x".repeat(2001)),
                file("4.txt", "large"),
                image("5.png", 5),
                file("5.txt", "y".repeat((1 << 20) + 1)),
                TestShards.entry("6.png", 'S', TestShards.png(6)),
                file("6.txt", "sparse"),
                file("7.png", "not an image"),
                file("7.txt", "seven"),
                END))
        .satisfiesExactly(
            s -> assertThat(s).isEqualTo("s.tar:1 has no caption (txt or json)"),
            s -> assertThat(s).startsWith("s.tar:2 has no image"),
            s ->
                assertThat(s)
                    .isEqualTo("s.tar:4 has image of 2001 bytes; at most 2000 are allowed"),
            s -> assertThat(s).contains("s.tar:5 has caption of 1048577 bytes"),
            s -> assertThat(s).startsWith("s.tar:6 is stored sparsely"),
            s -> assertThat(s).startsWith("s.tar:7 is no PNG"));
  }

  @Test
  void a_tar_cut_anywhere_gives_the_whole_samples_before_the_cut() throws IOException {
    Map<String, byte[]> entries = new LinkedHashMap<>();
    for (int i = 0; i < 3; i++) {
      entries.put(i + ".png", TestShards.png(i));
      entries.put(i + ".txt", TestShards.text("t" + i));
    }
    byte[] tar = TestShards.tar(entries); // 6 times header and content, and the end
    for (int cut = 0; cut < tar.length - 512; cut += 100) {
      List<String> samples = samples(Arrays.copyOf(tar, cut));
      int whole = 0;
      while (whole < 3 && cut >= 512 * (4 * whole + 3) + 2) {
        assertThat(samples.get(whole)).isEqualTo(whole + ": " + whole + " t" + whole);
        whole++;
      }
      // Behind the content of an entry nothing is missing but zeros.
      int content = cut % 1024 - 512;
      boolean image = cut / 1024 % 2 == 0;
      boolean zeros = cut >= 6 * 1024 || content >= (image ? TestShards.png(0).length : 2);
      if (zeros && (cut >= 6 * 1024 || !image)) {
        assertThat(samples).hasSize(whole);
      } else if (zeros) {
        assertThat(samples).hasSize(whole + 1).last().asString().contains("has no caption");
      } else {
        assertThat(samples).hasSize(whole + 1);
        assertThat(samples.get(whole))
            .containsAnyOf("s.tar is cut off", "s.tar ends within")
            .endsWith("; " + whole + " samples came before it");
      }
    }
  }

  @Test
  void hostile_headers_are_damage_and_take_no_memory() throws IOException {
    byte[] good = image("1.png", 1);
    byte[] text = file("1.txt", "one");
    // Sizes of 8 GB in octal, of 2^62 and of less than nothing in binary.
    byte[] octal = TestShards.header("2.png", '0', 8L << 30);
    byte[] binary = TestShards.header("2.png", '0', 0);
    Arrays.fill(binary, 124, 136, (byte) 0xFF);
    byte[] huge = TestShards.header("2.png", '0', 0);
    Arrays.fill(huge, 124, 136, (byte) 0);
    huge[124] = (byte) 0x80;
    huge[128] = 0x40;
    for (byte[] header : List.of(octal, TestShards.signed(binary), TestShards.signed(huge))) {
      assertThat(samples(good, text, header, END))
          .hasSize(2)
          .last()
          .asString()
          .containsAnyOf("ends within", "no tar header")
          .endsWith("1 samples came before it");
    }
    // A long name and pax headers that claim, or have, too much or nonsense.
    byte[] large = new byte[2 << 20];
    Arrays.fill(large, (byte) 'a');
    for (byte[] entry :
        List.of(
            TestShards.entry("././@LongLink", 'L', large),
            TestShards.entry("pax", 'x', large),
            TestShards.entry("pax", 'x', TestShards.text("99 path=short\n")),
            TestShards.entry("pax", 'x', TestShards.text("0 path=short\n")),
            TestShards.entry("pax", 'x', TestShards.text("99999999999999999999 a=b\n")),
            TestShards.entry("pax", 'x', TestShards.text("11 size=-9\n")),
            TestShards.entry("pax", 'x', TestShards.text("2 ")),
            TestShards.header("././@LongLink", 'L', 1L << 31))) {
      assertThat(samples(good, text, entry, image("2.png", 2), file("2.txt", "two"), END))
          .hasSize(2)
          .last()
          .asString()
          .startsWith("s.tar ");
    }
    byte[] flipped = image("2.png", 2);
    flipped[0] ^= 1;
    assertThat(samples(good, text, flipped, END).get(1)).contains("that is no tar header");
    assertThat(samples(TestShards.text("<html>not found</html>".repeat(99))).get(0))
        .contains("s.tar is damaged at byte 0");
    assertThat(samples(new byte[0]).get(0)).contains("s.tar is cut off");
  }

  @Test
  void long_names_and_crowded_samples_are_limited() throws IOException {
    String longest = "n".repeat(4090);
    String record = " path=" + longest + ".png\n";
    int length = record.length() + 4;
    assertThat(
            samples(
                TestShards.entry("././@LongLink", 'L', TestShards.text(longest + ".png\0")),
                image("cut", 1),
                TestShards.entry("././@LongLink", 'L', TestShards.text(longest + ".txt\0")),
                file("cut", "one"),
                END))
        .containsExactly(longest + ": 1 one");
    assertThat(
            samples(
                TestShards.entry(
                    "pax",
                    'x',
                    TestShards.text(
                        (length + 100) + " path=" + "n".repeat(100) + record.substring(6))),
                image("cut", 1),
                END))
        .singleElement()
        .asString()
        .contains("4096 are allowed");
    byte[][] parts = new byte[1002][];
    for (int i = 0; i < 1001; i++) {
      parts[i] = TestShards.entry("1.x" + i, '0', new byte[0]);
    }
    parts[1001] = END;
    assertThat(samples(parts)).singleElement().asString().contains("more than 1000 entries");
  }

  @Test
  void names_that_climb_are_only_names() throws IOException {
    assertThat(samples(image("../../etc/x.png", 1), file("../../etc/x.txt", "one"), END))
        .containsExactly("../../etc/x: 1 one");
  }

  @Test
  void whatever_bytes_change_reading_ends_with_samples_or_damage() throws IOException {
    Map<String, byte[]> entries = new LinkedHashMap<>();
    for (int i = 0; i < 6; i++) {
      entries.put("folder/" + i + ".png", TestShards.png(i));
      entries.put("folder/" + i + ".json", TestShards.text("{\"caption\":\"t" + i + "\"}"));
    }
    byte[] tar = TestShards.tar(entries);
    Random random = new Random(5);
    int damaged = 0;
    for (int round = 0; round < 600; round++) {
      byte[] changed = tar.clone();
      for (int i = 0; i <= round % 4; i++) {
        int block = random.nextInt(changed.length / 512) * 512;
        // Mostly in headers, of which some stay valid.
        byte[] header = Arrays.copyOfRange(changed, block, block + 512);
        header[random.nextInt(4) == 0 ? random.nextInt(512) : 100 + random.nextInt(57)] =
            (byte) random.nextInt(256);
        if (header[257] == 'u' && random.nextInt(3) > 0) {
          TestShards.signed(header);
        }
        System.arraycopy(header, 0, changed, block, 512);
      }
      List<String> samples = samples(changed);
      assertThat(samples.size()).isBetween(1, 13);
      damaged += samples.stream().anyMatch(s -> s.startsWith("s.tar")) ? 1 : 0;
    }
    assertThat(damaged).isBetween(300, 599);
  }

  @Test
  void a_sample_is_read_with_the_decoder_given() throws IOException {
    PairShards shards = shard(image("1.png", 1), file("1.txt", "one"), END);
    PairShards small =
        Pairs.shards(List.of(folder.resolve("s.tar")))
            .optDecoder(ImageDecoder.defaults().withMaxPixels(1))
            .build();
    assertThat(samples(small)).isEqualTo(samples(shards));
    byte[] wide = {'B', 'M'};
    assertThat(samples(TestShards.entry("1.png", '0', wide), file("1.txt", "one"), END).get(0))
        .contains("s.tar:1 cannot be decoded");
    assertThatThrownBy(() -> Pairs.shards("x.tar").optShuffleBuffer(0)).hasMessageContaining("0");
    assertThatThrownBy(() -> Pairs.shards("x.tar").optMaxImageBytes(0)).hasMessageContaining("0");
    assertThatThrownBy(() -> Pairs.shards("x.tar").optPairs(0)).hasMessageContaining("0");
  }

  @Test
  void names_with_dots_of_their_own_make_samples_by_their_last_dot() throws IOException {
    assertThat(
            samples(
                image("a/img.v1.0.png", 1),
                file("a/img.v1.0.txt", "one"),
                image("a/img.v2.0.png", 2),
                file("a/img.v2.0.txt", "two"),
                image("b.c.png", 3),
                file("b.c.txt", "three"),
                image("plain.png", 4),
                file("plain.txt", "four"),
                END))
        .containsExactly("a/img.v1.0: 1 one", "a/img.v2.0: 2 two", "b.c: 3 three", "plain: 4 four");
  }

  /** WebDataset's own rule comes first: these are one sample each, with parts beside the pair. */
  @Test
  void parts_with_longer_extensions_stay_with_their_sample() throws IOException {
    assertThat(
            samples(
                image("1.depth.png", 9), // before the image, as names are sorted
                file("1.alt.txt", "no"),
                image("1.png", 1),
                image("1.seg.png", 9),
                file("1.txt", "one"),
                file("2.cls", "7"),
                image("2.left.png", 2),
                file("2.left.txt", "two"),
                file("3.meta.json", "{}"),
                image("3.png", 3),
                file("3.txt", "three"),
                END))
        .containsExactly("1: 1 one", "2.left: 2 two", "3: 3 three");
  }

  @Test
  void a_shard_whose_names_all_share_a_first_part_is_read_to_its_end() throws IOException {
    List<byte[]> parts = new ArrayList<>();
    for (int i = 0; i < 700; i++) {
      parts.add(image("img." + i + ".png", i));
      parts.add(file("img." + i + ".txt", "t" + i));
    }
    parts.add(END);
    List<String> samples = samples(parts.toArray(byte[][]::new));
    assertThat(samples)
        .hasSize(700)
        .contains("img.0: 0 t0", "img.499: 499 t499", "img.699: 699 t699");
  }

  @Test
  void what_came_before_a_damaged_header_counts_whatever_its_names() throws IOException {
    byte[] rubbish = new byte[512];
    Arrays.fill(rubbish, (byte) 7);
    assertThat(samples(image("i.1.png", 1), file("i.1.txt", "one"), rubbish))
        .satisfiesExactly(
            one -> assertThat(one).isEqualTo("i.1: 1 one"),
            two -> assertThat(two).contains("no tar header", "1 samples came before it"));
  }

  /** Python's tarfile reads all of these to their end, too. */
  @ParameterizedTest
  @ValueSource(ints = {0, 1, 100, 511, 512, 1023})
  void a_tar_without_its_end_blocks_is_whole(int zeros) throws IOException {
    assertThat(samples(image("1.png", 1), file("1.txt", "one"), new byte[zeros]))
        .containsExactly("1: 1 one");
  }

  @Test
  void a_tar_that_ends_within_the_padding_of_its_last_entry_is_whole() throws IOException {
    byte[] last = file("1.txt", "one"); // 3 bytes and 509 of padding
    assertThat(samples(image("1.png", 1), Arrays.copyOf(last, 512 + 3)))
        .containsExactly("1: 1 one");
    assertThat(samples(image("1.png", 1), Arrays.copyOf(last, 512 + 2)))
        .singleElement()
        .asString()
        .contains("ends within the entry");
  }

  @Test
  void a_header_that_is_cut_off_is_damage() throws IOException {
    byte[] half = Arrays.copyOf(file("2.txt", "two"), 300);
    assertThat(samples(image("1.png", 1), file("1.txt", "one"), half))
        .hasSize(2)
        .last()
        .asString()
        .contains("cut off");
  }

  @ParameterizedTest
  @ValueSource(strings = {"1f8b0800", "28b52ffd", "425a6839", "fd377a585a"})
  void a_compressed_file_says_so_whatever_its_name(String start) throws IOException {
    byte[] content = Arrays.copyOf(HexFormat.of().parseHex(start), 2000);
    assertThatThrownBy(() -> shard(content))
        .isInstanceOf(IOException.class)
        .hasMessageContainingAll("s.tar is compressed", "unpack it");
    assertThatThrownBy(
            () -> Images.tars(folder.resolve("s.tar").toString(), ImageDecoder.defaults()))
        .hasMessageContainingAll("s.tar is compressed", "unpack it");
    Path good =
        Files.write(
            folder.resolve("a.tar"),
            TestShards.tar(
                new LinkedHashMap<>(
                    Map.of("1.png", TestShards.png(1), "1.txt", TestShards.text("x")))));
    PairShards both = Pairs.shards(List.of(good, folder.resolve("s.tar"))).build();
    try (ShardScanner scanner = both.scan(1)) {
      assertThat(scanner.next().damage()).contains("is compressed", "unpack it");
    }
  }
}
