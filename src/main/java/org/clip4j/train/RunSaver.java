package org.clip4j.train;

import com.google.gson.JsonObject;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.clip4j.data.internal.DataDigest;
import org.clip4j.data.internal.loader.LoaderPosition;
import org.clip4j.engine.internal.Environment;
import org.clip4j.io.IoErrors;
import org.clip4j.io.Uninterrupted;
import org.clip4j.weights.CheckpointWriter;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Decides when a training's checkpoints are due, and brings it back from the last. */
final class RunSaver implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(RunSaver.class);

  private final TrainingSettings settings;
  private final RunCheckpoints checkpoints; // null: nothing is saved
  private final Map<String, String> runSettings;
  private final Map<String, String> data;
  private final Map<String, String> environment;
  private long savedStep;
  private long savedNanos = System.nanoTime();

  private RunSaver(TrainingSettings settings, RunCheckpoints checkpoints) throws IOException {
    this.settings = settings;
    this.checkpoints = checkpoints;
    runSettings = checkpoints == null ? Map.of() : RunSettings.of(settings);
    data = checkpoints == null ? Map.of() : new TreeMap<>(settings.pairs.digest());
    environment = Environment.describe(settings.model.manager().getDevice());
  }

  /**
   * Takes the output folder.
   *
   * @throws IOException if another training holds it, or it has checkpoints of an earlier training
   *     that is not to be resumed
   */
  static RunSaver open(TrainingSettings settings) throws IOException {
    if (!settings.resume && settings.output != null) {
      List<Long> steps = RunCheckpoints.steps(settings.output);
      if (!steps.isEmpty()) {
        throw new IOException(
            settings.output
                + " has checkpoints of an earlier training, up to step "
                + steps.get(steps.size() - 1)
                + "; resume it, or use another output folder, or delete its"
                + " folder checkpoints");
      }
    }
    if (!settings.savesCheckpoints()) {
      return new RunSaver(settings, null);
    }
    RunCheckpoints checkpoints =
        IoErrors.worded(
            () -> RunCheckpoints.open(settings.output, new Retention(settings.keepLast)));
    try {
      return new RunSaver(settings, checkpoints);
    } catch (IOException | RuntimeException | Error e) {
      checkpoints.close();
      throw e;
    }
  }

  /**
   * The checkpoint to continue from.
   *
   * @return empty if the training starts anew
   * @throws IOException if no checkpoint is whole, or the last is of another training
   */
  Optional<RunCheckpoint> latest() throws IOException {
    if (checkpoints == null || !settings.resume) {
      return Optional.empty();
    }
    Optional<RunCheckpoint> latest = checkpoints.latest();
    if (latest.isEmpty()) {
      LOG.info("{} has no checkpoint yet, the training starts anew", settings.output);
      return latest;
    }
    RunState then = latest.get().state();
    List<String> differences = new ArrayList<>();
    differences.addAll(
        RunSettings.differences(then.settings(), runSettings, settings.allowedChanges));
    if (!settings.allowedChanges.contains("data")) {
      DataDigest.differences(data, then.data()).forEach(d -> differences.add("data: " + d));
    }
    if (!differences.isEmpty()) {
      throw new IOException(
          "the training of "
              + latest.get().folder()
              + " had other settings:\n  "
              + String.join("\n  ", differences)
              + "\nset them back, or start anew in another output folder, or allow the changes by the"
              + " names before the colons");
    }
    List<String> environments =
        RunSettings.differences(then.environment(), environment, settings.allowedChanges);
    if (!environments.isEmpty()) {
      LOG.warn(
          "the training continues elsewhere, its last bits may differ: {}",
          String.join("; ", environments));
    }
    savedStep = then.step();
    LOG.info("the training continues from {}", latest.get().folder());
    return latest;
  }

  /** The last checkpoint that is whole. */
  Optional<Path> lastSaved() {
    return savedStep == 0
        ? Optional.empty()
        : Optional.of(checkpoints.path(savedStep)).filter(Files::isDirectory);
  }

  /** Whether a checkpoint should be written after this step. */
  boolean isDue(long step) {
    if (checkpoints == null) {
      return false;
    }
    Duration interval = settings.checkpointInterval;
    return settings.checkpointSteps > 0 && step % settings.checkpointSteps == 0
        || interval != null && System.nanoTime() - savedNanos >= interval.toNanos();
  }

  /**
   * A training between two steps.
   *
   * @param step steps done
   * @param losses of each of them
   */
  record Moment(
      long step,
      long samples,
      Duration elapsed,
      LoaderPosition position,
      float[] losses,
      List<StatefulPart> parts) {}

  /**
   * Writes a checkpoint. If it cannot be written the training goes on: those from before are all
   * there, and the next may succeed.
   */
  void save(Moment now) {
    try {
      saveLast(now);
    } catch (IOException | UncheckedIOException e) {
      LOG.error("{}; the training goes on", IoErrors.message(e));
    }
  }

  /**
   * Writes a checkpoint unless that of this step is there.
   *
   * @throws IOException if it cannot be written; those from before are all there
   */
  void saveLast(Moment now) throws IOException {
    if (checkpoints == null || now.step() == savedStep && lastSaved().isPresent()) {
      return;
    }
    JsonObject scalars = new JsonObject();
    now.parts.forEach(part -> scalars.add(part.stateName(), part.scalars()));
    RunState state =
        new RunState(
            now.step(),
            now.samples,
            now.elapsed,
            now.position,
            runSettings,
            data,
            environment,
            scalars);
    try {
      Uninterrupted.run(() -> checkpoints.write(state, folder -> write(folder, now)));
      savedStep = now.step();
    } catch (IOException | UncheckedIOException e) {
      throw new IOException(
          "the checkpoint after step "
              + now.step()
              + " could not be written ("
              + IoErrors.message(checkpoints.path(now.step()), e)
              + "), "
              + lastSaved().map(path -> path + " remains").orElse("and there is none yet"),
          e);
    } finally {
      savedNanos = System.nanoTime(); // a full disk is not tried again at once
    }
  }

  /**
   * Has this step's checkpoint, which is written if need be, kept as the best until another is.
   *
   * @throws IOException if it cannot be written; the best from before is still there
   */
  void saveBest(Moment now, String metric, double value) throws IOException {
    saveLast(now);
    if (checkpoints != null) {
      checkpoints.keepAsBest(new RunCheckpoints.Best(now.step(), metric, value));
    }
  }

  private void write(Path folder, Moment now) throws IOException {
    model().write(folder, settings.layout);
    RunCheckpoint.writeTensors(folder, now.losses, now.parts);
  }

  /** Writes the model alone into the output folder, if there is one. */
  void saveModel() throws IOException {
    saveModel("");
  }

  /** Writes the model alone into a folder in the output folder, if there is one. */
  void saveModel(String folder) throws IOException {
    if (settings.output != null) {
      Path target = settings.output.resolve(folder);
      try {
        Uninterrupted.run(() -> model().write(target, settings.layout));
      } catch (IOException | UncheckedIOException e) {
        throw new IOException("the model could not be saved: " + IoErrors.message(target, e), e);
      }
    }
  }

  private CheckpointWriter model() {
    return CheckpointWriter.of(
            settings.model.config(), settings.transform(), settings.model.values())
        .optTokenizer(settings.tokenizer());
  }

  @Override
  public void close() throws IOException {
    if (checkpoints != null) {
      checkpoints.close();
    }
  }
}
