package org.clip4j.eval.probe;

import ai.djl.modality.Classifications;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;
import org.clip4j.eval.ProbeAccuracy;
import org.clip4j.eval.internal.LabelledFeatures;
import org.clip4j.eval.probe.LabelledDraw.Halves;
import org.clip4j.io.IoErrors;
import org.clip4j.io.Limits;

/**
 * Fits a linear classifier on frozen features, as Radford et al. 2021 measure representations by
 * (section 3.2, appendix A.3): logistic regression of at most 1,000 iterations, its L2 strength
 * chosen by accuracy on validation examples, then fitted again on training and validation examples
 * together.
 *
 * <pre>{@code
 * LinearProbe probe = LinearProbe.builder()
 *     .setTraining(encoder.encodeImages(images), labels)
 *     .setClassNames(List.of("cat", "dog"))
 *     .fit();
 * Classifications answer = probe.classify(clip.encodeImage(Path.of("new.jpg")));
 * }</pre>
 *
 * Immutable and safe for use by several threads.
 */
public final class LinearProbe {
  private final List<String> classNames;
  private final LinearClassifier classifier;
  private final LogisticRegression.Fit fit; // null for a probe that was loaded
  private final List<Trial> trials;

  /**
   * Describes one strength that was tried.
   *
   * @param c the inverse of the L2 strength
   * @param accuracy on the validation examples, top-1 in [0, 1]
   * @param loss the mean cross-entropy on the validation examples
   * @param fit on the training examples alone
   */
  public record Trial(double c, double accuracy, double loss, LogisticRegression.Fit fit) {}

  private LinearProbe(
      List<String> classNames,
      LinearClassifier classifier,
      LogisticRegression.Fit fit,
      List<Trial> trials) {
    this.classNames = classNames;
    this.classifier = classifier;
    this.fit = fit;
    this.trials = trials;
  }

  /** Starts a probe. */
  public static Builder builder() {
    return new Builder();
  }

  /** Returns the names of the classes, in the order of their indices. */
  public List<String> classNames() {
    return classNames;
  }

  /** Returns the weights and intercepts. */
  public LinearClassifier classifier() {
    return classifier;
  }

  /** Returns how the final fit went; empty for a probe that was loaded. */
  public Optional<LogisticRegression.Fit> fit() {
    return Optional.ofNullable(fit);
  }

  /**
   * Returns what was tried to choose the strength, ascending by C; empty where it was given, or for
   * a probe that was loaded.
   */
  public List<Trial> trials() {
    return trials;
  }

  /**
   * Classifies an image.
   *
   * @param features as it was fitted on: of the same model, D values
   * @return the classes with their probabilities, which sum to 1
   */
  public Classifications classify(float[] features) {
    List<Double> probabilities = new ArrayList<>(classNames.size());
    for (double value : classifier.probabilities(features)) {
      probabilities.add(value);
    }
    return new Classifications(classNames, probabilities);
  }

  /** Measures on examples that it was not fitted on. */
  public ProbeAccuracy accuracy(float[][] features, int[] labels) {
    LabelledFeatures.check("test", features, labels, classNames.size());
    return ProbeAccuracy.of(classifier.logits(features), labels);
  }

  /**
   * Saves the probe as a safetensors file, of {@code weight} [K, D] and {@code bias} [K] as of
   * PyTorch's {@code Linear}, with the class names in its metadata.
   *
   * @param file is replaced only when all is written
   */
  public void save(Path file) throws IOException {
    IoErrors.worded(
        file,
        () -> {
          LinearProbeFile.write(file, new LinearProbeFile.Content(classNames, classifier));
          return null;
        });
  }

  /**
   * Loads a probe that {@link #save} wrote.
   *
   * @throws IOException if the file is none; the message names it
   */
  public static LinearProbe load(Path file) throws IOException {
    LinearProbeFile.Content content = IoErrors.worded(file, () -> LinearProbeFile.read(file));
    return new LinearProbe(content.classNames(), content.classifier(), null, List.of());
  }

