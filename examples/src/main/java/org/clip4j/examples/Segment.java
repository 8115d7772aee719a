package org.clip4j.examples;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.clip4j.encode.ImageSource;
import org.clip4j.examples.app.MaskReport;
import org.clip4j.examples.app.terminal.DownloadBar;
import org.clip4j.examples.options.BackgroundOption;
import org.clip4j.examples.options.DeviceOptions;
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
    try (ClipSegmenter segmenter =
        ClipSegmenter.loader(model)
            .optDownloadListener(new DownloadBar())
            .optDevice(device.device())
            .optPrecision(device.precision())
            .load()) {
      MaskReport report = new MaskReport(out, model);
      for (int i = 0; i < images.size(); i++) {
        String start = images.size() == 1 ? "" : i + 1 + "-";
        ImageSource image = ImageSource.of(images.get(i), background.decoder());
        report.add(start, images.get(i), image, prompts(), masks(segmenter, image));
      }
      System.out.println(report.write());
    }
    return 0;
  }

  private List<Mask> masks(ClipSegmenter segmenter, ImageSource image) {
    List<Mask> masks = new ArrayList<>();
    if (!texts.isEmpty()) {
      masks.addAll(segmenter.segment(image, texts));
    }
    if (!examples.isEmpty()) {
      List<ImageSource> shown = new ArrayList<>();
      examples.forEach(example -> shown.add(ImageSource.of(example, background.decoder())));
      masks.addAll(segmenter.segmentLike(image, shown));
    }
    return masks;
  }

  private List<String> prompts() {
    List<String> prompts = new ArrayList<>(texts);
    examples.forEach(example -> prompts.add("like " + example.getFileName()));
    return prompts;
  }
}
