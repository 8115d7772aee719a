package org.clip4j.examples.app.average;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.clip4j.data.LabelledImages;
import org.clip4j.encode.ClassNames;
import org.clip4j.encode.ClassWeights;
import org.clip4j.eval.EmbeddingClassifier;
import org.clip4j.eval.ShiftEvaluation;
import org.clip4j.examples.app.evaluate.OpenModel;
import org.clip4j.examples.options.DeviceOptions;
import org.clip4j.weights.WeightAverage;

/** Zero-shot accuracies of averaged models, each loaded for as long as it is measured. */
public record MeasuredModel(DeviceOptions device, ClassNames classes, List<String> templates) {

  /** Top-1 on one set. */
  double accuracy(WeightAverage average, LabelledImages images) throws IOException {
    try (OpenModel model = OpenModel.of(average, device)) {
      return measure(model, images, false, Map.of()).source().top1().get(0).value();
    }
  }

  /**
   * Measures on a set and shifts of it.
   *
   * @param spoilt whether the set's own images are spoilt, too
   */
  public ShiftEvaluation.Result measure(
      OpenModel model, LabelledImages images, boolean spoilt, Map<String, LabelledImages> shifted)
      throws IOException {
    float[][] weights =
        ClassWeights.ofClasses(model.encoder(), classes.match(images.labels()).names(), templates);
    ShiftEvaluation evaluation =
        ShiftEvaluation.of(images, classes)
            .setClassifier("zero-shot", EmbeddingClassifier.cosine(weights))
            .optResamples(1);
    if (spoilt) {
      evaluation.optCorruptions(0);
    }
    shifted.forEach(evaluation::optShift);
    return evaluation.run(model.encoder());
  }
}
