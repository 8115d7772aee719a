package org.clip4j.examples;

import ai.djl.modality.Classifications;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.clip4j.Clip;
import org.clip4j.ZeroShotClassifier;
import org.clip4j.image.ImageDecoder;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Classifies images by labels that you choose, with a model that was never trained on them. */
@Command(
    name = "ZeroShot",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    showDefaultValues = true,
    description = "Classifies images by labels that you choose.")
final class ZeroShot implements Callable<Integer> {
  @Mixin private ModelOptions model;

  @Option(
      names = "--labels",
      required = true,
      split = ",",
      paramLabel = "LABEL",
      description = "What an image may be, separated by commas.")
  private String[] labels;

  @Option(
      names = "--template",
      defaultValue = "a photo of a {}.",
      paramLabel = "TEXT",
      description = "A prompt with {} where the label goes; may be given several times.")
  private List<String> templates;

  @Option(
      names = "--top",
      defaultValue = "3",
      paramLabel = "K",
      description = "How many labels to show for each image.")
  private int top;

  @Option(
      names = "--background",
      paramLabel = "RRGGBB",
      description = "Colour behind transparent images (transparency is dropped).")
  private String background;

  @Parameters(arity = "1..*", paramLabel = "IMAGE", description = "Image files.")
  private List<Path> images;

  public static void main(String... args) {
    System.exit(Examples.run(new ZeroShot(), args));
  }

  @Override
  public Integer call() throws IOException {
    ImageDecoder decoder = Examples.decoder(background);
    try (Clip clip = model.loader().load()) {
      ZeroShotClassifier classifier =
          clip.zeroShot(Arrays.stream(labels).map(String::strip).toList())
              .templates(templates)
              .optTopK(top)
              .build();
      for (Path image : images) {
        List<Classifications.Classification> answers =
            classifier.classify(decoder.read(image)).topK();
        System.out.println(image);
        for (Classifications.Classification answer : answers) {
          System.out.printf(
              Locale.ROOT,
              "  %5.1f %%  %s%n",
              100 * answer.getProbability(),
              answer.getClassName());
        }
      }
    }
    return 0;
  }
}
