package org.clip4j.model;

import java.io.Serializable;
import java.util.EnumSet;
import java.util.Set;
import java.util.TreeSet;
import org.clip4j.model.ClipModel.Tower;

/**
 * Says how a {@link LoraAdapter} is made: which linear maps of a model's blocks get a low-rank
 * addition, and of which size (Hu et al. 2021, "LoRA: Low-Rank Adaptation of Large Language
 * Models").
 *
 * @param rank of each addition, at least 1
 * @param alpha by which it is multiplied, together with the rank
 * @param dropout the share of a map's inputs, at least 0 and below 1, that its addition does not
 *     see in a training step
 * @param rankStabilized whether the factor is alpha / sqrt(rank) instead of alpha / rank (PEFT's
 *     {@code use_rslora})
 * @param targets which maps of a block
 * @param towers which encoders
 * @param layers which blocks, counted from 0; empty for all
 */
public record LoraOptions(
    int rank,
    double alpha,
    double dropout,
    boolean rankStabilized,
    Set<Target> targets,
    Set<Tower> towers,
    Set<Integer> layers)
    implements Serializable {

  /** Names a linear map of a residual attention block. */
  public enum Target {
    QUERY,
    KEY,
    VALUE,
    /** The map after attention. */
    ATTENTION_OUTPUT,
    /** The first map of the MLP. */
    MLP_HIDDEN,
    /** The second map of the MLP. */
    MLP_OUTPUT
  }

  /**
   * The setting of CLIP-LoRA (Zanella and Ben Ayed 2024, "Low-Rank Few-Shot Adaptation of
   * Vision-Language Models"): rank 2, alpha 1 over the root of the rank, dropout 0.25, on query,
   * key and value of all blocks of both towers.
   */
  public static final LoraOptions DEFAULT =
      new LoraOptions(
          2,
          1,
          0.25,
          true,
          EnumSet.of(Target.QUERY, Target.KEY, Target.VALUE),
          EnumSet.allOf(Tower.class),
          Set.of());

  /** Checks the ranges. */
  public LoraOptions {
    if (rank < 1) {
      throw new IllegalArgumentException(
          "the rank of an adapter must be at least 1, found " + rank);
    }
    if (!Double.isFinite(alpha)) {
      throw new IllegalArgumentException("the alpha of an adapter must be finite, found " + alpha);
    }
    if (!(dropout >= 0 && dropout < 1)) {
      throw new IllegalArgumentException(
          "the dropout of an adapter must be at least 0 and below 1, found " + dropout);
    }
    if (targets.isEmpty() || towers.isEmpty()) {
      throw new IllegalArgumentException(
          "an adapter needs a map and a tower at least, found " + targets + " of " + towers);
    }
    targets = Set.copyOf(targets);
    towers = Set.copyOf(towers);
    layers = Set.copyOf(layers);
  }

  /** Returns what the product of the two matrices of a rank is multiplied by. */
  public double scale(double itsAlpha, int itsRank) {
    return itsAlpha / (rankStabilized ? Math.sqrt(itsRank) : itsRank);
  }

  /** Describes these options, for comparing and showing settings: sets in an order of their own. */
  @Override
  public String toString() {
    return "rank "
        + rank
        + ", alpha "
        + alpha
        + (rankStabilized ? " over the root of the rank" : " over the rank")
        + ", dropout "
        + dropout
        + ", "
        + new TreeSet<>(targets)
        + " of "
        + new TreeSet<>(towers)
        + ", layers "
        + (layers.isEmpty() ? "all" : new TreeSet<>(layers).toString());
  }

  /** Starts with the defaults. */
  public static Builder builder() {
    return new Builder();
  }

  /** Sets the options that differ from the defaults. */
  public static final class Builder {
    private int rank = DEFAULT.rank;
    private double alpha = DEFAULT.alpha;
    private double dropout = DEFAULT.dropout;
    private boolean rankStabilized = DEFAULT.rankStabilized;
    private Set<Target> targets = DEFAULT.targets;
    private Set<Tower> towers = DEFAULT.towers;
    private Set<Integer> layers = DEFAULT.layers;

    private Builder() {}

    /** Sets the rank; by default 2. */
    public Builder optRank(int rank) {
      this.rank = rank;
      return this;
    }

    /** Sets alpha; by default 1. */
    public Builder optAlpha(double alpha) {
      this.alpha = alpha;
      return this;
    }

    /** Sets the dropout of the additions' inputs; by default 0.25. */
    public Builder optDropout(double dropout) {
      this.dropout = dropout;
      return this;
    }

    /** Sets whether alpha is divided by the root of the rank; by default true. */
    public Builder optRankStabilized(boolean rankStabilized) {
      this.rankStabilized = rankStabilized;
      return this;
    }

    /** Sets the maps; by default query, key and value. */
    public Builder optTargets(Target... targets) {
      this.targets = Set.of(targets);
      return this;
    }

    /** Sets the encoders; by default both. */
    public Builder optTowers(Tower... towers) {
      this.towers = Set.of(towers);
      return this;
    }

    /** Sets the blocks, counted from 0, in each of the encoders; by default all. */
    public Builder optLayers(Integer... layers) {
      this.layers = Set.of(layers);
      return this;
    }

    /**
     * Builds the options.
     *
     * @throws IllegalArgumentException if one is out of its range
     */
    public LoraOptions build() {
      return new LoraOptions(rank, alpha, dropout, rankStabilized, targets, towers, layers);
    }
  }
}
