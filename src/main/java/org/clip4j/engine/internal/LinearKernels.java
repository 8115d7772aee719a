package org.clip4j.engine.internal;

import static org.clip4j.engine.internal.TorchScript.Mode.INFERENCE;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.jni.JniUtils;
import java.util.List;
import java.util.Optional;
import org.clip4j.engine.Precision;
import org.jspecify.annotations.Nullable;

/**
 * Linear maps by weights that stay as they are: each weight is cast and laid out once, and what
 * follows a product (an activation, a sum) is computed while it is in the core's cache.
 *
 * <p>On CPUs these are oneDNN's packed products. For other devices, and for types that the
 * processor does not multiply, weights are only cast or rounded ahead.
 */
public final class LinearKernels implements LinearLayout {

  /**
   * What is done to each value of a product.
   *
   * @param inPlace TorchScript that does it to {@code y} in place
   * @param onednn oneDNN's name of the function
   * @param algorithm oneDNN's variant of it
   * @param factor f, if what is done is oneDNN's function of f y, divided by f
   * @param scaled TorchScript that does oneDNN's function to {@code y} in place
   */
  public record FusedActivation(
      String inPlace, String onednn, String algorithm, double factor, String scaled) {}

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

  /**
   * To whole multiples of this inputs and outputs are padded with zeros. oneDNN computes in blocks,
   * of up to 64 outputs, and on some processors reads or writes past the end of partial ones.
   */
  static final int BLOCK = 64;

  /**
   * Up to this many blocks of rows oneDNN gives one thread a whole block more than another, whose
   * rest is nearly empty: 197 rows took as long as 256 on two threads. So whole rounds of blocks
   * for all threads are multiplied first, and the rest, which is divided by outputs, after them.
   */
  private static final int FEW_BLOCKS = 8;

  /** oneDNN's kernels as they are; proofs and models call them through these functions alone. */
  private static final String NATIVE =
      """

      def native(self, x: Tensor, w: Tensor, b: Tensor) -> Tensor:
        y = ops.mkldnn._linear_pointwise({x}, w, b, "none", annotate(List[Optional[number]], []), "none")
        return y

      def native_act(self, x: Tensor, w: Tensor, b: Tensor) -> Tensor:
        y = ops.mkldnn._linear_pointwise({x}, w, b, "{act}", annotate(List[Optional[number]], []), "{algorithm}")
        return y

      def native_add(self, x: Tensor, y: Tensor, w: Tensor, b: Tensor) -> Tensor:
        y = {add}
        return y
      """;

  private static final String FUSED_ADD = "ops.mkldnn._linear_pointwise(y, x, w, b, \"add\")";
  private static final String SEPARATE_ADD = "torch.add(x, self.native(y, w, b))";

