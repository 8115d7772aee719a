package org.clip4j.engine.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.nio.FloatBuffer;
import java.util.List;
import java.util.Random;
import org.clip4j.engine.Precision;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class KernelsTest {
  private static final float[] MEAN = {0.5f, 0.25f, 0};
  private static final float[] STD = {0.5f, 0.25f, 1};

  private final NDManager manager = NDManager.newBaseManager();

  @AfterEach
  void close() {
    manager.close();
  }

  @Test
  void pixels_are_normalised_per_channel() {
    NDArray levels =
        HostMemory.upload(
            manager,
            new Shape(1, 3, 1, 2),
            new byte[] {0, (byte) 255, 0, (byte) 255, 0, (byte) 255});
    NDArray pixels = new PixelKernels(manager, MEAN, STD).normalize(levels);
    assertThat(pixels.toFloatArray()).containsExactly(-1, 1, -1, 3, 0, 1);
  }

  /** Both ways of low precision, whichever this processor would take. */
  @ParameterizedTest
  @EnumSource(
      value = Precision.class,
      names = {"BF16", "FP16"})
  void rounded_operands_give_the_numbers_of_the_type(Precision precision) {
    String source =
        """
        def f(self, x: Tensor, w: Tensor, b: Tensor) -> Tensor:
          y = self.full(self.linear(x, w, b))
          return torch.add(y, self.full(self.matmul(x, w)))
        """;
    Random random = new Random(1);
    NDArray[] operands = new NDArray[3];
    for (int i = 0; i < 3; i++) {
      float[] values = new float[i == 2 ? 24 : 24 * 24];
      for (int v = 0; v < values.length; v++) {
        values[v] = (float) random.nextGaussian();
      }
      operands[i] = manager.create(values, i == 2 ? new Shape(24) : new Shape(24, 24));
    }
    float[] exact =
        product(PrecisionKernels.applyTo(Precision.FP32, source, true, false), operands);
    float[] cast = product(PrecisionKernels.applyTo(precision, source, true, false), operands);
    float[] rounded = product(PrecisionKernels.applyTo(precision, source, false, false), operands);
    double unit = precision == Precision.BF16 ? 1 / 256. : 1 / 2048.; // of the type's rounding
    double largest = 0;
    for (int i = 0; i < exact.length; i++) {
      assertThat((double) rounded[i])
          .isCloseTo(cast[i], within(2 * unit * (Math.abs(cast[i]) + 4)));
      largest = Math.max(largest, Math.abs(rounded[i] - exact[i]));
    }
    // Both products: 24 terms of 0.6 on average, off by a unit each, and results up to 20, by half.
    assertThat(largest).isGreaterThan(unit / 4).isLessThan(2 * (24 * 0.6 + 20 / 2) * unit);
  }

  private float[] product(String source, NDArray... operands) {
    return TorchScript.compile(manager, source)
        .call(TorchScript.Mode.INFERENCE, "f", (Object[]) operands)
        .toFloatArray();
  }

  @Test
  void source_that_does_not_compile_says_so() {
    assertThatThrownBy(
            () ->
                TorchScript.compile(
                    manager,
                    "def f(self, x: Tensor) -> Tensor:\n  return torch.no_such_operator(x)\n"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("no_such_operator");
  }

  @Test
  void lists_and_tensors_reach_a_kernel_in_order() {
    TorchScript kernels =
        TorchScript.compile(
            manager,
            """
            def f(self, x: Tensor, p: List[Tensor], y: Tensor) -> Tensor:
              return torch.add(torch.sub(x, torch.mul(p[0], p[1])), y)
            """);
    var list = TorchScript.list(List.of(manager.create(3f), manager.create(4f)));
    NDArray result =
        kernels.call(
            TorchScript.Mode.INFERENCE, "f", manager.create(20f), list, manager.create(100f));
    assertThat(result.getFloat()).isEqualTo(108);
  }

  @Test
  void gradients_are_recorded_only_when_asked() {
    TorchScript kernels =
        TorchScript.compile(
            manager, "def f(self, x: Tensor) -> Tensor:\n  return torch.mul(x, x)\n");
    NDArray x = manager.create(3f);
    x.setRequiresGradient(true);
    NDArray unrecorded =
        Autograd.withoutRecording(() -> kernels.call(TorchScript.Mode.TRAINING, "f", x));
    assertThat(unrecorded.hasGradient()).isFalse();
    NDArray y = Autograd.record(() -> kernels.call(TorchScript.Mode.TRAINING, "f", x));
    NDArray other = manager.create(5f);
    other.setRequiresGradient(true);
    NDList gradients =
        new Autograd(manager).gradients(y, manager.create(1f), TorchScript.list(List.of(x, other)));
    assertThat(gradients.get(0).getFloat()).isCloseTo(6, within(1e-6f));
    assertThat(gradients.get(1).getFloat()).isZero();
  }

  @Test
  void host_memory_goes_there_and_back() {
    float[] values = {1, 2, 3, 4, 5, 6};
    NDArray array = HostMemory.upload(manager, new Shape(2, 3), FloatBuffer.wrap(values));
    float[] back = new float[6];
    HostMemory.view(array).get(back);
    assertThat(back).isEqualTo(values);
    assertThat(HostMemory.upload(manager, new Shape(2), new long[] {-1, 1L << 40}).toLongArray())
        .containsExactly(-1, 1L << 40);
  }

  @Test
  void values_are_overwritten_in_place_also_where_java_cannot_reach_them() {
    for (Shape shape : List.of(new Shape(), new Shape(7), new Shape(2, 3))) {
      NDArray array = manager.zeros(shape);
      array.setRequiresGradient(true);
      NDArray same = array.reshape(-1);
      HostMemory.overwrite(array, (from, memory) -> fill(from, memory, 1));
      assertThat(same.toFloatArray()).isEqualTo(row(shape.size(), 1));
      HostMemory.overwriteByCopy(array, (from, memory) -> fill(from, memory, 2));
      assertThat(same.toFloatArray()).isEqualTo(row(shape.size(), 2));
    }
  }

  private static void fill(long from, FloatBuffer memory, int factor) {
    for (int i = 0; memory.hasRemaining(); i++) {
      memory.put(factor * (from + i + 1f));
    }
  }

  private static float[] row(long size, int factor) {
    FloatBuffer row = FloatBuffer.allocate((int) size);
    fill(0, row, factor);
    return row.array();
  }
}
