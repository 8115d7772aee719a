package org.clip4j.image;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.EnumSet;
import java.util.Random;
import java.util.zip.CRC32;
import org.clip4j.image.ImageTransform.Interpolation;
import org.clip4j.image.ImageTransform.ResizeMode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the golden images leave out: other shapes and the bilinear filter. */
class ImageTransformTest {

  @Test
  void an_image_of_the_input_size_is_only_made_planar() {
    RgbImage image = noise(5, 5);
    byte[] planar = ImageTransform.openai(5, 5).apply(image);
    for (int i = 0; i < 25; i++) {
      for (int c = 0; c < 3; c++) {
        assertThat(planar[25 * c + i]).isEqualTo(image.pixels()[3 * i + c]);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"1,1", "1,500", "500,1", "2,500", "333,77", "8000,1"})
  void one_colour_stays_that_colour(int width, int height) {
    byte[] pixels = new byte[width * height * 3];
    Arrays.fill(pixels, (byte) 200);
    for (ResizeMode mode : EnumSet.complementOf(EnumSet.of(ResizeMode.PATCHES))) {
      for (Interpolation filter : Interpolation.values()) {
        byte[] levels = transform(32, 48, filter, mode).apply(new RgbImage(width, height, pixels));
        assertThat(levels).hasSize(3 * 32 * 48).containsOnly((byte) 200);
      }
    }
  }

  /** Digests of what open_clip 3.3.0 with Pillow 12.3 makes of images by a formula. */
  @ParameterizedTest
  @CsvSource({
    "640, 427, 224, 224, BICUBIC, SHORTEST, -659879140",
    "427, 640, 64, 64, BILINEAR, SHORTEST, -1716947592",
    "100, 37, 32, 48, BICUBIC, SHORTEST, -1377090757",
    "100, 37, 32, 48, BILINEAR, SHORTEST, -1377090757",
    "37, 100, 77, 33, BICUBIC, SHORTEST, -1469345887",
    "50, 51, 224, 100, BICUBIC, SQUASH, -817817969",
    "3, 720, 100, 224, BICUBIC, SQUASH, -101124866",
    "2, 728, 7, 7, BILINEAR, SQUASH, 763002365",
    "900, 3, 64, 64, BICUBIC, SHORTEST, 936724610",
    "65, 64, 64, 64, BICUBIC, SHORTEST, -1869097316",
    "67, 64, 64, 64, BICUBIC, SHORTEST, 692115454",
    "300, 2, 48, 32, BILINEAR, SQUASH, 1215781142"
  })
  void other_shapes_give_the_pixels_of_open_clip(
      int width,
      int height,
      int toHeight,
      int toWidth,
      Interpolation filter,
      ResizeMode mode,
      int crc) {
    byte[] pixels = new byte[width * height * 3];
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = (byte) (((long) i * i * 31 + i * 7L) / 13);
    }
    byte[] levels =
        transform(toHeight, toWidth, filter, mode).apply(new RgbImage(width, height, pixels));
    CRC32 check = new CRC32();
    check.update(levels);
    assertThat((int) check.getValue()).isEqualTo(crc);
  }

  private static ImageTransform transform(
      int height, int width, Interpolation filter, ResizeMode mode) {
    return new ImageTransform(height, width, new float[3], new float[] {1, 1, 1}, filter, mode);
  }

  private static RgbImage noise(int width, int height) {
    byte[] pixels = new byte[width * height * 3];
    new Random(1).nextBytes(pixels);
    return new RgbImage(width, height, pixels);
  }
}
