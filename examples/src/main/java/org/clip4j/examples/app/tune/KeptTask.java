package org.clip4j.examples.app.tune;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.clip4j.data.LabelledImages;
import org.clip4j.encode.ClassNames;
import org.clip4j.examples.app.average.ClassParts;
import org.clip4j.examples.app.average.MeasuredModel;
import org.clip4j.examples.app.evaluate.OpenModel;
import org.clip4j.examples.options.DeviceOptions;

/**
 * What must not be forgotten while a model is tuned: naming the classes of other images.
 *
 * @param choosing images to choose alpha by
 * @param test images to test
 * @param templates of the prompts that classify
 */
record KeptTask(
    LabelledImages choosing, LabelledImages test, List<String> templates, DeviceOptions device) {

  /** Divides the images. */
  static KeptTask of(LabelledImages images, List<String> templates, DeviceOptions device) {
    return new KeptTask(
        ClassParts.of(images, "to choose by", place -> place % 2 == 0),
        ClassParts.of(images, "to test", place -> place % 2 == 1),
        templates,
        device);
  }

  double choosing(OpenModel model) throws IOException {
    return accuracy(model, choosing);
  }

  double test(OpenModel model) throws IOException {
    return accuracy(model, test);
  }

  private double accuracy(OpenModel model, LabelledImages images) throws IOException {
    return new MeasuredModel(device, ClassNames.fromLabels(images.labels()), templates)
        .measure(model, images, false, Map.of())
        .source()
        .top1()
        .get(0)
        .value();
  }
}
