package org.clip4j.examples.app.report;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.clip4j.figure.LineFigure;
import org.clip4j.figure.Markup;
import org.clip4j.figure.Numbers;
import org.clip4j.figure.Svg;
import org.clip4j.image.RgbImage;

/**
 * A report on a training run as one HTML file that needs nothing beside it: images are inside,
 * there is no script, and it follows the reader's light or dark setting. Sections appear in the
 * order in which they are added.
 *
 * <pre>{@code
 * new HtmlReport("Coloured shapes", "A ResNet and a text transformer, trained from scratch.")
 *     .figures(List.of(new HtmlReport.Figure("Unseen combinations", "87.1 %", "chance 8 %")))
 *     .similarity("Images against captions", "", pictures, captions, cosine, own)
 *     .losses("Loss", "", losses)
 *     .predictions("Predictions", "", predictions)
 *     .scores("Accuracy", "", scores)
 *     .write(Path.of("report.html"));
 * }</pre>
 */
public final class HtmlReport {

  /** A key number of the header. {@code note} is a small line under it and may be empty. */
  public record Figure(String name, String value, String note) {}

  /** An image with the words that stand for it where it cannot be seen. */
  public record Picture(BufferedImage image, String alt) {
    public static Picture of(RgbImage image, String alt) {
      int width = image.width();
      BufferedImage drawn = new BufferedImage(width, image.height(), BufferedImage.TYPE_INT_RGB);
      byte[] pixels = image.pixels();
      for (int i = 0; i < pixels.length; i += 3) {
        int rgb = (pixels[i] & 0xff) << 16 | (pixels[i + 1] & 0xff) << 8 | pixels[i + 2] & 0xff;
        drawn.setRGB(i / 3 % width, i / 3 / width, rgb);
      }
      return new Picture(drawn, alt);
    }
  }

  /** A label and its probability, 0 to 1. */
  public record Guess(String label, double probability) {}

  /** One classified image: its true label and the best guesses, the most probable first. */
  public record Prediction(Picture picture, String label, List<Guess> guesses) {
    public boolean right() {
      return guesses.get(0).label().equals(label);
    }
  }

  /** {@code correct} of {@code total}; {@code chance} (0 to 1) is what guessing reaches. */
  public record Score(String name, int correct, int total, double chance) {
    public double rate() {
      return total == 0 ? 0 : (double) correct / total;
    }
  }

  private final String title;
  private final String subtitle;
  private final List<Markup> sections = new ArrayList<>();

  /** {@code subtitle} is a sentence on what was trained on what. */
  public HtmlReport(String title, String subtitle) {
    this.title = title;
    this.subtitle = subtitle;
  }

  /** Adds a row of key numbers. */
  public HtmlReport figures(List<Figure> figures) {
    Markup list = Markup.of("dl", "class", "figures");
    for (Figure figure : figures) {
      Markup tile = Markup.of("div").add(Markup.of("dt").text(figure.name()));
      tile.add(Markup.of("dd", "class", "value").text(figure.value()));
      if (!figure.note().isEmpty()) {
        tile.add(Markup.of("dd", "class", "note").text(figure.note()));
      }
      list.add(tile);
    }
    sections.add(list);
    return this;
  }

