package org.clip4j.model;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.nio.FloatBuffer;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.clip4j.engine.internal.HostMemory;
import org.clip4j.engine.internal.Libtorch;
import org.clip4j.model.ClipModel.Tower;

/** Holds a model's parameters and buffers in native memory, and gives their current values. */
final class ModelWeights implements ParameterSource, AutoCloseable {
  private final ClipConfig config;
  private final NDManager manager;
  private final boolean freed;
  private final Map<String, NDArray> arrays = new LinkedHashMap<>();
  private final Map<String, Supplier<NDArray>> later = new HashMap<>();
  private List<ParameterSpec> specs;

  /**
   * Loads.
   *
   * @param towers whose parameters are loaded
   * @param freed whether each is freed as soon as it is laid out for inference
   * @param later names of parameters that are loaded only when they are laid out
   */
  ModelWeights(
      ClipConfig config,
      Device device,
      ParameterSource source,
      Set<Tower> towers,
      boolean freed,
      Set<String> later) {
    this.config = config;
    this.freed = freed;
    specs = ParameterSpec.of(config);
    manager = Libtorch.newManager(device);
    try {
      for (ParameterSpec spec : specs) {
        if (later.contains(spec.name())) {
          this.later.put(spec.name(), () -> upload(spec, source));
        } else if (Tower.of(spec).map(towers::contains).orElse(true)) {
          arrays.put(spec.name(), upload(spec, source));
        }
      }
    } catch (RuntimeException | Error e) {
      manager.close();
      throw e;
    }
  }

  private NDArray upload(ParameterSpec spec, ParameterSource source) {
    return HostMemory.upload(
        manager, new Shape(spec.shape()), (from, target) -> source.copy(spec.name(), from, target));
  }

  NDManager manager() {
    return manager;
  }

  /** What the towers are built of: an empty array holds the place of what is loaded later. */
  Map<String, NDArray> given() {
    Map<String, NDArray> given = new HashMap<>(arrays);
    later.keySet().forEach(name -> given.put(name, manager.zeros(new Shape())));
    return given;
  }

  Map<String, NDArray> arrays() {
    return Collections.unmodifiableMap(arrays);
  }

  List<ParameterSpec> specs() {
    return specs;
  }

  /** Whether none was left out or freed. */
  boolean isComplete() {
    return arrays.size() == specs.size();
  }

  /** Whether parameters stay when they are laid out for inference. */
  boolean isKept() {
    return !freed;
  }

  NDArray get(String name) {
    NDArray array = arrays.get(name);
    if (array == null) {
      throw new IllegalStateException(
          "this model was loaded for inference alone and no longer has '"
              + name
              + "'; load it so that it keeps its weights");
    }
    return array;
  }

  @Override
  public FloatBuffer read(String name) {
    return HostMemory.view(get(name));
  }

  @Override
  public void copy(String name, long from, FloatBuffer target) {
    HostMemory.download(get(name), from, target);
  }

  /** Replaces the values of some parameters in place. */
  void overwrite(Map<String, FloatBuffer> values) {
    values.forEach(
        (name, all) ->
            HostMemory.overwrite(
                get(name),
                (from, memory) -> memory.put(all.slice((int) from, memory.remaining()))));
  }

  /** Adds parameters that the architecture does not have. */
  void add(Map<String, NDArray> more, List<ParameterSpec> moreSpecs) {
    arrays.putAll(more);
    specs = Stream.concat(specs.stream(), moreSpecs.stream()).toList();
  }

  /** Goes back to the parameters that the architecture has. */
  void remove(Collection<String> added) {
    arrays.keySet().removeAll(added);
    specs = ParameterSpec.of(config);
  }

  /** Has weights that are about to be laid out free what they no longer need of these. */
  void free(PreparedLinear laid) {
    if (freed) {
      laid.free(arrays, later);
    }
  }

  /** Called when all that was to be loaded later has been laid out. */
  void loaded() {
    later.clear();
  }

  @Override
  public void close() {
    manager.close();
  }
}
