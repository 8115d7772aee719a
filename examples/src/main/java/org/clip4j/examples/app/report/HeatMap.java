package org.clip4j.examples.app.report;

import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.clip4j.examples.app.report.HtmlReport.Picture;
import org.clip4j.figure.Markup;

/** The similarity matrix of images and captions as an HTML table with coloured cells. */
final class HeatMap {

  /** Viridis at nine equal steps: even in lightness, and readable by the colour-blind. */
  private static final int[] VIRIDIS = {
    0x440154, 0x472D7B, 0x3B528B, 0x2C728E, 0x21918C, 0x28AE80, 0x5EC962, 0xADDC30, 0xFDE725
  };

  private HeatMap() {}

  /** Takes what {@link HtmlReport#similarity} takes: {@code cosine[image][caption]}. */
  static Markup of(List<Picture> images, List<String> captions, float[][] cosine, int[] own) {
    float low = Float.POSITIVE_INFINITY;
    float high = Float.NEGATIVE_INFINITY;
    for (float[] row : cosine) {
      for (float value : row) {
        low = Math.min(low, value);
        high = Math.max(high, value);
      }
    }

    Markup head = Markup.of("tr").add(Markup.of("td"));
    for (Picture picture : images) {
      head.add(Markup.of("th", "scope", "col").add(Thumbnail.of(picture.image(), picture.alt())));
    }
    Markup body = Markup.of("tbody");
    for (int t = 0; t < captions.size(); t++) {
      Markup row = Markup.of("tr").add(Markup.of("th", "scope", "row").text(captions.get(t)));
      for (int i = 0; i < images.size(); i++) {
        boolean best = best(cosine[i]) == t;
        row.add(cell(cosine[i][t], low, high, own[i] == t, best));
      }
      body.add(row);
    }
    Markup table = Markup.of("table", "class", "heat").add(Markup.of("thead").add(head), body);
    return Markup.of("div").add(Markup.of("div", "class", "scroll").add(table), legend(low, high));
  }

  private static Markup cell(float value, float low, float high, boolean own, boolean best) {
    int colour = colour(high > low ? (value - low) / (high - low) : 0.5);
    String names = (own ? "own " : "") + (best ? "best" : "");
    Markup cell = Markup.of("td", "class", names.strip());
    cell.attribute(
        "style", String.format(Locale.ROOT, "background:%s;color:%s", css(colour), ink(colour)));
    String number = cosine(value, 2);
    if (!best) {
      return cell.text(number);
    }
    return cell.add(Markup.of("b").text(number));
  }

  private static Markup legend(float low, float high) {
    String stops = IntStream.of(VIRIDIS).mapToObj(HeatMap::css).collect(Collectors.joining(", "));
    Markup ramp = Markup.of("i", "style", "background:linear-gradient(90deg, " + stops + ")");
    return Markup.of("p", "class", "legend")
        .add(Markup.of("span").text("cosine " + cosine(low, 2)), ramp)
        .add(Markup.of("span").text(cosine(high, 2)))
        .add(Markup.of("span").add(Markup.of("i", "class", "own")).text(" the image's own caption"))
        .add(
            Markup.of("span")
                .add(Markup.of("b").text("bold"))
                .text(" the caption most like the image"));
  }

  private static int best(float[] row) {
    int best = 0;
    for (int t = 1; t < row.length; t++) {
      best = row[t] > row[best] ? t : best;
    }
    return best;
  }

  /** The colour at {@code share} of the scale (0 to 1), between the two nearest steps. */
  static int colour(double share) {
    double position = share * (VIRIDIS.length - 1);
    int step = Math.min((int) position, VIRIDIS.length - 2);
    double rest = position - step;
    int mixed = 0;
    for (int shift = 16; shift >= 0; shift -= 8) {
      int from = VIRIDIS[step] >> shift & 255;
      int to = VIRIDIS[step + 1] >> shift & 255;
      mixed |= (int) Math.round(from + rest * (to - from)) << shift;
    }
    return mixed;
  }

  /** Black or white, whichever is read more easily on the colour (Rec. 601 luma). */
  static String ink(int colour) {
    int luma = 299 * (colour >> 16 & 255) + 587 * (colour >> 8 & 255) + 114 * (colour & 255);
    return luma > 125_000 ? "#000" : "#fff";
  }

  static String css(int colour) {
    return String.format(Locale.ROOT, "#%06x", colour);
  }

  /** A cosine similarity with a real minus sign, and no "-0.00". */
  static String cosine(double value, int decimals) {
    String text = String.format(Locale.ROOT, "%." + decimals + "f", value);
    return Double.parseDouble(text) == 0 ? text.replace("-", "") : text.replace('-', '−');
  }
}
