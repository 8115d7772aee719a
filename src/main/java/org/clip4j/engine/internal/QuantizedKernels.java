package org.clip4j.engine.internal;

import static org.clip4j.engine.internal.TorchScript.Mode.INFERENCE;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.clip4j.engine.InputLevels;
import org.clip4j.engine.Precision;
import org.jspecify.annotations.Nullable;

/**
 * Linear maps by weights of 8-bit integers, on CPUs. Each row of a weight has a scale; inputs are
 * rounded to 256 levels of one known range for all of them (static quantisation). Maps whose range
 * is not given are computed in float32.
 *
 * <p>These are oneDNN's products, which add up in 32-bit integers. Where they are missing or wrong,
 * the same numbers are products of float32 by the rounded operands, at float32's speed.
 */
public final class QuantizedKernels implements LinearLayout {

  /** The largest magnitude of a weight's integers. */
  private static final int LARGEST = 127;

  /**
   * oneDNN's kernels; proofs and models call them through these functions alone. {@code r} are the
   * rows of a bias: the bias itself, the scales of the weight's rows, and the numbers that {@link
   * #LEVELS} reads. The zero points of the weight, all 0, are not read.
   */
  private static final String NATIVE =
      """

      def int8(self, x: Tensor, w: Tensor, r: List[Tensor]) -> Tensor:
        y = ops.onednn.qlinear_pointwise(x, self.number(r, 0), self.number(r, 1), w, r[1], r[1], r[0], 1., 0, 6, "none", annotate(List[Optional[number]], []), "")
        return y

      def int8_act(self, x: Tensor, w: Tensor, r: List[Tensor]) -> Tensor:
        y = ops.onednn.qlinear_pointwise(x, self.number(r, 0), self.number(r, 1), w, r[1], r[1], r[0], 1., 0, 6, "{act}", annotate(List[Optional[number]], []), "{algorithm}")
        return y

      def int8_levels(self, x: Tensor, w: Tensor, r: List[Tensor]) -> Tensor:
        y = ops.onednn.qlinear_pointwise(x, self.number(r, 0), self.number(r, 1), w, r[1], r[1], r[0], float(self.number(r, 2)), int(self.number(r, 3)), 0, "{act}", annotate(List[Optional[number]], []), "{algorithm}")
        return y
      """;

  /** Each operator costs a microsecond or two, as much as some of the products of few rows. */
  private static final String LEVELS =
      """

      def number(self, r: List[Tensor], i: int) -> Tensor:
        return torch.select(r[2], 0, i)

      def levels(self, x: Tensor, width: int, r: List[Tensor]) -> Tensor:
        if ops.prim.dtype(x) == 0:
          y = x
        else:
          y = torch.int_repr(self.rounded(x, width, r))
        return y

      def rounded(self, x: Tensor, width: int, r: List[Tensor]) -> Tensor:
        missing = width - torch.size(x, -1)
        if missing > 0:
          x = torch.constant_pad_nd(x, [0, missing], 0)
        if missing < 0:
          x = torch.narrow(x, -1, 0, width)
        return torch.quantize_per_tensor(x, self.number(r, 0), self.number(r, 1), 13)
      """;

  private static final String SOURCE =
      """

      def packed(self, x: Tensor, w: Tensor, b: Tensor, outputs: int) -> Tensor:
        if torch.dim(b) == 2:
          r = torch.unbind(b)
          if ops.prim.is_mkldnn(w):
            y = self.int8(self.levels(x, torch.size(w, 0), r), w, r)
          else:
            y = self.rounded_product(x, w, r)
          y = torch.narrow(y, -1, 0, outputs)
        else:
          y = self.floats(x, w, b, outputs)
        return y

      def packed_act(self, x: Tensor, w: Tensor, b: Tensor) -> Tensor:
        if torch.dim(b) == 2:
          r = torch.unbind(b)
          if ops.prim.is_mkldnn(w):
            u = self.levels(x, torch.size(w, 0), r)
            if float(self.number(r, 2)) > 0.:
              z = self.int8_levels(u, w, r)
            else:
              z = self.int8_act(u, w, r)
          else:
            y = self.rounded_product(x, w, r)
            z = {plain_act}
        else:
          z = self.floats_act(x, w, b)
        return z

      def packed_add(self, x: Tensor, y: Tensor, w: Tensor, b: Tensor) -> Tensor:
        if torch.dim(b) == 2:
          z = torch.add(x, self.packed(y, w, b, torch.size(x, -1)))
        else:
          z = self.floats_add(x, y, w, b)
        return z

      def rounded_product(self, x: Tensor, w: Tensor, r: List[Tensor]) -> Tensor:
        return torch.linear(torch.dequantize(self.rounded(x, torch.size(w, 1), r)), w, r[0])
      """;

