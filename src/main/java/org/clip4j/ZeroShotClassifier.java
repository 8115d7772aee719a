package org.clip4j;

import ai.djl.modality.Classifications;
import ai.djl.modality.cv.Image;
import java.awt.image.BufferedImage;
import java.io.InputStream;
import java.io.Serializable;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.DoubleStream;
import java.util.stream.Stream;
import org.clip4j.encode.ClassWeights;
import org.clip4j.encode.ImageSource;
import org.clip4j.encode.PromptSet;
import org.clip4j.image.RgbImage;
import org.clip4j.io.Limits;
import org.jspecify.annotations.Nullable;

/**
 * Classifies images by words (Radford et al. 2021, section 3.1): every label is put into every
 * prompt template, and the mean of those texts' unit vectors, at unit length again, is the label's
 * weight vector. {@link Probabilities} says how an image's cosine similarities to them become
 * probabilities: as the model was trained, by a softmax for CLIP models and by a sigmoid for
 * SigLIP's, unless something else is asked for.
 *
 * <pre>{@code
 * ZeroShotClassifier tags = clip.zeroShot("cat", "dog", "person").optMultiLabel().build();
 * List<LabelThreshold> fitted = tags.fitThresholds(examples);
 * ZeroShotAnswer answer = tags.withThresholds(fitted).answer(Path.of("photo.jpg"));
 * }</pre>
 *
 * <p>Immutable, and usable as long as the {@link Clip} it was made with is open; any number of
 * threads may share it. Serialisable, so that other processes need neither the labels' prompts nor
 * a text tower: a deserialised one has no {@link Clip}, and takes embeddings alone.
 */
public final class ZeroShotClassifier implements Serializable {
  private static final long serialVersionUID = 1;

  private final transient Clip clip; // null in one that was deserialised
  private final List<String> labels;
  private final LabelVectors vectors;
  private final Map<String, Double> thresholds; // null where one label is the answer
  private final UnknownRule unknownRule; // null where there is none
  private final int topK;

  private ZeroShotClassifier(Builder builder) {
    clip = builder.clip;
    labels = builder.labels;
    topK = builder.topK;
    Probabilities kind = builder.probabilities();
    thresholds = builder.thresholds(kind);
    unknownRule = builder.unknownRule;
    checkUnknown(unknownRule);
    vectors =
        new LabelVectors(
            clip.withTexts(encoder -> ClassWeights.of(encoder, labels, builder.templates)),
            clip.encodeTexts(builder.background),
            kind,
            clip.logitScale(),
            clip.logitBias());
  }

  private ZeroShotClassifier(
      ZeroShotClassifier other, Map<String, Double> thresholds, UnknownRule unknownRule) {
    clip = other.clip;
    labels = other.labels;
    topK = other.topK;
    vectors = other.vectors;
    this.thresholds = thresholds;
    this.unknownRule = unknownRule;
  }

  /** Returns the labels, in the order given. */
  public List<String> labels() {
    return labels;
  }

  /** Returns how probabilities are made. */
  public Probabilities probabilities() {
    return vectors.kind();
  }

  /** Tells whether each label is judged for itself, so that an image may have none or several. */
  public boolean isMultiLabel() {
    return thresholds != null;
  }

  /**
   * Returns from which probability each label holds.
   *
   * @return in the order of the labels; empty if this is not multi-label
   */
  public Map<String, Double> thresholds() {
    return thresholds == null ? Map.of() : thresholds;
  }

  /** Classifies an image file. */
  public Classifications classify(Path image) {
    return classify(List.of(image)).get(0);
  }

  /** Classifies image files, in order. */
  public List<Classifications> classify(List<Path> images) {
    return classify(clip().encodeImages(images));
  }

  /** Classifies the content of an image file. */
  public Classifications classify(byte[] image) {
    return classify(clip().encodeImage(image));
  }

  /** Classifies the content of an image file, read to its end and not closed. */
  public Classifications classify(InputStream image) {
    return classify(clip().encodeImage(image));
  }

