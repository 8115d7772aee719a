package org.clip4j.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.clip4j.engine.internal.HostMemory;
import org.clip4j.engine.internal.TorchScript;
import org.clip4j.model.LoraAdapter.LowRank;
import org.clip4j.model.ParameterSpec.Init;

/**
 * Holds a {@link LoraAdapter} in a model's native memory, for the passes that name it ({@link
 * Forward#with}).
 *
 * <p>The model's {@link ClipModel#close} frees it too; any number of threads may use it at once.
 */
public final class AppliedAdapter implements AutoCloseable {
  private final NDManager manager;
  private final LoraAdapter adapter;
  private final Map<String, LowRank> maps = new LinkedHashMap<>();
  private final Map<String, NDArray> matrices = new LinkedHashMap<>();
  private final Map<String, NDArray> sums = new LinkedHashMap<>();
  private final Map<String, NDArray> weights;
  private final Map<String, NDList> ofBlocks = new ConcurrentHashMap<>();
  private final Map<String, NDList> aroundBlocks = new ConcurrentHashMap<>();
  private final NDArray threshold;
  private final NDArray gain;

  /** For passes in which nothing is left out. */
  final NDArray noRows;

  /**
   * Uploads the matrices that add to maps of blocks, and of other parameters, which are few and
   * small, the sums.
   *
   * @param inBlocks the keys of the blocks' maps
   */
  AppliedAdapter(
      ClipConfig config, ModelWeights weights, LoraAdapter adapter, Set<String> inBlocks) {
    this.adapter = adapter;
    this.weights = weights.arrays();
    manager = weights.manager().newSubManager();
    ParameterSource added = adapter.addedTo(config, weights);
    for (LowRank map : adapter.maps()) {
      if (inBlocks.contains(map.key())) {
        maps.put(map.key(), map);
        put(map.key() + ".lora_A", map.a(), map.rank(), map.inputs());
        put(map.key() + ".lora_B", map.b(), map.outputs(), map.rank());
      } else {
        Shape shape = weights.get(map.parameter()).getShape();
        sums.computeIfAbsent(
            map.parameter(), name -> HostMemory.upload(manager, shape, added.read(name)));
      }
    }
    double dropout = adapter.options().dropout();
    long below = Math.round(Integer.MIN_VALUE + dropout * 0x1p32);
    threshold = HostMemory.upload(manager, new Shape(), new long[] {below});
    gain = manager.create((float) (1 / (1 - dropout)));
    noRows = manager.zeros(new Shape(0), DataType.INT64);
  }

  private void put(String name, float[] values, long... shape) {
    matrices.put(name, HostMemory.upload(manager, new Shape(shape), FloatBuffer.wrap(values)));
  }

  /** The matrices by name. */
  Map<String, NDArray> matrices() {
    return matrices;
  }

  /** Describes each of {@link #matrices}. */
  List<ParameterSpec> specs() {
    return matrices.entrySet().stream()
        .map(
            entry ->
                new ParameterSpec(
                    entry.getKey(),
                    Arrays.stream(entry.getValue().getShape().getShape()).boxed().toList(),
                    false,
                    new Init(ParameterSpec.Distribution.CONSTANT, 0)))
        .toList();
  }

  /** The adapter with the present values. */
  LoraAdapter values() {
    List<LowRank> now = new ArrayList<>();
    for (LowRank map : maps.values()) {
      now.add(
          new LowRank(
              map.parameter(),
              map.from(),
              map.outputs(),
              map.inputs(),
              map.rank(),
              map.scale(),
              matrices.get(map.key() + ".lora_A").toFloatArray(),
              matrices.get(map.key() + ".lora_B").toFloatArray()));
    }
    return new LoraAdapter(adapter.options(), now, adapter.base());
  }

  /**
   * Replaces the values in place.
   *
   * @throws IllegalArgumentException if the other one adds to other maps, or has other ranks
   */
  void overwrite(LoraAdapter other) {
    boolean same =
        other.maps().stream().map(LowRank::key).toList().equals(List.copyOf(maps.keySet()))
            && other.maps().stream().allMatch(map -> map.rank() == maps.get(map.key()).rank());
    if (!same) {
      throw new IllegalArgumentException(
          "the adapters differ in the maps that they add to, or in their ranks: "
              + other.maps().size()
              + " maps, and "
              + maps.size()
              + " of the attached adapter");
    }
    for (LowRank map : other.maps()) {
      overwrite(map.key() + ".lora_A", map.a());
      overwrite(map.key() + ".lora_B", map.b());
    }
  }

  private void overwrite(String name, float[] values) {
    HostMemory.overwrite(
        matrices.get(name), (from, memory) -> memory.put(values, (int) from, memory.remaining()));
  }

  /** Returns whether a share of the inputs is left out in training. */
  public boolean drops() {
    return adapter.options().dropout() > 0;
  }

  /** Whether anything is added to a block's maps. */
  boolean adds(List<LoraPlace> block) {
    return block.stream().anyMatch(place -> maps.containsKey(place.key()));
  }

  /**
   * What a block's kernels take as {@code p}: its own parameters, then for each map A, B and the
   * factor of their product, then what tells the block's draws from others', and the share and the
   * gain of what is left out.
   */
  NDList parameters(List<LoraPlace> block, String prefix, NDList plain) {
    return ofBlocks.computeIfAbsent(
        prefix,
        name -> {
          List<NDArray> all = new ArrayList<>(plain);
          for (LoraPlace place : block) {
            LowRank map = maps.get(place.key());
            all.add(
                map == null
                    ? manager.zeros(new Shape(0, place.inputs()))
                    : matrices.get(place.key() + ".lora_A"));
            all.add(
                map == null
                    ? manager.zeros(new Shape(place.outputs(), 0))
                    : matrices.get(place.key() + ".lora_B"));
            all.add(manager.create(map == null ? 0f : (float) map.scale()));
          }
          all.add(HostMemory.upload(manager, new Shape(), new long[] {name.hashCode()}));
          all.add(threshold);
          all.add(gain);
          return TorchScript.list(all);
        });
  }

  /**
   * What a tower's kernels take of its parameters around the blocks.
   *
   * @param plain the tower's own, which are returned where nothing is added to any
   */
  NDList around(Parameters declared, String prefix, NDList plain) {
    if (sums.isEmpty()) {
      return plain;
    }
    return aroundBlocks.computeIfAbsent(
        prefix,
        name -> {
          Map<String, NDArray> all = new HashMap<>(weights);
          all.putAll(sums);
          return declared.of(all, name);
        });
  }

  /** Frees the memory. No pass may be under way, and no later one may name it. */
  @Override
  public void close() {
    manager.close();
  }
}
