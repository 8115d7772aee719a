package org.clip4j.eval.probe;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import org.clip4j.eval.ProbeAccuracy;
import org.clip4j.eval.internal.LabelledFeatures;
import org.clip4j.io.Limits;
import org.jspecify.annotations.Nullable;

/**
 * Fits linear probes on a few labelled examples of each class, drawn several times, see {@link
 * FewShotCurve}.
 *
 * <p>The L2 strength is either given, or chosen for each draw by accuracy on validation examples
 * (as {@link LinearProbe} does). Those are more labels than the shots themselves, so the second way
 * shows what a probe can do at best; either way they are never fitted on. The paper does not say
 * how it chose.
 */
public final class FewShot {
  /**
   * The C that is taken where none is given and there are no validation examples. CLIP's own
   * example of a probe sets 0.316 for features of a length of about 10; for unit length the same
   * penalty is a hundred times that.
   */
  public static final double DEFAULT_C = 31.6;

  private float[][] training;
  private int[] trainingLabels;
  private float[][] test;
  private int[] testLabels;
  private float[][] validation;
  private int[] validationLabels;
  private double validationFraction; // 0 for none
  private long validationSeed;
  private List<String> classNames;
  private int[] shots = {1, 2, 4, 8, 16};
  private int seeds = 3;
  private float[][] classWeights; // null for no adapters
  private double logitScale;
  private boolean full;
  private boolean fewer;
  private Consumer<Run> listener = run -> {};
  private final LogisticRegression regression = LogisticRegression.create().optC(DEFAULT_C);

  private FewShot() {}

  /**
   * Describes one fit.
   *
   * @param shots examples of each class; 0 for a fit on all of them
   * @param seed that drew them
   * @param examples in all
   * @param c the inverse of the L2 strength
   * @param accuracy on the test examples
   * @param converged whether the fit did
   */
  public record Run(
      int shots, long seed, int examples, double c, ProbeAccuracy accuracy, boolean converged) {}

  /**
   * Says what was found.
   *
   * @param curve mean accuracies, with the fit on all examples as the last point if there was one
   * @param runs every fit, in order
   * @param adapters the same draws as caches of {@link TipAdapter}; null without class embeddings
   */
  public record Result(FewShotCurve curve, List<Run> runs, @Nullable Adapters adapters) {}

  /**
   * Holds the adapters of the same draws.
   *
   * @param tip mean accuracies of Tip-Adapter
   * @param tipF those of Tip-Adapter-F
   * @param runs every adapter, in order
   */
  public record Adapters(FewShotCurve tip, FewShotCurve tipF, List<AdapterRun> runs) {}

  /**
   * Describes one adapter.
   *
   * @param trained whether it is Tip-Adapter-F
   * @param alpha of the formula, see {@link TipAdapter}
   * @param beta of the formula
   */
  public record AdapterRun(
      int shots, long seed, boolean trained, double alpha, double beta, ProbeAccuracy accuracy) {}

  /** Starts to say what to fit. Not safe for use by several threads. */
  public static FewShot create() {
    return new FewShot();
  }

  /** Sets the examples to draw from; required. */
  public FewShot setTraining(float[][] features, int[] labels) {
    training = Objects.requireNonNull(features, "features");
    trainingLabels = Objects.requireNonNull(labels, "labels");
    return this;
  }

  /** Sets the examples to measure on; required. */
  public FewShot setTest(float[][] features, int[] labels) {
    test = Objects.requireNonNull(features, "features");
    testLabels = Objects.requireNonNull(labels, "labels");
    return this;
  }

  /** Sets the names of the classes; required, at least 2, all different. */
  public FewShot setClassNames(List<String> names) {
    classNames = List.copyOf(names);
    return this;
  }

  /** Sets how many examples of each class are drawn; 1, 2, 4, 8 and 16 by default. */
  public FewShot optShots(int... shots) {
    int[] sorted = Arrays.stream(shots).sorted().distinct().toArray();
    if (sorted.length == 0 || sorted[0] < 1) {
      throw new IllegalArgumentException(
          "shots must be at least 1 each, found " + Arrays.toString(shots));
    }
    this.shots = sorted;
    return this;
  }

