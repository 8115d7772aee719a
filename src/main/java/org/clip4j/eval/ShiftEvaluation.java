package org.clip4j.eval;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.LongConsumer;
import org.clip4j.data.CorruptedImage;
import org.clip4j.data.LabelledImages;
import org.clip4j.encode.ClassNames;
import org.clip4j.encode.Encoder;
import org.clip4j.image.Corruption;
import org.jspecify.annotations.Nullable;

/**
 * Measures the accuracy of classifiers on a source set and on shifted ones (Radford et al. 2021,
 * section 3.3): the same images spoilt in six ways at five severities, and sets of one's own. Each
 * set is read and encoded once for all classifiers.
 */
public final class ShiftEvaluation {
  private final LabelledImages source;
  private final ClassNames.Matched classes;
  private final Map<String, EmbeddingClassifier> classifiers = new LinkedHashMap<>();
  private final List<Shift> shifts = new ArrayList<>();
  private int resamples = 1000;
  private long seed;
  private LongConsumer progress = done -> {};

  private ShiftEvaluation(LabelledImages source, ClassNames classes) {
    this.source = source;
    this.classes = classes.match(source.labels());
  }

  /** A shifted set. */
  private record Shift(String name, int severity, LabelledImages images) {}

  /**
   * Holds the accuracies on one set.
   *
   * @param shift its name
   * @param severity from 1; 0 if it has none
   * @param images that could be read
   * @param top1 of each classifier, in order
   * @param meanPerClass of each classifier, in order
   */
  public record Row(
      String shift,
      int severity,
      int images,
      int unreadable,
      List<Interval> top1,
      List<Interval> meanPerClass) {}

  /**
   * Says what was measured.
   *
   * @param classifiers their names
   * @param source on the source set
   * @param rows on each shifted set, in order
   */
  public record Result(List<String> classifiers, Row source, List<Row> rows) {

    /** Returns the names of the shifts, each once. */
    public List<String> shifts() {
      Set<String> names = new LinkedHashSet<>();
      rows.forEach(row -> names.add(row.shift));
      return List.copyOf(names);
    }

    /** Returns a classifier's mean top-1 over the severities of a shift. */
    public double mean(String shift, int classifier) {
      return rows.stream()
          .filter(row -> row.shift.equals(shift))
          .mapToDouble(row -> row.top1.get(classifier).value())
          .average()
          .orElseThrow(() -> new IllegalArgumentException("there is no shift " + shift));
    }

    /** Returns a classifier's mean top-1 over all shifts, each counting once. */
    public double mean(int classifier) {
      return shifts().stream().mapToDouble(shift -> mean(shift, classifier)).average().orElse(0);
    }

    /**
     * Returns a classifier's accuracies on the source set and on a shift.
     *
     * @param shift its name; null for the mean over all
     */
    public EffectiveRobustness.Point point(@Nullable String shift, int classifier) {
      return new EffectiveRobustness.Point(
          classifiers.get(classifier),
          source.top1.get(classifier).value(),
          shift == null ? mean(classifier) : mean(shift, classifier));
    }

    /**
     * Fits the line to some of the classifiers.
     *
     * @param shift its name; null for the mean over all
     * @param baselines their names
     * @throws IllegalArgumentException if they are too few, see {@link EffectiveRobustness#fit}
     */
    public EffectiveRobustness robustness(@Nullable String shift, Set<String> baselines) {
      List<EffectiveRobustness.Point> points = new ArrayList<>();
      for (int k = 0; k < classifiers.size(); k++) {
        if (baselines.contains(classifiers.get(k))) {
          points.add(point(shift, k));
        }
      }
      int images = source.images;
      for (Row row : rows) {
        images = row.shift.equals(shift) || shift == null ? Math.min(images, row.images) : images;
      }
      return EffectiveRobustness.fit(points, images);
    }
  }

  /**
   * Starts an evaluation. Not safe for use by several threads.
   *
   * @param source the set that the shifts are compared with
   * @param classes that an image may be, found by the labels of the source set
   * @throws IllegalArgumentException if a label has no class
   */
  public static ShiftEvaluation of(LabelledImages source, ClassNames classes) {
    return new ShiftEvaluation(source, classes);
  }

  /**
   * Adds a classifier, at least one.
   *
   * @param classifier one score for each of the classes, in their order
   */
  public ShiftEvaluation setClassifier(String name, EmbeddingClassifier classifier) {
    classifiers.put(name, classifier);
    return this;
  }

  /**
   * Adds a shifted set of one's own.
   *
   * @throws IllegalArgumentException if it has a label that the source set has not
   */
  public ShiftEvaluation optShift(String name, LabelledImages images) {
    shifts.add(new Shift(name, 0, images.withLabelsOf(source)));
    return this;
  }

  /**
   * Adds the source set spoilt in every way at every severity.
   *
   * @param seed of the noise and of what is covered
   */
  public ShiftEvaluation optCorruptions(long seed) {
    for (Corruption corruption : Corruption.values()) {
      String name = corruption.label();
      for (int severity = 1; severity <= Corruption.SEVERITIES; severity++) {
        int degree = severity;
        LabelledImages spoilt =
            source.withImages(
                source.name() + ", " + name + " " + severity,
                image -> new CorruptedImage(image, corruption, degree, seed));
        shifts.add(new Shift(name, severity, spoilt));
      }
    }
    return this;
  }

  /** Sets the number of resamples of the intervals' bootstrap; 1000 by default. */
  public ShiftEvaluation optResamples(int resamples) {
    this.resamples = resamples;
    return this;
  }

  /** Sets the seed of the intervals' bootstrap; 0 by default. */
  public ShiftEvaluation optSeed(long seed) {
    this.seed = seed;
    return this;
  }

  /**
   * Sets a listener that receives how many images are done, of {@link ShiftEvaluation#images()}.
   */
  public ShiftEvaluation optProgress(LongConsumer progress) {
    this.progress = Objects.requireNonNull(progress, "progress");
    return this;
  }

  /** Returns how many images are read in all. */
  public long images() {
    return source.size() + shifts.stream().mapToLong(shift -> shift.images.size()).sum();
  }

  /**
   * Measures the classifiers on all sets.
   *
   * @throws IllegalArgumentException if there is no classifier, or no image of a set can be read
   */
  public Result run(Encoder encoder) {
    if (classifiers.isEmpty()) {
      throw new IllegalArgumentException("there is no classifier to evaluate");
    }
    Row own = row(encoder, new Shift("source", 0, source), 0);
    long done = source.size();
    List<Row> rows = new ArrayList<>();
    for (Shift shift : shifts) {
      rows.add(row(encoder, shift, done));
      done += shift.images.size();
    }
    return new Result(List.copyOf(classifiers.keySet()), own, List.copyOf(rows));
  }

  private Row row(Encoder encoder, Shift shift, long before) {
    Answers answers =
        Answers.of(
            encoder,
            shift.images,
            classes.classOf(),
            classes.names().size(),
            List.copyOf(classifiers.values()),
            done -> progress.accept(before + done),
            (image, label, scores) -> {});
    List<ClassMetrics> metrics = answers.metrics(new Bootstrap(resamples, seed));
    return new Row(
        shift.name,
        shift.severity,
        answers.images(),
        answers.leftOut().count(),
        metrics.stream().map(ClassMetrics::top1).toList(),
        metrics.stream().map(ClassMetrics::meanPerClass).toList());
  }
}
