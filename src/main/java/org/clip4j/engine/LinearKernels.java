package org.clip4j.engine;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.util.Optional;

/**
 * Linear maps by weights that stay as they are: each weight is cast and laid out once, and what
 * follows a product (an activation, a sum) is computed while it is in the core's cache.
 *
 * <p>On CPUs these are oneDNN's packed products. For other devices, and for types that the
 * processor does not multiply, weights are only cast or rounded ahead.
 */
public final class LinearKernels {

  /**
   * What is done to each value of a product.
   *
   * @param inPlace TorchScript that does it to {@code y} in place
   * @param onednn oneDNN's name of the function
   * @param algorithm oneDNN's variant of it
   * @param factor f, if what is done is the function of f y, divided by f
   */
  public record Activation(String inPlace, String onednn, String algorithm, double factor) {}

  private enum Kind {
    /** Laid out for oneDNN. */
    PACKED,
    /** Cast to the precision's type. */
    CAST,
    /** Rounded to the precision's type, and kept in float32. */
    ROUNDED
  }

  /**
   * Up to this many rows packed products in float32 win on processors without wide vectors; above,
   * the linear algebra library does (768 to 3072 on 2 cores with AVX2: 16 rows 0.6 against 1.7 ms,
   * 50 rows 1.4 against 2.0, 1600 rows 49 against 45).
   */
  private static final long FEW_ROWS = 256;

  /**
   * Rows that the layout is chosen for; others are multiplied as well. One chosen for 64 rows is
   * slower for 50 rows as for 1600 where inputs outnumber outputs and vectors are wide (3072 to
   * 768: 137 against 176, and 177 against 212 GFLOP/s).
   */
  private static final int TYPICAL_ROWS = 1024;

  private static final String PACKED =
      """

      def packed(self, x: Tensor, w: Tensor, b: Tensor) -> Tensor:
        return ops.mkldnn._linear_pointwise({x}, w, b, "none", annotate(List[Optional[number]], []), "none")

      def packed_act(self, x: Tensor, w: Tensor, b: Tensor) -> Tensor:
        return ops.mkldnn._linear_pointwise({x}, w, b, "{act}", annotate(List[Optional[number]], []), "{algorithm}")
      """;

  private static final String PACKED_ADD =
      """

      def packed_add(self, x: Tensor, y: Tensor, w: Tensor, b: Tensor) -> Tensor:
        return ops.mkldnn._linear_pointwise(y, x, w, b, "add")
      """;

  private static final String PLAIN =
      """

      def packed(self, x: Tensor, w: Tensor, b: Tensor) -> Tensor:
        return {product}

      def packed_act(self, x: Tensor, w: Tensor, b: Tensor) -> Tensor:
        y = self.packed(x, w, b)
        return {gelu}
      """;

  private static final String ADD =
      """

      def packed_add(self, x: Tensor, y: Tensor, w: Tensor, b: Tensor) -> Tensor:
        return torch.add(x, self.packed(y, w, b))
      """;

  private static final String CONVERT =
      """
      def rows(self, rows: Tensor, start: Tensor, w: List[Tensor]) -> Tensor:
        first = int(start)
        return torch.slice(w[0], 0, first, first + torch.size(rows, 0))

      def weight(self, rows: Tensor, start: Tensor, w: List[Tensor]) -> Tensor:
        return {weight}

      def bias(self, rows: Tensor, start: Tensor, w: List[Tensor]) -> Tensor:
        return {bias}
      """;

  private final Precision precision;
  private final Kind kind;
  private final TorchScript conversion;

  private LinearKernels(NDManager manager, Precision precision, Kind kind) {
    this.precision = precision;
    this.kind = kind;
    String weight =
        cast("torch.mul(torch.flatten(self.rows(rows, start, w), 1), torch.unsqueeze(rows, 1))");
    conversion =
        TorchScript.compile(
            manager,
            CONVERT
                .replace("{bias}", cast("torch.mul(self.rows(rows, start, w), rows)"))
                .replace(
                    "{weight}",
                    kind == Kind.PACKED
                        ? "ops.mkldnn._reorder_linear_weight(" + weight + ", " + TYPICAL_ROWS + ")"
                        : weight));
  }

  private String cast(String value) {
    String cast = "torch.to(" + value + ", " + precision.type() + ")";
    return kind == Kind.ROUNDED ? "torch.to(" + cast + ", " + Precision.FP32.type() + ")" : cast;
  }

  /**
   * The fastest kernels for a precision on a manager's device.
   *
   * @param manager owns what they need
   * @return empty where the weights as they are serve best
   */
  public static Optional<LinearKernels> of(NDManager manager, Precision precision) {
    boolean gpu = manager.getDevice().isGpu();
    if (precision.type() == Precision.FP32.type()) {
      return gpu || !CpuFeatures.hasOneDnn()
          ? Optional.empty()
          : Optional.of(new LinearKernels(manager, precision, Kind.PACKED));
    }
    boolean isNative = precision.isNativeOn(manager.getDevice());
    Kind kind =
        !isNative ? Kind.ROUNDED : gpu || !CpuFeatures.hasOneDnn() ? Kind.CAST : Kind.PACKED;
    return Optional.of(new LinearKernels(manager, precision, kind));
  }

  /** Whether they are the fastest for so many rows; elsewhere use the weights as they are. */
  public boolean serves(long rows) {
    return rows <= FEW_ROWS
        || precision.type() != Precision.FP32.type()
        || CpuFeatures.hasWideVectors();
  }

  /**
   * The functions {@code self.packed(x, w, b)}, {@code self.packed_act(x, w, b)}, which applies an
   * activation to that, and {@code self.packed_add(x, y, w, b)}, which adds x to that of y. x is
   * float32 in all of them.
   */
  public String source(Activation activation) {
    if (kind == Kind.PACKED) {
      boolean full = precision.type() == Precision.FP32.type();
      return (PACKED + (full ? PACKED_ADD : ADD))
          .replace("{x}", full ? "x" : "torch.to(x, " + precision.type() + ")")
          .replace("{act}", activation.onednn)
          .replace("{algorithm}", activation.algorithm);
    }
    return (PLAIN + ADD)
        .replace(
            "{product}",
            kind == Kind.CAST
                ? "torch.linear(torch.to(x, " + precision.type() + "), w, b)"
                : "self.rounded(torch.linear(self.rounded(x), w, b))")
        .replace("{gelu}", activation.inPlace);
  }

  /**
   * By what the weight and the bias before an activation are to be multiplied, and the weight after
   * it divided.
   */
  public double factor(Activation activation) {
    return kind == Kind.PACKED ? activation.factor : 1;
  }

  /**
   * Lays a weight or a bias out, or some of its rows.
   *
   * @param owner of the result, which only kernels of {@link #source} may see
   * @param array [outputs, inputs] or [outputs], float32, an element of a {@link TorchScript#list}
   * @param from the first row
   * @param rows multiplied into one row each; as many as there are in the result
   */
  public NDArray lay(NDManager owner, NDArray array, long from, NDArray rows) {
    String method = array.getShape().dimension() == 1 ? "bias" : "weight";
    try (NDArray start = HostMemory.upload(rows.getManager(), new Shape(1), new long[] {from})) {
      NDArray laid =
          conversion.call(TorchScript.Mode.INFERENCE, method, rows, start, new NDList(array));
      laid.attach(owner);
      return laid;
    }
  }
}