  /** Classifies an image in memory. */
  public Classifications classify(BufferedImage image) {
    return classify(clip().encodeImage(image));
  }

  /** Classifies an image of DJL's. */
  public Classifications classify(Image image) {
    return classify(clip().encodeImage(image));
  }

  /** Classifies a decoded image. */
  public Classifications classify(RgbImage image) {
    return classify(clip().encodeImage(image));
  }

  /** Classifies an image of any kind. */
  public Classifications classify(ImageSource image) {
    return classify(clip().encodeImage(image));
  }

  /**
   * Classifies by an image's embedding.
   *
   * @param embedding as {@link Clip#encodeImage(Path)} gives it, unit length
   * @return the labels with their probabilities; its {@code topK} sorts them
   * @throws IllegalStateException if this has a rule for unknown images, which DJL's type has no
   *     place for
   */
  public Classifications classify(float[] embedding) {
    if (unknownRule != null) {
      throw new IllegalStateException(
          "Classifications cannot say that an image is unknown; this classifier has a rule for"
              + " that, so ask it for an answer");
    }
    double[] values = vectors.probabilities(embedding);
    Classifications answer = new Classifications(labels, DoubleStream.of(values).boxed().toList());
    answer.setTopK(topK);
    return answer;
  }

  private List<Classifications> classify(float[][] embeddings) {
    return Stream.of(embeddings).map(this::classify).toList();
  }

  /** Says what an image file shows, perhaps none of the labels. */
  public ZeroShotAnswer answer(Path image) {
    return answer(clip().encodeImage(image));
  }

  /** Says what images of any kind show, in order, see {@link Clip#encodeImages(List)}. */
  public List<ZeroShotAnswer> answer(List<?> images) {
    return Stream.of(clip().encodeImages(images)).map(this::answer).toList();
  }

  /** Says what the content of an image file shows. */
  public ZeroShotAnswer answer(byte[] image) {
    return answer(clip().encodeImage(image));
  }

  /** Says what an image of any kind shows. */
  public ZeroShotAnswer answer(ImageSource image) {
    return answer(clip().encodeImage(image));
  }

  /**
   * Says what an image shows, by its embedding.
   *
   * @param embedding as {@link Clip#encodeImage(Path)} gives it, unit length
   */
  public ZeroShotAnswer answer(float[] embedding) {
    double[] cosines = vectors.cosines(embedding);
    double[] values = vectors.probabilities(cosines, embedding);
    List<LabelScore> scores = new ArrayList<>();
    for (int i = 0; i < values.length; i++) {
      scores.add(new LabelScore(labels.get(i), values[i], cosines[i]));
    }
    UnknownCheck check = null;
    if (unknownRule != null) {
      check =
          new UnknownCheck(unknownRule, vectors.clarity(unknownRule.score(), values, embedding));
    }
    ZeroShotAnswer all = new ZeroShotAnswer(labels, scores, check);
    if (check != null && check.isUnknown()) {
      return new ZeroShotAnswer(List.of(), scores, check);
    }
    List<String> answer =
        thresholds == null
            ? List.of(all.best().label())
            : all.top(labels.size()).stream()
                .filter(score -> score.probability() >= thresholds.get(score.label()))
                .map(LabelScore::label)
                .toList();
    return new ZeroShotAnswer(answer, scores, check);
  }

  // ---- fitting ----

  /**
   * Fits each label's threshold of a multi-label classifier: that which maximises F1 on examples.
   *
   * @param examples for each label at least one that shows it, and one that does not
   * @return one for each label, for {@link #withThresholds(List)}
   */
  public List<LabelThreshold> fitThresholds(List<LabelledExample> examples) {
    return fitThresholds(
        embeddings(examples), examples.stream().map(LabelledExample::labels).toList());
  }

  /**
   * Fits thresholds as {@link #fitThresholds(List)} does, from the images' embeddings.
   *
   * @param embeddings as {@link Clip#encodeImage(Path)} gives them, unit length
   * @param shown for each image those of the labels that it shows
   */
  public List<LabelThreshold> fitThresholds(float[][] embeddings, List<Set<String>> shown) {
    LabelChecks.multiLabel(isMultiLabel());
    return new Fitting(labels, vectors, embeddings, shown).thresholds();
  }

