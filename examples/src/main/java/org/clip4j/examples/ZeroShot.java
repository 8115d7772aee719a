package org.clip4j.examples;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.clip4j.Clip;
import org.clip4j.LabelScore;
import org.clip4j.ZeroShotAnswer;
import org.clip4j.ZeroShotClassifier;
import org.clip4j.encode.ImageSource;
import org.clip4j.examples.options.AnswerOptions;
import org.clip4j.examples.options.BackgroundOption;
import org.clip4j.examples.options.ModelOptions;
import org.clip4j.examples.options.Range;
import org.clip4j.image.ImageDecoder;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Classifies images by labels that you choose, with a model that was never trained on them. */
@Command(
    name = "ZeroShot",
    mixinStandardHelpOptions = true,
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

  @Mixin private AnswerOptions answers;

  @Option(
      names = "--top",
      defaultValue = "3",
      paramLabel = "K",
      description = "How many labels to show for each image.")
  @Range(min = 1)
  private int top;

  @Mixin private BackgroundOption background;

  @Parameters(arity = "1..*", paramLabel = "IMAGE", description = "Image files.")
  private List<Path> images;

  public static void main(String... args) {
    System.exit(Examples.run(new ZeroShot(), args));
  }

  @Override
  public Integer call() throws IOException {
    ImageDecoder decoder = background.decoder();
    try (Clip clip = model.loader().load()) {
      List<String> names = Arrays.stream(labels).map(String::strip).toList();
      ZeroShotClassifier classifier = answers.apply(clip.zeroShot(names).optTemplates(templates));
      for (Path image : images) {
        print(image, classifier.answer(ImageSource.of(image, decoder)));
      }
    }
    return 0;
  }

  /** The answer in words where it may be none or several, then the most probable labels. */
  private void print(Path image, ZeroShotAnswer answer) {
    String said = answer.isUnknown() ? "none of the labels" : String.join(", ", answer.labels());
    if (answer.unknownCheck() != null) {
      said += " (" + answer.unknownCheck() + ")";
    }
    boolean obvious =
        answer.unknownCheck() == null && !answers.multiLabel() && answer.scores().size() > 1;
    System.out.println(obvious ? image.toString() : image + ": " + said);
    for (LabelScore score : answer.top(top)) {
      System.out.printf(
          Locale.ROOT,
          "  %6.2f %%  %s (cosine %.3f)%n",
          100 * score.probability(),
          score.label(),
          score.cosine());
    }
  }
}
