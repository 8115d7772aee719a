package org.clip4j.examples.app.average;

import java.io.IOException;
import java.util.concurrent.Callable;
import org.clip4j.examples.options.Models;
import org.clip4j.examples.options.Range;
import org.clip4j.weights.Checkpoint;
import org.clip4j.weights.WeightAverage;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** One model between two. */
@Command(
    name = "between",
    mixinStandardHelpOptions = true,
    description =
        "Writes the model (1 - alpha) x base + alpha x tuned. Half way is a good start where no data can choose; sweep measures the"
            + " whole line.")
public final class AverageBetween implements Callable<Integer> {
  @Option(
      names = "--base",
      required = true,
      paramLabel = "MODEL",
      description = "The model before fine-tuning: on the hub, a folder or a weights file.")
  private String base;

  @Option(
      names = "--tuned",
      required = true,
      paramLabel = "MODEL",
      description = "The same after fine-tuning.")
  private String tuned;

  @Option(
      names = "--alpha",
      defaultValue = "0.5",
      description = "The tuned model's share, from 0 to 1.")
  @Range(min = -1000, max = 1000)
  private double alpha;

  @Option(
      names = "--extrapolate",
      description = "Allow an alpha below 0 or above 1, beyond one of the two models.")
  private boolean extrapolate;

  @Mixin private WrittenModel written;

  @Override
  public Integer call() throws IOException {
    if (!extrapolate && !(alpha >= 0 && alpha <= 1)) {
      throw new IllegalArgumentException(
          "--alpha must be from 0, the base, to 1, the tuned model, found "
              + alpha
              + "; --extrapolate allows others");
    }
    try (Checkpoint first = Models.loader(base).openCheckpoint();
        Checkpoint second = Models.loader(tuned).openCheckpoint()) {
      written.write(
          extrapolate
              ? WeightAverage.extrapolated(first, second, alpha)
              : WeightAverage.between(first, second, alpha));
    }
    return 0;
  }
}
