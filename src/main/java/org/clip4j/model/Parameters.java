package org.clip4j.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.IntFunction;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.clip4j.engine.internal.LinearKernels;
import org.clip4j.engine.internal.LinearLayout.Laid;
import org.clip4j.engine.internal.LinearLayout.Operation;
import org.clip4j.engine.internal.LinearLayout.Place;
import org.clip4j.engine.internal.TorchScript;
import org.clip4j.model.ParameterSpec.Init;

/**
 * Declares the parameters and buffers of one part of a model, a block or what stands around the
 * blocks: names, shapes, initial values, and how linear maps are laid out for inference. Kernels
 * take all of them as their argument {@code p} and write a name in braces for each that they use.
 */
final class Parameters {

  private static final Pattern NAMED = Pattern.compile("\\{([^{}]*)}");

  /** A publisher's beginnings of names, by the ones that are written in kernels. */
  private final Map<String, String> published;

  /** Written in kernels, in the order of {@code p}; what only a laid-out map has comes last. */
  private final List<String> names = new ArrayList<>();

  private final List<ParameterSpec> specs = new ArrayList<>();

  /** {@link #specs}, with the blocks' among them. */
  private final List<ParameterSpec> listed = new ArrayList<>();

  /** What kernels name of several parameters, one after the other; "" stands for zeros. */
  private final Map<String, List<String>> joined = new HashMap<>();

  private final Set<String> unbiased = new HashSet<>();

  private final List<LaidMap> maps = new ArrayList<>();

  /** The layer norms whose results are the inputs of maps, by the maps. */
  private final Map<String, String> norms = new HashMap<>();

  private int beforeBlocks;

  /** Starts with none, whose names in kernels are those in checkpoints. */
  Parameters() {
    this(Map.of());
  }

  /** Starts with none, where checkpoints have other beginnings of names. */
  Parameters(Map<String, String> published) {
    this.published = published;
  }

  Parameters add(String name, Init init, long... shape) {
    return add(name, init, false, shape);
  }

  private Parameters add(String name, Init init, boolean buffer, long... shape) {
    String stored =
        published.entrySet().stream()
            .filter(entry -> name.startsWith(entry.getKey()))
            .map(entry -> entry.getValue() + name.substring(entry.getKey().length()))
            .findFirst()
            .orElse(name);
    names.add(name);
    specs.add(new ParameterSpec(stored, Arrays.stream(shape).boxed().toList(), buffer, init));
    listed.add(specs.get(specs.size() - 1));
    return this;
  }

  /** Adds a LayerNorm, or the affine part of a BatchNorm that starts with the given weight. */
  private Parameters norm(String name, double weight, long width) {
    add(name + ".weight", Init.constant(weight), width);
    return add(name + ".bias", Init.constant(0), width);
  }

  Parameters norm(String name, long width) {
    return norm(name, 1, width);
  }

  /** Adds a linear map, or a convolution: {@code in} is what each output is of. */
  Parameters linear(String name, Init weight, Init bias, long out, long... in) {
    add(
        name + ".weight",
        weight,
        LongStream.concat(LongStream.of(out), LongStream.of(in)).toArray());
    return add(name + ".bias", bias, out);
  }

  /** Adds a scale per channel, unless its initial value is null. */
  Parameters layerScale(String name, Double value, long width) {
    return value == null ? this : add(name + ".gamma", Init.constant(value), width);
  }

  /** Adds a convolution without bias, and its batch norm. */
  Parameters conv(String conv, String norm, double normWeight, long in, long out, int kernel) {
    add(conv + ".weight", Init.uniformOf((double) in * kernel * kernel), out, in, kernel, kernel);
    return batchNorm(norm, normWeight, out);
  }

  Parameters batchNorm(String name, double weight, long width) {
    norm(name, weight, width);
    add(name + ".running_mean", Init.constant(0), true, width);
    add(name + ".running_var", Init.constant(1), true, width);
    return add(name + ".num_batches_tracked", Init.constant(0), true);
  }

  /**
   * Names several parameters as one, their rows one after the other.
   *
   * @param parts declared before; "" stands for as many zeros as the first has
   */
  Parameters join(String name, String... parts) {
    joined.put(name, List.of(parts));
    return this;
  }

  /** Lets kernels name the bias of a map that has none. */
  Parameters unbiased(String map) {
    unbiased.add(map);
    return this;
  }

  private List<String> parts(String name) {
    return joined.getOrDefault(name, List.of(name));
  }

  private ParameterSpec spec(String name) {
    return specs.get(names.indexOf(name));
  }

  /** Lists the blocks' parameters here, which are not among these in kernels. */
  Parameters blocks(String prefix, Parameters block, int count) {
    return blocks(prefix, i -> block, count);
  }

  /** As above, where initial values differ from block to block. */
  Parameters blocks(String prefix, IntFunction<Parameters> block, int count) {
    beforeBlocks = specs.size();
    IntStream.range(0, count).forEach(i -> listed.addAll(block.apply(i).specs(prefix + i + ".")));
    return this;
  }

