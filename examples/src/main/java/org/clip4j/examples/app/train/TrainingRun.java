package org.clip4j.examples.app.train;

import com.google.gson.Gson;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.clip4j.examples.app.terminal.Progress;
import org.clip4j.examples.app.terminal.Stop;
import org.clip4j.train.ClipTrainer;
import org.clip4j.train.TrainingResult;
import org.clip4j.train.monitor.RunSummary.Evaluated;
import org.clip4j.train.monitor.TrainingListener;
import org.clip4j.train.monitor.TrainingProgress;

/** A training as the command line shows it. */
public final class TrainingRun {
  private TrainingRun() {}

  /**
   * Trains with a progress bar, and {@code loss.png} drawn in the output folder as it goes; Ctrl-C
   * ends the training after the step under way, and the model is saved, with a checkpoint if there
   * are any.
   */
  public static TrainingResult train(ClipTrainer.Builder builder, int batchSize, Path output)
      throws IOException {
    LossPicture picture = new LossPicture(output);
    Stop.hold();
    try (Bar bar = new Bar(batchSize)) {
      TrainingResult result =
          builder.setOutput(output).optListener(picture).optListener(bar).build().train();
      picture.drawOrSay();
      if (!result.cancelled()) {
        Stop.release();
      }
      return result;
    }
  }

  /** Shows the progress, whose length the first step tells. */
  private static final class Bar implements TrainingListener, AutoCloseable {
    private final int batchSize;
    private Progress progress;

    Bar(int batchSize) {
      this.batchSize = batchSize;
    }

    @Override
    public void onStep(TrainingProgress step) {
      if (progress == null) {
        progress = new Progress("Training", step.totalSteps(), step.step());
      }
      String state =
          String.format(
              Locale.ROOT,
              "loss %.3f, %,.0f samples/s, %.0f %% data wait",
              step.loss(),
              progress.perSecond(step.step()) * batchSize,
              100 * step.dataWait());
      progress.show(step.step(), state, Optional.ofNullable(step.remaining()));
    }

    @Override
    public void close() {
      if (progress != null) {
        progress.close();
      }
    }
  }

  /** Prints what came of it, and where it is. */
  public static void print(TrainingResult result, Path out) {
    System.out.println(result);
    last(result)
        .forEach((name, value) -> System.out.printf(Locale.ROOT, "  %-32s %.4f%n", name, value));
    Evaluated best = result.summary().best();
    if (best != null) {
      System.out.println(
          "The best model, of step " + best.step() + ", is in " + out.resolve("best"));
    }
    System.out.println("The model is in " + out + "; open report.html there in a browser");
  }

  /** The values of the last evaluation; none if there was none. */
  private static Map<String, Double> last(TrainingResult result) {
    List<Evaluated> evaluations = result.summary().evaluations();
    return evaluations.isEmpty() ? Map.of() : evaluations.get(evaluations.size() - 1).values();
  }

  /** Losses, speed and the last evaluation. */
  public static JsonObject toJson(TrainingResult result) {
    JsonArray losses = new JsonArray();
    for (float loss : result.losses()) {
      losses.add(loss);
    }
    JsonObject json = new JsonObject();
    json.addProperty("steps", result.steps());
    json.addProperty("resumed_at", result.resumedAt());
    json.addProperty("samples", result.samples());
    json.addProperty("seconds", result.elapsed().toNanos() / 1e9);
    json.addProperty("samples_per_second", result.samplesPerSecond());
    json.addProperty("unreadable", result.unreadable());
    json.add("losses", losses);
    if (!result.summary().evaluations().isEmpty()) {
      json.add("evaluation", new Gson().toJsonTree(last(result)));
    }
    return json;
  }
}
