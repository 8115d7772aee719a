package org.clip4j.train.options;

import java.util.ArrayList;
import java.util.List;
import org.clip4j.data.LabelledImage;
import org.clip4j.data.PairSource;
import org.clip4j.eval.Evaluation;
import org.clip4j.io.Limits;
import org.jspecify.annotations.Nullable;

/**
 * Says what a model is measured by before the first step, while it is trained and at the end, how
 * often, and what follows from it. Where the weights are averaged, the average is measured.
 *
 * @param evaluations what is measured; empty for nothing
 * @param everySteps steps from one evaluation to the next; 0 for an epoch's
 * @param bestBy the value by which the best model is chosen; null for none
 * @param patience evaluations in a row without a better model after which the training ends; 0 for
 *     never
 */
public record EvaluationOptions(
    List<Evaluation> evaluations, long everySteps, @Nullable String bestBy, int patience) {

  /** The options of a training that sets none: nothing is measured. */
  public static final EvaluationOptions DEFAULT = new EvaluationOptions(List.of(), 0, null, 0);

  /** Checks the ranges. */
  public EvaluationOptions {
    evaluations = List.copyOf(evaluations);
    Limits.atLeast("steps between evaluations", 0, everySteps);
    Limits.atLeast("patience", 0, patience);
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
    private final List<Evaluation> evaluations;
    private long everySteps;
    private @Nullable String bestBy;
    private int patience;

    private Builder(EvaluationOptions from) {
      evaluations = new ArrayList<>(from.evaluations);
      everySteps = from.everySteps;
      bestBy = from.bestBy;
      patience = from.patience;
    }

    /**
     * Measures retrieval among pairs that are not trained on, see {@link Evaluation#retrieval}.
     *
     * @param pairs at least one
     */
    public Builder optHeldOut(PairSource pairs) {
      return optEvaluation(Evaluation.retrieval(pairs));
    }

    /** Measures zero-shot accuracy among own classes, see {@link Evaluation#zeroShot}. */
    public Builder optZeroShot(
        String name, List<String> classes, List<String> templates, List<LabelledImage> images) {
      return optEvaluation(Evaluation.zeroShot(name, classes, templates, images));
    }

    /** Adds something to measure the model by. */
    public Builder optEvaluation(Evaluation evaluation) {
      evaluations.add(evaluation);
      return this;
    }

    /** Sets the steps from one evaluation to the next; by default an epoch's. */
    public Builder optEverySteps(long steps) {
      this.everySteps = Limits.atLeast("steps between evaluations", 1, steps);
      return this;
    }

    /**
     * Sets the evaluations' value, of which higher is better, by which the best model is chosen; by
     * default none. The model is saved in the folder {@code best} in the output folder, and a
     * training with checkpoints keeps that of the best step.
     *
     * @param metric for example {@code retrieval.text_to_image.r1}
     */
    public Builder optBestBy(@Nullable String metric) {
      this.bestBy = metric;
      return this;
    }

    /**
     * Ends the training after so many evaluations in a row that brought no better model; needs
     * {@link #optBestBy}. By default it goes on to its last step.
     */
    public Builder optEarlyStopping(int patience) {
      this.patience = Limits.atLeast("patience", 1, patience);
      return this;
    }

    /**
     * Builds the options.
     *
     * @throws IllegalArgumentException if one is out of its range
     */
    public EvaluationOptions build() {
      return new EvaluationOptions(evaluations, everySteps, bestBy, patience);
    }
  }
}
