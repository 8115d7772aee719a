package org.clip4j.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.HashSet;
import java.util.Random;
import java.util.Set;
import java.util.function.DoubleSupplier;
import java.util.zip.CRC32;
import org.clip4j.image.Augmentation.CropBox;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Against torchvision 0.28 over Pillow 12.3: checksums of {@code
 * torchvision.transforms.functional}'s results, and moments of 100,000 draws of {@code
 * RandomResizedCrop.get_params}.
 */
class AugmentationTest {

  private static String checksum(byte[] levels) {
    CRC32 crc = new CRC32();
    crc.update(levels);
    return String.format("%08x", crc.getValue());
  }

  /** All colours whose levels are multiples of the step, planar. */
  private static byte[] colours(int step) {
    int side = 255 / step + 1;
    int size = side * side * side;
    byte[] levels = new byte[3 * size];
    for (int i = 0; i < size; i++) {
      levels[i] = (byte) (i / (side * side) * step);
      levels[size + i] = (byte) (i / side % side * step);
      levels[2 * size + i] = (byte) (i % side * step);
    }
    return levels;
  }

  private static String adjusted(int step, String change, double amount) {
    byte[] levels = colours(step);
    switch (change) {
      case "brightness" -> ColorAdjust.brightness(levels, (float) amount);
      case "contrast" -> ColorAdjust.contrast(levels, (float) amount);
      case "saturation" -> ColorAdjust.saturation(levels, (float) amount);
      case "hue" -> ColorAdjust.hue(levels, amount);
      default -> ColorAdjust.grayscale(levels);
    }
    return checksum(levels);
  }

  @ParameterizedTest
  @CsvSource({
    "brightness, 0.0, 23ce883c",
    "brightness, 0.37, 765dc2f7",
    "brightness, 0.99, de9f8661",
    "brightness, 1.0, ee480b2a",
    "brightness, 1.23, ef8cd99c",
    "brightness, 1.8, f273a1cb",
    "contrast, 0.0, 2a8e2709",
    "contrast, 0.37, 8d5acb5b",
    "contrast, 0.99, 6027b0e6",
    "contrast, 1.0, ee480b2a",
    "contrast, 1.23, 3ef59d4c",
    "contrast, 1.8, 4c0b6438",
    "saturation, 0.0, bf5952d3",
    "saturation, 0.37, d67c875d",
    "saturation, 0.99, d2f378fa",
    "saturation, 1.0, ee480b2a",
    "saturation, 1.23, 01870d75",
    "saturation, 1.8, dfa3e642",
    "hue, -0.5, 23e83c0a",
    "hue, -0.2, 0f1ad57b",
    "hue, -0.003, 5b030936",
    "hue, 0.0, 5b030936",
    "hue, 0.05, de7b7448",
    "hue, 0.2, f97c31a3",
    "hue, 0.5, 6823b878",
    "grayscale, 0, bf5952d3",
  })
  void colours_change_as_torchvision_changes_them(String change, double amount, String expected) {
    assertThat(adjusted(3, change, amount)).isEqualTo(expected);
  }

  @Tag("slow")
  @ParameterizedTest
  @CsvSource({
    "brightness, 0.37, 72a98bf4",
    "brightness, 1.8, 41aa649c",
    "contrast, 0.99, 054fcfc9",
    "contrast, 1.23, 61114e10",
    "saturation, 0.37, 5ca3a8de",
    "saturation, 1.8, 42c783c5",
    "hue, -0.5, 008baaca",
    "hue, -0.2, af0b9bd3",
    "hue, 0.0, 414ac100",
    "hue, 0.05, f72332c2",
    "hue, 0.2, ed902861",
    "hue, 0.5, 8c5f6047",
    "grayscale, 0, 26f0440c",
  })
  void each_of_the_16_million_colours_does(String change, double amount, String expected) {
    assertThat(adjusted(1, change, amount)).isEqualTo(expected);
  }

