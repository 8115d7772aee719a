package org.clip4j.eval;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.LongConsumer;
import org.clip4j.data.LabelledImages;
import org.clip4j.data.UnreadableImages;
import org.clip4j.encode.ClassNames;
import org.clip4j.encode.ClassWeights;
import org.clip4j.encode.Encoder;
import org.clip4j.encode.PromptSet;
import org.jspecify.annotations.Nullable;

/**
 * Measures zero-shot classification of a test set of any size (Radford et al. 2021, section 3.1),
 * and what prompts and their ensembling bring (section 3.1.4): images are encoded once, and
 * classified by the bare class names, by the single prompt "a photo of a {}.", and by the prompts
 * given.
 *
 * <pre>{@code
 * LabelledImages images = LabelledImages.classFolders(folder, ImageDecoder.defaults());
 * ZeroShotEvaluation.Result result =
 *     ZeroShotEvaluation.of(images, ClassNames.fromLabels(images.labels()))
 *         .optTemplates(PromptSet.imageNet7())
 *         .run(encoder);
 * }</pre>
 */
public final class ZeroShotEvaluation {
  /** The classifier by bare class names. */
  public static final String NAMES = "class names alone";

  /** The classifier by the paper's single prompt. */
  public static final String SINGLE = "single prompt";

  /** The classifier by the prompts given, if they are others than that one. */
  public static final String PROMPTS = "prompts";

  private final LabelledImages images;
  private final ClassNames.Matched classes;
  private List<String> templates = PromptSet.PHOTO;
  private int resamples = 1000;
  private long seed;
  private LongConsumer progress = done -> {};
  private Listener listener = (image, label, scores) -> {};

  private ZeroShotEvaluation(LabelledImages images, ClassNames classes) {
    this.images = images;
    this.classes = classes.match(images.labels());
  }

  /**
   * Starts an evaluation. Not safe for use by several threads.
   *
   * @param images what is classified
   * @param classes that an image may be
   * @throws IllegalArgumentException if a label of the images has no class
   */
  public static ZeroShotEvaluation of(LabelledImages images, ClassNames classes) {
    return new ZeroShotEvaluation(images, classes);
  }

  /**
   * Sets the prompts; by default the single prompt alone.
   *
   * @param templates at least one, each with a {@code {}} where the name goes
   */
  public ZeroShotEvaluation optTemplates(List<String> templates) {
    ClassWeights.checkTemplates(templates);
    this.templates = List.copyOf(templates);
    return this;
  }

  /** Sets the number of resamples of the intervals' bootstrap; 1000 by default. */
  public ZeroShotEvaluation optResamples(int resamples) {
    this.resamples = resamples;
    return this;
  }

  /** Sets the seed of the intervals' bootstrap; 0 by default. */
  public ZeroShotEvaluation optSeed(long seed) {
    this.seed = seed;
    return this;
  }

  /** Sets a listener that receives, now and then, how many images are done. */
  public ZeroShotEvaluation optProgress(LongConsumer progress) {
    this.progress = Objects.requireNonNull(progress, "progress");
    return this;
  }

  /** Sets a listener that receives the scores of each image, for what the measures leave out. */
  public ZeroShotEvaluation optListener(Listener listener) {
    this.listener = Objects.requireNonNull(listener, "listener");
    return this;
  }

  /** Receives what the best-prompted classifier makes of each image. */
  @FunctionalInterface
  public interface Listener {
    /**
     * Takes the scores of an image that could be read, in the order of the set.
     *
     * @param image its index in the set
     * @param label its class
     * @param scores its cosine similarity to each class
     */
    void scores(int image, int label, float[] scores);
  }

  /**
   * Describes one classifier.
   *
   * @param name {@link #NAMES}, {@link #SINGLE} or {@link #PROMPTS}
   * @param templates whose embeddings are averaged
   */
  public record Head(String name, List<String> templates, ClassMetrics metrics) {}

  /**
   * Says what was measured.
   *
   * @param classes their titles
   * @param matching how labels were brought together with classes
   * @param heads the best-prompted last
   * @param promptGain top-1 with the single prompt less that with bare names
   * @param ensembleGain top-1 with the prompts given less that with the single prompt; null if they
   *     are the same
   * @param unreadable images that were left out
   * @param correct for each image of the set whether the last head is right; false for unreadable
   */
  public record Result(
      String dataSet,
      List<String> classes,
      ClassNames.Matching matching,
      List<Head> heads,
      Interval promptGain,
      @Nullable Interval ensembleGain,
      UnreadableImages unreadable,
      boolean[] correct) {

    /** Copies what is mutable. */
    public Result {
      classes = List.copyOf(classes);
      heads = List.copyOf(heads);
      correct = correct.clone();
    }

    /** Returns a copy of the answers' rightness. */
    @Override
    public boolean[] correct() {
      return correct.clone();
    }

    /** Returns that of the prompts given. */
    public Head last() {
      return heads.get(heads.size() - 1);
    }
  }

  /**
   * Measures a model.
   *
   * @throws IllegalArgumentException if no image can be read
   */
  public Result run(Encoder encoder) {
    Map<String, List<String>> heads = new LinkedHashMap<>();
    heads.put(NAMES, List.of("{}"));
    heads.put(SINGLE, PromptSet.PHOTO);
    boolean own = !templates.equals(PromptSet.PHOTO);
    if (own) {
      heads.put(PROMPTS, templates);
    }
    List<EmbeddingClassifier> classifiers = new ArrayList<>();
    for (List<String> prompts : heads.values()) {
      classifiers.add(
          EmbeddingClassifier.cosine(ClassWeights.ofClasses(encoder, classes.names(), prompts)));
    }
    int count = classes.names().size();
    Answers answers =
        Answers.of(encoder, images, classes.classOf(), count, classifiers, progress, listener);
    Bootstrap bootstrap = new Bootstrap(resamples, seed);
    List<ClassMetrics> metrics = answers.metrics(bootstrap);
    List<Head> measured = new ArrayList<>();
    heads.forEach(
        (name, prompts) -> measured.add(new Head(name, prompts, metrics.get(measured.size()))));
    return new Result(
        images.name(),
        classes.titles(),
        classes.matching(),
        List.copyOf(measured),
        answers.gain(0, 1, bootstrap),
        own ? answers.gain(1, 2, bootstrap) : null,
        answers.leftOut().unreadable(),
        answers.correct(heads.size() - 1));
  }
}