  private static final String CONVERT =
      """

      def lay(self, rows: Tensor, bias_rows: Tensor, numbers: Tensor, w: List[Tensor]) -> Tuple[Tensor, Tensor]:
        first = int(torch.select(numbers, 0, 4))
        n = torch.numel(rows)
        x = torch.mul(torch.flatten(torch.slice(w[0], 0, first, first + n), 1), torch.unsqueeze(rows, 1))
        if self.missing(x, 1) + self.missing(x, 0) > 0:
          x = torch.constant_pad_nd(x, [0, self.missing(x, 1), 0, self.missing(x, 0)], 0)
        scales = self.scales(x)
        whole = torch.round_(torch.div_(x, torch.unsqueeze(scales, 1)))
        if float(torch.select(numbers, 0, 5)) > 0.:
          packed = ops.onednn.qlinear_prepack(torch.to(whole, 1), None)
        else:
          packed = torch.mul(whole, torch.unsqueeze(scales, 1))
        b = torch.mul(torch.slice(w[1], 0, first, first + n), bias_rows)
        b = torch.constant_pad_nd(b, [0, self.missing(b, 0)], 0)
        numbers = torch.constant_pad_nd(numbers, [0, torch.numel(b) - torch.numel(numbers)], 0)
        return (packed, torch.stack([b, scales, numbers]))

      def table(self, rows: Tensor, w: List[Tensor]) -> Tuple[Tensor, Tensor]:
        n = torch.size(w[0], 0)
        levels = torch.zeros([n, torch.size(w[0], 1)], dtype=1, layout=None, device=None, pin_memory=False)
        scales = self.scales(w[0])
        some = int(rows)
        for i in range((n + some - 1) // some):
          x = torch.slice(w[0], 0, i * some, (i + 1) * some)
          x = torch.div(x, torch.unsqueeze(torch.slice(scales, 0, i * some, (i + 1) * some), 1))
          a = torch.copy_(torch.slice(levels, 0, i * some, (i + 1) * some), torch.round(x))
        return (levels, scales)

      def scales(self, x: Tensor) -> Tensor:
        most = torch.div(torch.maximum(torch.amax(x, [1]), torch.neg(torch.amin(x, [1]))), {largest})
        return torch.where(torch.gt(most, 0.), most, torch.ones_like(most))

      def missing(self, x: Tensor, dimension: int) -> int:
        return ({block} - torch.size(x, dimension) % {block}) % {block}
      """
          .replace("{block}", Integer.toString(LinearKernels.BLOCK))
          .replace("{largest}", LARGEST + ".");

  /**
   * Operands of all levels, the extremes among them, where kernels without the instructions for
   * them overflow. Sums are compared in float64, in which they are exact; the activation's where it
   * curves.
   */
  private static final String PROOF =
      """

      def proof(self, sizes: Tensor) -> Tensor:
        inputs = int(torch.select(sizes, 0, 0))
        outputs = int(torch.select(sizes, 0, 1))
        w = torch.remainder(torch.mul(self.integers(outputs, inputs, 8191, 1.), 85.), 255.)
        w = torch.sub(w, 127.)
        packed = ops.onednn.qlinear_prepack(torch.to(w, 1), None)
        worst = torch.zeros([], dtype=6, layout=None, device=None, pin_memory=False)
        for rows in [3, 35]:
          x = torch.remainder(torch.mul(self.integers(rows, inputs, 1021, 1.), 127.5), 256.)
          x = torch.floor(x)
          exact = torch.matmul(torch.to(torch.sub(x, 96.), 7), torch.t(torch.to(w, 7)))
          scale = torch.div(4., torch.amax(torch.abs(exact)))
          bias = torch.flatten(self.integers(1, outputs, 251, 0.25))
          exact = torch.to(torch.add(torch.mul(exact, scale), bias), 6)
          scales = torch.mul(torch.ones_like(bias), torch.to(scale, 6))
          y_scale = 0.0625
          numbers = torch.zeros_like(bias)
          a = torch.fill_(torch.select(numbers, 0, 0), 1.)
          a = torch.fill_(torch.select(numbers, 0, 1), 96.)
          a = torch.fill_(torch.select(numbers, 0, 2), y_scale)
          a = torch.fill_(torch.select(numbers, 0, 3), 17.)
          r = torch.unbind(torch.stack([bias, scales, numbers]))
          levels = torch.to(x, 0)
          self.poison([rows * outputs, rows * inputs, outputs * 64])
          worst = torch.maximum(worst, self.difference(self.int8(levels, packed, r), exact))
          y = torch.clone(exact)
          y = {plain_act}
          worst = torch.maximum(worst, self.difference(self.int8_act(levels, packed, r), y))
          found = torch.to(self.int8_levels(levels, packed, r), 6)
          found = torch.mul(torch.sub(found, 17.), y_scale)
          off = torch.max(torch.abs(torch.sub(found, torch.clamp(y, -17. * y_scale, 238. * y_scale))))
          worst = torch.maximum(worst, torch.sub(off, 0.501 * y_scale))
        return worst
      """;

