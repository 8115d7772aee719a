package org.clip4j.train.internal.monitor;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.clip4j.engine.Precision;
import org.clip4j.figure.Numbers;
import org.clip4j.train.monitor.BatchStatistics;
import org.clip4j.train.monitor.Finding;
import org.clip4j.train.monitor.TrainingProgress;

/**
 * Looks for what goes wrong in trainings, in the numbers of their steps. Each thing is found at
 * most once. The limits are such that a healthy run, from scratch or fine-tuned, stays silent; the
 * constants say why each is where it is.
 */
final class Diagnosis {
  static final String LOSS_AT_CHANCE = "loss-at-chance";
  static final String EMBEDDINGS_COLLAPSED = "embeddings-collapsed";
  static final String DUPLICATE_CAPTIONS = "duplicate-captions";
  static final String LOGIT_SCALE_AT_CLAMP = "logit-scale-at-clamp";
  static final String LEARNING_RATE_TOO_HIGH = "learning-rate-too-high";
  static final String DATA_STARVATION = "data-starvation";
  static final String NOT_FINITE = "not-finite";

  /** Steps after the warm-up before which a loss at chance says nothing: many runs start so. */
  private static final int STUCK_STEPS = 200;

  /** Stuck: this near to chance on average, and fallen by less than a quarter of this since. */
  private static final double STUCK_SHARE = 0.02;

  /**
   * Mean cosine above which embeddings hardly differ. Published models have about 0.5 to 0.8 within
   * a modality; untrained ones up to 0.95, which is why the first steps do not count.
   */
  private static final double COLLAPSED_COSINE = 0.98;

  /** Measurements in a row above it. */
  private static final int COLLAPSED_MEASUREMENTS = 5;

  /** With this share, every tenth pair is taught to avoid a caption that describes it. */
  private static final double MANY_DUPLICATES = 0.1;

  private static final int DUPLICATE_BATCHES = 20;

  /** The logit scale's clamp, less rounding. */
  private static final double CLAMP = 100 * (1 - 1e-4);

  private static final int CLAMP_STEPS = 100;

  /** A step with a loss above this many medians, and by at least half a nat, is a spike. */
  private static final double LOSS_SPIKE = 1.5;

  /**
   * So is one whose gradient norm is this many medians, where noise reaches 3 or 4, and whose loss
   * is above its median: a norm that rises while the loss falls is that of a model that starts to
   * learn.
   */
  private static final double NORM_SPIKE = 10;

  private static final double NORM_SPIKE_LOSS = 1.1;

  /** Spikes within so many steps that are no accident of one batch. */
  private static final int SPIKES = 3;

  private static final int SPIKE_STEPS = 100;

  /** Medians of fewer steps are no measure. */
  private static final int MEDIAN_STEPS = 10;

  /** A loss that stays so far above chance after the warm-up has diverged. */
  private static final double DIVERGED_SHARE = 1.2;

  private static final int DIVERGED_STEPS = 20;

  /** A trainer that waits longer than this would be a quarter faster with enough data. */
  private static final double STARVED_SHARE = 0.2;

  private static final int STARVED_STEPS = 100;

  private final long warmupSteps;
  private final boolean spreadsDuplicates;
  private final Set<String> found = new HashSet<>();

  private final Window chanceRatio = new Window(STUCK_STEPS);
  private final Window norms = new Window(SPIKE_STEPS);
  private final Window losses = new Window(SPIKE_STEPS);
  private final Window spikes = new Window(SPIKE_STEPS); // 1 for a spike, else 0
  private final Window lastRatios = new Window(DIVERGED_STEPS);
  private final Window duplicates = new Window(DUPLICATE_BATCHES);
  private long seen;
  private int collapsed;
  private double firstLogitScale = Double.NaN;
  private int clamped;
  private int starved;

  /**
   * Starts to look.
   *
   * @param warmupSteps of the learning rate
   * @param spreadsDuplicates whether pairs with equal captions are no negatives of each other
   */
  Diagnosis(long warmupSteps, boolean spreadsDuplicates) {
    this.warmupSteps = warmupSteps;
    this.spreadsDuplicates = spreadsDuplicates;
  }

  /** What a step adds to what is known: usually nothing. */
  List<Finding> after(TrainingProgress step) {
    seen++;
    List<Finding> findings = new ArrayList<>();
    learningRateTooHigh(step, findings);
    lossAtChance(step, findings);
    embeddingsCollapsed(step, findings);
    duplicateCaptions(step, findings);
    logitScaleAtClamp(step, findings);
    dataStarvation(step, findings);
    return findings;
  }

