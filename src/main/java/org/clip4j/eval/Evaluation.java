package org.clip4j.eval;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.clip4j.data.LabelledImage;
import org.clip4j.data.LabelledImages;
import org.clip4j.data.PairSource;
import org.clip4j.encode.ClassWeights;
import org.clip4j.encode.Encoder;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Measures a model, also while it is trained. */
@FunctionalInterface
public interface Evaluation {

  /**
   * Measures the model.
   *
   * @param encoder with the model's present weights; not to be kept
   * @return names and values, in the order in which to show them; the same names every time
   */
  Map<String, Double> evaluate(Encoder encoder);

  /**
   * Makes an evaluation by {@link Retrieval} among pairs that are not trained on. The values are
   * {@code retrieval.text_to_image.r1}, {@code .r5}, {@code .r10}, and {@code
   * retrieval.image_to_text.r1}, {@code .r5}, {@code .r10}.
   *
   * @param pairs at least one
   */
  static Evaluation retrieval(PairSource pairs) {
    if (pairs.size() == 0) {
      throw new IllegalArgumentException("there are no held-out pairs to evaluate on");
    }
    return encoder -> {
      Retrieval retrieval = Retrieval.of(encoder, pairs);
      Map<String, Double> values = new LinkedHashMap<>();
      put(values, "retrieval.text_to_image", retrieval.textToImage());
      put(values, "retrieval.image_to_text", retrieval.imageToText());
      return values;
    };
  }

  private static void put(Map<String, Double> values, String name, Retrieval.Recall recall) {
    values.put(name + ".r1", recall.at1());
    values.put(name + ".r5", recall.at5());
    values.put(name + ".r10", recall.at10());
  }

  /**
   * Makes an evaluation of zero-shot classification on images that are not trained on; those that
   * cannot be read are left out with a warning. The values are {@code zero_shot.NAME.top1} and
   * {@code zero_shot.NAME.top5}.
   *
   * @param name of the set of images
   * @param classes their names
   * @param templates see {@link ClassWeights}
   * @param images at least one; a label is an index in {@code classes}
   */
  static Evaluation zeroShot(
      String name, List<String> classes, List<String> templates, List<LabelledImage> images) {
    ClassWeights.checkTemplates(templates);
    LabelledImages all = LabelledImages.of(name, classes, images);
    List<String> names = all.labels();
    int[] classOf = IntStream.range(0, names.size()).toArray();
    Logger logger = LoggerFactory.getLogger(Evaluation.class);
    return encoder -> {
      EmbeddingClassifier classifier =
          EmbeddingClassifier.cosine(ClassWeights.of(encoder, names, templates));
      Answers answers =
          Answers.of(
              encoder,
              all,
              classOf,
              names.size(),
              List.of(classifier),
              done -> {},
              (image, label, scores) -> {});
      answers.leftOut().warn(logger, name);
      double[] shares = answers.shares();
      Map<String, Double> values = new LinkedHashMap<>();
      values.put("zero_shot." + name + ".top1", shares[0]);
      values.put("zero_shot." + name + ".top5", shares[1]);
      return values;
    };
  }
}
