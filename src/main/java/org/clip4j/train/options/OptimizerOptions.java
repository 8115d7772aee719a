package org.clip4j.train.options;

import java.util.List;
import org.clip4j.io.Limits;

/**
 * Says how AdamW updates the weights. The defaults are those of OpenCLIP for a ViT.
 *
 * @param beta1 decay of the first moment, at least 0 and below 1
 * @param beta2 decay of the second moment, at least 0 and below 1
 * @param epsilon added to the root of the second moment
 * @param weightDecay what, times the learning rate, is taken off weights of two or more dimensions
 *     each step
 * @param maxGradientNorm the global L2 norm that gradients are scaled down to; 0 for no limit
 * @param layerDecay the factor, above 0 and at most 1, by which the learning rate falls from each
 *     layer to the one below it
 * @param averageDecay the weight of the moving average of the weights in each step, at least 0 and
 *     below 1; 0 for no average
 * @param averageWarmup whether that is lower at the beginning, (1 + n) / (10 + n) after n steps
 * @param freezings what keeps its weights
 */
public record OptimizerOptions(
    double beta1,
    double beta2,
    double epsilon,
    double weightDecay,
    double maxGradientNorm,
    double layerDecay,
    double averageDecay,
    boolean averageWarmup,
    List<Freezing> freezings) {

  /** The options of a training that sets none. */
  public static final OptimizerOptions DEFAULT =
      new OptimizerOptions(0.9, 0.98, 1e-6, 0.2, 0, 1, 0, false, List.of());

  /** Checks the ranges. */
  public OptimizerOptions {
    Limits.share("beta1", beta1);
    Limits.share("beta2", beta2);
    Limits.notNegative("epsilon", epsilon);
    Limits.notNegative("weight decay", weightDecay);
    Limits.notNegative("maximum gradient norm", maxGradientNorm);
    Limits.aboveZero("layer decay", 1, layerDecay);
    Limits.share("the decay of averaged weights", averageDecay);
    freezings = List.copyOf(freezings);
  }

  /** Starts with the defaults. */
  public static Builder builder() {
    return DEFAULT.toBuilder();
  }

  /** Starts with these options. */
  public Builder toBuilder() {
    return new Builder(this);
  }

  /** Sets the options that differ from the defaults. */
  public static final class Builder {
    private double beta1;
    private double beta2;
    private double epsilon;
    private double weightDecay;
    private double maxGradientNorm;
    private double layerDecay;
    private double averageDecay;
    private boolean averageWarmup;
    private List<Freezing> freezings;

    private Builder(OptimizerOptions from) {
      beta1 = from.beta1;
      beta2 = from.beta2;
      epsilon = from.epsilon;
      weightDecay = from.weightDecay;
      maxGradientNorm = from.maxGradientNorm;
      layerDecay = from.layerDecay;
      averageDecay = from.averageDecay;
      averageWarmup = from.averageWarmup;
      freezings = from.freezings;
    }

    /**
     * Sets the decays of the two moments; by default 0.9 and 0.98. OpenCLIP trains a ResNet with
     * 0.9 and 0.999.
     */
    public Builder optBetas(double beta1, double beta2) {
      this.beta1 = beta1;
      this.beta2 = beta2;
      return this;
    }

    /** Sets what is added to the root of the second moment; by default 1e-6. */
    public Builder optEpsilon(double epsilon) {
      this.epsilon = epsilon;
      return this;
    }

    /** Sets the weight decay; by default 0.2. Gains, biases and the logit scale never decay. */
    public Builder optWeightDecay(double weightDecay) {
      this.weightDecay = weightDecay;
      return this;
    }

    /** Sets the global L2 norm that gradients are scaled down to; by default 0, no limit. */
    public Builder optMaxGradientNorm(double maxGradientNorm) {
      this.maxGradientNorm = maxGradientNorm;
      return this;
    }

    /**
     * Sets, for fine-tuning, the factor by which the learning rate falls from each layer to the one
     * below it; by default 1. Heads, projections and the logit scale have the full rate, the last
     * block the factor times it, and so on down to the embeddings; in both towers.
     */
    public Builder optLayerDecay(double factor) {
      this.layerDecay = factor;
      return this;
    }

    /**
     * Averages the weights over the training (an exponential moving average), and ends with the
     * average in the model; by default not.
     *
     * @param decay the average's weight in each step, at least 0 and below 1; 0.9999 for a long
     *     training
     * @param warmup whether it is lower at the beginning, (1 + n) / (10 + n) after n steps
     */
    public Builder optAverageWeights(double decay, boolean warmup) {
      this.averageDecay = decay;
      this.averageWarmup = warmup;
      return this;
    }

    /**
     * Names what keeps its weights; by default nothing. Of several, what any of them names is
     * frozen.
     */
    public Builder optFreeze(Freezing... freezings) {
      this.freezings = List.of(freezings);
      return this;
    }

    /**
     * Builds the options.
     *
     * @throws IllegalArgumentException if one is out of its range
     */
    public OptimizerOptions build() {
      return new OptimizerOptions(
          beta1,
          beta2,
          epsilon,
          weightDecay,
          maxGradientNorm,
          layerDecay,
          averageDecay,
          averageWarmup,
          freezings);
    }
  }
}