  /**
   * Makes the same classifier with fitted thresholds; labels that are not among them keep theirs.
   */
  public ZeroShotClassifier withThresholds(List<LabelThreshold> fitted) {
    Map<String, Double> changed = new LinkedHashMap<>();
    fitted.forEach(each -> changed.put(each.label(), each.threshold()));
    return withThresholds(changed);
  }

  /**
   * Makes the same classifier with other thresholds; labels that are not among them keep theirs.
   *
   * @param changed by label, each in [0, 1]
   */
  public ZeroShotClassifier withThresholds(Map<String, Double> changed) {
    LabelChecks.multiLabel(isMultiLabel());
    return new ZeroShotClassifier(
        this, LabelChecks.thresholds(labels, thresholds, changed), unknownRule);
  }

  /**
   * Fits a rule for images that show none of the labels, on a held-out set: its threshold is the
   * lowest at which no more than a share of the unknown images count as known.
   *
   * @param score what the rule compares
   * @param heldOut images that show one of the labels, at least one, and images without a label
   *     that show none, at least one; how many more there are bounds how well the rate is met
   *     elsewhere
   * @param falseAcceptRate in [0, 1)
   */
  public UnknownFit fitUnknown(
      UnknownRule.Score score, List<LabelledExample> heldOut, double falseAcceptRate) {
    return fitUnknown(
        score,
        embeddings(heldOut),
        heldOut.stream().map(LabelledExample::labels).toList(),
        falseAcceptRate);
  }

  /**
   * Fits a rule as {@link #fitUnknown(UnknownRule.Score, List, double)} does, from the images'
   * embeddings.
   *
   * @param embeddings as {@link Clip#encodeImage(Path)} gives them, unit length
   * @param shown for each image those of the labels that it shows; empty for an unknown one
   */
  public UnknownFit fitUnknown(
      UnknownRule.Score score,
      float[][] embeddings,
      List<Set<String>> shown,
      double falseAcceptRate) {
    LabelChecks.unknown(score, labels.size(), isMultiLabel());
    return new Fitting(labels, vectors, embeddings, shown).unknown(score, falseAcceptRate);
  }

  /**
   * Makes the same classifier with a rule for unknown images.
   *
   * @param rule null for none
   */
  public ZeroShotClassifier withUnknown(@Nullable UnknownRule rule) {
    checkUnknown(rule);
    return new ZeroShotClassifier(this, thresholds, rule);
  }

  private float[][] embeddings(List<LabelledExample> examples) {
    return clip().encodeImages(examples.stream().map(LabelledExample::image).toList());
  }

  private Clip clip() {
    if (clip == null) {
      throw new IllegalStateException(
          "a classifier that was deserialised has no Clip: give it the images' embeddings");
    }
    return clip;
  }

  private void checkUnknown(@Nullable UnknownRule rule) {
    if (rule != null) {
      LabelChecks.unknown(rule.score(), labels.size(), isMultiLabel());
    }
  }

  /** Collects the settings of a {@link ZeroShotClassifier}; {@link Clip#zeroShot} makes one. */
  public static final class Builder {
    private final Clip clip;
    private final List<String> labels;
    private List<String> templates = PromptSet.PHOTO;
    private List<String> background = List.of("a photo");
    private Probabilities probabilities; // null: the model's own
    private boolean multiLabel;
    private Double threshold; // null: 0.5
    private final Map<String, Double> thresholds = new LinkedHashMap<>();
    private UnknownRule unknownRule;
    private int topK = 5;

    Builder(Clip clip, List<String> labels) {
      this.clip = clip;
      this.labels = List.copyOf(labels);
      LabelChecks.distinct(labels);
    }

    /**
     * Sets the prompt templates; by default "a photo of a {}.".
     *
     * @param templates at least one, each with a {@code {}} where the label goes
     */
    public Builder optTemplates(String... templates) {
      return optTemplates(List.of(templates));
    }