  /** Sets how often to draw, with seeds from 0 on; 3 by default. */
  public FewShot optSeeds(int seeds) {
    this.seeds = Limits.atLeast("seeds", 1, seeds);
    return this;
  }

  /** Sets the examples to choose the strength by, for each draw; else it is {@link #optC}'s. */
  public FewShot optValidation(float[][] features, int[] labels) {
    validation = Objects.requireNonNull(features, "features");
    validationLabels = Objects.requireNonNull(labels, "labels");
    return this;
  }

  /**
   * Sets this share of each class's training examples apart to choose the strength by, the same as
   * {@link LinearProbe} does with the same seed; the shots are drawn from the rest.
   *
   * @param fraction between 0 and 1
   * @param seed draws them
   */
  public FewShot optValidationFraction(double fraction, long seed) {
    validationFraction = Limits.fraction("the validation fraction", fraction);
    validationSeed = seed;
    return this;
  }

  /**
   * Sets the inverse of the L2 strength, without validation examples; {@link #DEFAULT_C} by
   * default.
   */
  public FewShot optC(double c) {
    regression.optC(c);
    return this;
  }

  /** Sets the most iterations of L-BFGS; 1,000 by default. */
  public FewShot optMaxIterations(int iterations) {
    regression.optMaxIterations(iterations);
    return this;
  }

  /** Adds a fit on all training examples, the paper's fully supervised point. */
  public FewShot optFull(boolean full) {
    this.full = full;
    return this;
  }

  /**
   * Takes all examples of a class that has fewer than the shots; by default such a class is an
   * error.
   */
  public FewShot optFewer(boolean fewer) {
    this.fewer = fewer;
    return this;
  }

  /**
   * Sets the embeddings of the classes' prompts; with them {@link TipAdapter} and Tip-Adapter-F are
   * measured on the same draws. Their alpha and beta are chosen on the validation examples for each
   * draw, and are the paper's without.
   *
   * @param weights one vector for each class, of unit length
   * @param logitScale the model's, see {@link TipAdapter#withLogitScale}
   */
  public FewShot optClassWeights(float[][] weights, double logitScale) {
    classWeights = Objects.requireNonNull(weights, "weights");
    this.logitScale = logitScale;
    return this;
  }

  /** Sets a listener that receives each fit. */
  public FewShot optListener(Consumer<Run> listener) {
    this.listener = Objects.requireNonNull(listener, "listener");
    return this;
  }

  /**
   * Draws, fits and measures.
   *
   * @throws IllegalArgumentException if examples, labels and classes do not fit together, or a
   *     class has fewer examples than the shots
   */
  public Result run() {
    if (training == null || test == null || classNames == null) {
      throw new IllegalStateException("setTraining, setTest and setClassNames are required");
    }
    int classes = classNames.size();
    if (classes < 2 || new HashSet<>(classNames).size() < classes) {
      throw new IllegalArgumentException(
          "a probe tells at least 2 classes of different names apart, found " + classNames);
    }
    LabelledFeatures all = LabelledFeatures.check("training", training, trainingLabels, classes);
    LabelledFeatures.check("test", test, testLabels, classes);
    if (classWeights != null && classWeights.length != classes) {
      throw new IllegalArgumentException(
          "there are " + classes + " classes, and class embeddings of " + classWeights.length);
    }
    LabelledFeatures held =
        validation == null
            ? null
            : LabelledFeatures.check("validation", validation, validationLabels, classes);
    if (held == null && validationFraction > 0) {
      LabelledDraw.Halves halves =
          LabelledDraw.split(
              trainingLabels, classes, validationFraction, validationSeed, this::name);
      held = all.select(halves.second());
      all = all.select(halves.first());
    }
    checkCounts(all.labels());
    List<Run> runs = new ArrayList<>();
    List<FewShotCurve.Point> points = new ArrayList<>();
    List<AdapterRun> adapters = new ArrayList<>();
    for (int k : shots) {
      List<Double> accuracies = new ArrayList<>();
      for (int seed = 0; seed < seeds; seed++) {
        int[] drawn = LabelledDraw.shots(all.labels(), classes, k, seed);
        Run run = run(all.select(drawn), held, k, seed);
        runs.add(run);
        accuracies.add(run.accuracy.top1());
        if (classWeights != null) {
          adapters.addAll(adapters(all.select(drawn), held, k, seed));
        }
      }
      points.add(new FewShotCurve.Point(k, accuracies));
    }
    double mean = all.labels().length / (double) classes;
    if (full && mean > shots[shots.length - 1]) {
      Run run = run(all, held, 0, 0);
      runs.add(run);
      points.add(new FewShotCurve.Point(mean, List.of(run.accuracy.top1())));
    }
    return new Result(
        new FewShotCurve(points),
        List.copyOf(runs),
        classWeights == null
            ? null
            : new Adapters(curve(adapters, false), curve(adapters, true), List.copyOf(adapters)));
  }

