package org.clip4j.examples.app.tune;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.clip4j.ClipLoader;
import org.clip4j.eval.AlphaSweep;
import org.clip4j.eval.AlphaSweep.Accuracies;
import org.clip4j.examples.app.evaluate.OpenModel;
import org.clip4j.examples.app.train.StartModel;
import org.clip4j.examples.app.train.TrainingRun;
import org.clip4j.examples.options.DeviceOptions;
import org.clip4j.examples.options.Models;
import org.clip4j.figure.Numbers;
import org.clip4j.train.ClipTrainer;
import org.clip4j.train.TrainingResult;
import org.clip4j.weights.Checkpoint;
import org.clip4j.weights.Layout;
import org.clip4j.weights.WeightAverage;
import org.clip4j.weights.tensors.TensorType;

/** Fine-tunes one base model by several methods, and measures each. */
final class FineTuning {
  /**
   * How a method trains, where it is said.
   *
   * @param epochs 0 for the method's own
   * @param batchSize 0 for the method's own
   * @param learningRates by method; the method's own for others
   */
  record Settings(
      int epochs,
      int batchSize,
      int microBatchSize,
      Map<TuneMethod, Double> learningRates,
      List<Double> alphas,
      AlphaSweep.Rule rule,
      long seed) {}

  /**
   * One model on the test images.
   *
   * @param kept NaN if nothing is kept
   */
  record Measured(double target, double kept, double shift, Map<String, Double> recalls) {}

  /**
   * What a method came to.
   *
   * @param tuned the model at alpha 1
   * @param merged the model at the best alpha
   * @param trained how many values are trained
   * @param memory peak bytes of the process; NaN if unknown
   */
  record Outcome(
      TuneMethod method,
      int batchSize,
      int epochs,
      double learningRate,
      AlphaSweep sweep,
      double bestAlpha,
      Measured tuned,
      Measured merged,
      long trained,
      Duration time,
      double memory) {}

  private final String base;
  private final TuneTask task;
  private final KeptTask kept; // null: nothing
  private final Settings settings;
  private final DeviceOptions device;
  private final Path out;

  /**
   * Prepares.
   *
   * @param kept null for nothing
   */
  FineTuning(
      String base,
      TuneTask task,
      KeptTask kept,
      Settings settings,
      DeviceOptions device,
      Path out) {
    this.base = base;
    this.task = task;
    this.kept = kept;
    this.settings = settings;
    this.device = device;
    this.out = out;
  }

  /**
   * The base model on the test images.
   *
   * @param methods that are to train it; one that cannot is refused
   */
  Measured base(List<TuneMethod> methods) throws IOException {
    try (Checkpoint checkpoint = Models.loader(base).openCheckpoint()) {
      methods.forEach(method -> method.requireSuits(checkpoint.config()));
      return measured(WeightAverage.uniform(List.of(checkpoint)));
    }
  }

  /** Trains, sweeps alpha, writes the best model, and measures. */
  Outcome run(TuneMethod method) throws IOException {
    int pairs = task.trained();
    int batch = settings.batchSize > 0 ? settings.batchSize : TuneMethod.batchSize(pairs);
    int epochs = settings.epochs > 0 ? settings.epochs : method.epochs(pairs);
    double rate = settings.learningRates.getOrDefault(method, method.learningRate());
    Path folder = out.resolve(method.name().toLowerCase(Locale.ROOT));
    Path run = folder.resolve("run");
    TrainingResult result;
    long trained;
    PeakMemory.reset();
    try (StartModel start = StartModel.of(base, settings.seed, device.device())) {
      trained = method.trained(start.model().config());
      ClipTrainer.Builder builder =
          ClipTrainer.builder()
              .setModel(start.model())
              .setPairs(task.pairs(method))
              .optMadeFrom(start.origins())
              .optSeed(settings.seed)
              .optPrecision(device.precision())
              .optBatchSize(batch)
              .optEpochs(epochs)
              .optData(d -> d.optTransform(start.transform()).optTokenizer(start.tokenizer()))
              .optOptimizer(optimizer -> optimizer.optWeightDecay(0.1))
              .optSchedule(schedule -> schedule.optLearningRate(rate));
      if (settings.microBatchSize > 0) {
        builder.optMicroBatchSize(settings.microBatchSize);
      }
      method.apply(builder);
      result = TrainingRun.train(builder, batch, run);
    }
    double memory = PeakMemory.bytes();
    if (result.cancelled()) {
      throw new IllegalStateException(
          "the training was cancelled; " + run + " holds what it came to");
    }
    ClipLoader tunedLoader =
        method == TuneMethod.LORA
            ? Models.loader(base).optAdapter(run)
            : Models.loader(run.toString());
    try (Checkpoint first = Models.loader(base).openCheckpoint();
        Checkpoint tuned = tunedLoader.openCheckpoint()) {
      AlphaSweep sweep = AlphaSweep.run(first, tuned, settings.alphas, this::swept);
      double best = sweep.best(settings.rule).alpha();
      WeightAverage merged = WeightAverage.between(first, tuned, best);
      merged.write(folder.resolve("model"), Layout.OPENCLIP, TensorType.F32);
      return new Outcome(
          method,
          batch,
          epochs,
          rate,
          sweep,
          best,
          measured(WeightAverage.between(first, tuned, 1)),
          measured(merged),
          trained,
          result.elapsed(),
          memory);
    }
  }

  /** On images to choose by and to test; without a set to keep, its accuracy counts as 0. */
  private AlphaSweep.Measured swept(WeightAverage average) {
    try (OpenModel model = OpenModel.of(average, device)) {
      return new AlphaSweep.Measured(
          new Accuracies(task.choosing(model), kept == null ? 0 : kept.choosing(model)),
          new Accuracies(task.test(model), kept == null ? 0 : kept.test(model)));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private Measured measured(WeightAverage average) throws IOException {
    try (OpenModel model = OpenModel.of(average, device)) {
      TuneTask.Tested tested = task.tested(model);
      return new Measured(
          tested.target(),
          kept == null ? Double.NaN : kept.test(model),
          tested.shift(),
          tested.recalls());
    }
  }

  /** A line of progress. */
  static String line(Outcome outcome) {
    return outcome.method().name().toLowerCase(Locale.ROOT)
        + ": new task "
        + Numbers.percent(outcome.tuned().target())
        + " tuned, "
        + Numbers.percent(outcome.merged().target())
        + " at alpha "
        + Numbers.brief(outcome.bestAlpha());
  }
}
