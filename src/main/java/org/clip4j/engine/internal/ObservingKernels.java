package org.clip4j.engine.internal;

import static org.clip4j.engine.internal.TorchScript.Mode.INFERENCE;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.clip4j.engine.InputLevels;
import org.jspecify.annotations.Nullable;

/**
 * Plain linear maps in float32 that note what their inputs are like, so that {@link
 * QuantizedKernels} can round them: first the range of each input channel, then, once {@link
 * #measureErrors} was called, the squared error of rounding to some parts of the whole range. Calls
 * must not overlap.
 */
public final class ObservingKernels implements LinearLayout {
  /** How many parts of the range are tried: all of it, and ever less. */
  private static final int TRIED = 16;

  /** The smallest of them is this part of the range. */
  private static final double SMALLEST = 0.25;

  /** Of so many rows one is rounded for trial; neighbours are alike. */
  private static final int STRIDE = 7;

  private static final String SOURCE =
      """

      def packed(self, x: Tensor, w: Tensor, b: Tensor, outputs: int) -> Tensor:
        self.observe(torch.reshape(x, [-1, torch.size(x, -1)]), w, b)
        return torch.linear(x, w, torch.narrow(b, 0, 0, torch.size(w, 0)))

      def packed_act(self, x: Tensor, w: Tensor, b: Tensor) -> Tensor:
        y = self.packed(x, w, b, 0)
        return {act}

      def packed_add(self, x: Tensor, y: Tensor, w: Tensor, b: Tensor) -> Tensor:
        return torch.add(x, self.packed(y, w, b, 0))

      def observe(self, x: Tensor, w: Tensor, b: Tensor) -> None:
        O = torch.size(w, 0)
        I = torch.size(w, 1)
        least = torch.narrow(b, 0, O, I)
        most = torch.narrow(b, 0, O + I, I)
        errors = torch.narrow(b, 0, O + 2 * I, {tried})
        if float(torch.select(b, 0, O + 2 * I + {tried})) == 0.:
          a = torch.copy_(least, torch.minimum(least, torch.amin(x, [0])))
          a = torch.copy_(most, torch.maximum(most, torch.amax(x, [0])))
        else:
          low = torch.clamp(torch.amin(least), None, 0.)
          high = torch.clamp(torch.amax(most), 0.)
          some = torch.slice(x, 0, 0, None, {stride})
          for i in range({tried}):
            part = 1. - i * {step}
            scale = torch.clamp(torch.div(torch.mul(torch.sub(high, low), part), {highest}), 1e-30)
            zero = torch.round(torch.div(torch.mul(torch.neg(low), part), scale))
            level = torch.clamp(torch.add(torch.round(torch.div(some, scale)), zero), 0., {highest})
            off = torch.sub(torch.mul(torch.sub(level, zero), scale), some)
            a = torch.add_(torch.select(errors, 0, i), torch.sum(torch.mul(off, off)))
      """
          .replace("{tried}", Integer.toString(TRIED))
          .replace("{stride}", Integer.toString(STRIDE))
          .replace("{highest}", InputLevels.HIGHEST + ".")
          .replace("{step}", Double.toString((1 - SMALLEST) / (TRIED - 1)));

  private static final String CONVERT =
      """

      def weight(self, rows: Tensor, start: Tensor, w: List[Tensor]) -> Tensor:
        x = torch.slice(w[0], 0, int(start), int(start) + torch.numel(rows))
        return torch.mul(torch.flatten(x, 1), torch.unsqueeze(rows, 1))

      def bias(self, rows: Tensor, start: Tensor, w: List[Tensor]) -> Tensor:
        x = torch.slice(w[0], 0, int(start), int(start) + torch.numel(rows))
        noted = torch.zeros([2 * int(torch.select(w[1], 0, 0)) + {tried} + 1], dtype=6, layout=None, device=None, pin_memory=False)
        return torch.cat([torch.mul(x, rows), noted])
      """
          .replace("{tried}", Integer.toString(TRIED));

  /**
   * What was noted of a map's inputs.
   *
   * @param place of the map
   * @param magnitudes the largest of each channel
   * @param levels those that round the inputs with the least squared error; of the whole range,
   *     where errors were not measured
   */
  public record Inputs(Place place, List<Float> magnitudes, InputLevels levels) {}

  private record Noted(Place place, NDArray bias, long outputs, long inputs) {}

  private final LinearKernels.FusedActivation activation;
  private final TorchScript conversion;
  private final Map<String, Noted> noted = new LinkedHashMap<>();

  /** Starts with nothing noted; the manager owns what is needed. */
  public ObservingKernels(NDManager manager, LinearKernels.FusedActivation activation) {
    this.activation = activation;
    conversion = TorchScript.compile(manager, CONVERT);
  }

  @Override
  public boolean serves(long rows) {
    return true;
  }

  /** As that of {@link QuantizedKernels}, so that what is noted is in its units. */
  @Override
  public double factor() {
    return activation.factor();
  }

  @Override
  public String source() {
    return SOURCE.replace("{act}", activation.scaled());
  }

  /** Measures from now on what rounding costs; the ranges stay what they are. */
  public void measureErrors() {
    for (Noted map : noted.values()) {
      HostMemory.view(map.bias).put(Math.toIntExact(map.bias.size() - 1), 1);
    }
  }

  /** What has been noted of each map's inputs. */
  public List<Inputs> inputs() {
    return noted.values().stream().map(ObservingKernels::inputs).toList();
  }

  private static Inputs inputs(Noted map) {
    float[] values = map.bias.toFloatArray();
    int at = Math.toIntExact(map.outputs);
    int width = Math.toIntExact(map.inputs);
    List<Float> magnitudes = new ArrayList<>(width);
    float low = 0;
    float high = 0;
    for (int i = 0; i < width; i++) {
      float least = values[at + i];
      float most = values[at + width + i];
      magnitudes.add(Math.max(-least, most));
      low = Math.min(low, least);
      high = Math.max(high, most);
    }
    int best = 0;
    for (int i = 1; i < TRIED; i++) {
      best = values[at + 2 * width + i] < values[at + 2 * width + best] ? i : best;
    }
    double part = 1 - best * (1 - SMALLEST) / (TRIED - 1);
    return new Inputs(map.place, magnitudes, InputLevels.of(low * part, high * part));
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
    long inputs = weight.size() / weight.size(0);
    try (NDManager scratch = weightRows.getManager().newSubManager()) {
      NDArray start = HostMemory.upload(scratch, new Shape(1), new long[] {from});
      NDArray all = bias != null ? bias : scratch.zeros(new Shape(weight.size(0)));
      NDArray width = scratch.create(new float[] {inputs});
      NDArray laid =
          conversion.call(
              INFERENCE, "weight", weightRows, start, TorchScript.list(List.of(weight)));
      NDArray extended =
          conversion.call(
              INFERENCE, "bias", biasRows, start, TorchScript.list(List.of(all, width)));
      laid.attach(owner);
      extended.attach(owner);
      noted.put(place.name(), new Noted(place, extended, weightRows.size(), inputs));
      return new Laid(laid, extended);
    }
  }
}
