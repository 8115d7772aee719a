package org.clip4j.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.clip4j.image.ImageTransform.Grid;
import org.clip4j.weights.safetensors.SafeTensors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvFileSource;
import org.junit.jupiter.params.provider.CsvSource;

/** Images that keep their shapes, beside transformers' {@code Siglip2ImageProcessorPil}. */
class NaFlexTransformTest {
  private static final Path GOLDEN = Path.of("src/test/resources/golden");

  @ParameterizedTest
  @CsvFileSource(resources = "/golden/preprocess-naflex/sizes.csv", numLinesToSkip = 1)
  void an_image_becomes_as_many_rows_and_columns_as_in_transformers(
      int height, int width, int patch, int most, int rows, int columns) {
    assertThat(ImageTransform.naFlex(patch, most).grid(width, height))
        .isEqualTo(new Grid(rows, columns));
  }

  @ParameterizedTest
  @CsvSource({"16, 64", "8, 30"})
  void levels_are_those_of_transformers(int patch, int most) throws IOException {
    ImageTransform transform = ImageTransform.naFlex(patch, most);
    Path folder = GOLDEN.resolve("preprocess-naflex");
    List<String> pictures =
        JsonParser.parseString(Files.readString(folder.resolve("pictures.json")))
            .getAsJsonArray()
            .asList()
            .stream()
            .map(name -> name.getAsString())
            .toList();
    try (SafeTensors golden = SafeTensors.open(folder.resolve("expected.safetensors"))) {
      String name = "." + patch + "." + most;
      long[] shapes = golden.longs("shapes" + name);
      ByteBuffer expected = golden.bytes("levels" + name);
      int values = patch * patch * 3;
      for (int i = 0; i < pictures.size(); i++) {
        byte[] found =
            transform.apply(ImageDecoder.decode(GOLDEN.resolve("preprocess/" + pictures.get(i))));
        assertThat(found).hasSize(transform.bytes());
        ByteBuffer end = ByteBuffer.wrap(found, found.length - 4, 4);
        assertThat(new long[] {end.getShort(), end.getShort()})
            .as(pictures.get(i))
            .containsExactly(shapes[2 * i], shapes[2 * i + 1]);
        long apart = 0;
        int largest = 0;
        for (int p = 0; p < most; p++) {
          for (int v = 0; v < values; v++) {
            int at = (v % 3 * patch + v / 3 / patch) * most * patch + p * patch + v / 3 % patch;
            int difference =
                Math.abs(
                    (found[at] & 0xff)
                        - (expected.get(expected.position() + (i * most + p) * values + v) & 0xff));
            apart += difference;
            largest = Math.max(largest, difference);
          }
        }
        if (pictures.get(i).endsWith(".jpg")) { // decoders may round differently
          assertThat((double) apart / (most * values)).isLessThan(1);
        } else {
          assertThat(largest).as(pictures.get(i)).isZero();
        }
      }
    }
  }

  @Test
  void a_crop_of_an_augmentation_keeps_its_own_shape() {
    ImageTransform transform = ImageTransform.naFlex(8, 12);
    byte[] pixels = new byte[3 * 120 * 30];
    new Random(3).nextBytes(pixels);
    RgbImage wide = new RgbImage(120, 30, pixels);
    Augmentation all = Augmentation.builder().optScale(1, 1).optRatio(4, 4).build();
    byte[] whole = all.apply(wide, transform, new Random(1)::nextDouble);
    assertThat(whole).hasSize(3 * 8 * 96 + 4).endsWith(0, 2, 0, 6);
    byte[] mirrored =
        Augmentation.builder()
            .optScale(1, 1)
            .optRatio(4, 4)
            .optFlip(1)
            .build()
            .apply(wide, transform, new Random(1)::nextDouble);
    for (int x = 0; x < 48; x++) {
      assertThat(mirrored[x]).isEqualTo(whole[47 - x]);
    }
    byte[] square =
        Augmentation.builder()
            .optScale(0.2, 0.2)
            .optRatio(1, 1)
            .build()
            .apply(wide, transform, new Random(1)::nextDouble);
    assertThat(square).endsWith(0, 3, 0, 3);
    ImageTransform fixed = ImageTransform.openai(16, 16);
    assertThat(all.apply(wide, fixed, new Random(1)::nextDouble))
        .isEqualTo(all.apply(wide, 16, 16, new Random(1)::nextDouble));
  }

  @Test
  void a_strip_of_broken_patches_is_refused() {
    assertThatThrownBy(() -> ImageTransform.naFlex(16, 0))
        .hasMessageContainingAll("16", "0", "patches");
    assertThatThrownBy(() -> ImageTransform.naFlex(1, 70_000)).hasMessageContaining("65535");
    assertThatThrownBy(() -> ImageTransform.openai(32, 32).grid(5, 5))
        .hasMessageContaining("32 x 32");
  }
}