  /** Rows of a table that are rounded at once, so that not all are there as floats again. */
  private static final int TABLE_ROWS = 4096;

  private final LinearKernels floats;
  private final LinearKernels.FusedActivation activation;
  private final Map<String, InputLevels> inputs;
  private final TorchScript conversion;
  private final TorchScript proofs;

  private QuantizedKernels(
      NDManager manager,
      LinearKernels floats,
      LinearKernels.FusedActivation activation,
      Map<String, InputLevels> inputs) {
    this.floats = floats;
    this.activation = activation;
    this.inputs = inputs;
    conversion = TorchScript.compile(manager, CONVERT);
    proofs =
        TorchScript.compile(
            manager, natives() + KernelProof.SOURCE + PROOF.replace("{plain_act}", plainAct()));
  }

  /**
   * Takes the levels of the maps' inputs by the names of the maps.
   *
   * @param manager owns what the kernels need
   * @return empty on devices other than CPUs, and where PyTorch was built without oneDNN
   */
  public static Optional<QuantizedKernels> of(
      NDManager manager,
      LinearKernels.FusedActivation activation,
      Map<String, InputLevels> inputs) {
    return LinearKernels.of(manager, Precision.FP32, activation)
        .map(floats -> new QuantizedKernels(manager, floats, activation, inputs));
  }

  /** Whether there are such kernels on a device. */
  public static boolean isAvailable(Device device) {
    return !device.isGpu() && CpuFeatures.hasOneDnn();
  }

  /** Always: the weights as they are would give other numbers. */
  @Override
  public boolean serves(long rows) {
    return true;
  }

  @Override
  public double factor() {
    return floats.factor();
  }

  @Override
  public String source() {
    return floats.source("floats") + natives() + SOURCE.replace("{plain_act}", plainAct());
  }

  private String plainAct() {
    return GeluKernel.plainly(activation.scaled());
  }

  private String natives() {
    return LEVELS
        + KernelFaults.in(
            NATIVE
                .replace("{act}", activation.onednn())
                .replace("{algorithm}", activation.algorithm()));
  }

  /** Whether maps of a shape will be computed by integers, which is then right. */
  public boolean isPacked(long inputs, long outputs) {
    long in = LinearKernels.whole(inputs);
    long out = LinearKernels.whole(outputs);
    return KernelProof.holds(
        "product of 8-bit integers with " + activation.onednn() + " " + activation.algorithm(),
        in + " inputs, " + out + " outputs",
        PrecisionKernels.proofTolerance(Precision.FP32),
        "a product of float32",
        manager -> {
          NDArray sizes = HostMemory.upload(manager, new Shape(2), new long[] {in, out});
          return () -> {
            try (NDArray worst = proofs.call(INFERENCE, "proof", sizes)) {
              return worst.getFloat();
            }
          };
        });
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
    InputLevels own = inputs.get(place.name());
    if (own == null) {
      return floats.lay(owner, place, weight, bias, from, weightRows, biasRows);
    }
    InputLevels next = place.next() == null ? null : inputs.get(place.next());
    long width = weight.size() / weight.size(0);
    try (NDManager scratch = weightRows.getManager().newSubManager()) {
      float[] numbers = {
        own.scale(),
        own.zeroPoint(),
        next == null ? 0 : next.scale(),
        next == null ? 0 : next.zeroPoint(),
        from,
        isPacked(width, weightRows.size()) ? 1 : 0
      };
      NDArray all = bias != null ? bias : scratch.zeros(new Shape(weight.size(0)));
      NDList laid =
          conversion.callForAll(
              INFERENCE,
              "lay",
              weightRows,
              biasRows,
              scratch.create(numbers),
              TorchScript.list(List.of(weight, all)));
      laid.forEach(array -> array.attach(owner));
      return new Laid(laid.get(0), laid.get(1));
    }
  }

  @Override
  public Optional<Laid> layTable(NDManager owner, NDArray table) {
    try (NDArray rows = HostMemory.upload(owner, new Shape(1), new long[] {TABLE_ROWS})) {
      NDList laid =
          conversion.callForAll(INFERENCE, "table", rows, TorchScript.list(List.of(table)));
      laid.forEach(array -> array.attach(owner));
      return Optional.of(new Laid(laid.get(0), laid.get(1)));
    }
  }
}
