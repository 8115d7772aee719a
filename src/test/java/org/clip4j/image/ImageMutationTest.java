package org.clip4j.image;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.clip4j.testing.Mutations;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Damaged files of every format give an image or an error, in bounded time and memory. */
class ImageMutationTest {
  private static final Path FOLDER = Path.of("src/test/resources/org/clip4j/image");
  private static final ImageDecoder DECODER =
      ImageDecoder.defaults().withMaxPixels(1 << 20).withBackground(0x336699);

  @ParameterizedTest
  @ValueSource(strings = {"png", "jpg", "webp", "gif", "bmp", "tiff"})
  void damaged_files_give_an_image_or_an_image_error(String format) throws IOException {
    check(format, 1, 600);
  }

  @ParameterizedTest
  @ValueSource(strings = {"png", "jpg", "webp", "gif", "bmp", "tiff"})
  @Tag("slow")
  void many_more_damaged_files_do_so_too(String format) throws IOException {
    check(format, 2, 20_000);
  }

  private static void check(String format, long seed, int count) throws IOException {
    List<byte[]> files = new ArrayList<>();
    for (String folder : List.of("kinds", "orientation", "jpegs")) {
      try (var list = Files.newDirectoryStream(FOLDER.resolve(folder), "*." + format)) {
        for (Path file : list) {
          byte[] data = Files.readAllBytes(file);
          if (data.length < 8000) { // mutations of long files seldom meet a header
            files.add(data);
          }
        }
      }
    }
    assertThat(files).hasSizeGreaterThan(3);
    int refused =
        Mutations.check(
            seed,
            count,
            files,
            data -> DECODER.read(data, "damaged"),
            List.of(ImageFormatException.class));
    assertThat(refused).as("refused of " + count).isBetween(count / 20, count - count / 20);
  }
}
