package org.clip4j.examples.app.evaluate;

import com.google.gson.JsonObject;
import java.io.IOException;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.clip4j.data.LabelledImages;
import org.clip4j.eval.ZeroShotEvaluation;
import org.clip4j.examples.app.report.HtmlReport;
import org.clip4j.examples.app.terminal.Progress;
import org.clip4j.examples.options.LabelledOptions;
import org.clip4j.explain.Explainer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** Zero-shot classification of labelled images, and what prompts bring. */
@Command(
    name = "zero-shot",
    mixinStandardHelpOptions = true,
    description =
        "Classifies labelled images by class names in prompts: top-1, top-5, mean per class, confusion matrix, 95 %% intervals, and"
            + " what prompts and their ensemble bring. Writes report.html and zero-shot.json.")
public final class EvaluateZeroShot implements Callable<Integer> {
  @Mixin private EvaluateOptions options;
  @Mixin private LabelledOptions data;

  @Override
  public Integer call() throws IOException {
    LabelledImages images = data.images();
    ZeroShotPictures pictures = new ZeroShotPictures();
    ZeroShotEvaluation.Result result;
    try (OpenModel model = OpenModel.load(options.model, options.device);
        Progress bar = new Progress("Images", images.size())) {
      result =
          ZeroShotEvaluation.of(images, data.classes(images))
              .optTemplates(data.templates())
              .optResamples(options.resamples)
              .optSeed(options.seed)
              .optProgress(bar)
              .optListener(pictures)
              .run(model.encoder());
      String template = data.templates().get(0);
      try (Explainer explainer =
          new Explainer(model.model(), model.transform(), model.tokenizer())) {
        pictures.explain(explainer, images, result.classes(), name -> template.replace("{}", name));
      }
    }
    System.out.print(ZeroShotSections.text(result));
    JsonObject json = new JsonObject();
    json.add("zero_shot", EvaluateOptions.toJson(result));
    options.write("zero-shot.json", json);
    HtmlReport report =
        new HtmlReport(
            "Zero-shot classification",
            String.format(
                Locale.ROOT,
                "%s on %s: %,d images of %,d classes, none of them used for training the classifier.",
                options.model,
                result.dataSet(),
                result.last().metrics().images(),
                result.classes().size()));
    ZeroShotSections.add(report, result, () -> pictures.add(report, images, result.classes()));
    options.write(report, "zero-shot.json");
    return 0;
  }
}
