package org.clip4j.examples;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.clip4j.Clip;
import org.clip4j.ClipLoader;
import org.clip4j.image.ImageDecoder;
import org.clip4j.io.IoErrors;
import org.clip4j.train.ClipTrainer;
import org.clip4j.train.TrainingDivergedException;
import org.clip4j.train.TrainingResult;
import picocli.CommandLine;

/** What the examples share. */
final class Examples {
  /** What an option means that names a model. */
  static final String MODEL =
      "A model on the hub (openai/clip-vit-base-patch32), a folder or a weights file.";

  private Examples() {}

  /** Loads a model, with a bar while it is downloaded. */
  static ClipLoader loader(String model) {
    return Clip.loader(model).optDownloadListener(new DownloadBar());
  }

  /** Whether a name is that of tars, also of compressed ones, which are refused with the reason. */
  static boolean isTar(String name) {
    return name.matches(".*\\.(tar(\\.(gz|zst|bz2|xz))?|tgz)");
  }

  /**
   * Parses arguments and runs a command; what the user can mend is one line on standard error, and
   * exit status 1.
   */
  static int run(Callable<Integer> command, String... args) {
    StatusLine.install();
    try {
      return execute(new CommandLine(command), List.of(args));
    } finally {
      Stop.ended();
    }
  }

  static int execute(CommandLine line, List<String> args) {
    return line.setCaseInsensitiveEnumValuesAllowed(true)
        .setExecutionStrategy(
            parsed -> {
              Range.Check.all(parsed);
              return new CommandLine.RunLast().execute(parsed);
            })
        .setExecutionExceptionHandler((e, failed, parsed) -> report(e, failed))
        .execute(args.toArray(String[]::new));
  }

  private static int report(Exception e, CommandLine line) throws Exception {
    if (StatusLine.installed() != null) {
      StatusLine.installed().end();
    }
    if (e instanceof Stop.StoppedException) {
      System.out.println(e.getMessage());
      return 130;
    }
    if (e instanceof IOException
        || e instanceof UncheckedIOException
        || e instanceof IllegalArgumentException
        || e instanceof IllegalStateException
        || e instanceof TrainingDivergedException
        || e instanceof JsonParseException) {
      line.getErr().println(inOptions(IoErrors.message(e)));
      return 1;
    }
    throw e;
  }

  /** The library's advice as options. */
  private static final Map<String, String> OPTIONS =
      Map.of(
          "resume it, or use another output folder",
          "go on with --resume, or use another folder for --out",
          "or allow the changes by the names before the colons",
          "or let them change: --allow-changes with the names before the colons",
          "held-out pairs, zero-shot classes or an evaluation of one's own",
          "--held-out or --classes",
          "early stopping needs the metric that is to improve",
          "--patience needs the metric that is to improve, --best-by",
          " (optMultiLabel)",
          ": --multi-label",
          "read the table without quotes",
          "read the table with --no-quotes",
          "(the image root)",
          "(--image-root)",
          "the greatest share to be skipped",
          "--max-skipped-share");

  static String inOptions(String message) {
    String text = message;
    for (Map.Entry<String, String> option : OPTIONS.entrySet()) {
      text = text.replace(option.getKey(), option.getValue());
    }
    return text;
  }

  /**
   * A decoder that paints a colour, written as RRGGBB, behind transparent images; null drops
   * transparency.
   */
  static ImageDecoder decoder(String background) {
    if (background == null) {
      return ImageDecoder.defaults();
    }
    if (!background.matches("[0-9a-fA-F]{6}")) {
      throw new IllegalArgumentException(
          "a background is six hexadecimal digits RRGGBB, for example ffffff; found " + background);
    }
    return ImageDecoder.defaults().withBackground(Integer.parseInt(background, 16));
  }

  /**
   * Trains with a progress bar, and {@code loss.png} drawn in the output folder as it goes; Ctrl-C
   * ends the training after the step under way, and the model is saved, with a checkpoint if there
   * are any.
   */
  static TrainingResult train(ClipTrainer.Builder builder, int batchSize, Path output)
      throws IOException {
    LossPicture picture = new LossPicture(output);
    Progress[] progress = new Progress[1];
    TimeLeft[] pace = new TimeLeft[1];
    ClipTrainer trainer =
        builder
            .setOutput(output)
            .optListener(picture)
            .optListener(
                step -> {
                  if (progress[0] == null) {
                    progress[0] = new Progress("Training", step.totalSteps());
                    pace[0] = new TimeLeft(step.step(), System::nanoTime);
                  }
                  pace[0].progress(step.step());
                  String state =
                      String.format(
                          Locale.ROOT,
                          "loss %.3f, %,.0f samples/s, %.0f %% data wait",
                          step.loss(),
                          pace[0].perSecond() * batchSize,
                          100 * step.dataWait());
                  progress[0].show(step.step(), state, step.remaining());
                })
            .build();
    Stop.hold();
    try {
      TrainingResult result = trainer.train();
      picture.drawOrSay();
      if (!result.cancelled()) {
        Stop.release();
      }
      return result;
    } finally {
      if (progress[0] != null) {
        progress[0].close();
      }
    }
  }

  static JsonObject toJson(TrainingResult result) {
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
    return json;
  }
}
