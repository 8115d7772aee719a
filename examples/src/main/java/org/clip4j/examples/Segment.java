package org.clip4j.examples;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import javax.imageio.ImageIO;
import org.clip4j.encode.ImageSource;
import org.clip4j.examples.app.MaskPainting;
import org.clip4j.examples.app.report.HtmlReport;
import org.clip4j.examples.app.terminal.DownloadBar;
import org.clip4j.examples.options.BackgroundOption;
import org.clip4j.examples.options.DeviceOptions;
import org.clip4j.figure.Markup;
import org.clip4j.segment.ClipSegmenter;
import org.clip4j.segment.Mask;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Paints where in an image something is that a text names, or an example image shows. */
@Command(
    name = "Segment",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    showDefaultValues = true,
    description =
        "Paints where in images something is that a text names, or an example image shows: the picture with its masks as PNG, each mask"
            + " alone as PNG (probabilities from black to white), and a page with all of them. By a model of CLIPSeg's kind.")
final class Segment implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Option(
      names = "--model",
      defaultValue = "CIDAS/clipseg-rd64-refined",
      paramLabel = "MODEL",
      description = "A model of CLIPSeg's kind on the hub, a folder or a weights file.")
  private String model;

  @Mixin private DeviceOptions device;

  @Option(
      names = "--image",
      required = true,
      arity = "1..*",
      paramLabel = "FILE",
      description = "Image files.")
  private List<Path> images;

  @Option(
      names = "--text",
      arity = "1..*",
      paramLabel = "TEXT",
      description = "What to look for, such as \"a red car\".")
  private List<String> texts = List.of();

  @Option(
      names = "--example-image",
      arity = "1..*",
      paramLabel = "FILE",
      description =
          "Images that show what to look for, and little else: cut it out, or darken and blur the rest.")
  private List<Path> examples = List.of();

  @Option(
      names = "--out",
      defaultValue = "segmented",
      paramLabel = "DIR",
      description = "Where the pictures and index.html go.")
  private Path out;

  @Mixin private BackgroundOption background;

  public static void main(String... args) {
    System.exit(Examples.run(new Segment(), args));
  }

  @Override
  public Integer call() throws IOException {
    if (texts.isEmpty() && examples.isEmpty()) {
      throw new ParameterException(
          spec.commandLine(), "say what to look for: --text, --example-image, or both");
    }
    HtmlReport page =
        new HtmlReport(
            "Segmented images",
            "Each pixel has the colour of what is most probable there, the stronger the more probable."
                + " The share is that of the pixels with a probability of a half at least. Model: "
                + model);
    try (ClipSegmenter segmenter =
        ClipSegmenter.loader(model)
            .optDownloadListener(new DownloadBar())
            .optDevice(device.device())
            .optPrecision(device.precision())
            .load()) {
      Files.createDirectories(out);
      for (int i = 0; i < images.size(); i++) {
        segment(segmenter, i, page);
      }
    }
    Path index = out.resolve("index.html");
    page.write(index);
    System.out.println(index);
    return 0;
  }

  private void segment(ClipSegmenter segmenter, int number, HtmlReport page) throws IOException {
    Path file = images.get(number);
    ImageSource image = ImageSource.of(file, background.decoder());
    List<Mask> masks = new ArrayList<>();
    if (!texts.isEmpty()) {
      masks.addAll(segmenter.segment(image, texts));
    }
    if (!examples.isEmpty()) {
      List<ImageSource> shown = new ArrayList<>();
      examples.forEach(example -> shown.add(ImageSource.of(example, background.decoder())));
      masks.addAll(segmenter.segmentLike(image, shown));
    }
    List<String> prompts = new ArrayList<>(texts);
    examples.forEach(example -> prompts.add("like " + example.getFileName()));
    String start = (images.size() == 1 ? "" : number + 1 + "-") + stem(file);
    BufferedImage painted = MaskPainting.over(image.read(), masks, prompts);
    Markup figures = Markup.of("div", "class", "masks");
    figures.add(figure(start + ".png", painted, "all", -1, painted.getWidth()));
    for (int m = 0; m < masks.size(); m++) {
      Mask mask = masks.get(m);
      String words = prompts.get(m) + ", " + MaskPainting.share(mask);
      String name = start + "-" + (m + 1) + ".png";
      figures.add(figure(name, MaskPainting.alone(mask), words, m, mask.imageWidth()));
      System.out.printf(
          Locale.ROOT,
          "%s  \"%s\"  %s  %s%n",
          file,
          prompts.get(m),
          MaskPainting.share(mask),
          out.resolve(name));
    }
    page.section(file.getFileName().toString(), "", figures);
  }

  /** Writes a picture, and shows it on the page beside it. */
  private Markup figure(String name, BufferedImage image, String words, int colour, int width)
      throws IOException {
    ImageIO.write(image, "png", out.resolve(name).toFile());
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
