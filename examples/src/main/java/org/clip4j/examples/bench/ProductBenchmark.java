package org.clip4j.examples.bench;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.clip4j.engine.Precision;
import org.clip4j.engine.internal.Libtorch;
import org.clip4j.engine.internal.LinearKernels;
import org.clip4j.engine.internal.LinearKernels.FusedActivation;
import org.clip4j.engine.internal.LinearLayout;
import org.clip4j.engine.internal.LinearLayout.Operation;
import org.clip4j.engine.internal.LinearLayout.Place;
import org.clip4j.engine.internal.PrecisionKernels;
import org.clip4j.engine.internal.TorchScript;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Threads;
import org.openjdk.jmh.annotations.Warmup;

/**
 * An MLP's two products by laid-out weights of SO400M's width, with an inner width that is a
 * multiple of the block, and one that is padded to it.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Threads(1)
@Fork(3)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class ProductBenchmark {
  private static final int WIDTH = 1152;

  @Param({"4304", "4352"})
  private int inner;

  @Param({"1", "196", "1568"})
  private int rows;

  @Param({"FP32", "BF16"})
  private Precision precision;

  private NDManager manager;
  private TorchScript kernels;
  private NDArray input;
  private NDList weights;

  /** Lays random weights out. */
  @Setup
  public void lay() {
    manager = Libtorch.newManager(Device.cpu());
    LinearKernels linear =
        LinearKernels.of(
                manager,
                precision,
                new FusedActivation("torch.gelu_(y)", "gelu", "none", 1, "torch.gelu_(y)"))
            .orElseThrow();
    kernels =
        TorchScript.compile(
            manager,
            PrecisionKernels.applyTo(
                precision,
                """
                def mlp(self, x: Tensor, p: List[Tensor]) -> Tensor:
                  return self.packed_add(x, self.packed_act(x, p[0], p[1]), p[2], p[3])
                """
                    + linear.source(),
                manager.getDevice()));
    input = manager.randomNormal(new Shape(rows, WIDTH));
    weights = new NDList();
    weights.addAll(lay(linear, inner, WIDTH, Operation.ACTIVATION));
    weights.addAll(lay(linear, WIDTH, inner, Operation.SUM));
    TorchScript.list(weights);
  }

  private List<NDArray> lay(LinearKernels linear, int outputs, int inputs, Operation operation) {
    NDArray weight = manager.randomNormal(new Shape(outputs, inputs)).mul(0.03f);
    NDArray bias = manager.randomNormal(new Shape(outputs));
    TorchScript.list(List.of(weight, bias));
    NDArray ones = manager.ones(new Shape(outputs));
    LinearLayout.Laid laid =
        linear.lay(
            manager,
            new Place("map", List.of("map"), null, null, operation),
            weight,
            bias,
            0,
            ones,
            ones);
    return List.of(laid.weight(), laid.bias());
  }

  /** Frees the weights. */
  @TearDown
  public void free() {
    manager.close();
  }

  /** 4 x rows x 1152 x inner operations. */
  @Benchmark
  public void mlp() {
    kernels.call(TorchScript.Mode.INFERENCE, "mlp", input, weights).close();
  }
}
