package org.clip4j.examples.app.evaluate;

import com.google.gson.JsonObject;
import java.io.IOException;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.clip4j.data.PairFeed;
import org.clip4j.data.PairSource;
import org.clip4j.eval.Retrieval;
import org.clip4j.eval.Retrieval.Recall;
import org.clip4j.examples.app.report.HtmlReport;
import org.clip4j.examples.app.report.HtmlReport.Figure;
import org.clip4j.examples.options.PairOptions;
import org.clip4j.examples.options.Range;
import org.clip4j.figure.BarFigure;
import org.clip4j.figure.BarFigure.Bar;
import org.clip4j.figure.Markup;
import org.clip4j.figure.Numbers;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Retrieval of images by text and of texts by image. */
@Command(
    name = "retrieval",
    mixinStandardHelpOptions = true,
    description =
        "Finds images by their captions and captions by their images: recall at 1, 5 and 10. Writes report.html and retrieval.json.")
public final class EvaluateRetrieval implements Callable<Integer> {
  @Mixin private EvaluateOptions options;
  @Mixin private PairOptions data;

  @Option(
      names = "--captions-per-image",
      paramLabel = "N",
      description = "Only the first N captions of each image; published numbers on COCO go by 5.")
  @Range(min = 1)
  private int captionsPerImage = Integer.MAX_VALUE;

  @Override
  public Integer call() throws IOException {
    PairFeed feed = data.open();
    if (!(feed instanceof PairSource pairs)) {
      throw new IllegalArgumentException(
          "retrieval compares all pairs with all, and needs a table or folder, not shards");
    }
    Retrieval.Encoded encoded;
    try (OpenModel model = OpenModel.load(options.model, options.device)) {
      System.out.printf(Locale.ROOT, "Encoding %,d pairs%n", pairs.size());
      encoded = Retrieval.encode(model.encoder(), pairs, captionsPerImage);
    }
    Retrieval retrieval = encoded.measure();
    System.out.println(retrieval);
    int lost = pairs.size() - retrieval.images();
    JsonObject json = new JsonObject();
    json.addProperty("data_set", pairs.name());
    json.addProperty("unreadable", lost);
    json.add("retrieval", EvaluateOptions.toJson(retrieval));
    options.write("retrieval.json", json);
    HtmlReport report =
        new HtmlReport(
                "Retrieval",
                String.format(
                    Locale.ROOT,
                    "%s on %s: %,d images and %,d captions.",
                    options.model,
                    pairs.name(),
                    retrieval.images(),
                    retrieval.texts()))
            .figures(
                List.of(
                    figure("Image by text, R@1", retrieval.textToImage(), retrieval.images()),
                    figure("Text by image, R@1", retrieval.imageToText(), retrieval.texts()),
                    new Figure(
                        "Images",
                        String.format(Locale.ROOT, "%,d", retrieval.images()),
                        lost == 0 ? "all could be read" : lost + " more could not be read")))
            .section(
                "Images found by text",
                "Share of the captions whose own image is among the 1, 5 or 10 images most similar to them.",
                bars(retrieval.textToImage()))
            .section(
                "Texts found by image",
                "Share of the images that have one of their own captions among the 1, 5 or 10 captions most similar to them.",
                bars(retrieval.imageToText()));
    new RetrievalPictures(encoded, pairs).add(report);
    report.section(
        "How it was measured",
        "Every image is compared with every caption. A wrong one that is as similar as the right one counts as more similar;"
            + " right is the pair's own alone, also where another pair has the same caption or image.");
    options.write(report, "retrieval.json");
    return 0;
  }

  private static Figure figure(String name, Recall recall, int candidates) {
    return new Figure(
        name, Numbers.percent(recall.at1()), "chance " + Numbers.percent(1.0 / candidates));
  }

  private static Markup bars(Recall recall) {
    return BarFigure.shares(
        "recall",
        List.of(
            new Bar("R@1", recall.at1()),
            new Bar("R@5", recall.at5()),
            new Bar("R@10", recall.at10())));
  }
}
