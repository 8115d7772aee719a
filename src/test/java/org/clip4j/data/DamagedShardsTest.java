package org.clip4j.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
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
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Tars that are cut, damaged, hostile, compressed or without an end. */
@Timeout(60)
class DamagedShardsTest extends ShardReading {

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
