package org.clip4j.examples;

import com.google.gson.JsonObject;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.clip4j.data.ColouredShapes;
import org.clip4j.data.LabelledImage;
import org.clip4j.data.LabelledImages;
import org.clip4j.eval.ClassNames;
import org.clip4j.eval.Encoder;
import org.clip4j.eval.ZeroShotEvaluation;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The complete set of experiments on a model that was trained on generated shapes. */
@Command(
    name = "shapes",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    showDefaultValues = true,
    description =
        "All experiments on the Quickstart's model, with generated pictures and nothing to download: zero-shot on combinations it was"
            + " trained on and on others, and shifts. Writes report.html and shapes.json.")
final class EvaluateShapes implements Callable<Integer> {
  private static final List<String> TEMPLATES =
      List.of("a photo of a {}.", "a picture of a {}.", "a {}", "an image of a {}");

  @Mixin private EvaluateOptions options;

  @Option(
      names = "--images",
      defaultValue = "40",
      description = "Test images of each combination of colour and shape.")
  private int perCombination;

  @Option(
      names = "--shapes-seed",
      defaultValue = "0",
      description = "The Quickstart's --seed, so that test images are none of its training images.")
  private long shapesSeed;

  @Override
  public Integer call() throws IOException {
    try (OpenModel model = OpenModel.load(options.model)) {
      int size = model.model().config().vision().imageHeight();
      ColouredShapes shapes =
          ColouredShapes.builder().optImageSize(size).optSeed(shapesSeed).build();
      Map<String, ZeroShotEvaluation.Result> zeroShot = zeroShot(model.encoder(), shapes);
      JsonObject json = new JsonObject();
      json.add("zero_shot", EvaluateOptions.toJson(zeroShot));
      options.write("shapes.json", json);
      HtmlReport report = report(shapes, zeroShot);
      options.write(report, "shapes.json");
    }
    return 0;
  }

  // ---- zero-shot ----

  private Map<String, ZeroShotEvaluation.Result> zeroShot(Encoder encoder, ColouredShapes shapes) {
    Map<String, ZeroShotEvaluation.Result> results = new LinkedHashMap<>();
    List<LabelledImage> unseen = shapes.unseenTest(perCombination);
    add(results, encoder, "trained combinations", shapes.seenTest(perCombination), shapes.labels());
    add(results, encoder, "unseen combinations", unseen, shapes.labels());
    List<Integer> classes = shapes.unseenLabels().stream().map(shapes.labels()::indexOf).toList();
    List<LabelledImage> among =
        unseen.stream()
            .map(each -> new LabelledImage(each.image(), classes.indexOf(each.label())))
            .toList();
    add(results, encoder, "unseen combinations, among themselves", among, shapes.unseenLabels());
    return results;
  }

  private void add(
      Map<String, ZeroShotEvaluation.Result> results,
      Encoder encoder,
      String name,
      List<LabelledImage> images,
      List<String> labels) {
    LabelledImages set = LabelledImages.of(name, labels, images);
    try (CountBar bar = new CountBar("Zero-shot, " + name, set.size())) {
      ZeroShotEvaluation.Result result =
          ZeroShotEvaluation.builder()
              .setImages(set)
              .setClasses(ClassNames.fromLabels(labels))
              .optTemplates(TEMPLATES)
              .optResamples(options.resamples)
              .optSeed(options.seed)
              .optProgress(bar)
              .build()
              .run(encoder);
      System.out.print(ZeroShotSections.text(result));
      results.put(name, result);
    }
  }

  private HtmlReport report(
      ColouredShapes shapes, Map<String, ZeroShotEvaluation.Result> zeroShot) {
    HtmlReport report =
        new HtmlReport(
            "Experiments on coloured shapes",
            "%s, a CLIP trained on pictures of coloured shapes with captions; %d of the %d combinations of colour and shape were in none of"
                    .formatted(options.model, shapes.unseenLabels().size(), shapes.labels().size())
                + " them. Every picture below is new.");
    return report;
  }
}
