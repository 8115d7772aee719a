package org.clip4j.eval.probe;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.nio.FloatBuffer;
import java.util.Arrays;
import org.clip4j.engine.internal.HostMemory;
import org.clip4j.engine.internal.Libtorch;
import org.clip4j.engine.internal.TorchScript;
import org.clip4j.engine.internal.TorchScript.Mode;

/**
 * The mean cross-entropy of softmax(W x + b) over labelled features, and its gradient, in native
 * memory and float32; sums over examples are float64.
 *
 * <p>N examples of D features in K classes. Not safe for use by several threads; frees its memory
 * when closed.
 */
final class SoftmaxObjective implements AutoCloseable {

  /** Logits of one piece, about: with its features they stay in the processor's cache. */
  private static final int PIECE = 1 << 18;

  private static final String SOURCE =
      """
      def evaluate(self, w: Tensor, b: Tensor, x: Tensor, labels: Tensor) -> Tuple[Tensor, Tensor, Tensor]:
        N = torch.size(x, 0)
        step = int(ops.prim.max(64, torch.floordiv({piece}, torch.size(w, 0))))
        d_w = torch.zeros_like(w)
        d_b = torch.zeros_like(b)
        value = torch.zeros([1], dtype=7, layout=None, device=ops.prim.device(x), pin_memory=False)
        minus = torch.full([step, 1], -1., dtype=6, layout=None, device=ops.prim.device(x), pin_memory=False)
        transposed = torch.t(w)
        for i in range(torch.floordiv(N + step - 1, step)):
          rows = torch.slice(x, 0, i * step, (i + 1) * step)  # [rows, D]
          own = torch.slice(labels, 0, i * step, (i + 1) * step)  # [rows, 1]
          z = torch.log_softmax(torch.addmm(b, rows, transposed), 1)  # [rows, K]
          value = torch.sub_(value, torch.sum(torch.gather(z, 1, own), dtype=7))
          p = torch.exp_(z)
          p = torch.scatter_add_(p, 1, own, minus)
          d_b = torch.add_(d_b, torch.sum(p, [0]))
          d_w = torch.addmm_(d_w, torch.t(p), rows)
        return (torch.div(value, N), torch.div_(d_w, N), torch.div_(d_b, N))
      """
          .replace("{piece}", Integer.toString(PIECE));

  private final NDManager manager;
  private final TorchScript kernels;
  private final NDArray features; // [N, D]
  private final NDArray labels; // [N, 1]
  private final NDArray weights; // [K, D]
  private final NDArray intercepts; // [K]

  /**
   * Copies the data to the device.
   *
   * @param features N vectors of D values
   * @param labels for each from 0 to K - 1
   */
  SoftmaxObjective(Device device, float[][] features, int[] labels, int classes) {
    manager = Libtorch.newManager(device);
    kernels = TorchScript.compile(manager, SOURCE);
    this.features = HostMemory.upload(manager, features);
    this.labels =
        HostMemory.upload(
            manager, new Shape(labels.length, 1), Arrays.stream(labels).asLongStream().toArray());
    weights = manager.zeros(new Shape(classes, features[0].length));
    intercepts = manager.zeros(new Shape(classes));
  }

  /**
   * Evaluates.
   *
   * @param x W row by row, then b: K * (D + 1) values
   * @param gradient filled
   * @return the mean cross-entropy
   */
  double evaluate(double[] x, double[] gradient) {
    int split = Math.toIntExact(weights.size());
    HostMemory.overwrite(weights, (from, memory) -> narrow(x, (int) from, memory));
    HostMemory.overwrite(intercepts, (from, memory) -> narrow(x, split + (int) from, memory));
    NDList found =
        kernels.callForAll(Mode.INFERENCE, "evaluate", weights, intercepts, features, labels);
    try (found) {
      widen(HostMemory.view(found.get(1)), gradient, 0);
      widen(HostMemory.view(found.get(2)), gradient, split);
      return found.get(0).toDoubleArray()[0];
    }
  }

  private static void narrow(double[] values, int from, FloatBuffer memory) {
    float[] narrowed = new float[memory.remaining()];
    for (int i = 0; i < narrowed.length; i++) {
      narrowed[i] = (float) values[from + i];
    }
    memory.put(narrowed);
  }

  private static void widen(FloatBuffer values, double[] to, int from) {
    float[] narrow = new float[values.remaining()];
    values.get(narrow);
    for (int i = 0; i < narrow.length; i++) {
      to[from + i] = narrow[i];
    }
  }

  @Override
  public void close() {
    manager.close();
  }
}