  /** Lays a map out for inference; comes after all parameters. */
  Parameters lay(String map, Operation operation) {
    return lay(map, operation, false, "");
  }

  /** As above, where its inputs may come from an activation, and its outputs may be scaled. */
  Parameters lay(String map, Operation operation, boolean activated, String scale) {
    long rows = parts(map + "weight").stream().mapToLong(part -> spec(part).shape().get(0)).sum();
    return lay(new LaidMap(map, map, 0, rows, operation, activated, scale));
  }

  /** Says that a layer norm alone gives the inputs of some maps. */
  Parameters follow(String norm, String... followers) {
    Stream.of(followers).forEach(map -> norms.put(map, norm));
    return this;
  }

  /** Lays some rows of a map out as one of their own. */
  Parameters layRows(String part, String map, long from, long to) {
    return lay(new LaidMap(part, map, from, to, Operation.PRODUCT, false, ""));
  }

  private Parameters lay(LaidMap map) {
    maps.add(map);
    for (String name : List.of(map.name() + "weight", map.name() + "bias")) {
      if (!names.contains(name)) {
        names.add(name);
      }
    }
    return this;
  }

  /** Whether any map is laid out for inference. */
  boolean laysOut() {
    return !maps.isEmpty();
  }

  /** Whether there are running statistics among these. */
  boolean hasBuffers() {
    return specs.stream().anyMatch(ParameterSpec::buffer);
  }

  /** Counts those that kernels take as {@code p} where nothing is laid out. */
  int count() {
    return specs.size();
  }

  /**
   * Counts those that kernels take as {@code p} of {@link #prepare}.
   *
   * @param without maps that are left as they are
   */
  int laidCount(Set<String> without) {
    return maps.stream()
        .filter(map -> !without.contains(map.name()))
        .mapToInt(map -> names.indexOf(map.name() + "bias") + 1)
        .reduce(specs.size(), Math::max);
  }

  /** Counts what stands before the blocks. */
  int beforeBlocks() {
    return beforeBlocks;
  }

  /** Lists all, with the blocks', in the order of checkpoints. */
  List<ParameterSpec> specs(String prefix) {
    return listed.stream()
        .map(s -> new ParameterSpec(prefix + s.name(), s.shape(), s.buffer(), s.init()))
        .toList();
  }

  /**
   * Puts elements of {@code p} for names in braces: {@code {ln_1.weight}} for one, {@code {ln_1.*}}
   * for all that begin so, in the order in which they were declared.
   *
   * @param prepared whether {@code p} will be that of {@link #prepare} and not that of {@link #of}
   * @throws IllegalArgumentException if there is none of a name
   */
  String resolve(String source, boolean prepared) {
    return NAMED
        .matcher(source)
        .replaceAll(
            match -> {
              String name = match.group(1);
              String start = name.replaceFirst("\\*$", "");
              String found =
                  names.stream()
                      .filter(n -> name.equals(start) ? n.equals(name) : n.startsWith(start))
                      .map(n -> prepared ? element(n) : plain(n))
                      .collect(Collectors.joining(", "));
              if (found.isEmpty()) {
                throw new IllegalArgumentException(
                    "a kernel names the parameter '" + name + "', declared are " + names);
              }
              return found;
            });
  }

  private String element(String name) {
    return "p[" + names.indexOf(name) + "]";
  }

  /**
   * Writes a linear map of rows whose weight is stored as that of a convolution, and which is laid
   * out for inference; {@link #resolve} is to follow.
   */
  String map(String rows, String name, boolean prepared) {
    String weight = "{" + name + "weight}";
    String bias = "{" + name + "bias}";
    if (prepared) {
      long outputs = spec(name + "weight").shape().get(0);
      return "self.packed(" + rows + ", " + weight + ", " + bias + ", " + outputs + ")";
    }
    String flat = "torch.flatten(" + weight + ", 1)";
    return names.subList(0, specs.size()).contains(name + "bias")
        ? "self.linear(" + rows + ", " + flat + ", " + bias + ")"
        : "self.matmul(" + rows + ", torch.t(" + flat + "))";
  }

  /** Where nothing is laid out, rows are taken out of the map that they belong to. */
  private String plain(String name) {
    String map = name.replaceFirst("bias$", "");
    if (unbiased.contains(map)) {
      return "torch.zeros_like(torch.select(" + plain(map + "weight") + ", 1, 0))";
    }
    if (joined.containsKey(name)) {
      List<String> parts = joined.get(name);
      return parts.stream()
          .map(p -> p.isEmpty() ? "torch.zeros_like(" + element(parts.get(0)) + ")" : element(p))
          .collect(Collectors.joining(", ", "torch.cat([", "])"));
    }
    return maps.stream()
        .filter(part -> !part.name().equals(part.of()) && name.startsWith(part.name()))
        .map(
            part ->
                "torch.slice("
                    + plain(part.of() + name.substring(part.name().length()))
                    + ", 0, "
                    + part.from()
                    + ", "
                    + part.to()
                    + ")")
        .findFirst()
        .orElseGet(() -> element(name));
  }