  private FewShotCurve curve(List<AdapterRun> adapters, boolean trained) {
    return new FewShotCurve(
        Arrays.stream(shots)
            .mapToObj(
                k ->
                    new FewShotCurve.Point(
                        k,
                        adapters.stream()
                            .filter(run -> run.shots == k && run.trained == trained)
                            .map(run -> run.accuracy.top1())
                            .toList()))
            .toList());
  }

  private List<AdapterRun> adapters(
      LabelledFeatures drawn, LabelledFeatures held, int shots, long seed) {
    TipAdapter tip =
        TipAdapter.of(drawn.features(), drawn.labels(), classWeights).withLogitScale(logitScale);
    TipAdapter tipF = TipAdapterTraining.create().optSeed(seed).train(tip, drawn.features());
    return List.of(adapter(tip, held, shots, seed, false), adapter(tipF, held, shots, seed, true));
  }

  private AdapterRun adapter(
      TipAdapter given, LabelledFeatures held, int shots, long seed, boolean trained) {
    TipAdapter adapter = held == null ? given : given.searched(held.features(), held.labels());
    return new AdapterRun(
        shots, seed, trained, adapter.alpha(), adapter.beta(), adapter.accuracy(test, testLabels));
  }

  /**
   * Checks that every class has examples enough for the shots, once those for validation are set
   * apart, before anything is encoded or fitted; {@link #run} checks it too.
   *
   * @param labels of the training examples, which need not be there yet
   * @throws IllegalArgumentException if a class has too few; the message names it
   */
  public FewShot check(int[] labels) {
    if (classNames == null) {
      throw new IllegalStateException("setClassNames is required");
    }
    int[] left = labels;
    if (validation == null && validationFraction > 0) {
      left =
          Arrays.stream(
                  LabelledDraw.split(
                          labels, classNames.size(), validationFraction, validationSeed, this::name)
                      .first())
              .map(i -> labels[i])
              .toArray();
    }
    checkCounts(left);
    return this;
  }

  private void checkCounts(int[] labels) {
    int[] counts = LabelledFeatures.counts(labels, classNames.size());
    int most = shots[shots.length - 1];
    for (int k = 0; k < counts.length; k++) {
      if (counts[k] < (fewer ? 1 : most)) {
        throw new IllegalArgumentException(
            name(k)
                + " has "
                + counts[k]
                + " training examples to draw from, and "
                + most
                + " shots were asked for; ask for fewer, add examples, or let such classes take all they have");
      }
    }
  }

  private String name(int k) {
    return "class " + k + " (" + classNames.get(k) + ")";
  }

  private Run run(LabelledFeatures drawn, LabelledFeatures held, int shots, long seed) {
    int classes = classNames.size();
    LogisticRegression.Fit fit =
        held == null
            ? regression.fit(drawn.features(), drawn.labels(), classes)
            : StrengthSweep.choose(regression, drawn, held, classes, trial -> {}).fit();
    ProbeAccuracy accuracy = ProbeAccuracy.of(fit.classifier().logits(test), testLabels);
    Run run = new Run(shots, seed, drawn.labels().length, fit.c(), accuracy, fit.converged());
    listener.accept(run);
    return run;
  }
}
