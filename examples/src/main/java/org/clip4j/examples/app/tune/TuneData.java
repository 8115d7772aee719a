package org.clip4j.examples.app.tune;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.clip4j.data.LabelledImages;
import org.clip4j.encode.ClassNames;
import org.clip4j.examples.app.average.ClassParts;
import org.clip4j.examples.options.LabelledOptions;

/**
 * The images of a fine-tuning. No image that tests chooses anything or is trained on.
 *
 * @param name of the new task
 * @param training of the new task
 * @param choosing of the new task, by which alpha is chosen
 * @param test of the new task
 * @param classes of the new task
 * @param templates of the prompts that classify
 * @param keepChoosing of what must not be forgotten; null for none
 * @param keepTest of what must not be forgotten; null for none
 * @param shifted sets of the new task's classes; empty for the test images, spoilt
 */
record TuneData(
    String name,
    LabelledImages training,
    LabelledImages choosing,
    LabelledImages test,
    ClassNames classes,
    List<String> templates,
    LabelledImages keepChoosing,
    LabelledImages keepTest,
    Map<String, LabelledImages> shifted) {

  /** Reads and divides them. */
  static TuneData of(LabelledOptions data, Path test, Path keep, Map<String, Path> shifted)
      throws IOException {
    LabelledImages all = data.images();
    LabelledImages tests =
        test == null
            ? ClassParts.of(all, "to test", place -> place % 5 == 4)
            : data.images(test).withLabelsOf(all);
    LabelledImages kept = keep == null ? null : data.images(keep);
    Map<String, LabelledImages> shifts = new LinkedHashMap<>();
    for (Map.Entry<String, Path> each : shifted.entrySet()) {
      shifts.put(each.getKey(), data.images(each.getValue()));
    }
    return new TuneData(
        all.name(),
        ClassParts.of(
            all, "to train on", place -> place % 5 != 3 && (test != null || place % 5 != 4)),
        ClassParts.of(all, "to choose by", place -> place % 5 == 3),
        tests,
        data.classes(all),
        data.templates(),
        kept == null ? null : ClassParts.of(kept, "to choose by", place -> place % 2 == 0),
        kept == null ? null : ClassParts.of(kept, "to test", place -> place % 2 == 1),
        shifts);
  }
}