  /** A weight whose kernel was refuted is a plain array, and takes plain arithmetic. */
  private static final String PACKED =
      """

      def {name}(self, x: Tensor, w: Tensor, b: Tensor, outputs: int) -> Tensor:
        if ops.prim.is_mkldnn(w):
          y = torch.narrow(self.shared(0, x, self.fit(x, w), w, b), -1, 0, outputs)
        else:
          y = self.plain(x, w, b)
        return y

      def {name}_act(self, x: Tensor, w: Tensor, b: Tensor) -> Tensor:
        if ops.prim.is_mkldnn(w):
          z = self.shared(1, x, self.fit(x, w), w, b)
        else:
          y = self.plain(x, w, b)
          z = {plain_act}
        return z

      def {name}_add(self, x: Tensor, y: Tensor, w: Tensor, b: Tensor) -> Tensor:
        D = torch.size(x, -1)
        if ops.prim.is_mkldnn(w):
          if torch.size(w, 0) == D:
            z = self.shared(2, x, self.fit(y, w), w, b)
          else:
            z = torch.add(x, torch.narrow(self.shared(0, x, self.fit(y, w), w, b), -1, 0, D))
        else:
          z = torch.add(x, self.plain(y, w, b))
        return z

      def plain(self, x: Tensor, w: Tensor, b: Tensor) -> Tensor:
        return {plain}

      def shared(self, operation: int, x: Tensor, y: Tensor, w: Tensor, b: Tensor) -> Tensor:
        n = torch.numel(y) // torch.size(y, -1)
        rest = n % {round}
        if rest > 0 and n > {round} and n <= {few}:
          rows = torch.reshape(y, [n, -1])
          sums = torch.reshape(x, [n, -1])
          first = self.multiplied(operation, torch.slice(sums, 0, 0, n - rest), torch.slice(rows, 0, 0, n - rest), w, b)
          last = self.multiplied(operation, torch.slice(sums, 0, n - rest), torch.slice(rows, 0, n - rest), w, b)
          shape = torch.slice(torch.size(y), 0, -1)
          z = torch.reshape(torch.cat([first, last], 0), torch.add(shape, [-1]))
        else:
          z = self.multiplied(operation, x, y, w, b)
        return z

      def multiplied(self, operation: int, x: Tensor, y: Tensor, w: Tensor, b: Tensor) -> Tensor:
        if operation == 0:
          z = self.native(y, w, b)
        elif operation == 1:
          z = self.native_act(y, w, b)
        else:
          z = self.native_add(x, y, w, b)
        return z

      def fit(self, x: Tensor, w: Tensor) -> Tensor:
        have = torch.size(x, -1)
        want = torch.size(w, 1)
        if have < want:
          y = torch.constant_pad_nd(x, [0, want - have], 0)
        else:
          y = torch.narrow(x, -1, 0, want)
        return y
      """;

  /** Where weights are not packed. */
  private static final String PLAIN =
      """

      def {name}(self, x: Tensor, w: Tensor, b: Tensor, outputs: int) -> Tensor:
        return {product}

      def {name}_act(self, x: Tensor, w: Tensor, b: Tensor) -> Tensor:
        y = self.{name}(x, w, b, 0)
        return {gelu}

      def {name}_add(self, x: Tensor, y: Tensor, w: Tensor, b: Tensor) -> Tensor:
        return torch.add(x, self.{name}(y, w, b, 0))
      """;

  private static final String CONVERT =
      """

      def rows(self, rows: Tensor, start: Tensor, w: List[Tensor]) -> Tensor:
        first = int(start)
        return torch.slice(w[0], 0, first, first + torch.size(rows, 0))

      def weight(self, rows: Tensor, start: Tensor, w: List[Tensor]) -> Tensor:
        return {weight}

      def packed_weight(self, rows: Tensor, start: Tensor, w: List[Tensor]) -> Tensor:
        x = self.weight(rows, start, w)
        x = torch.constant_pad_nd(x, [0, self.missing(x, 1), 0, self.missing(x, 0)], 0)
        return ops.mkldnn._reorder_linear_weight(x, {typical})

      def bias(self, rows: Tensor, start: Tensor, w: List[Tensor]) -> Tensor:
        return {bias}

      def packed_bias(self, rows: Tensor, start: Tensor, w: List[Tensor]) -> Tensor:
        b = self.bias(rows, start, w)
        return torch.constant_pad_nd(b, [0, self.missing(b, 0)], 0)

      def missing(self, x: Tensor, dimension: int) -> int:
        return ({block} - torch.size(x, dimension) % {block}) % {block}
      """
          .replace("{block}", Integer.toString(BLOCK))
          .replace("{typical}", Integer.toString(TYPICAL_ROWS));

