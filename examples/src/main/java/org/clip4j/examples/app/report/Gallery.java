package org.clip4j.examples.app.report;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.clip4j.encode.ImageSource;
import org.clip4j.examples.app.Errors;
import org.clip4j.examples.app.report.HtmlReport.Picture;
import org.clip4j.figure.Markup;

/** Cards with pictures, right and wrong. */
public final class Gallery {
  /** The most confident of either kind that a report shows. */
  public static final int MOST = 8;

  /**
   * A line of a card.
   *
   * @param share draws a bar, 0 to 1; negative for none
   * @param own whether it is the right one
   */
  public record Line(String text, String number, double share, boolean own) {
    /** Of a cosine similarity. */
    public static Line cosine(String text, double cosine, boolean own) {
      return new Line(text, HeatMap.cosine(cosine, 3), -1, own);
    }
  }

  private Gallery() {}

  public static Markup card(boolean right, String title, List<Picture> pictures, List<Line> lines) {
    Markup list = Markup.of("ol");
    for (Line line : lines) {
      Markup item = Markup.of("li");
      if (line.own) {
        item.attribute("class", "true");
      }
      item.add(Markup.of("span").text(line.text));
      item.add(Markup.of("span", "class", "number").text(line.number));
      if (line.share >= 0) {
        item.add(HtmlReport.bar(line.share, 0));
      }
      list.add(item);
    }
    Markup verdict = Markup.of("span", "class", "verdict").text(right ? "✓ right" : "✗ wrong");
    Markup top = Markup.of("div", "class", "top");
    for (Picture picture : pictures) {
      top.add(Thumbnail.of(picture.image(), picture.alt()));
    }
    top.add(Markup.of("div").add(verdict, Markup.of("strong").text(title)));
    return Markup.of("li", "class", right ? "right" : "wrong").add(top, list);
  }

  public static Markup of(List<Markup> cards) {
    return Markup.of("ul", "class", "gallery").add(cards.toArray(Markup[]::new));
  }

  /** The pictures of images that can be read; those that are gone by now have none. */
  public static List<Picture> pictures(ImageSource... images) {
    List<Picture> pictures = new ArrayList<>();
    for (ImageSource image : images) {
      try {
        pictures.add(Picture.of(image.read(), image.name()));
      } catch (IOException e) {
        System.err.println("Not shown: " + Errors.message(e));
      }
    }
    return pictures;
  }
}
