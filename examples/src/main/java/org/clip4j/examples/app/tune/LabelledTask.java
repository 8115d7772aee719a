package org.clip4j.examples.app.tune;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.clip4j.data.LabelledImages;
import org.clip4j.data.PairSource;
import org.clip4j.encode.ClassNames;
import org.clip4j.eval.ShiftEvaluation;
import org.clip4j.examples.app.average.ClassParts;
import org.clip4j.examples.app.average.MeasuredModel;
import org.clip4j.examples.app.evaluate.OpenModel;
import org.clip4j.examples.options.DeviceOptions;
import org.clip4j.examples.options.LabelledOptions;

/**
 * Naming the classes of images.
 *
 * @param templates of the prompts that classify
 * @param shifted sets of the same classes; empty for the test images, spoilt
 */
record LabelledTask(
    String name,
    LabelledImages training,
    LabelledImages choosing,
    LabelledImages test,
    ClassNames classes,
    List<String> templates,
    Map<String, LabelledImages> shifted,
    DeviceOptions device)
    implements TuneTask {

  /** Reads and divides the images. */
  static LabelledTask of(
      LabelledOptions data, Path test, Map<String, Path> shifted, DeviceOptions device)
      throws IOException {
    LabelledImages all = data.images();
    LabelledImages tests =
        test == null
            ? ClassParts.of(all, "to test", place -> place % 5 == 4)
            : data.images(test).withLabelsOf(all);
    Map<String, LabelledImages> shifts = new LinkedHashMap<>();
    for (Map.Entry<String, Path> each : shifted.entrySet()) {
      shifts.put(each.getKey(), data.images(each.getValue()));
    }
    return new LabelledTask(
        all.name(),
        ClassParts.of(
            all, "to train on", place -> place % 5 != 3 && (test != null || place % 5 != 4)),
        ClassParts.of(all, "to choose by", place -> place % 5 == 3),
        tests,
        data.classes(all),
        data.templates(),
        shifts,
        device);
  }

  @Override
  public int trained() {
    return training.size();
  }

  @Override
  public int tested() {
    return test.size();
  }

  @Override
  public PairSource pairs(TuneMethod method) {
    return training.withPrompts(classes, method.prompts(templates));
  }

  @Override
  public String texts(TuneMethod method) {
    return method == TuneMethod.FLYP
        ? "random prompts, as in pre-training"
        : "one prompt for each class";
  }

  @Override
  public double choosing(OpenModel model) throws IOException {
    return measured(model, choosing, false, Map.of()).source().top1().get(0).value();
  }

  @Override
  public double test(OpenModel model) throws IOException {
    return measured(model, test, false, Map.of()).source().top1().get(0).value();
  }

  @Override
  public Tested tested(OpenModel model) throws IOException {
    ShiftEvaluation.Result result = measured(model, test, shifted.isEmpty(), shifted);
    return new Tested(result.source().top1().get(0).value(), result.mean(0), Map.of());
  }

  private ShiftEvaluation.Result measured(
      OpenModel model, LabelledImages images, boolean spoilt, Map<String, LabelledImages> shifts)
      throws IOException {
    return new MeasuredModel(device, classes, templates).measure(model, images, spoilt, shifts);
  }

  @Override
  public String measure() {
    return "zero-shot top-1 accuracy";
  }

  @Override
  public String shifts() {
    return TuneTask.shifts(shifted);
  }
}
