package org.clip4j.model;

import java.io.Serializable;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.zip.CRC32C;
import org.clip4j.io.SeededRandom;
import org.clip4j.model.ClipModel.Tower;
import org.jspecify.annotations.Nullable;

/**
 * Holds what fine-tuning adds to some linear maps of a model, which stay as they are: to each
 * weight a product of two thin matrices, scale * B A (Hu et al. 2021, "LoRA"). It can be trained
 * ({@link ModelAdapters#attach}), applied beside the weights in some passes and not in others
 * ({@link ModelAdapters#apply}), and added to the weights ({@link ModelAdapters#merge}, {@link
 * #addedTo}).
 *
 * @param options how it was made
 * @param maps the additions, one for each map
 * @param base the checksum of the weights that it was trained on, see {@link #checksum}; null if it
 *     is not known
 */
public record LoraAdapter(LoraOptions options, List<LowRank> maps, @Nullable String base)
    implements Serializable {
  /** First key of the draws of initial values. */
  private static final long INITIAL = 0x4c6f5241L;

  /**
   * Holds an addition to some rows of a parameter.
   *
   * @param parameter its name, in OpenCLIP's naming
   * @param from the first of the rows
   * @param outputs how many rows
   * @param inputs the parameter's columns
   * @param rank of the addition
   * @param scale what the product is multiplied by
   * @param a row-major [rank, inputs]
   * @param b row-major [outputs, rank]
   */
  public record LowRank(
      String parameter,
      long from,
      long outputs,
      long inputs,
      int rank,
      double scale,
      float[] a,
      float[] b)
      implements Serializable {

    /** Copies the matrices, which must be of their sizes. */
    public LowRank {
      a = a.clone();
      b = b.clone();
      if (rank < 1 || a.length != rank * inputs || b.length != outputs * rank) {
        throw new IllegalArgumentException(
            "an addition of rank "
                + rank
                + " to "
                + outputs
                + " x "
                + inputs
                + " weights has matrices of as many values, found "
                + a.length
                + " and "
                + b.length);
      }
    }

    /** Returns a copy of the matrix. */
    @Override
    public float[] a() {
      return a.clone();
    }

    /** Returns a copy of the matrix. */
    @Override
    public float[] b() {
      return b.clone();
    }

    /** Returns its name: the parameter with the first of the rows. */
    public String key() {
      return parameter + "@" + from;
    }

    /** Adds its part of some consecutive values of the parameter. */
    private void add(long start, FloatBuffer values, int at, int count) {
      long firstRow = Math.max(from, start / inputs);
      long lastRow = Math.min(from + outputs - 1, (start + count - 1) / inputs);
      double[] sums = new double[Math.toIntExact(inputs)];
      for (long row = firstRow; row <= lastRow; row++) {
        Arrays.fill(sums, 0);
        for (int r = 0; r < rank; r++) {
          double factor = scale * b[Math.toIntExact((row - from) * rank + r)];
          for (int column = 0; column < sums.length; column++) {
            sums[column] += factor * a[r * sums.length + column];
          }
        }
        long rowStart = row * inputs - start; // where the row begins among the values
        int to = (int) Math.min(inputs, count - rowStart);
        for (int column = (int) Math.max(0, -rowStart); column < to; column++) {
          int index = at + (int) (rowStart + column);
          values.put(index, (float) (values.get(index) + sums[column]));
        }
      }
    }
  }

  /** Copies the list, which must name no map twice, in the order of the names. */
  public LoraAdapter {
    maps =
        maps.stream()
            .sorted(Comparator.comparing(LowRank::parameter).thenComparing(LowRank::from))
            .toList();
    Set<String> keys = new HashSet<>();
    for (LowRank map : maps) {
      if (!keys.add(map.key())) {
        throw new IllegalArgumentException("the adapter adds to " + map.key() + " twice");
      }
    }
  }

  /**
   * Makes an adapter that adds nothing yet: B is zero, and A is drawn as PEFT draws it, uniform
   * within one over the root of the inputs.
   *
   * @throws IllegalArgumentException if the model has no such layer, or no such map: a
   *     ModifiedResNet has no blocks that can be adapted
   */
  public static LoraAdapter create(ClipConfig config, LoraOptions options, long seed) {
    List<LowRank> maps = new ArrayList<>();
    for (Tower tower : new TreeSet<>(options.towers())) {
      List<List<LoraPlace>> blocks = LoraPlace.blocks(config, tower);
      if (blocks.isEmpty()) {
        throw new IllegalArgumentException(
            "the image encoder is a "
                + config.vision().family()
                + ", which has no transformer blocks to adapt; adapt the TEXTS tower alone");
      }
      for (int layer : new TreeSet<>(options.layers())) {
        if (layer < 0 || layer >= blocks.size()) {
          throw new IllegalArgumentException(
              "there is no layer "
                  + layer
                  + " to adapt among the "
                  + blocks.size()
                  + " blocks of the "
                  + tower
                  + " tower, which are counted from 0");
        }
      }
      for (int layer = 0; layer < blocks.size(); layer++) {
        if (options.layers().isEmpty() || options.layers().contains(layer)) {
          for (LoraPlace place : blocks.get(layer)) {
            if (options.targets().contains(place.target())) {
              maps.add(initial(place, options, seed));
            }
          }
        }
      }
    }
    return new LoraAdapter(options, maps, null);
  }

  private static LowRank initial(LoraPlace place, LoraOptions options, long seed) {
    int rank = options.rank();
    SeededRandom random = new SeededRandom(INITIAL, seed, place.key().hashCode());
    float[] a = new float[Math.toIntExact(rank * place.inputs())];
    double bound = 1 / Math.sqrt(place.inputs());
    for (int i = 0; i < a.length; i++) {
      a[i] = (float) random.between(-bound, bound);
    }
    return new LowRank(
        place.parameter(),
        place.from(),
        place.outputs(),
        place.inputs(),
        rank,
        options.scale(options.alpha(), rank),
        a,
        new float[Math.toIntExact(place.outputs() * rank)]);
  }

  /**
   * Makes one adapter that adds what several do.
   *
   * @param adapters of one model, at least one
   */
  public static LoraAdapter stacked(List<LoraAdapter> adapters) {
    if (adapters.size() == 1) {
      return adapters.get(0);
    }
    Map<String, List<LowRank>> byMap = new LinkedHashMap<>();
    for (LoraAdapter adapter : adapters) {
      adapter.maps.forEach(m -> byMap.computeIfAbsent(m.key(), key -> new ArrayList<>()).add(m));
    }
    List<String> bases = adapters.stream().map(LoraAdapter::base).distinct().toList();
    return new LoraAdapter(
        adapters.get(0).options,
        byMap.values().stream().map(LoraAdapter::joined).toList(),
        bases.size() == 1 ? bases.get(0) : null);
  }

  /** The sum of products is the product of the matrices side by side. */
  private static LowRank joined(List<LowRank> parts) {
    LowRank first = parts.get(0);
    if (parts.size() == 1) {
      return first;
    }
    int rank = parts.stream().mapToInt(LowRank::rank).sum();
    float[] a = new float[Math.toIntExact(rank * first.inputs)];
    float[] b = new float[Math.toIntExact(first.outputs * rank)];
    int at = 0;
    for (LowRank part : parts) {
      if (part.outputs != first.outputs || part.inputs != first.inputs) {
        throw new IllegalArgumentException(
            "the adapters are of different models: they add to "
                + first.key()
                + " matrices of different sizes");
      }
      System.arraycopy(part.a, 0, a, Math.toIntExact(at * first.inputs), part.a.length);
      for (int row = 0; row < first.outputs; row++) {
        for (int r = 0; r < part.rank; r++) {
          b[row * rank + at + r] = (float) (part.scale * part.b[row * part.rank + r]);
        }
      }
      at += part.rank;
    }
    return new LowRank(first.parameter, first.from, first.outputs, first.inputs, rank, 1, a, b);
  }

  /** Returns the number of values that are trained. */
  public long parameterCount() {
    return maps.stream().mapToLong(map -> (long) map.a.length + map.b.length).sum();
  }

  /** Returns the same, which says that it belongs to these weights. */
  public LoraAdapter withBase(ParameterSource weights) {
    return new LoraAdapter(options, maps, checksum(weights));
  }

  /** Computes the checksum of the parameters that this adds to, without what it adds. */
  public String checksum(ParameterSource weights) {
    CRC32C sum = new CRC32C();
    byte[] bytes = new byte[1 << 16];
    for (String name : new TreeSet<>(maps.stream().map(LowRank::parameter).toList())) {
      FloatBuffer values = weights.read(name);
      while (values.hasRemaining()) {
        int count = 0;
        for (; count < bytes.length && values.hasRemaining(); count += Float.BYTES) {
          int bits = Float.floatToRawIntBits(values.get());
          bytes[count] = (byte) bits;
          bytes[count + 1] = (byte) (bits >> 8);
          bytes[count + 2] = (byte) (bits >> 16);
          bytes[count + 3] = (byte) (bits >> 24);
        }
        sum.update(bytes, 0, count);
      }
    }
    return String.format(Locale.ROOT, "crc32c %08x", sum.getValue());
  }

  /**
   * Checks that this can be added to a model's weights.
   *
   * @throws IllegalArgumentException if the model has no such maps, or this was trained on other
   *     weights
   */
  public void requireFits(ClipConfig config, ParameterSource weights) {
    Map<String, ParameterSpec> specs =
        ParameterSpec.of(config).stream().collect(Collectors.toMap(ParameterSpec::name, s -> s));
    for (LowRank map : maps) {
      ParameterSpec spec = specs.get(map.parameter);
      if (spec == null
          || spec.shape().size() != 2
          || spec.shape().get(1) != map.inputs
          || spec.shape().get(0) < map.from + map.outputs) {
        throw new IllegalArgumentException(
            "the adapter is of another model: it adds "
                + map.outputs
                + " x "
                + map.inputs
                + " values to "
                + map.parameter
                + ", which "
                + (spec == null ? "this model does not have" : "is " + spec.shape() + " here"));
      }
    }
    String found = base == null ? null : checksum(weights);
    if (base != null && !base.equals(found)) {
      throw new IllegalArgumentException(
          "the adapter was trained on other weights than these: the checksum of those that it adds"
              + " to was "
              + base
              + " and is "
              + found
              + " here; load the base model that it was trained on, in the same precision");
    }
  }

  /**
   * Returns weights with what this adds to them.
   *
   * @throws IllegalArgumentException as {@link #requireFits}
   */
  public ParameterSource addedTo(ClipConfig config, ParameterSource weights) {
    requireFits(config, weights);
    Map<String, List<LowRank>> byName =
        maps.stream().collect(Collectors.groupingBy(LowRank::parameter));
    return new ParameterSource() {
      @Override
      public FloatBuffer read(String name) {
        FloatBuffer plain = weights.read(name);
        FloatBuffer values = FloatBuffer.allocate(plain.remaining()).put(plain).flip();
        add(name, 0, values, 0, values.remaining());
        return values;
      }

      @Override
      public void copy(String name, long from, FloatBuffer target) {
        int at = target.position();
        int count = target.remaining();
        weights.copy(name, from, target);
        add(name, from, target, at, count);
      }

      private void add(String name, long from, FloatBuffer values, int at, int count) {
        byName.getOrDefault(name, List.of()).forEach(map -> map.add(from, values, at, count));
      }
    };
  }
}