  private static RgbImage image(int width, int height) {
    byte[] pixels = new byte[3 * width * height];
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = (byte) ((long) i * i * 7 + i * 31L >> 3);
    }
    return new RgbImage(width, height, pixels);
  }

  @Test
  void a_crop_is_resized_as_torchvision_resizes_it() {
    // resized_crop(image, top=5, left=11, height=53, width=71, size=[32, 48], BICUBIC)
    byte[] levels =
        Resampler.resize(
            new CropBox(11, 5, 71, 53).of(image(101, 67)),
            48,
            32,
            0,
            0,
            48,
            32,
            ImageTransform.Interpolation.BICUBIC);
    assertThat(checksum(levels)).isEqualTo("d44dc32f");
  }

  @ParameterizedTest
  @CsvSource({
    // width, height, least scale; mean and deviation of w / width, h / height, area, ln(w / h),
    // top / height, left / width
    "640, 480, 0.9,  0.9685 0.98975 0.95876 0.26559 0.00512 0.01573, "
        + "0.02954 0.01258 0.03723 0.02631 0.00804 0.0195",
    "100, 100, 0.9,  0.97033 0.97037 0.94136 -0.00004 0.01486 0.01477, "
        + "0.02636 0.02641 0.03041 0.04458 0.01889 0.0188",
    "500, 333, 0.08, 0.50467 0.72586 0.38918 0.0315 0.13707 0.24781, "
        + "0.15068 0.18261 0.19011 0.16423 0.13224 0.16824",
    "900, 100, 0.9,  0.14778 1 0.14778 0.28518 0 0.42556, 0 0 0 0 0 0",
    "100, 900, 0.5,  1 0.14778 0.14778 -0.28518 0.42556 0, 0 0 0 0 0 0",
    "7, 5, 0.9,      0.8944 1 0.8944 0.22253 0 0.05307, 0.06273 0 0.06273 0.06768 0 0.06903",
  })
  void crops_are_drawn_as_torchvision_draws_them(
      int width, int height, double scale, String means, String deviations) {
    int draws = 100_000;
    Augmentation augmentation = Augmentation.builder().optScale(scale, 1).build();
    DoubleSupplier uniform = new Random(17)::nextDouble;
    double[] sum = new double[6];
    double[] squares = new double[6];
    for (int i = 0; i < draws; i++) {
      CropBox box = augmentation.crop(width, height, uniform);
      double w = (double) box.width() / width;
      double h = (double) box.height() / height;
      double[] values = {
        w,
        h,
        w * h,
        Math.log((double) box.width() / box.height()),
        (double) box.top() / height,
        (double) box.left() / width
      };
      for (int v = 0; v < 6; v++) {
        sum[v] += values[v];
        squares[v] += values[v] * values[v];
      }
    }
    for (int v = 0; v < 6; v++) {
      double mean = Double.parseDouble(means.split(" ")[v]);
      double deviation = Double.parseDouble(deviations.split(" ")[v]);
      // Both are samples: five standard errors of their difference, and the five printed digits.
      double error = 5 * deviation * Math.sqrt(2.0 / draws) + 1e-5;
      assertThat(sum[v] / draws).as("mean %d", v).isCloseTo(mean, within(error));
      double square = sum[v] / draws * (sum[v] / draws);
      assertThat(Math.sqrt(Math.max(0, squares[v] / draws - square)))
          .as("deviation %d", v)
          .isCloseTo(deviation, within(2 * error));
    }
  }

  @Test
  void the_same_numbers_give_the_same_view_and_others_another() {
    Augmentation all =
        Augmentation.builder()
            .optFlip(0.5)
            .optColorJitter(0.8, 0.8, 0.8, 0.2, 0.8)
            .optGrayscale(0.2)
            .build();
    RgbImage image = image(60, 50);
    byte[] before = image.pixels().clone();
    Set<String> views = new HashSet<>();
    for (int seed = 0; seed < 50; seed++) {
      String view = checksum(all.apply(image, 32, 32, new Random(seed)::nextDouble));
      assertThat(checksum(all.apply(image, 32, 32, new Random(seed)::nextDouble))).isEqualTo(view);
      views.add(view);
    }
    assertThat(views).hasSizeGreaterThan(47);
    assertThat(image.pixels()).isEqualTo(before);
  }

  @Test
  void each_change_happens_as_often_as_asked() {
    RgbImage image = image(8, 8);
    Augmentation.Builder whole = Augmentation.builder().optScale(1, 1).optRatio(1, 1);
    byte[] plain = whole.build().apply(image, 8, 8, new Random(0)::nextDouble);
    Random random = new Random(3);
    int flipped = 0;
    int gray = 0;
    int jittered = 0;
    for (int i = 0; i < 4000; i++) {
      byte[] levels = whole.optFlip(0.3).build().apply(image, 8, 8, random::nextDouble);
      if (levels[0] != plain[0]) {
        flipped++;
        for (int row = 0; row < plain.length; row += 8) {
          for (int x = 0; x < 8; x++) {
            assertThat(levels[row + x]).isEqualTo(plain[row + 7 - x]);
          }
        }
      }
      levels = whole.optFlip(0).optGrayscale(0.2).build().apply(image, 8, 8, random::nextDouble);
      gray += levels[1] == levels[65] && levels[1] == levels[129] ? 1 : 0;
      levels =
          whole
              .optGrayscale(0)
              .optColorJitter(0.4, 0, 0, 0, 0.8)
              .build()
              .apply(image, 8, 8, random::nextDouble);
      jittered += checksum(levels).equals(checksum(plain)) ? 0 : 1;
      whole.optColorJitter(0, 0, 0, 0, 0);
    }
    assertThat(flipped).isBetween(1050, 1350); // 1200 expected, standard deviation 29
    assertThat(gray).isBetween(670, 930); // 800, 25
    assertThat(jittered).isBetween(3000, 3330); // 3200, 25, less the factors near one
  }

  @Test
  void colours_change_in_every_order() {
    RgbImage image = image(8, 8);
    Augmentation jitter =
        Augmentation.builder()
            .optScale(1, 1)
            .optRatio(1, 1)
            .optColorJitter(0.8, 0.8, 0.8, 0.2, 1)
            .build();
    // All draws alike but the first of the order's: its place is after 4 of the crop and 1 of the
    // jitter itself.
    Set<String> views = new HashSet<>();
    for (int order = 0; order < 24; order++) {
      double[] places = {order / 6 / 4.0 + 0.1, order / 2 % 3 / 3.0 + 0.1, order % 2 / 2.0 + 0.1};
      int[] call = {0};
      views.add(
          checksum(
              jitter.apply(
                  image,
                  8,
                  8,
                  () -> {
                    int place = call[0]++ - 5;
                    return place >= 0 && place < 3 ? places[place] : 0.8;
                  })));
    }
    assertThat(views).hasSizeGreaterThan(8); // some orders come to the same
  }

  @Test
  void the_default_is_the_crop_of_openclip() {
    assertThat(Augmentation.openClip())
        .isEqualTo(new Augmentation(0.9, 1, 3.0 / 4, 4.0 / 3, 0, 0, 0, 0, 0, 0, 0));
  }

  @Test
  void options_out_of_range_are_refused() {
    assertThatThrownBy(() -> Augmentation.builder().optScale(0, 1).build())
        .hasMessageContaining("scale")
        .hasMessageContaining("[0.0, 1.0]");
    assertThatThrownBy(() -> Augmentation.builder().optScale(0.5, 1.1).build())
        .hasMessageContaining("1.1");
    assertThatThrownBy(() -> Augmentation.builder().optRatio(2, 1).build())
        .hasMessageContaining("ratio");
    assertThatThrownBy(() -> Augmentation.builder().optFlip(1.5).build())
        .hasMessageContaining("flip probability")
        .hasMessageContaining("1.5");
    assertThatThrownBy(() -> Augmentation.builder().optColorJitter(0, 0, 0, 0.6, 1).build())
        .hasMessageContaining("hue")
        .hasMessageContaining("0.6");
    assertThatThrownBy(() -> Augmentation.builder().optGrayscale(Double.NaN).build())
        .hasMessageContaining("NaN");
  }
}