  private void lossAtChance(TrainingProgress step, List<Finding> findings) {
    if (step.step() <= warmupSteps || Double.isNaN(step.batch().chanceLoss())) {
      return;
    }
    chanceRatio.add(step.loss() / step.batch().chanceLoss());
    if (!chanceRatio.isFull()) {
      return;
    }
    double fallen =
        chanceRatio.mean(0, STUCK_STEPS / 2) - chanceRatio.mean(STUCK_STEPS / 2, STUCK_STEPS);
    if (Math.abs(chanceRatio.mean() - 1) < STUCK_SHARE && fallen < STUCK_SHARE / 4) {
      double chance = step.batch().chanceLoss();
      add(
          findings,
          step,
          LOSS_AT_CHANCE,
          text(
              "The loss is stuck at chance: %.3f on average over the last %d steps, where ln(%d) = %.3f is that of guessing.",
              chanceRatio.mean() * chance, STUCK_STEPS, step.batch().size(), chance),
          "See that captions belong to their images (a shifted table, one caption for all) and that the images are not blank;"
              + " then try a learning rate ten times lower, or higher if it is below 1e-5, and a longer warm-up.",
          Map.of(
              "mean_loss",
              chanceRatio.mean() * chance,
              "chance_loss",
              chance,
              "learning_rate",
              step.learningRate()));
    }
  }

  private void embeddingsCollapsed(TrainingProgress step, List<Finding> findings) {
    double image = step.batch().imageCosine();
    double text = step.batch().textCosine();
    if (Double.isNaN(image) || step.step() <= warmupSteps || seen < STUCK_STEPS) {
      return;
    }
    collapsed = Math.max(image, text) > COLLAPSED_COSINE ? collapsed + 1 : 0;
    if (collapsed >= COLLAPSED_MEASUREMENTS) {
      boolean both = Math.min(image, text) > COLLAPSED_COSINE;
      String which = both ? "image and text" : image > text ? "image" : "text";
      add(
          findings,
          step,
          EMBEDDINGS_COLLAPSED,
          text(
              "The %s embeddings have collapsed: two different images of a batch have a cosine similarity of %.3f on average,"
                  + " two captions %.3f, where 1 is the same vector for all.",
              which, image, text),
          "Start again with a learning rate ten times lower and a longer warm-up, or with a published model; see that the "
              + (which.equals("text") ? "captions" : "images")
              + " differ from each other.",
          Map.of("image_cosine", image, "text_cosine", text));
    }
  }

  private void duplicateCaptions(TrainingProgress step, List<Finding> findings) {
    if (spreadsDuplicates) {
      return;
    }
    BatchStatistics batch = step.batch();
    duplicates.add(batch.duplicateCaptions());
    if (duplicates.isFull() && duplicates.mean() > MANY_DUPLICATES) {
      String example =
          batch.commonCaption() == null
              ? ""
              : text(
                  " In this batch \"%s\" stands %d times.",
                  shortened(batch.commonCaption()), batch.commonCaptionCount());
      add(
          findings,
          step,
          DUPLICATE_CAPTIONS,
          text(
              "Many captions of a batch are equal: %.0f %% of its pairs share theirs with another, over the last %d batches of %d."
                  + " The loss takes a pair's own caption for wrong where it stands beside another image.%s",
              100 * duplicates.mean(), DUPLICATE_BATCHES, batch.size(), example),
          "Spread the duplicates (they are then no negatives of each other), or write captions that tell the images apart, or use smaller batches.",
          Map.of("duplicate_captions", duplicates.mean(), "batch_size", (double) batch.size()));
    }
  }

  /** A model that came with its scale at the clamp, as many published ones do, is not a finding. */
  private void logitScaleAtClamp(TrainingProgress step, List<Finding> findings) {
    if (Double.isNaN(firstLogitScale)) {
      firstLogitScale = step.logitScale();
    }
    clamped = step.logitScale() >= CLAMP ? clamped + 1 : 0;
    if (clamped >= CLAMP_STEPS && firstLogitScale < CLAMP) {
      add(
          findings,
          step,
          LOGIT_SCALE_AT_CLAMP,
          text(
              "The logit scale has risen from %.1f to its clamp of 100 and been there for %d steps; the loss is %.3f.",
              firstLogitScale, clamped, step.loss()),
          "If the loss is near 0, the model knows its training pairs by heart: train for fewer epochs, or on more pairs or with"
              + " augmentation. If it is not, the learning rate is too high for the logit scale: lower it.",
          Map.of("first_logit_scale", firstLogitScale, "loss", (double) step.loss()));
    }
  }