  /** Says what to fit. Not safe for use by several threads. */
  public static final class Builder {
    private float[][] training;
    private int[] trainingLabels;
    private List<String> classNames;
    private float[][] validation;
    private int[] validationLabels;
    private double validationFraction = 0.2;
    private long seed;
    private Double c;
    private Consumer<Trial> listener = trial -> {};
    private final LogisticRegression regression = LogisticRegression.create();

    private Builder() {}

    /**
     * Sets the training examples; required.
     *
     * @param features N vectors of D values
     * @param labels for each the index of its class
     */
    public Builder setTraining(float[][] features, int[] labels) {
      training = Objects.requireNonNull(features, "features");
      trainingLabels = Objects.requireNonNull(labels, "labels");
      return this;
    }

    /** Sets the names of the classes; required, at least 2, all different. */
    public Builder setClassNames(List<String> names) {
      classNames = List.copyOf(names);
      return this;
    }

    /** Sets the examples to choose the strength by, where the data set has some set apart. */
    public Builder optValidation(float[][] features, int[] labels) {
      validation = Objects.requireNonNull(features, "features");
      validationLabels = Objects.requireNonNull(labels, "labels");
      return this;
    }

    /**
     * Sets the share of each class's training examples to choose the strength by, where no others
     * are given; 0.2 by default. It is rounded for each class, and at least one example.
     */
    public Builder optValidationFraction(double fraction) {
      validationFraction = Limits.fraction("the validation fraction", fraction);
      return this;
    }

    /** Sets the seed by which that share is drawn; 0 by default. */
    public Builder optSeed(long seed) {
      this.seed = seed;
      return this;
    }

    /**
     * Takes this C, the inverse of the L2 strength, and tries no others; then no validation
     * examples are needed.
     */
    public Builder optC(double c) {
      regression.optC(c); // checked there
      this.c = c;
      return this;
    }

    /** Sets the most iterations of L-BFGS; 1,000 by default, as in the paper. */
    public Builder optMaxIterations(int iterations) {
      regression.optMaxIterations(iterations);
      return this;
    }

    /** Sets a listener that receives each strength that was tried. */
    public Builder optListener(Consumer<Trial> listener) {
      this.listener = Objects.requireNonNull(listener, "listener");
      return this;
    }

    /**
     * Chooses the strength and fits.
     *
     * @throws IllegalArgumentException if examples, labels and classes do not fit together
     */
    public LinearProbe fit() {
      if (training == null || classNames == null) {
        throw new IllegalStateException("setTraining and setClassNames are required");
      }
      int classes = classNames.size();
      if (classes < 2 || new HashSet<>(classNames).size() < classes) {
        throw new IllegalArgumentException(
            "a probe tells at least 2 classes of different names apart, found " + classNames);
      }
      LabelledFeatures all = LabelledFeatures.check("training", training, trainingLabels, classes);
      int[] counts = LabelledFeatures.counts(trainingLabels, classes);
      for (int k = 0; k < classes; k++) {
        if (counts[k] == 0) {
          throw new IllegalArgumentException(
              name(k) + " has no training example; leave it out, or add examples of it");
        }
      }
      List<Trial> trials = new ArrayList<>();
      double chosen = c != null ? c : 0;
      if (c == null) {
        LabelledFeatures train = all;
        LabelledFeatures held;
        if (validation != null) {
          held = LabelledFeatures.check("validation", validation, validationLabels, classes);
          all = train.and(held);
        } else {
          Halves halves =
              LabelledDraw.split(trainingLabels, classes, validationFraction, seed, this::name);
          train = all.select(halves.first());
          held = all.select(halves.second());
        }
        chosen =
            StrengthSweep.choose(
                    regression,
                    train,
                    held,
                    classes,
                    trial -> {
                      trials.add(trial);
                      listener.accept(trial);
                    })
                .c();
        trials.sort(Comparator.comparingDouble(Trial::c));
      }
      try (LogisticRegression.Data data = regression.data(all.features(), all.labels(), classes)) {
        LogisticRegression.Fit fit = regression.fit(data, chosen);
        return new LinearProbe(classNames, fit.classifier(), fit, List.copyOf(trials));
      }
    }

    private String name(int k) {
      return "class " + k + " (" + classNames.get(k) + ")";
    }
  }
}
