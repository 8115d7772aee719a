package org.clip4j.examples.app.train;

import ai.djl.modality.Classifications;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;
import org.clip4j.Clip;
import org.clip4j.ZeroShotClassifier;
import org.clip4j.data.shapes.ColouredShapes;
import org.clip4j.examples.app.report.HtmlReport;
import org.clip4j.examples.app.report.HtmlReport.Figure;
import org.clip4j.examples.app.report.HtmlReport.Guess;
import org.clip4j.examples.app.report.HtmlReport.Picture;
import org.clip4j.examples.app.report.HtmlReport.Prediction;
import org.clip4j.examples.app.report.HtmlReport.Score;
import org.clip4j.figure.Numbers;
import org.clip4j.train.TrainingResult;

/** What the Quickstart shows of a model that was trained on shapes. */
public record QuickstartReport(
    Clip clip,
    String template,
    TrainingResult result,
    List<Score> scores,
    List<String> unseenLabels) {
  private static final int GALLERY = 12;
  private static final int PER_COMBINATION = 40;
  private static final List<String> TEMPLATES =
      List.of("a photo of a {}.", "a picture of a {}.", "a {}", "an image of a {}");

  /** Measures a model on new pictures of combinations, prints how well it does, and reports. */
  public static void write(Clip clip, ColouredShapes shapes, TrainingResult result, Path out)
      throws IOException {
    List<String> labels = shapes.labels();
    List<String> unseenLabels = shapes.unseenLabels();
    ZeroShotClassifier all = clip.zeroShot(labels).optTemplates(TEMPLATES).optTopK(3).build();
    ZeroShotClassifier amongUnseen =
        clip.zeroShot(unseenLabels).optTemplates(TEMPLATES).optTopK(3).build();
    TestImages unseen = TestImages.of(clip, labels, shapes.unseenTest(PER_COMBINATION));
    TestImages seen = TestImages.of(clip, labels, shapes.seenTest(PER_COMBINATION));
    List<Score> scores =
        List.of(
            unseen.score("never trained on, among these " + unseenLabels.size(), amongUnseen),
            seen.score("trained on, among all " + labels.size(), all),
            unseen.score("never trained on, among all " + labels.size(), all));
    System.out.println("Zero-shot top-1 on new images of combinations");
    for (Score score : scores) {
      System.out.printf(
          Locale.ROOT,
          "  %-36s %5.1f %%  (chance %.1f %%)%n",
          score.name(),
          100 * score.rate(),
          100 * score.chance());
    }
    Path report = out.resolve("report.html");
    new QuickstartReport(clip, TEMPLATES.get(0), result, scores, unseenLabels)
        .write(report, unseen, amongUnseen, all);
    System.out.println(
        "Open " + report + " in a browser; the model is in " + result.output() + ".");
  }

  /**
   * Writes the report.
   *
   * @param unseen images of combinations that were never trained on
   * @param amongUnseen chooses among those combinations
   * @param all chooses among all combinations
   */
  public void write(
      Path file, TestImages unseen, ZeroShotClassifier amongUnseen, ZeroShotClassifier all)
      throws IOException {
    List<Figure> figures = new ArrayList<>();
    for (Score score : scores) {
      figures.add(
          new Figure(
              score.name(),
              Numbers.percent(score.rate()),
              "chance " + Numbers.percent(score.chance())));
    }
    figures.add(
        new Figure(
            "training",
            String.format(Locale.ROOT, "%.0f s", result.elapsed().toMillis() / 1e3),
            result.steps() + " steps"));
    figures.add(
        new Figure(
            "speed",
            String.format(Locale.ROOT, "%,.0f", result.samplesPerSecond()),
            "pairs a second"));
    figures.add(
        new Figure(
            "parameters",
            String.format(Locale.ROOT, "%,d", clip.model().parameterCount()),
            "image and text encoder"));
    HtmlReport report =
        new HtmlReport(
                "CLIP on coloured shapes",
                "A small CLIP, trained from scratch on pictures with captions, names combinations of colour and shape that no"
                    + " picture or caption of its training had.")
            .figures(figures);
    similarity(report, unseen);
    report.predictions(
        "Right and wrong",
        "Combinations never trained on, as the model names them. First those it gets right among the "
            + unseenLabels.size()
            + " of their kind, then those it gets wrong when it may choose among all "
            + all.labels().size()
            + ".",
        gallery(unseen, amongUnseen, all));
    float[] losses = result.losses();
    report
        .losses(
            "Loss",
            "Of each step's batch. Images with equal captions are not contrasted with each other.",
            IntStream.range(0, losses.length).mapToDouble(i -> losses[i]).toArray())
        .scores(
            "Accuracy", "Zero-shot top-1 on images of one object that were not trained on.", scores)
        .write(file);
  }

  /** One image of each combination against the caption of each. */
  private void similarity(HtmlReport report, TestImages unseen) {
    List<String> captions =
        unseenLabels.stream().map(label -> template.replace("{}", label)).toList();
    float[][] texts = clip.encodeTexts(captions);
    List<Picture> pictures = new ArrayList<>();
    float[][] cosine = new float[unseenLabels.size()][texts.length];
    int[] own = new int[cosine.length];
    for (int i = 0; i < cosine.length; i++) {
      int image = unseen.labels().indexOf(unseenLabels.get(i));
      pictures.add(picture(unseen, image));
      own[i] = i;
      for (int t = 0; t < texts.length; t++) {
        cosine[i][t] = (float) Clip.cosine(unseen.embeddings().get(image), texts[t]);
      }
    }
    report.similarity(
        "Images against captions",
        "Cosine similarity of new images and captions, all of combinations never trained on. The outlined cell is the image's own"
            + " caption.",
        pictures,
        captions,
        cosine,
        own);
  }

  private static List<Prediction> gallery(
      TestImages test, ZeroShotClassifier few, ZeroShotClassifier all) {
    List<Prediction> right = new ArrayList<>();
    List<Prediction> wrong = new ArrayList<>();
    int stride = 41; // prime to their number, so that all come, and neighbours differ in label
    for (int i = 0; i < test.images().size(); i++) {
      int image = i * stride % test.images().size();
      Prediction among = prediction(test, image, few);
      if (among.right() && right.size() < GALLERY) {
        right.add(among);
      }
      Prediction free = prediction(test, image, all);
      if (!free.right() && wrong.size() < GALLERY) {
        wrong.add(free);
      }
    }
    right.addAll(wrong);
    return right;
  }

  private static Prediction prediction(TestImages test, int image, ZeroShotClassifier classifier) {
    List<Classifications.Classification> best =
        classifier.classify(test.embeddings().get(image)).topK();
    return new Prediction(
        picture(test, image),
        test.labels().get(image),
        best.stream()
            .map(guess -> new Guess(guess.getClassName(), guess.getProbability()))
            .toList());
  }

  private static Picture picture(TestImages test, int index) {
    return Picture.of(test.images().get(index), test.labels().get(index));
  }
}
