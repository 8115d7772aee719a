package org.clip4j.model;

import java.nio.FloatBuffer;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.clip4j.model.ClipModel.Tower;
import org.jspecify.annotations.Nullable;

/**
 * Adds to the linear maps of a model, see {@link LoraAdapter}: one adapter may be attached to it,
 * others applied in single passes, and one merged into its weights. No pass may be under way while
 * an adapter is attached, detached, merged or unmerged.
 */
public final class ModelAdapters {
  private final ClipConfig config;
  private final ModelWeights weights;
  private final Runnable release;
  private @Nullable AppliedAdapter attached;
  private @Nullable Map<String, FloatBuffer> unmerged; // what a merged adapter changed

  /**
   * Starts without any.
   *
   * @param release goes back to the weights as they are, before they are changed
   */
  ModelAdapters(ClipConfig config, ModelWeights weights, Runnable release) {
    this.config = config;
    this.weights = weights;
    this.release = release;
  }

  /**
   * Brings an adapter into native memory, for the passes that name it ({@link Forward#with}); the
   * weights stay as they are, and may not change meanwhile where it adds to projections. Needs the
   * weights as they were loaded.
   *
   * @return the caller's to close, once no pass uses it
   * @throws IllegalArgumentException if the adapter is of another model
   */
  public AppliedAdapter apply(LoraAdapter adapter) {
    return new AppliedAdapter(config, weights, adapter, inBlocks());
  }

  private Set<String> inBlocks() {
    return Stream.of(Tower.values())
        .flatMap(tower -> LoraPlace.blocks(config, tower).stream())
        .flatMap(List::stream)
        .map(LoraPlace::key)
        .collect(Collectors.toSet());
  }

  /**
   * Adds an adapter to the model that every pass applies and that can be trained: its matrices are
   * among {@link ClipModel#parameters}, named by their map with {@code .lora_A} or {@code .lora_B}
   * at the end. One that was attached before is dropped.
   *
   * @throws IllegalArgumentException if the adapter is of another model, or adds to maps outside
   *     the blocks, which are not trained
   */
  public void attach(LoraAdapter adapter) {
    detach();
    adapter.requireFits(config, weights);
    Set<String> places = inBlocks();
    for (LoraAdapter.LowRank map : adapter.maps()) {
      if (!places.contains(map.key())) {
        throw new IllegalArgumentException(
            "the adapter adds to "
                + map.parameter()
                + ", which is no map of a block and is not trained; apply or merge the adapter");
      }
    }
    attached = apply(adapter);
    weights.add(attached.matrices(), attached.specs());
  }

  /** Returns whether an adapter is attached. */
  public boolean isAttached() {
    return attached != null;
  }

  /** Returns the attached adapter with its present values, if there is one. */
  public Optional<LoraAdapter> attached() {
    return Optional.ofNullable(attached).map(AppliedAdapter::values);
  }

  /** Returns whether a parameter is one of the attached adapter's. */
  public boolean hasAttached(String parameter) {
    return attached != null && attached.matrices().containsKey(parameter);
  }

  /**
   * Gives the attached adapter the values of another one of the same maps and ranks, in place.
   *
   * @throws IllegalArgumentException if it is of other maps or ranks, or of another model
   */
  public void restore(LoraAdapter saved) {
    if (attached == null) {
      throw new IllegalStateException("no adapter is attached to this model");
    }
    saved.requireFits(config, weights);
    attached.overwrite(saved);
  }

  /** Removes the attached adapter, if there is one, and returns it with its present values. */
  public Optional<LoraAdapter> detach() {
    Optional<LoraAdapter> last = attached();
    if (attached != null) {
      weights.remove(attached.matrices().keySet());
      attached.close();
      attached = null;
    }
    return last;
  }

  /**
   * Adds an adapter to the weights in place, after which passes cost what they did before. Several
   * are merged as one, see {@link LoraAdapter#stacked}.
   *
   * @throws IllegalArgumentException if the adapter is of another model
   * @throws IllegalStateException if one is merged already
   */
  public void merge(LoraAdapter adapter) {
    if (unmerged != null) {
      throw new IllegalStateException(
          "an adapter is merged into this model already; unmerge it first, or merge both stacked");
    }
    ParameterSource sums = adapter.addedTo(config, weights);
    Map<String, FloatBuffer> kept = new LinkedHashMap<>();
    for (LoraAdapter.LowRank map : adapter.maps()) {
      kept.computeIfAbsent(
          map.parameter(),
          name -> {
            FloatBuffer values = weights.read(name);
            return FloatBuffer.allocate(values.remaining()).put(values).flip();
          });
    }
    Map<String, FloatBuffer> merged = new LinkedHashMap<>();
    kept.keySet().forEach(name -> merged.put(name, sums.read(name)));
    release.run();
    weights.overwrite(merged);
    unmerged = kept;
  }

  /** Gives the weights that a merged adapter changed the bytes that they had before. */
  public void unmerge() {
    if (unmerged == null) {
      throw new IllegalStateException("no adapter is merged into this model");
    }
    release.run();
    weights.overwrite(unmerged);
    unmerged = null;
  }

  /** Returns a pass with the attached adapter, unless it names another one. */
  Forward in(Forward pass) {
    return pass.adapter() == null && attached != null ? pass.with(attached) : pass;
  }

  /** Checks that none is attached, which a trace does not show. */
  void requireNoneAttached() {
    if (attached != null) {
      throw new IllegalStateException(
          "an adapter is attached to this model, which a trace does not show; merge it first with"
              + " model.adapters().merge(model.adapters().detach().get())");
    }
  }
}