  /** Picks the arrays that kernels take as {@code p}. */
  NDList of(Map<String, NDArray> all, String prefix) {
    return TorchScript.list(specs.stream().map(spec -> all.get(prefix + spec.name())).toList());
  }

  /**
   * Picks the arrays that kernels of this form of a part take as {@code p}: those of the other form
   * that have the same names, and what was made of it for the others, in their order.
   */
  NDList of(Parameters other, NDList plain, NDList made) {
    Iterator<NDArray> own = made.iterator();
    return TorchScript.list(
        specs.stream()
            .map(spec -> Objects.requireNonNullElseGet(other.array(plain, spec.name()), own::next))
            .toList());
  }

  /**
   * Lays the maps out for inference.
   *
   * @param plain as {@link #of} gives them
   * @param prefix of this part's names, with the final dot
   * @param without maps that are left as they are
   * @return what kernels for prepared weights take as {@code p}
   */
  NDList prepare(PreparedLinear linear, NDList plain, String prefix, Set<String> without) {
    List<NDArray> laid = new ArrayList<>(plain);
    for (LaidMap map : maps) {
      if (!without.contains(map.name())) {
        try (NDManager scratch = linear.scratch()) {
          NDArray weight = whole(scratch, linear, plain, prefix, map.of() + "weight");
          NDArray bias = whole(scratch, linear, plain, prefix, map.of() + "bias");
          Laid pair = linear.lay(map, place(map, prefix), weight, bias, array(plain, map.scale()));
          put(laid, map.name() + "weight", pair.weight());
          put(laid, map.name() + "bias", pair.bias());
        }
      }
    }
    for (LaidMap map : maps) {
      if (!without.contains(map.name())) {
        for (String end : List.of("weight", "bias")) {
          for (String part : parts(map.of() + end)) {
            if (array(plain, part) != null && linear.laid(prefix + stored(part))) {
              put(laid, part, laid.get(names.indexOf(map.name() + end))); // not the freed one
            }
          }
        }
      }
    }
    return TorchScript.list(laid);
  }

  /**
   * Lays a table out whose rows are looked up.
   *
   * @param plain as {@link #of} gives them
   * @param prefix of this part's names, with the final dot
   * @return {@code plain} with the rows as integers, and at the end what each is to be multiplied
   *     by; empty where the table stays as it is
   */
  Optional<NDList> prepareTable(PreparedLinear linear, NDList plain, String prefix, String table) {
    int index = names.indexOf(table);
    String stored = prefix + stored(table);
    return linear
        .layTable(linear.whole(stored, plain.get(index)))
        .map(
            laid -> {
              List<NDArray> all = new ArrayList<>(plain);
              all.set(index, laid.weight());
              all.add(laid.bias());
              linear.laid(stored);
              return TorchScript.list(all);
            });
  }

  /** Joins what is named as one; null where no such parameter is declared. */
  private NDArray whole(
      NDManager scratch, PreparedLinear linear, NDList plain, String prefix, String name) {
    NDList parts = new NDList();
    for (String part : parts(name)) {
      NDArray array = array(plain, part);
      if (array != null) {
        parts.add(linear.whole(prefix + stored(part), array));
      } else if (joined.containsKey(name)) {
        parts.add(scratch.zeros(parts.get(0).getShape()));
      }
    }
    if (parts.size() < 2) {
      return parts.isEmpty() ? null : parts.get(0);
    }
    NDArray whole = NDArrays.concat(parts);
    whole.attach(scratch);
    return TorchScript.list(List.of(whole)).get(0);
  }

  private Place place(LaidMap map, String prefix) {
    String norm = norms.get(map.name());
    return new Place(
        prefix + map.name(),
        parts(map.of() + "weight").stream().map(part -> prefix + stored(part)).toList(),
        norm == null ? null : prefix + stored(norm + ".weight").replaceFirst("weight$", ""),
        maps.stream() // what takes an activation's results
            .filter(next -> map.operation() == Operation.ACTIVATION && next.activated())
            .findFirst()
            .map(next -> prefix + next.name())
            .orElse(null),
        map.operation());
  }

  /** The name of a parameter in checkpoints. */
  String stored(String name) {
    return spec(name).name();
  }

  /** Null where no such parameter is declared. */
  private NDArray array(NDList plain, String name) {
    int index = names.indexOf(name);
    return index >= 0 && index < plain.size() ? plain.get(index) : null;
  }

  private void put(List<NDArray> laid, String name, NDArray array) {
    int index = names.indexOf(name);
    while (laid.size() <= index) {
      laid.add(array); // also for maps that are left as they are, which no kernel then names
    }
    laid.set(index, array);
  }

  /** Proves a kernel for a map, see {@link LinearKernels#isPacked}. */
  interface Prover {
    void prove(long inputs, long outputs, Operation operation);
  }

  /** Proves the kernels of the maps that are laid out. */
  void prove(Prover kernels) {
    for (LaidMap map : maps) {
      ParameterSpec weight = spec(parts(map.of() + "weight").get(0));
      kernels.prove(weight.count() / weight.shape().get(0), map.to() - map.from(), map.operation());
    }
  }
}
