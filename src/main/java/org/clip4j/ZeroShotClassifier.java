package org.clip4j;

import ai.djl.modality.Classifications;
import ai.djl.modality.cv.Image;
import java.awt.image.BufferedImage;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.clip4j.data.ImageSource;
import org.clip4j.eval.ClassWeights;
import org.clip4j.image.RgbImage;

/**
 * A classifier made of words (Radford et al. 2021, section 3.1): every label is put into every
 * prompt template, and the mean of those texts' unit vectors, at unit length again, is the label's
 * weight vector. An image's probabilities are the softmax of its cosine similarities to all labels,
 * times the model's logit scale.
 *
 * <p>Immutable, and usable as long as the {@link Clip} it was made with is open; any number of
 * threads may share it.
 */
public final class ZeroShotClassifier {
  private final Clip clip;
  private final List<String> labels;
  private final float[][] weights;
  private final int topK;

  private ZeroShotClassifier(Builder builder) {
    clip = builder.clip;
    labels = builder.labels;
    topK = builder.topK;
    weights = clip.withTexts(encoder -> ClassWeights.of(encoder, labels, builder.templates));
  }

  /** The labels, in the order given. */
  public List<String> labels() {
    return labels;
  }

  /** Classifies an image file. */
  public Classifications classify(Path image) {
    return classify(List.of(image)).get(0);
  }

  /** Classifies image files, in order. */
  public List<Classifications> classify(List<Path> images) {
    return classify(clip.encodeImages(images));
  }

  /** Classifies the content of an image file. */
  public Classifications classify(byte[] image) {
    return classify(clip.encodeImage(image));
  }

  /** Classifies the content of an image file, read to its end and not closed. */
  public Classifications classify(InputStream image) {
    return classify(clip.encodeImage(image));
  }

  /** Classifies an image in memory. */
  public Classifications classify(BufferedImage image) {
    return classify(clip.encodeImage(image));
  }

  /** Classifies an image of DJL's. */
  public Classifications classify(Image image) {
    return classify(clip.encodeImage(image));
  }

  /** Classifies a decoded image. */
  public Classifications classify(RgbImage image) {
    return classify(clip.encodeImage(image));
  }

  /** Classifies an image of any kind. */
  public Classifications classify(ImageSource image) {
    return classify(clip.encodeImage(image));
  }

  /**
   * Classifies by an image's embedding.
   *
   * @param embedding as {@link Clip#encodeImage(Path)} gives it, unit length
   * @return the labels with their probabilities, which sum to 1; its {@code topK} sorts them
   */
  public Classifications classify(float[] embedding) {
    float logitScale = clip.logitScale();
    double[] logits = new double[weights.length];
    double max = Double.NEGATIVE_INFINITY;
    for (int i = 0; i < logits.length; i++) {
      logits[i] = logitScale * Clip.cosine(embedding, weights[i]);
      max = Math.max(max, logits[i]);
    }
    double sum = 0;
    for (int i = 0; i < logits.length; i++) {
      logits[i] = Math.exp(logits[i] - max);
      sum += logits[i];
    }
    List<Double> probabilities = new ArrayList<>(logits.length);
    for (double value : logits) {
      probabilities.add(value / sum);
    }
    Classifications answer = new Classifications(labels, probabilities);
    answer.setTopK(topK);
    return answer;
  }

  private List<Classifications> classify(float[][] embeddings) {
    return List.of(embeddings).stream().map(this::classify).toList();
  }

  /** Settings of a {@link ZeroShotClassifier}; made by {@link Clip#zeroShot}. */
  public static final class Builder {
    private final Clip clip;
    private final List<String> labels;
    private List<String> templates = PromptTemplates.PHOTO;
    private int topK = 5;

    Builder(Clip clip, List<String> labels) {
      this.clip = clip;
      this.labels = List.copyOf(labels);
      if (labels.isEmpty()) {
        throw new IllegalArgumentException("a classifier needs at least one label");
      }
      Set<String> seen = new HashSet<>();
      for (String label : labels) {
        if (label.isBlank()) {
          throw new IllegalArgumentException(
              "an empty label among " + labels + "; every label needs a name");
        }
        if (!seen.add(label.strip())) {
          throw new IllegalArgumentException(
              "the label \"" + label + "\" is given twice; every label may stand once");
        }
      }
    }

    /**
     * The prompt templates; by default "a photo of a {}.".
     *
     * @param templates at least one, each with a {@code {}} where the label goes
     */
    public Builder templates(String... templates) {
      return templates(List.of(templates));
    }

    /** As {@link #templates(String...)}. */
    public Builder templates(List<String> templates) {
      ClassWeights.checkTemplates(templates);
      this.templates = List.copyOf(templates);
      return this;
    }

    /**
     * How many of the most probable labels {@link Classifications#topK()} and its text show; by
     * default 5.
     */
    public Builder optTopK(int topK) {
      if (topK < 1) {
        throw new IllegalArgumentException("top-k must be at least 1, found " + topK);
      }
      this.topK = topK;
      return this;
    }

    /** Encodes the prompts. */
    public ZeroShotClassifier build() {
      return new ZeroShotClassifier(this);
    }
  }
}
