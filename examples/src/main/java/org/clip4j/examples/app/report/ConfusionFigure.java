package org.clip4j.examples.app.report;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;
import org.clip4j.figure.Markup;
import org.clip4j.figure.Numbers;
import org.clip4j.figure.Svg;

/**
 * A confusion matrix as a heat map: rows are the true classes, columns what was answered, colour
 * the share of the row. Of many classes those with the most mistakes are shown.
 */
public final class ConfusionFigure {
  private static final int MOST = 64;
  private static final int MOST_NARROW = 24;
  private static final int SIDE = 900; // pixels the cells may take
  private static final double LETTER = 6.2;
  private static final int MOST_LETTERS = 26;
  private static final int MOST_LETTERS_NARROW = 12;
  private static final int KEY = 52; // pixels below, for the scale
  private static final int SCALE = 350; // pixels across the scale and its words

  private ConfusionFigure() {}

  /**
   * The figure.
   *
   * @param classes names
   * @param counts [true class][answered class]
   */
  public static Markup of(List<String> classes, long[][] counts) {
    return Svg.figure(width -> drawn(classes, counts, width == Svg.NARROW));
  }

  private static Markup drawn(List<String> classes, long[][] counts, boolean narrow) {
    int[] shown = choose(classes.size(), counts, narrow ? MOST_NARROW : MOST);
    int n = shown.length;
    int most = narrow ? MOST_LETTERS_NARROW : MOST_LETTERS;
    int letters = 0;
    for (int c : shown) {
      letters = Math.max(letters, Math.min(most, classes.get(c).length()));
    }
    double room = narrow ? Svg.NARROW - 50 - letters * LETTER : SIDE;
    double cell = Math.min(34, room / n);
    double size = Math.min(12, cell * 0.9);
    double margin = 16 + letters * LETTER * size / 12 + 22;
    double side = n * cell;
    int width = narrow ? Svg.NARROW : (int) (margin + Math.max(side, SCALE) + 12);
    int height = (int) (margin + side + KEY);
    Markup svg = Svg.drawing(width, height, "Confusion matrix of " + n + " classes");
    svg.add(Svg.label(margin + side / 2, 14, "middle", "answered").attribute("class", "title"));
    svg.add(Svg.upwards(14, margin + side / 2, "true class"));
    String font = String.format(Locale.ROOT, "font-size:%spx", Svg.number(size));
    for (int i = 0; i < n; i++) {
      double middle = margin + (i + 0.5) * cell;
      String name = shorten(classes.get(shown[i]), most);
      svg.add(Svg.label(margin - 5, middle + size / 3, "end", name).attribute("style", font));
      String turn =
          String.format(
              Locale.ROOT,
              "rotate(-90 %s %s)",
              Svg.number(middle + size / 3),
              Svg.number(margin - 5));
      svg.add(
          Svg.label(middle + size / 3, margin - 5, "start", name)
              .attribute("style", font)
              .attribute("transform", turn));
      row(svg, classes, counts, shown, i, margin, cell);
    }
    legend(svg, narrow ? 12 : margin, margin + side + 14);
    Markup figure = Markup.of("div").add(svg);
    if (n < classes.size()) {
      figure.add(
          Markup.of("p", "class", "note")
              .text(
                  String.format(
                      Locale.ROOT,
                      "Shown are the %d classes of %,d with the most mistakes.",
                      n,
                      classes.size())));
    }
    return figure;
  }

  private static void row(
      Markup svg,
      List<String> classes,
      long[][] counts,
      int[] shown,
      int i,
      double margin,
      double cell) {
    long total = 0;
    for (long count : counts[shown[i]]) {
      total += count;
    }
    for (int j = 0; j < shown.length; j++) {
      long count = counts[shown[i]][shown[j]];
      double share = total == 0 ? 0 : (double) count / total;
      int colour = colour(share);
      double x = margin + j * cell;
      double y = margin + i * cell;
      Markup box =
          Svg.box(x, y, cell - (cell > 12 ? 1 : 0.3), cell - (cell > 12 ? 1 : 0.3), "cell");
      box.attribute("style", "fill:" + HeatMap.css(colour));
      String words =
          String.format(
              Locale.ROOT,
              "%s, answered %s: %,d of %,d",
              classes.get(shown[i]),
              classes.get(shown[j]),
              count,
              total);
      svg.add(box.add(Markup.of("title").text(words)));
      if (cell >= 24 && count > 0) {
        svg.add(
            Svg.label(x + cell / 2, y + cell / 2 + 4, "middle", Long.toString(count))
                .attribute("style", "font-size:11px;fill:" + HeatMap.ink(colour)));
      }
    }
  }

  /** The scale: shares of a row from 0 to 100 %. */
  private static void legend(Markup svg, double x, double y) {
    int steps = 40;
    svg.add(Svg.label(x, y + 11, "start", "share of the row:"));
    double left = x + 122;
    for (int i = 0; i < steps; i++) {
      svg.add(
          Svg.box(left + 4 * i, y, 4.2, 13, "cell")
              .attribute("style", "fill:" + HeatMap.css(colour(Math.pow((i + 0.5) / steps, 2)))));
    }
    for (int tick = 0; tick <= 2; tick++) {
      String percent = Numbers.hundredths(tick * tick / 4.0) + " %";
      svg.add(Svg.label(left + tick * 2 * steps, y + 27, "middle", percent));
    }
  }

  /** By the root of the share, so that rare mistakes are seen. */
  private static int colour(double share) {
    return HeatMap.colour(Math.sqrt(share));
  }

  /** All classes, or those with the most mistakes, in their own order. */
  private static int[] choose(int classes, long[][] counts, int most) {
    List<Integer> order = new ArrayList<>(IntStream.range(0, classes).boxed().toList());
    if (classes > most) {
      order.sort(Comparator.comparingLong((Integer c) -> -mistakes(counts[c], c)));
      order = order.subList(0, most);
    }
    return order.stream().mapToInt(c -> c).sorted().toArray();
  }

  private static long mistakes(long[] row, int own) {
    long mistakes = 0;
    for (int c = 0; c < row.length; c++) {
      mistakes += c == own ? 0 : row[c];
    }
    return mistakes;
  }

  private static String shorten(String name, int most) {
    return name.length() <= most ? name : name.substring(0, most - 1) + "…";
  }
}
