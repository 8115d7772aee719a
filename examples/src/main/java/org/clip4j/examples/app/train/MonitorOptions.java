package org.clip4j.examples.app.train;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.clip4j.data.LabelledImages;
import org.clip4j.data.Split;
import org.clip4j.examples.options.Range;
import org.clip4j.image.ImageDecoder;
import org.clip4j.train.options.EvaluationOptions;
import picocli.CommandLine.Option;

/** Options that say what is measured as a model trains, and what follows from it. */
public final class MonitorOptions {
  @Option(
      names = "--classes",
      paramLabel = "DIR",
      description =
          "Class folders with images that are not trained on, on which zero-shot accuracy is measured as it trains.")
  private Path classes;

  @Option(
      names = "--template",
      defaultValue = "a photo of a {}.",
      description = "What the classes' names are put into; may be given several times.")
  private List<String> templates;

  @Option(
      names = "--evaluate-every",
      defaultValue = "0",
      paramLabel = "STEPS",
      description = "Steps between evaluations (0: once an epoch).")
  @Range(min = 0)
  private long evaluateEvery;

  @Option(
      names = "--best-by",
      paramLabel = "METRIC",
      description =
          "Keeps the model that is best by it in DIR/best, for example retrieval.text_to_image.r1.")
  private String bestBy;

  @Option(
      names = "--patience",
      defaultValue = "0",
      description = "Ends after so many evaluations without a better model (0: never).")
  @Range(min = 0)
  private int patience;

  /**
   * What is measured.
   *
   * @param split has the pairs that are held out; null if none are
   */
  public EvaluationOptions evaluation(Split split, ImageDecoder decoder) throws IOException {
    EvaluationOptions.Builder options = EvaluationOptions.builder().optBestBy(bestBy);
    if (split != null) {
      options.optHeldOut(split.heldOut());
    }
    if (classes != null) {
      LabelledImages images = LabelledImages.classFolders(classes, decoder);
      options.optZeroShot(
          "classes",
          images.labels().stream().map(label -> label.replace('_', ' ')).toList(),
          templates,
          IntStream.range(0, images.size()).mapToObj(images::get).toList());
    }
    if (evaluateEvery > 0) {
      options.optEverySteps(evaluateEvery);
    }
    if (patience > 0) {
      options.optEarlyStopping(patience);
    }
    return options.build();
  }
}
