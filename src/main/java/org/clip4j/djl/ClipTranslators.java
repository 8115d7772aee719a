package org.clip4j.djl;

import ai.djl.modality.Classifications;
import ai.djl.modality.cv.Image;
import ai.djl.translate.Translator;
import java.util.ArrayList;
import java.util.List;
import org.clip4j.Clip;
import org.clip4j.ZeroShotClassifier;
import org.clip4j.encode.ImageSource;
import org.clip4j.encode.PromptSet;
import org.clip4j.image.ImageDecoder;
import org.clip4j.image.RgbImage;

/**
 * Makes what a model loaded through {@link ClipZoo} can predict. Given to {@code newPredictor},
 * they let one model serve several kinds of predictors.
 *
 * <pre>{@code
 * Predictor<String, float[]> texts = model.newPredictor(ClipTranslators.textEmbedding());
 * }</pre>
 *
 * <p>They hold no model and no state: any number of predictors may share one. DJL's metrics count
 * the model's own time as postprocessing.
 */
public final class ClipTranslators {
  private ClipTranslators() {}

  /**
   * Turns images into E values of unit length, as {@link Clip#encodeImage(RgbImage)} gives them.
   */
  public static Translator<Image, float[]> imageEmbedding() {
    return new ImageEmbedding();
  }

  /** Turns texts into E values of unit length, as {@link Clip#encodeText(String)} gives them. */
  public static Translator<String, float[]> textEmbedding() {
    return new TextEmbedding();
  }

  /** Classifies as {@link #zeroShot(List, List)} does, with the prompt "a photo of a {}.". */
  public static Translator<Image, Classifications> zeroShot(List<String> labels) {
    return zeroShot(labels, PromptSet.PHOTO);
  }

  /**
   * Turns images into the probabilities of labels, as {@link ZeroShotClassifier} gives them. The
   * prompts are encoded when the first predictor is used, and kept with the model.
   *
   * @param labels what an image may be: at least one, none empty or twice
   * @param templates at least one, each with a {@code {}} where the label goes
   */
  public static Translator<Image, Classifications> zeroShot(
      List<String> labels, List<String> templates) {
    return new ZeroShot(new Prompts(labels, templates, Prompts.DEFAULT_TOP_K, null, false));
  }

  /** Images, decoded as soon as they arrive. */
  private abstract static class OfImages<O> extends ClipTranslator<Image, RgbImage, O> {
    @Override
    final RgbImage read(Image input) throws Exception {
      return ImageDecoder.defaults().read(input);
    }
  }

  private static List<float[]> embeddings(LoadedClip model, List<RgbImage> inputs) {
    List<float[]> embeddings = new ArrayList<>(inputs.size());
    model
        .clip()
        .encodeImages(
            inputs.stream().map(ImageSource::of).iterator(),
            (index, image, embedding) -> embeddings.add(embedding));
    return embeddings;
  }

  private static final class ImageEmbedding extends OfImages<float[]> {
    @Override
    List<float[]> predict(LoadedClip model, List<RgbImage> inputs) {
      return embeddings(model, inputs);
    }
  }

  private static final class TextEmbedding extends ClipTranslator<String, String, float[]> {
    @Override
    String read(String input) {
      return input;
    }

    @Override
    List<float[]> predict(LoadedClip model, List<String> inputs) {
      return List.of(model.clip().encodeTexts(inputs));
    }
  }

  static final class ZeroShot extends OfImages<Classifications> {
    private final Prompts prompts;

    ZeroShot(Prompts prompts) {
      this.prompts = prompts;
    }

    @Override
    List<Classifications> predict(LoadedClip model, List<RgbImage> inputs) {
      ZeroShotClassifier classifier = model.classifier(prompts);
      return embeddings(model, inputs).stream().map(classifier::classify).toList();
    }
  }
}
