package org.clip4j.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.clip4j.image.ImageDecoder;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What samples a tar has. */
@Timeout(60)
class ShardScannerTest extends ShardReading {

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
}