  private void learningRateTooHigh(TrainingProgress step, List<Finding> findings) {
    double normal = losses.median();
    double normalNorm = norms.median();
    boolean spike =
        losses.size() >= MEDIAN_STEPS
            && (step.loss() > Math.max(LOSS_SPIKE * normal, normal + 0.5)
                || Double.isFinite(step.gradientNorm())
                    && step.gradientNorm() > NORM_SPIKE * normalNorm
                    && step.loss() > NORM_SPIKE_LOSS * normal);
    if (Double.isFinite(step.gradientNorm())) { // else half precision had the step skipped
      norms.add(step.gradientNorm());
    }
    losses.add(step.loss());
    spikes.add(spike ? 1 : 0);
    lastRatios.add(step.loss() / step.batch().chanceLoss());
    String remedy =
        text(
            "Lower the learning rate, now %s, to a third or a tenth; a longer warm-up or a maximum gradient norm of 1 also helps.",
            Numbers.brief(step.learningRate()));
    long count = Math.round(spikes.mean() * spikes.size());
    if (spike && count >= SPIKES) {
      add(
          findings,
          step,
          LEARNING_RATE_TOO_HIGH,
          text(
              "The learning rate looks too high: %d of the last %d steps were spikes, the last with a loss of %.2f where the median is"
                  + " %.2f, and a gradient norm of %.2f where it is %.2f.",
              count, spikes.size(), step.loss(), normal, step.gradientNorm(), normalNorm),
          remedy,
          Map.of(
              "spikes",
              (double) count,
              "loss",
              (double) step.loss(),
              "median_loss",
              normal,
              "gradient_norm",
              step.gradientNorm(),
              "median_gradient_norm",
              normalNorm,
              "learning_rate",
              step.learningRate()));
    } else if (step.step() > warmupSteps + DIVERGED_STEPS
        && lastRatios.isFull()
        && lastRatios.min() > 1
        && lastRatios.mean() > DIVERGED_SHARE) {
      double loss = lastRatios.mean() * step.batch().chanceLoss();
      add(
          findings,
          step,
          LEARNING_RATE_TOO_HIGH,
          text(
              "The learning rate looks too high: the loss has been above chance for %d steps, %.2f on average where guessing gives"
                  + " %.2f.",
              DIVERGED_STEPS, loss, step.batch().chanceLoss()),
          remedy,
          Map.of(
              "mean_loss",
              loss,
              "chance_loss",
              step.batch().chanceLoss(),
              "learning_rate",
              step.learningRate()));
    }
  }

  private void dataStarvation(TrainingProgress step, List<Finding> findings) {
    starved = step.dataWait() > STARVED_SHARE ? starved + 1 : 0;
    if (starved >= STARVED_STEPS) {
      add(
          findings,
          step,
          DATA_STARVATION,
          text(
              "The training waits for data: %.0f %% of the time of the last steps, and more than %.0f %% for %d steps.",
              100 * step.dataWait(), 100 * STARVED_SHARE, starved),
          "Give it more decode threads, a larger image cache, images already shrunk to"
              + " about the model's size, or a faster disk.",
          Map.of("data_wait", step.dataWait(), "steps", (double) starved));
    }
  }

  /**
   * What is said when a loss or a gradient is not a number, or infinite.
   *
   * @param step that was not completed
   * @param atFault in which the step was computed, if the same step is finite in plain float32
   *     arithmetic; null if it is not
   * @param remains which good state there is, a sentence
   * @param batch where the batch was saved, a sentence; empty if it was not
   */
  static Finding notFinite(
      long step,
      double loss,
      double gradientNorm,
      double learningRate,
      Precision atFault,
      String remains,
      String batch) {
    Map<String, Double> evidence = new LinkedHashMap<>();
    evidence.put("loss", loss);
    evidence.put("gradient_norm", gradientNorm);
    evidence.put("learning_rate", learningRate);
    return new Finding(
        NOT_FINITE,
        step,
        text(
                "The %s became %s at step %d; the training stopped before the weights were updated. %s %s",
                Double.isFinite(loss) ? "gradient norm" : "loss",
                Double.isFinite(loss) ? gradientNorm : loss,
                step,
                remains,
                batch)
            .strip(),
        atFault != null
            ? text(
                "The same step is finite in plain float32 arithmetic, so neither the learning rate nor the data is at fault, but"
                    + " %s. Report it with the output of examples/run Doctor%s.",
                atFault == Precision.FP32
                    ? "a native kernel, or this machine's memory"
                    : "a native kernel of " + atFault + ", or the range of its numbers",
                atFault == Precision.FP32 ? "" : ", and train in FP32 meanwhile")
            : text(
                "Try a lower learning rate than %s, a longer warm-up or a maximum gradient norm of 1; if the same batch fails again, look at"
                    + " its images and captions.",
                Numbers.brief(learningRate)),
        evidence);
  }

  private void add(
      List<Finding> findings,
      TrainingProgress step,
      String id,
      String message,
      String remedy,
      Map<String, Double> evidence) {
    if (found.add(id)) {
      findings.add(new Finding(id, step.step(), message, remedy, evidence));
    }
  }

  private static String shortened(String caption) {
    return caption.length() <= 80 ? caption : caption.substring(0, 80) + "…";
  }

  private static String text(String format, Object... values) {
    return String.format(Locale.ROOT, format, values);
  }
}
