package org.clip4j.examples;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import org.clip4j.Clip;
import org.clip4j.ClipLoader;
import org.clip4j.image.ImageDecoder;
import org.clip4j.io.IoErrors;
import org.clip4j.train.ClipTrainer;
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

  /**
   * Parses arguments and runs a command; what the user can mend is one line on standard error, and
   * exit status 1.
   */
  static int run(Callable<Integer> command, String... args) {
    return new CommandLine(command)
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setExecutionExceptionHandler(
            (e, line, parsed) -> {
              if (e instanceof IOException
                  || e instanceof UncheckedIOException
                  || e instanceof IllegalArgumentException
                  || e instanceof IllegalStateException
                  || e instanceof JsonParseException) {
                line.getErr().println(IoErrors.message(e));
                return 1;
              }
              throw e;
            })
        .execute(args);
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
    ClipTrainer trainer =
        builder
            .setOutput(output)
            .optListener(picture)
            .optListener(
                step -> {
                  if (progress[0] == null) { // the first step also warms up: time starts after it
                    progress[0] =
                        new Progress("Training", step.totalSteps(), step.step(), batchSize);
                  } else {
                    progress[0].step(step.step(), step.loss(), step.dataWait());
                  }
                })
            .build();
    CountDownLatch saved = new CountDownLatch(1);
    Thread onInterrupt =
        new Thread(
            () -> {
              trainer.cancel();
              try {
                saved.await();
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
            });
    Runtime.getRuntime().addShutdownHook(onInterrupt);
    try {
      TrainingResult result = trainer.train();
      picture.draw();
      return result;
    } finally {
      saved.countDown();
      if (progress[0] != null) {
        progress[0].close();
      }
      removeHook(onInterrupt);
    }
  }

  private static void removeHook(Thread hook) {
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException e) {
      // the hook is running
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