  /**
   * Few rows and many, with tails of every block. The operation is that of {@link Operation}'s
   * number.
   */
  private static final String PROOF =
      """

      def operands(self, sizes: Tensor, scale: Tensor) -> List[Tensor]:
        inputs = int(torch.select(sizes, 0, 0))
        outputs = int(torch.select(sizes, 0, 1))
        w = self.integers(outputs, inputs, 8191, float(scale))
        b = torch.flatten(self.integers(1, outputs, 251, 0.25))
        p = [ops.mkldnn._reorder_linear_weight({cast_w}, {typical}), {cast_b}]
        for rows in [3, 35]:
          x = self.integers(rows, inputs, 1021, 0.25)
          p = torch.append(p, x)
          p = torch.append(p, torch.linear(x, w, b))
          p = torch.append(p, self.integers(rows, outputs, 509, 1.))
        return p

      def proof(self, operation: Tensor, p: List[Tensor]) -> Tensor:
        kind = int(operation)
        worst = torch.zeros([], dtype=6, layout=None, device=None, pin_memory=False)
        for i in [2, 5]:
          x = p[i]
          y = torch.clone(p[i + 1])
          r = p[i + 2]
          self.poison([torch.numel(y), torch.numel(x), torch.size(y, 1) * 64])
          if kind == 0:
            found = self.native(x, p[0], p[1])
          else:
            if kind == 1:
              found = self.native_act(x, p[0], p[1])
              y = {plain_act}
            else:
              found = self.native_add(torch.clone(r), x, p[0], p[1])
              y = torch.add(r, y)
          worst = torch.maximum(worst, self.difference(found, y))
        return worst
      """
          .replace("{typical}", Integer.toString(TYPICAL_ROWS));

  private final Precision precision;
  private final FusedActivation activation;
  private final Kind kind;
  private final TorchScript conversion;

  private LinearKernels(
      NDManager manager, Precision precision, FusedActivation activation, Kind kind) {
    this.precision = precision;
    this.activation = activation;
    this.kind = kind;
    String weight =
        "torch.mul(torch.flatten(self.rows(rows, start, w), 1), torch.unsqueeze(rows, 1))";
    String bias = "torch.mul(self.rows(rows, start, w), rows)";
    conversion =
        TorchScript.compile(
            manager,
            CONVERT.replace("{bias}", laid(bias)).replace("{weight}", laid(weight))
                + (kind == Kind.PACKED ? proof() : ""));
  }

  /** As kernels of this kind, and the plain ones beside packed ones, take a weight or a bias. */
  private String laid(String value) {
    return kind == Kind.ROUNDED
        ? PrecisionKernels.rounded(precision, value)
        : PrecisionKernels.cast(precision, value);
  }

  private boolean isFull() {
    return PrecisionKernels.type(precision) == PrecisionKernels.type(Precision.FP32);
  }

  /**
   * Chooses the fastest kernels for a precision on a manager's device.
   *
   * @param manager owns what they need
   * @param activation of {@code self.packed_act}
   * @return empty where the weights as they are serve best
   */
  public static Optional<LinearKernels> of(
      NDManager manager, Precision precision, FusedActivation activation) {
    boolean gpu = manager.getDevice().isGpu();
    boolean packs = !gpu && CpuFeatures.hasOneDnn();
    if (PrecisionKernels.type(precision) == PrecisionKernels.type(Precision.FP32)) {
      return packs
          ? Optional.of(new LinearKernels(manager, precision, activation, Kind.PACKED))
          : Optional.empty();
    }
    boolean isNative = PrecisionKernels.isNativeOn(precision, manager.getDevice());
    Kind kind = !isNative ? Kind.ROUNDED : packs ? Kind.PACKED : Kind.CAST;
    return Optional.of(new LinearKernels(manager, precision, activation, kind));
  }

  @Override
  public boolean serves(long rows) {
    return rows <= FEW_ROWS || !isFull() || CpuFeatures.hasWideVectors();
  }

  @Override
  public String source() {
    return source("packed");
  }

  /** As {@link #source()}, whose functions have names that begin with another one. */
  String source(String name) {
    if (kind == Kind.PACKED) {
      String plain =
          "torch.linear(" + PrecisionKernels.rounded(precision, "self.fit(x, w)") + ", w, b)";
      int threads = JniUtils.getNumThreads();
      return natives()
          + PACKED
              .replace("{name}", name)
              .replace("{round}", Integer.toString(threads * BLOCK))
              .replace("{few}", Integer.toString(threads > 1 ? FEW_BLOCKS * BLOCK : 0))
              .replace("{plain}", PrecisionKernels.rounded(precision, plain))
              .replace("{plain_act}", GeluKernel.plainly(activation.scaled));
    }
    String product =
        kind == Kind.CAST
            ? "torch.linear(" + PrecisionKernels.cast(precision, "x") + ", w, b)"
            : PrecisionKernels.rounded(
                precision, "torch.linear(" + PrecisionKernels.rounded(precision, "x") + ", w, b)");
    return PLAIN
        .replace("{name}", name)
        .replace("{product}", product)
        .replace("{gelu}", activation.inPlace);
  }

