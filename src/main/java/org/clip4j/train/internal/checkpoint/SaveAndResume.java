package org.clip4j.train.internal.checkpoint;

import com.google.gson.JsonObject;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.clip4j.data.internal.DataDigest;
import org.clip4j.data.internal.loader.LoaderPosition;
import org.clip4j.engine.internal.Environment;
import org.clip4j.io.IoErrors;
import org.clip4j.io.Uninterrupted;
import org.clip4j.model.ClipModel;
import org.clip4j.model.LoraAdapter;
import org.clip4j.train.internal.plan.NamedSettings;
import org.clip4j.train.internal.plan.TrainingPlan;
import org.clip4j.train.options.CheckpointOptions;
import org.clip4j.weights.CheckpointWriter;
import org.clip4j.weights.PeftAdapter;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Saves and resumes a training run: decides when checkpoints are due, writes them with the model,
 * and brings the run back from the last one.
 */
public final class SaveAndResume implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(SaveAndResume.class);

  /**
   * Holds the state of a training between two steps.
   *
   * @param step steps done
   * @param samples pairs trained on, each counted as often as it was
   * @param elapsed time in the training loop, of all runs together
   * @param position where the next batch starts
   * @param losses of each step
   */
  public record Moment(
      long step, long samples, Duration elapsed, LoaderPosition position, float[] losses) {}

  private final TrainingPlan training;
  private final Map<String, String> settings;
  private final CheckpointOptions options;
  private final @Nullable CheckpointFolder checkpoints; // null: nothing is saved
  private final Map<String, String> data;
  private final Map<String, String> environment;
  private @Nullable StepCheckpoint from; // null: the training starts anew
  private long savedStep;
  private long savedNanos = System.nanoTime();

  private SaveAndResume(TrainingPlan training, @Nullable CheckpointFolder checkpoints)
      throws IOException {
    this.training = training;
    this.checkpoints = checkpoints;
    options = training.checkpoints;
    settings = checkpoints == null ? Map.of() : NamedSettings.of(training);
    data = checkpoints == null ? Map.of() : new TreeMap<>(training.pairs.digest());
    environment = Environment.describe(training.model.manager().getDevice());
  }

  /**
   * Takes the output folder, and looks for the checkpoint to continue from if the training is to be
   * resumed.
   *
   * @throws IOException if another training holds the folder, it has checkpoints of an earlier
   *     training that is not to be resumed, no checkpoint is whole, or the last is of another
   *     training
   */
  public static SaveAndResume open(TrainingPlan training) throws IOException {
    Path output = training.output;
    CheckpointOptions options = training.checkpoints;
    if (output != null && !options.resume()) {
      List<Long> steps = CheckpointFolder.steps(output);
      if (!steps.isEmpty()) {
        throw new IOException(
            output
                + " has checkpoints of an earlier training, up to step "
                + steps.get(steps.size() - 1)
                + "; resume it, or use another output folder, or delete its"
                + " folder checkpoints");
      }
    }
    if (output == null || !options.isOn()) {
      return new SaveAndResume(training, null);
    }
    CheckpointFolder checkpoints =
        IoErrors.worded(() -> CheckpointFolder.open(output, options.keepLast()));
    try {
      SaveAndResume saver = new SaveAndResume(training, checkpoints);
      if (options.resume()) {
        Uninterrupted.run(saver::findLatest);
      }
      return saver;
    } catch (IOException | RuntimeException | Error e) {
      checkpoints.close();
      throw e;
    }
  }

  private void findLatest() throws IOException {
    Optional<StepCheckpoint> latest = checkpoints.latest();
    if (latest.isEmpty()) {
      LOG.info("{} has no checkpoint yet, the training starts anew", training.output);
      return;
    }
    from = latest.get();
    RunState then = from.state();
    Set<String> free = new HashSet<>(NamedSettings.FREE);
    if (from.former()) {
      free.add("model"); // compared with the saved model's own when that is opened
    }
    List<String> differences = differences(then.settings(), settings, free);
    if (!options.allowedChanges().contains("pairs")) {
      DataDigest.differences(data, then.data()).forEach(d -> differences.add("pairs." + d));
    }
    if (!differences.isEmpty()) {
      throw new IOException(
          "the training of "
              + from.folder()
              + " had other settings:\n  "
              + String.join("\n  ", differences)
              + "\nset them back, or start anew in another output folder, or allow the changes by the"
              + " names before the colons");
    }
    List<String> environments = differences(then.environment(), environment, Set.of());
    if (!environments.isEmpty()) {
      LOG.warn(
          "the training continues elsewhere, its last bits may differ: {}",
          String.join("; ", environments));
    }
    savedStep = then.step();
    LOG.info("the training continues from {}", from.folder());
  }

  private List<String> differences(
      Map<String, String> then, Map<String, String> now, Set<String> free) {
    Set<String> allowed = new HashSet<>(options.allowedChanges());
    allowed.addAll(free);
    return RunState.differences(then, now, allowed);
  }

  /** Returns the steps done by the training that is continued; 0 if this one starts anew. */
  public long resumedAt() {
    return from == null ? 0 : from.state().step();
  }

  /**
   * Puts the state of the training that is continued into the model and the parts, in place.
   *
   * @return empty if the training starts anew
   * @throws IOException if the model or the parts are not those that were saved
   */
  public Optional<Moment> restore(List<StatefulPart> parts) throws IOException {
    if (from == null) {
      return Optional.empty();
    }
    RunState then = from.state();
    float[] losses = Uninterrupted.get(() -> from.restore(training.model, parts));
    return Optional.of(
        new Moment(then.step(), then.samples(), then.elapsed(), then.position(), losses));
  }

  /** The last checkpoint that is whole. */
  public Optional<Path> lastSaved() {
    return savedStep == 0
        ? Optional.empty()
        : Optional.of(checkpoints.path(savedStep)).filter(Files::isDirectory);
  }

  /** Whether a checkpoint should be written after this step. */
  public boolean isDue(long step) {
    if (checkpoints == null) {
      return false;
    }
    Duration interval = options.interval();
    return options.everySteps() > 0 && step % options.everySteps() == 0
        || interval != null && System.nanoTime() - savedNanos >= interval.toNanos();
  }

  /**
   * Writes a checkpoint. If it cannot be written the training goes on: those from before are all
   * there, and the next may succeed.
   */
  public void save(Moment now, List<StatefulPart> parts) {
    try {
      saveLast(now, parts);
    } catch (IOException | UncheckedIOException e) {
      LOG.error("{}; the training goes on", IoErrors.message(e));
    }
  }

  /**
   * Writes a checkpoint unless that of this step is there.
   *
   * @throws IOException if it cannot be written; those from before are all there
   */
  public void saveLast(Moment now, List<StatefulPart> parts) throws IOException {
    if (checkpoints == null || now.step() == savedStep && lastSaved().isPresent()) {
      return;
    }
    JsonObject scalars = new JsonObject();
    parts.forEach(part -> scalars.add(part.stateName(), part.scalars()));
    RunState state =
        new RunState(
            now.step(),
            now.samples,
            now.elapsed,
            now.position,
            settings,
            data,
            environment,
            scalars);
    try {
      Uninterrupted.run(() -> checkpoints.write(state, folder -> write(folder, now, parts)));
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
  public void saveBest(Moment now, List<StatefulPart> parts, String metric, double value)
      throws IOException {
    saveLast(now, parts);
    if (checkpoints != null) {
      checkpoints.keepAsBest(new CheckpointFolder.Best(now.step(), metric, value));
    }
  }

  private void write(Path folder, Moment now, List<StatefulPart> parts) throws IOException {
    writeModel(folder);
    StepCheckpoint.writeTensors(folder, now.losses, parts);
  }

  /** Writes the model alone into the output folder, if there is one. */
  public void saveModel() throws IOException {
    saveModel("");
  }

  /** Writes the model alone into a folder in the output folder, if there is one. */
  public void saveModel(String folder) throws IOException {
    if (training.output != null) {
      Path target = training.output.resolve(folder);
      try {
        Uninterrupted.run(() -> writeModel(target));
      } catch (IOException | UncheckedIOException e) {
        throw new IOException("the model could not be saved: " + IoErrors.message(target, e), e);
      }
    }
  }

  /** Writes the model, or the adapter alone if one is trained. */
  private void writeModel(Path folder) throws IOException {
    ClipModel model = training.model;
    Optional<LoraAdapter> adapter = model.adapters().attached();
    if (adapter.isPresent()) {
      PeftAdapter.write(folder, model.config(), adapter.get());
      return;
    }
    CheckpointWriter.of(model.config(), training.data.transform(), model.values())
        .optTokenizer(training.data.tokenizer())
        .optMadeFrom(training.madeFrom)
        .write(folder, training.layout);
  }

  @Override
  public void close() throws IOException {
    if (checkpoints != null) {
      checkpoints.close();
    }
  }
}
