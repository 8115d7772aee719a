package org.clip4j.model;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.Device;
import ai.djl.ndarray.NDManager;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import org.clip4j.engine.internal.Libtorch;
import org.clip4j.weights.safetensors.SafeTensors;
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
    try (NDManager manager = Libtorch.newManager(Device.cpu());
        SafeTensors tables = SafeTensors.open(TABLES)) {
      TowerKernels kernels = new TowerKernels(manager, (use, precision) -> ROWS + positions.source());
      float[] found = RotaryPositions.table(manager, kernels).toFloatArray();
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