    /** Sets the prompt templates as {@link #optTemplates(String...)} does. */
    public Builder optTemplates(List<String> templates) {
      ClassWeights.checkTemplates(templates);
      this.templates = List.copyOf(templates);
      return this;
    }

    /**
     * Sets how many of the most probable labels {@link Classifications#topK()} and its text show;
     * by default 5.
     */
    public Builder optTopK(int topK) {
      this.topK = Limits.atLeast("top-k", 1, topK);
      return this;
    }

    /**
     * Sets how probabilities are made; by default as the model was trained: {@link
     * Probabilities#SIGMOID} if it is a SigLIP model, else {@link Probabilities#SOFTMAX}, or {@link
     * Probabilities#BACKGROUND} in multi-label answers.
     */
    public Builder optProbabilities(Probabilities probabilities) {
      this.probabilities = Objects.requireNonNull(probabilities, "probabilities");
      return this;
    }

    /**
     * Judges every label for itself, so that an image may have none of them or several. A single
     * label is judged so anyway, yes or no, unless its probability is a softmax.
     */
    public Builder optMultiLabel() {
      multiLabel = true;
      return this;
    }

    /**
     * Sets from which probability a label of a multi-label classifier holds; by default 0.5.
     *
     * @param threshold in [0, 1]
     */
    public Builder optThreshold(double threshold) {
      this.threshold = Limits.within("the threshold", 0, 1, threshold);
      return this;
    }

    /** Sets the threshold of one label, as {@link #optThreshold(double)} does for all. */
    public Builder optThreshold(String label, double threshold) {
      thresholds.putAll(LabelChecks.thresholds(labels, Map.of(), Map.of(label, threshold)));
      return this;
    }

    /**
     * Sets what may be said of any image; by default "a photo". {@link Probabilities#BACKGROUND}
     * and {@link UnknownRule.Score#BACKGROUND} compare labels with the one that fits an image best.
     *
     * @param prompts at least one, none empty
     */
    public Builder optBackgroundPrompts(String... prompts) {
      return optBackgroundPrompts(List.of(prompts));
    }

    /** Sets the background prompts as {@link #optBackgroundPrompts(String...)} does. */
    public Builder optBackgroundPrompts(List<String> prompts) {
      if (prompts.isEmpty() || prompts.stream().anyMatch(String::isBlank)) {
        throw new IllegalArgumentException(
            "at least one background prompt is needed, and none may be empty; found " + prompts);
      }
      background = List.copyOf(prompts);
      return this;
    }

    /** Lets an answer be none of the labels; by default one of them is the answer. */
    public Builder optUnknown(UnknownRule rule) {
      unknownRule = Objects.requireNonNull(rule, "rule");
      return this;
    }

    private Probabilities probabilities() {
      if (probabilities != null) {
        return probabilities;
      }
      if (clip.model().config().isSigmoid()) {
        return Probabilities.SIGMOID;
      }
      return multiLabel ? Probabilities.BACKGROUND : Probabilities.SOFTMAX;
    }

    /** By label; null where one label is the answer. */
    private Map<String, Double> thresholds(Probabilities made) {
      if (multiLabel && made == Probabilities.SOFTMAX) {
        throw new IllegalArgumentException(
            "a softmax compares labels with each other, and a multi-label classifier judges each"
                + " for itself; take SIGMOID or BACKGROUND");
      }
      if (!multiLabel && (labels.size() > 1 || made == Probabilities.SOFTMAX)) {
        LabelChecks.multiLabel(threshold == null && thresholds.isEmpty());
        return null;
      }
      Map<String, Double> all = new LinkedHashMap<>();
      labels.forEach(label -> all.put(label, threshold == null ? 0.5 : threshold));
      return LabelChecks.thresholds(labels, all, thresholds);
    }

    /** Encodes the prompts. */
    public ZeroShotClassifier build() {
      return new ZeroShotClassifier(this);
    }
  }
}