  /**
   * Adds the similarity matrix of the CLIP paper's figures: one row a caption, one column an image.
   *
   * @param cosine {@code [image][caption]}, -1 to 1
   * @param own for each image the index of its own caption, or -1 if it is not among them
   */
  public HtmlReport similarity(
      String heading,
      String note,
      List<Picture> images,
      List<String> captions,
      float[][] cosine,
      int[] own) {
    if (cosine.length != images.size() || own.length != images.size()) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "The matrix has %d rows and own has %d entries for %d images; all must be equal",
              cosine.length,
              own.length,
              images.size()));
    }
    return section(heading, note, HeatMap.of(images, captions, cosine, own));
  }

  /** Adds the losses of all steps as a chart. */
  public HtmlReport losses(String heading, String note, double[] losses) {
    return section(heading, note, LineFigure.overSteps("loss", List.of(LossCurve.of(losses))));
  }

  /** Adds a gallery of classified images, each with its label and what the model made of it. */
  public HtmlReport predictions(String heading, String note, List<Prediction> predictions) {
    Markup gallery = Markup.of("ul", "class", "gallery");
    for (Prediction prediction : predictions) {
      gallery.add(card(prediction));
    }
    long right = predictions.stream().filter(Prediction::right).count();
    Markup count = Markup.of("p", "class", "note");
    count.text(
        String.format(
            Locale.ROOT,
            "%d of the %d images below are right; the true label is bold.",
            right,
            predictions.size()));
    return section(heading, note, count, gallery);
  }

  /** Adds a table of accuracies: overall, or broken down by class. */
  public HtmlReport scores(String heading, String note, List<Score> scores) {
    boolean chance = scores.stream().anyMatch(score -> score.chance() > 0);
    Markup head = Markup.of("tr").add(header("col", "").text("Images"));
    head.add(header("col", "number").text("Accuracy"), header("col", "").text(""));
    head.add(header("col", "number").text("Right"));
    if (chance) {
      head.add(header("col", "number").text("Chance"));
    }
    Markup body = Markup.of("tbody");
    for (Score score : scores) {
      String right = String.format(Locale.ROOT, "%,d of %,d", score.correct(), score.total());
      Markup row = Markup.of("tr").add(header("row", "").text(score.name()));
      row.add(Markup.of("td", "class", "number").text(Numbers.percent(score.rate())));
      row.add(Markup.of("td", "class", "wide").add(bar(score.rate(), score.chance())));
      row.add(Markup.of("td", "class", "number").text(right));
      if (chance) {
        row.add(Markup.of("td", "class", "number").text(Numbers.percent(score.chance())));
      }
      body.add(row);
    }
    Markup table = Markup.of("table", "class", "scores").add(Markup.of("thead").add(head), body);
    return section(heading, note, Markup.of("div", "class", "scroll").add(table));
  }

  /** Writes the page under a temporary name and moves it into place. */
  public void write(Path file) throws IOException {
    write(file, page());
  }

  /** As {@link #write(Path)}, of any page. */
  public static void write(Path file, String page) throws IOException {
    Path target = file.toAbsolutePath();
    Files.createDirectories(target.getParent());
    Path temporary = target.resolveSibling(target.getFileName() + ".tmp");
    try {
      Files.writeString(temporary, page);
      try {
        Files.move(
            temporary, target, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
      } catch (AtomicMoveNotSupportedException e) {
        Files.move(temporary, target, StandardCopyOption.REPLACE_EXISTING);
      }
    } finally {
      Files.deleteIfExists(temporary);
    }
  }

  /** The whole page. */
  String page() {
    Markup body = Markup.of("main");
    body.add(Markup.of("h1").text(title), Markup.of("p", "class", "subtitle").text(subtitle));
    sections.forEach(body::add);
    String written =
        LocalDateTime.now(ZoneId.systemDefault())
            .format(DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm", Locale.ROOT));
    Markup footer = Markup.of("footer").text("Written by clip4j on " + written + ".");
    return page(title, List.of(Markup.of("style").raw(styles())), body.add(footer));
  }

  /** A whole page. */
  public static String page(String title, List<Markup> head, Markup body) {
    return String.format(
        Locale.ROOT,
        """
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        %s%s
        </head>
        <body>
        %s</body>
        </html>
        """,
        Markup.of("title").text(title),
        head.stream().map(Markup::toString).collect(Collectors.joining("\n")),
        body);
  }

  /** The style sheet of all pages. */
  public static String styles() {
    return Svg.styles() + resource(HtmlReport.class, "report.css");
  }

  /** A text on the classpath beside a class. */
  public static String resource(Class<?> of, String name) {
    try (InputStream in = of.getResourceAsStream(name)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot read " + name + " from the classpath", e);
    }
  }

  /** Adds a part of the page: a heading, a line under it (which may be empty), and anything. */
  public HtmlReport section(String heading, String note, Markup... content) {
    Markup section = Markup.of("section").add(Markup.of("h2").text(heading));
    if (!note.isEmpty()) {
      section.add(Markup.of("p", "class", "note").text(note));
    }
    sections.add(section.add(content));
    return this;
  }

  private static Markup card(Prediction prediction) {
    List<Gallery.Line> lines = new ArrayList<>();
    for (Guess guess : prediction.guesses()) {
      boolean own = guess.label().equals(prediction.label());
      String number = Numbers.percent(guess.probability());
      lines.add(new Gallery.Line(guess.label(), number, guess.probability(), own));
    }
    return Gallery.card(
        prediction.right(), prediction.label(), List.of(prediction.picture()), lines);
  }

  /** A bar of {@code share} (0 to 1) with a tick at {@code mark}, unless that is 0. */
  static Markup bar(double share, double mark) {
    Markup bar = Markup.of("span", "class", "bar", "aria-hidden", "true");
    bar.add(Markup.of("span", "style", "width:" + width(share)));
    return mark > 0 ? bar.add(Markup.of("i", "style", "left:" + width(mark))) : bar;
  }

  private static Markup header(String scope, String style) {
    return Markup.of("th", "scope", scope, "class", style);
  }

  private static String width(double share) {
    return String.format(Locale.ROOT, "%.1f%%", 100 * Math.min(1, Math.max(0, share)));
  }
}
