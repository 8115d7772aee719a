package org.clip4j.examples.app.evaluate;

import com.google.gson.JsonObject;
import java.io.IOException;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.clip4j.Clip;
import org.clip4j.data.LabelledImages;
import org.clip4j.examples.app.report.HtmlReport;
import org.clip4j.examples.app.report.HtmlReport.Figure;
import org.clip4j.examples.options.LabelledOptions;
import org.clip4j.figure.Numbers;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** How well images of unknown classes are told from those of known ones. */
@Command(
    name = "unknown",
    mixinStandardHelpOptions = true,
    description =
        "Takes half of the classes for labels and the others for unknown, many times: AUROC of the rules margin, entropy and"
            + " background, and what thresholds fitted to a false-accept rate do. Writes report.html and unknown.json.")
public final class EvaluateUnknown implements Callable<Integer> {
  @Mixin private EvaluateOptions options;
  @Mixin private LabelledOptions data;

  @Mixin private UnknownStudy.Options unknown;

  @Override
  public Integer call() throws IOException {
    LabelledImages images = data.images();
    UnknownStudy.Result result;
    try (Clip clip = options.device.loader(options.model).load()) {
      result =
          UnknownStudy.run(
              clip, images, data.classes(images), data.templates(), unknown, options.seed);
    }
    System.out.print(UnknownStudy.text(result));
    JsonObject json = new JsonObject();
    json.add("unknown", EvaluateOptions.toJson(result));
    options.write("unknown.json", json);
    HtmlReport report =
        new HtmlReport(
                "Known and unknown",
                String.format(
                    Locale.ROOT,
                    "%s on %s: %,d images of %,d classes.",
                    options.model,
                    result.dataSet(),
                    result.images(),
                    result.classes()))
            .figures(
                result.rules().entrySet().stream()
                    .map(
                        rule ->
                            new Figure(
                                rule.getKey(),
                                Numbers.percent(rule.getValue().auroc().value()),
                                "AUROC, chance 50 %"))
                    .toList());
    UnknownStudy.add(report, result);
    options.write(report, "unknown.json");
    return 0;
  }
}