  private String natives() {
    return KernelFaults.in(
        NATIVE
            .replace("{x}", PrecisionKernels.cast(precision, "x"))
            .replace("{add}", isFull() ? FUSED_ADD : SEPARATE_ADD)
            .replace("{act}", activation.onednn)
            .replace("{algorithm}", activation.algorithm));
  }

  private String proof() {
    return natives()
        + KernelProof.SOURCE
        + PROOF
            .replace("{cast_w}", PrecisionKernels.cast(precision, "w"))
            .replace("{cast_b}", PrecisionKernels.cast(precision, "b"))
            .replace("{plain_act}", GeluKernel.plainly(activation.scaled));
  }

  @Override
  public double factor() {
    return kind == Kind.PACKED ? activation.factor : 1;
  }

  /**
   * Whether an operation of a shape will be computed by a packed kernel, which is then right: see
   * {@link KernelProof}.
   */
  public boolean isPacked(long inputs, long outputs, Operation operation) {
    // A sum is fused into products of float32 that need no padding, else it follows the product.
    boolean fused = isFull() && outputs == whole(outputs);
    return kind == Kind.PACKED
        && holds(
            inputs, outputs, operation == Operation.SUM && !fused ? Operation.PRODUCT : operation);
  }

  private boolean holds(long inputs, long outputs, Operation operation) {
    long in = whole(inputs);
    long out = whole(outputs);
    String what =
        switch (operation) {
          case PRODUCT -> "";
          case ACTIVATION -> " with " + activation.onednn + " " + activation.algorithm;
          case SUM -> " with a sum";
        };
    // So that results are about 1, where activations curve: operands are 2 / 4 and 2 on average.
    float scale = Math.scalb(1f, -Math.getExponent(Math.sqrt(in)));
    return KernelProof.holds(
        "packed product in " + precision + what,
        in + " inputs, " + out + " outputs",
        PrecisionKernels.proofTolerance(precision),
        "a plain product",
        manager -> {
          NDArray sizes = HostMemory.upload(manager, new Shape(2), new long[] {in, out});
          NDList operands =
              conversion.callForAll(INFERENCE, "operands", sizes, manager.create(scale));
          TorchScript.list(operands);
          NDArray which =
              HostMemory.upload(manager, new Shape(1), new long[] {operation.ordinal()});
          return () -> {
            try (NDArray worst = conversion.call(INFERENCE, "proof", which, operands)) {
              return worst.getFloat();
            }
          };
        });
  }

  /** Gives a size padded to whole blocks. */
  static long whole(long size) {
    return (size + BLOCK - 1) / BLOCK * BLOCK;
  }

  @Override
  public Laid lay(
      NDManager owner,
      Place place,
      NDArray weight,
      @Nullable NDArray bias,
      long from,
      NDArray weightRows,
      NDArray biasRows) {
    long outputs = weightRows.size();
    long inputs = weight.size() / weight.size(0);
    String layout = isPacked(inputs, outputs, place.operation()) ? "packed_" : "";
    NDArray laidWeight = lay(owner, layout + "weight", weight, from, weightRows);
    if (bias != null) {
      return new Laid(laidWeight, lay(owner, layout + "bias", bias, from, biasRows));
    }
    try (NDManager scratch = biasRows.getManager().newSubManager()) {
      NDArray zeros = TorchScript.list(List.of(scratch.zeros(new Shape(outputs)))).get(0);
      return new Laid(laidWeight, lay(owner, layout + "bias", zeros, 0, biasRows));
    }
  }

  private NDArray lay(NDManager owner, String method, NDArray array, long from, NDArray rows) {
    try (NDArray start = HostMemory.upload(rows.getManager(), new Shape(1), new long[] {from})) {
      NDArray laid = conversion.call(INFERENCE, method, rows, start, new NDList(array));
      laid.attach(owner);
      return laid;
    }
  }
}
