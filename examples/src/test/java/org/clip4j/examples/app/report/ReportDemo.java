package org.clip4j.examples.app.report;

import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.clip4j.examples.app.report.HtmlReport.Figure;
import org.clip4j.examples.app.report.HtmlReport.Guess;
import org.clip4j.examples.app.report.HtmlReport.Picture;
import org.clip4j.examples.app.report.HtmlReport.Prediction;
import org.clip4j.examples.app.report.HtmlReport.Score;

/** A report of invented numbers, to look at while working on {@link HtmlReport}. */
final class ReportDemo {

  private static final List<String> COLOURS = List.of("red", "green", "blue", "orange");
  private static final List<String> SHAPES = List.of("circle", "square", "cross");

  private ReportDemo() {}

  /** Writes the report to the file named by the first argument. */
  public static void main(String[] args) throws IOException {
    report().write(Path.of(args[0]));
  }

  static HtmlReport report() {
    Random random = new Random(7);
    List<Picture> pictures = new ArrayList<>();
    List<String> captions = new ArrayList<>();
    for (String shape : SHAPES) {
      for (String colour : COLOURS) {
        pictures.add(picture(colour, shape));
        captions.add("a small " + colour + " " + shape + " on a grey background");
      }
    }
    captions.set(5, "a <b>green</b> square & \"quotes\"");

    int n = pictures.size();
    float[][] cosine = new float[n][n];
    for (int i = 0; i < n; i++) {
      for (int t = 0; t < n; t++) {
        float like =
            (i == t ? 0.45f : 0) + (i % 4 == t % 4 ? 0.2f : 0) + (i / 4 == t / 4 ? 0.2f : 0);
        cosine[i][t] = like + 0.15f * (float) random.nextGaussian();
      }
    }
    int[] own = IntStream.range(0, n).toArray();

    int count = 900;
    double[] loss = new double[count];
    for (int i = 0; i < count; i++) {
      loss[i] = 0.6 + 4.2 * Math.exp(-i / 180.0) + 0.12 * random.nextGaussian();
    }

    List<Prediction> predictions = new ArrayList<>();
    for (int i = 0; i < n; i++) {
      String label = COLOURS.get(i % 4) + " " + SHAPES.get(i / 4);
      String other = COLOURS.get((i + 1) % 4) + " " + SHAPES.get(i / 4);
      boolean right = i % 4 != 3;
      Guess first = new Guess(right ? label : other, 0.62);
      Guess second = new Guess(right ? other : label, 0.31);
      Guess third = new Guess("purple crescent", 0.04);
      predictions.add(new Prediction(pictures.get(i), label, List.of(first, second, third)));
    }

    return new HtmlReport(
            "clip4j Quickstart",
            "A ResNet of width 8 and a text transformer, trained "
                + "from scratch on generated shapes; 12 combinations of colour and shape were never shown.")
        .figures(
            List.of(
                new Figure("Unseen combinations", "87.1 %", "choosing among 12, chance 8 %"),
                new Figure("New images", "96.4 %", "choosing among all 64"),
                new Figure("Unseen among all", "44.9 %", "the hardest question"),
                new Figure("Steps", "1,367", "in 110 s, batch 128"),
                new Figure("Speed", "1,590/s", "samples, 2 threads"),
                new Figure("Model", "0.4 M", "parameters, seed 1")))
        .similarity(
            "Images against captions",
            "Cosine similarity of each image with each caption.",
            pictures,
            captions,
            cosine,
            own)
        .losses("Loss", "Guessing within a batch of 128 gives ln 128 = 4.85.", loss)
        .predictions("Predictions on unseen combinations", "", predictions)
        .scores(
            "Accuracy",
            "",
            List.of(
                new Score("Unseen combinations among themselves", 836, 960, 1 / 12.0),
                new Score("New images among all", 2005, 2080, 1 / 64.0),
                new Score("Unseen combinations among all", 431, 960, 1 / 64.0)))
        .scores(
            "By colour",
            "Unseen combinations, choosing among them.",
            List.of(new Score("red", 200, 240, 0), new Score("green", 151, 240, 0)));
  }

  private static Picture picture(String colour, String shape) {
    BufferedImage image = new BufferedImage(32, 32, BufferedImage.TYPE_INT_RGB);
    Graphics2D graphics = image.createGraphics();
    graphics.setColor(new Color(200, 200, 204));
    graphics.fillRect(0, 0, 32, 32);
    Color[] colours = {Color.RED, new Color(30, 150, 50), Color.BLUE, Color.ORANGE};
    graphics.setColor(colours[COLOURS.indexOf(colour)]);
    switch (shape) {
      case "circle" -> graphics.fillOval(6, 6, 20, 20);
      case "square" -> graphics.fillRect(7, 7, 18, 18);
      default -> {
        graphics.fillRect(13, 5, 6, 22);
        graphics.fillRect(5, 13, 22, 6);
      }
    }
    graphics.dispose();
    return new Picture(image, colour + " " + shape);
  }
}
