package org.clip4j.examples;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import org.clip4j.Clip;
import org.clip4j.ClipLoader;
import org.clip4j.examples.app.ExplanationFiles;
import org.clip4j.examples.app.ShapePointing;
import org.clip4j.examples.options.BackgroundOption;
import org.clip4j.examples.options.DeviceOption;
import org.clip4j.examples.options.Models;
import org.clip4j.examples.options.Range;
import org.clip4j.explain.Explainer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Shows why an image is similar to a text: a heat map over the image, and each token's share. */
@Command(
    name = "Explain",
    mixinStandardHelpOptions = true,
    description =
        "Shows why images are similar to texts, or are not: a heat map over the image for each text as PNG, and the relevance of each"
            + " token of the text. By gradient-weighted attention (Chefer et al. 2021), or Grad-CAM for a convolutional tower.")
final class Explain implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Option(names = "--model", required = true, paramLabel = "MODEL", description = Models.NAME)
  private String model;

  @Mixin private DeviceOption device;

  @Option(names = "--image", arity = "1..*", paramLabel = "FILE", description = "Image files.")
  private List<Path> images;

  @Option(
      names = "--text",
      arity = "1..*",
      paramLabel = "TEXT",
      description = "Texts, each explained for each image.")
  private List<String> texts;

  @Option(
      names = "--out",
      defaultValue = "explained",
      paramLabel = "DIR",
      description = "Where the pictures go.")
  private Path out;

  @Option(
      names = "--first-block",
      defaultValue = "0",
      paramLabel = "N",
      description = "The first block of a transformer that counts; -1 for the last one alone.")
  @Range(min = -1)
  private int firstBlock;

  @Option(
      names = "--stage",
      paramLabel = "1..5",
      description =
          "The stage of a ResNet, ConvNeXt or FastViT that is looked at; by default the last one with a grid of at least 4 x 4.")
  @Range(min = 1, max = 5)
  private Integer stage;

  @Option(
      names = "--shapes",
      paramLabel = "N",
      description =
          "Measures on N generated pictures of two objects how well the maps point at the one that is named, for a model that was"
              + " trained on shapes.")
  @Range(min = 1)
  private Integer shapes;

  @Mixin private BackgroundOption background;

  public static void main(String... args) {
    System.exit(Examples.run(new Explain(), args));
  }

  @Override
  public Integer call() throws IOException {
    if (images == null ? shapes == null || texts != null : texts == null) {
      throw new ParameterException(
          spec.commandLine(), "name both --image and --text, or --shapes alone");
    }
    ClipLoader loader = Models.loader(model).optDevice(device.device()).optKeepWeights(true);
    try (Clip clip = loader.load();
        Explainer explainer = clip.explainer().optFirstBlock(firstBlock)) {
      if (stage != null) {
        explainer.optStage(stage);
      }
      if (shapes != null) {
        int size = clip.model().config().vision().imageHeight();
        System.out.print(ShapePointing.measure(explainer, size, shapes));
      }
      if (images != null) {
        new ExplanationFiles(out, background.decoder()).write(explainer, images, texts);
      }
    }
    return 0;
  }
}
