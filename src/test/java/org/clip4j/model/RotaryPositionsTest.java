package org.clip4j.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.Device;
import ai.djl.ndarray.NDManager;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import org.clip4j.engine.internal.Libtorch;
import org.clip4j.weights.safetensors.SafeTensors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RotaryPositionsTest {
  private static final Path TABLES = Path.of("src/test/resources/rotary.safetensors");

  /** Of {@link RotaryPositions}, what a tower defines. */
  private static final String ROWS =
      """

      def rows(self, table: Tensor, index: Tensor) -> Tensor:
        return table
      """;

  private static float[] table(RotaryPositions positions) {
    try (NDManager manager = Libtorch.newManager(Device.cpu())) {
      TowerKernels kernels = new TowerKernels(manager, use -> ROWS + positions.source());
      return RotaryPositions.table(manager, kernels).toFloatArray();
    }
  }

  /** So with 8 x 8 patches on a grid of 4 x 4, every other one has the place of one of 4 x 4. */
  @Test
  void positions_of_a_perception_encoder_are_stretched_to_the_grid_that_is_set() {
    VisionShape.Builder shape =
        VisionShape.builder().setPatchSize(8).setLayers(1).setWidth(16).setHeads(2);
    float[] small = tableOf(new PeConfig(shape.setImageSize(32).build(), true));
    float[] large = tableOf(new PeConfig(shape.setImageSize(64).build(), true, 4));
    int patch = 8; // cosines and sines of one patch
    for (int row = 0; row < 4; row++) {
      for (int column = 0; column < 4; column++) {
        int at = (1 + row * 4 + column) * patch;
        int same = (1 + (2 * row + 1) * 8 + 2 * column + 1) * patch;
        assertThat(Arrays.copyOfRange(large, same, same + patch))
            .containsExactly(Arrays.copyOfRange(small, at, at + patch), within(1e-6f));
      }
    }
  }

  private static float[] tableOf(PeConfig tower) {
    ClipConfig named = ClipConfig.named("PE-Core-B-16");
    return table(PerceptionEncoder.declare(named, tower).rotary());
  }

  /** By examples/peers/make_eva.py; a processor's cosines may differ in the last bit. */
  @ParameterizedTest
  @CsvSource({
    "eva02-b, 14, 2, 16, 0, 64, false, 1",
    "eva02-l-336, 3, 24, 16, 0, 64, false, 1",
    "pe-l-wide, 3, 5, 24, 1, 64, true, 1",
    "pe-big-tall, 6, 2, 32, 0, 96, true, 0"
  })
  void the_tables_are_those_of_timm(
      String name,
      int height,
      int width,
      int reference,
      int start,
      int headWidth,
      boolean columnsFirst,
      int before)
      throws IOException {
    RotaryPositions positions =
        new RotaryPositions(height, width, reference, start, columnsFirst, headWidth, before);
    float[] found = table(positions);
    try (SafeTensors tables = SafeTensors.open(TABLES)) {
      FloatBuffer expected = tables.floats(name);
      int pairs = headWidth / 2;
      assertThat(found).hasSize((before + height * width) * headWidth);
      assertThat(expected.remaining()).isEqualTo(height * width * headWidth);
      for (int i = 0; i < before * pairs; i++) { // the class token is not turned
        assertThat(new float[] {found[2 * i], found[2 * i + 1]}).containsExactly(1, 0);
      }
      for (int row = 0; row < height * width; row++) {
        for (int i = 0; i < pairs; i++) {
          int at = ((before + row) * pairs + i) * 2;
          float sine = expected.get(expected.position() + row * headWidth + i);
          float cosine = expected.get(expected.position() + row * headWidth + pairs + i);
          assertThat(Math.abs(found[at] - cosine)).isLessThanOrEqualTo(Math.ulp(1f));
          assertThat(Math.abs(found[at + 1] - sine)).isLessThanOrEqualTo(Math.ulp(1f));
        }
      }
    }
  }
}
