package org.clip4j.examples.app;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import javax.imageio.ImageIO;
import org.clip4j.encode.ImageSource;
import org.clip4j.examples.app.report.HtmlReport;
import org.clip4j.figure.Markup;
import org.clip4j.segment.Mask;

/** Pictures of masks in a folder, and a page that shows them. */
public final class MaskReport {
  private final Path folder;
  private final HtmlReport page;

  /**
   * Starts a page.
   *
   * @param folder is made if it does not exist
   * @param model what the page calls the model
   */
  public MaskReport(Path folder, String model) throws IOException {
    this.folder = Files.createDirectories(folder);
    page =
        new HtmlReport(
            "Segmented images",
            "Each pixel has the colour of what is most probable there, the stronger the more probable."
                + " The share is that of the pixels with a probability of a half at least. Model: "
                + model);
  }

  /**
   * Writes an image's masks, each alone and all over the image, and prints a line for each.
   *
   * @param start of the pictures' names
   * @param prompts what the masks are of, in words
   */
  public void add(
      String start, Path file, ImageSource image, List<String> prompts, List<Mask> masks)
      throws IOException {
    String stem = start + stem(file);
    BufferedImage painted = MaskPainting.over(image.read(), masks, prompts);
    Markup figures = Markup.of("div", "class", "masks");
    figures.add(figure(stem + ".png", painted, "all", -1, painted.getWidth()));
    for (int m = 0; m < masks.size(); m++) {
      Mask mask = masks.get(m);
      String share = MaskPainting.share(mask);
      String name = stem + "-" + (m + 1) + ".png";
      String words = prompts.get(m) + ", " + share;
      figures.add(figure(name, MaskPainting.alone(mask), words, m, mask.imageWidth()));
      System.out.printf(
          Locale.ROOT, "%s  \"%s\"  %s  %s%n", file, prompts.get(m), share, folder.resolve(name));
    }
    page.section(file.getFileName().toString(), "", figures);
  }

  /** Writes the page, and returns its file. */
  public Path write() throws IOException {
    Path index = folder.resolve("index.html");
    page.write(index);
    return index;
  }

  /** Writes a picture, and shows it on the page beside it. */
  private Markup figure(String name, BufferedImage image, String words, int colour, int width)
      throws IOException {
    ImageIO.write(image, "png", folder.resolve(name).toFile());
    Markup picture =
        Markup.of("img", "src", name, "alt", words, "class", "photo", "loading", "lazy");
    picture.attribute("style", "max-width:100%;width:" + Math.max(width, 240) + "px");
    Markup caption = Markup.of("figcaption");
    if (colour >= 0) {
      String fill = String.format(Locale.ROOT, "#%06x", MaskPainting.colour(colour));
      caption.add(
          Markup.of(
              "span",
              "style",
              "display:inline-block;width:14px;height:14px;margin-right:6px;vertical-align:-2px;"
                  + "background:"
                  + fill));
      caption.text(words);
    }
    return Markup.of(
            "figure", "style", "display:inline-block;margin:0 16px 16px 0;vertical-align:top")
        .add(picture, caption);
  }

  /** Without what means something in an address. */
  private static String stem(Path image) {
    String name = image.getFileName().toString().replaceFirst("\\.[^.]*$", "");
    return name.replaceAll("[^\\p{L}\\p{N}._-]", "_");
  }
}
