package org.clip4j.examples.bench;

import static org.clip4j.engine.internal.TorchScript.Mode.INFERENCE;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.clip4j.engine.InputLevels;
import org.clip4j.engine.Precision;
import org.clip4j.engine.internal.Libtorch;
import org.clip4j.engine.internal.LinearKernels;
import org.clip4j.engine.internal.LinearKernels.FusedActivation;
import org.clip4j.engine.internal.LinearLayout;
import org.clip4j.engine.internal.LinearLayout.Operation;
import org.clip4j.engine.internal.LinearLayout.Place;
import org.clip4j.engine.internal.PrecisionKernels;
import org.clip4j.engine.internal.QuantizedKernels;
import org.clip4j.engine.internal.TorchScript;

/**
 * The matrix products of a transformer tower and nothing else, by random weights that are laid out
 * as a model's are, each block's own. A tower cannot be faster than they are.
 */
final class ProductRoof implements AutoCloseable {
  private static final FusedActivation GELU =
      new FusedActivation("torch.gelu_(y)", "gelu", "none", 1, "torch.gelu_(y)");

  private static final String MAP = "map";
  private static final InputLevels LEVELS = new InputLevels(0.05f, 128);

  private static final String SOURCE =
      """
      def block(self, x: Tensor, p: List[Tensor]) -> Tuple[Tensor, Tensor]:
        q = self.packed(x, p[0], p[1], {3D})
        y = self.packed_add(x, x, p[2], p[3])
        return (self.packed_add(y, self.packed_act(y, p[4], p[5]), p[6], p[7]), q)

      def last_block(self, x: Tensor, pooled: Tensor, p: List[Tensor]) -> Tuple[Tensor, Tensor, Tensor]:
        k = self.packed(x, p[0], p[1], {2D})
        q = self.packed(pooled, p[2], p[3], {D})
        y = self.packed_add(pooled, pooled, p[2], p[3])
        return (self.packed_add(y, self.packed_act(y, p[4], p[5]), p[6], p[7]), q, k)

      """;

  /** The sizes of a tower. */
  record Tower(int width, int mlpWidth, int layers) {}

  private final Tower tower;
  private final NDManager manager = Libtorch.newManager(Device.cpu());
  private final LinearLayout layout;
  private final TorchScript kernels;
  private final List<NDList> blocks = new ArrayList<>();

  private ProductRoof(Tower tower, Precision precision, boolean integers) {
    this.tower = tower;
    Optional<? extends LinearLayout> found =
        integers
            ? QuantizedKernels.of(manager, GELU, Map.of(MAP, LEVELS))
            : LinearKernels.of(manager, precision, GELU);
    layout = found.orElseThrow();
    int width = tower.width;
    kernels =
        TorchScript.compile(
            manager,
            PrecisionKernels.applyTo(
                precision,
                SOURCE
                        .replace("{3D}", Integer.toString(3 * width))
                        .replace("{2D}", Integer.toString(2 * width))
                        .replace("{D}", Integer.toString(width))
                    + layout.source(),
                manager.getDevice()));
    for (int i = 0; i < tower.layers; i++) {
      boolean last = i == tower.layers - 1;
      NDList block = new NDList();
      block.addAll(lay((last ? 2 : 3) * width, width, Operation.PRODUCT));
      block.addAll(lay(width, width, Operation.SUM));
      block.addAll(lay(tower.mlpWidth, width, Operation.ACTIVATION));
      block.addAll(lay(width, tower.mlpWidth, Operation.SUM));
      blocks.add(TorchScript.list(block));
    }
  }

  /** Lays the weights out; empty where nothing is laid out on this machine. */
  static Optional<ProductRoof> of(Tower tower, Precision precision, boolean integers) {
    try (NDManager scratch = Libtorch.newManager(Device.cpu())) {
      boolean laysOut = LinearKernels.of(scratch, precision, GELU).isPresent();
      return laysOut ? Optional.of(new ProductRoof(tower, precision, integers)) : Optional.empty();
    }
  }

  private List<NDArray> lay(int outputs, int inputs, Operation operation) {
    try (NDManager scratch = manager.newSubManager()) {
      NDArray weight = scratch.randomNormal(new Shape(outputs, inputs)).mul(0.03f);
      NDArray bias = scratch.randomNormal(new Shape(outputs));
      TorchScript.list(List.of(weight, bias));
      NDArray ones = scratch.ones(new Shape(outputs));
      Place place =
          new Place(
              MAP, List.of(MAP), null, operation == Operation.ACTIVATION ? MAP : null, operation);
      LinearLayout.Laid laid = layout.lay(manager, place, weight, bias, 0, ones, ones);
      return List.of(laid.weight(), laid.bias());
    }
  }

  /** Multiplies once for some sequences of some tokens, of each of which one row is pooled. */
  void run(int sequences, int tokens) {
    try (NDManager call = manager.newSubManager()) {
      NDArray x = call.ones(new Shape(sequences, tokens, tower.width));
      NDArray pooled = call.ones(new Shape(sequences, 1, tower.width));
      for (NDList block : blocks.subList(0, blocks.size() - 1)) {
        kernels.callForAll(INFERENCE, "block", x, block).close();
      }
      kernels.callForAll(INFERENCE, "last_block", x, pooled, blocks.get(blocks.size() - 1)).close();
    }
  }

  @Override
  public void close() {
    manager.close();
  }
}
