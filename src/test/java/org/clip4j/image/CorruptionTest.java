package org.clip4j.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class CorruptionTest {

  /** Smooth colours with an edge, so that every corruption has something to spoil. */
  private static RgbImage picture(int width, int height) {
    byte[] pixels = new byte[width * height * 3];
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        int at = (y * width + x) * 3;
        pixels[at] = (byte) (255 * x / width);
        pixels[at + 1] = (byte) (x + y < (width + height) / 2 ? 200 : 40);
        pixels[at + 2] = (byte) (255 * y / height);
      }
    }
    return new RgbImage(width, height, pixels);
  }

  private static RgbImage plain(int level) {
    byte[] pixels = new byte[60 * 40 * 3];
    Arrays.fill(pixels, (byte) level);
    return new RgbImage(60, 40, pixels);
  }

  private static byte[] levels(int... levels) {
    byte[] bytes = new byte[levels.length];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) levels[i];
    }
    return bytes;
  }

  private static RgbImage spoil(Corruption corruption, RgbImage image, int severity) {
    return corruption.apply(image, severity, new Random(1)::nextDouble);
  }

  private static double difference(RgbImage a, RgbImage b) {
    double sum = 0;
    for (int i = 0; i < a.pixels().length; i++) {
      sum += Math.abs((a.pixels()[i] & 0xFF) - (b.pixels()[i] & 0xFF));
    }
    return sum / a.pixels().length;
  }

  @ParameterizedTest
  @EnumSource
  void each_severity_is_worse_than_the_one_before(Corruption corruption) {
    RgbImage image = picture(90, 70);
    byte[] before = image.pixels().clone();
    double last = 0;
    for (int severity = 1; severity <= Corruption.SEVERITIES; severity++) {
      RgbImage spoilt = spoil(corruption, image, severity);
      assertThat(spoilt.width()).isEqualTo(90);
      assertThat(spoilt.height()).isEqualTo(70);
      double difference = difference(image, spoilt);
      assertThat(difference).as("severity %d", severity).isGreaterThan(last);
      last = difference;
    }
    assertThat(image.pixels()).isEqualTo(before);
  }

  @ParameterizedTest
  @EnumSource
  void the_same_numbers_give_the_same_image(Corruption corruption) {
    RgbImage image = picture(50, 60);
    assertThat(spoil(corruption, image, 3).pixels())
        .isEqualTo(spoil(corruption, image, 3).pixels());
  }

  @Test
  void blur_leaves_a_plain_image_as_it_is_and_spreads_a_point_as_a_gaussian() {
    assertThat(spoil(Corruption.BLUR, plain(77), 5).pixels()).isEqualTo(plain(77).pixels());
    byte[] pixels = new byte[224 * 224 * 3];
    int centre = (112 * 224 + 112) * 3;
    pixels[centre] = (byte) 255;
    RgbImage spread = spoil(Corruption.BLUR, new RgbImage(224, 224, pixels), 1);
    // Sigma 1: 1 / (2 pi) at the centre, and exp(-1/2) of that beside it, cut at 3 sigma.
    double norm = 0;
    for (int i = -3; i <= 3; i++) {
      norm += Math.exp(-0.5 * i * i);
    }
    assertThat(spread.pixels()[centre] & 0xFF).isEqualTo((int) Math.rint(255 / norm / norm));
    assertThat(spread.pixels()[centre + 3] & 0xFF)
        .isEqualTo((int) Math.rint(255 * Math.exp(-0.5) / norm / norm));
    assertThat(spread.pixels()[centre + 1]).isZero();
  }

  @Test
  void noise_has_the_deviation_it_says_and_coarse_grains_on_large_images() {
    RgbImage noisy = spoil(Corruption.NOISE, plain(128), 1);
    double square = 0;
    for (byte level : noisy.pixels()) {
      square += Math.pow((level & 0xFF) - 128, 2);
    }
    // Of 7200 levels, 0.08 * 255 = 20.4, known to 1 in sqrt(2 * 7200) = 0.8 %.
    assertThat(Math.sqrt(square / noisy.pixels().length)).isCloseTo(20.4, within(0.5));

    byte[] grey = new byte[448 * 448 * 3];
    RgbImage large = spoil(Corruption.NOISE, new RgbImage(448, 448, grey), 5);
    for (int x = 0; x < 448; x += 2) {
      assertThat(large.pixels()[3 * x]).isEqualTo(large.pixels()[3 * x + 3]);
    }
  }

  @Test
  void contrast_and_grayscale_are_those_computed_by_hand() {
    RgbImage image = new RgbImage(2, 1, new byte[] {100, 0, 50, (byte) 200, 20, 50});
    // About the means 150, 10 and 50.
    assertThat(spoil(Corruption.CONTRAST, image, 1).pixels())
        .isEqualTo(levels(130, 6, 50, 170, 14, 50));
    // Luma 0.299 * 100 + 0.114 * 50 = 35.6 and 0.299 * 200 + 0.587 * 20 + 0.114 * 50 = 77.24.
    assertThat(spoil(Corruption.GRAYSCALE, image, 5).pixels())
        .isEqualTo(levels(36, 36, 36, 77, 77, 77));
    assertThat(spoil(Corruption.GRAYSCALE, image, 1).pixels())
        .isEqualTo(levels(87, 7, 47, 175, 31, 55));
  }

  @Test
  void occlusion_covers_the_share_it_says() {
    for (int severity = 1; severity <= 5; severity++) {
      RgbImage image = spoil(Corruption.OCCLUSION, plain(0), severity);
      int covered = 0;
      for (byte level : image.pixels()) {
        covered += level != 0 ? 1 : 0;
      }
      // Sides are rounded to pixels of 60 and 40.
      assertThat(covered / 7200.0).isCloseTo(severity / 10.0, within(0.02));
    }
  }

  @Test
  void there_are_five_severities() {
    assertThatThrownBy(() -> spoil(Corruption.BLUR, plain(1), 6))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("a severity is a number from 1 to 5, found 6");
    assertThatThrownBy(() -> Corruption.JPEG.amount(0)).hasMessageContaining("found 0");
  }
}
