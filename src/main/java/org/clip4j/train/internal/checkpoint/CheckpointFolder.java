package org.clip4j.train.internal.checkpoint;

import com.google.gson.JsonObject;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.clip4j.io.FolderLock;
import org.clip4j.io.IoErrors;
import org.clip4j.io.StagedFiles;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The folder {@code checkpoints} of a training's output: a folder {@code step-000123} for each
 * {@link StepCheckpoint}, and {@code best.json}, which names the best.
 *
 * <p>A checkpoint is written under a name that starts with a dot, synced, and renamed when it is
 * complete; only then are older ones deleted, which are renamed first. So whatever is named {@code
 * step-N} was complete once, and the last complete one survives whatever happens meanwhile. One
 * training at a time holds the folder, by a lock that the system lets go when the process ends.
 */
final class CheckpointFolder implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(CheckpointFolder.class);
  private static final Pattern NAME = Pattern.compile("step-([0-9]{6,18})");
  private static final Pattern LEFTOVER = Pattern.compile("\\.(step-[0-9]+|best\\.json)\\.tmp");
  private static final String BEST = "best.json";

  /** Writes the model and the tensors of a checkpoint into its folder, and syncs them. */
  @FunctionalInterface
  interface Contents {
    void write(Path folder) throws IOException;
  }

  /**
   * The best checkpoint so far.
   *
   * @param step its step
   * @param metric what was measured
   * @param value as measured
   */
  record Best(long step, String metric, double value) {}

  private final Path folder;
  private final int keepLast;
  private FolderLock lock;

  private CheckpointFolder(Path folder, int keepLast, FolderLock lock) {
    this.folder = folder;
    this.keepLast = keepLast;
    this.lock = lock;
  }

  /**
   * Takes a training's folder, creating it if need be, and removes what a killed process left
   * incomplete.
   *
   * @throws IOException if another training holds it
   */
  static CheckpointFolder open(Path output, int keepLast) throws IOException {
    Path folder = output.resolve("checkpoints");
    FolderLock lock = locked(folder);
    try {
      try (Stream<Path> list = Files.list(folder)) {
        for (Path left : list.filter(file -> matches(LEFTOVER, file)).toList()) {
          LOG.info("{} was never completed and is deleted", left);
          RunFiles.delete(left);
        }
      }
      return new CheckpointFolder(folder, keepLast, lock);
    } catch (IOException | RuntimeException e) {
      lock.close();
      throw e;
    }
  }

  private static FolderLock locked(Path folder) throws IOException {
    return new FolderLock(
        folder, "is in use by another training; wait for it, or use another output folder");
  }

  /** Somebody may have deleted the folder meanwhile. */
  private void restoreFolder() throws IOException {
    if (!Files.exists(folder.resolve(".lock"))) {
      LOG.warn("{} was deleted amid the training, and is created anew", folder);
      lock.close();
      lock = locked(folder);
    }
  }

  /** The steps of an output folder's checkpoints, ascending; empty if there are none. */
  static List<Long> steps(Path output) throws IOException {
    return stepsIn(output.resolve("checkpoints"));
  }

  private static List<Long> stepsIn(Path folder) throws IOException {
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    List<Long> steps = new ArrayList<>();
    try (Stream<Path> list = Files.list(folder)) {
      for (Path path : list.toList()) {
        Matcher name = NAME.matcher(path.getFileName().toString());
        if (name.matches() && path.endsWith(name(Long.parseLong(name.group(1))))) {
          steps.add(Long.parseLong(name.group(1)));
        }
      }
    }
    steps.sort(Comparator.naturalOrder());
    return steps;
  }

  private static boolean matches(Pattern pattern, Path file) {
    return pattern.matcher(file.getFileName().toString()).matches();
  }

  /** Where the checkpoint of a step is, or would be. */
  Path path(long step) {
    return folder.resolve(name(step));
  }

  private static String name(long step) {
    return String.format(Locale.ROOT, "step-%06d", step);
  }

  /**
   * The last checkpoint that is whole. Damaged ones after it are reported, renamed to {@code
   * step-N.damaged} and otherwise left alone.
   *
   * @return empty if there are none at all
   * @throws IOException if there are some but none is whole
   */
  Optional<StepCheckpoint> latest() throws IOException {
    List<Long> steps = stepsIn(folder);
    IOException first = null;
    for (int i = steps.size() - 1; i >= 0; i--) {
      Path path = path(steps.get(i));
      try {
        StepCheckpoint found = StepCheckpoint.open(path);
        for (long step : steps.subList(i + 1, steps.size())) {
          setAside(path(step));
        }
        return Optional.of(found);
      } catch (IOException e) {
        LOG.warn("the checkpoint {} is left out: {}", path, IoErrors.message(e));
        first = first == null ? e : first;
      }
    }
    if (first != null) {
      throw new IOException(
          "no checkpoint in "
              + folder
              + " is whole; start anew in another output folder. The last: "
              + IoErrors.message(first),
          first);
    }
    return Optional.empty();
  }

  private static void setAside(Path damaged) throws IOException {
    for (int i = 0; ; i++) {
      Path aside = damaged.resolveSibling(damaged.getFileName() + ".damaged" + (i == 0 ? "" : i));
      if (!Files.exists(aside)) {
        RunFiles.rename(damaged, aside);
        return;
      }
    }
  }

  /**
   * Writes a checkpoint, then deletes those that need not be kept.
   *
   * @throws IOException if it cannot be written; those that were there still are
   */
  Path write(RunState state, Contents contents) throws IOException {
    Path target = path(state.step());
    Path temporary = temporary(target);
    restoreFolder();
    try {
      Files.createDirectory(temporary);
      contents.write(temporary);
      StepCheckpoint.writeState(temporary, state);
      StagedFiles.syncFolder(temporary);
      RunFiles.rename(temporary, target);
    } catch (IOException | RuntimeException | Error e) {
      try {
        if (Files.exists(temporary)) {
          RunFiles.delete(temporary);
        }
      } catch (IOException cleaning) {
        e.addSuppressed(cleaning);
      }
      throw e;
    }
    deleteObsolete();
    return target;
  }

  private static Path temporary(Path target) {
    return target.resolveSibling("." + target.getFileName() + ".tmp");
  }

  private void deleteObsolete() {
    try {
      Long best = best().map(Best::step).orElse(null);
      for (long step : obsolete(stepsIn(folder), keepLast, best)) {
        Path going = temporary(path(step)); // never half of what is named as a whole
        Files.move(path(step), going, StandardCopyOption.ATOMIC_MOVE);
        RunFiles.delete(going);
      }
    } catch (IOException | UncheckedIOException e) {
      LOG.warn("an old checkpoint in {} could not be deleted: {}", folder, IoErrors.message(e));
    }
  }

  /**
   * The steps whose checkpoints may go.
   *
   * @param steps of all complete checkpoints, ascending
   * @param best the step of the best so far; null if nothing was measured
   */
  static List<Long> obsolete(List<Long> steps, int keepLast, @Nullable Long best) {
    return steps.subList(0, Math.max(0, steps.size() - keepLast)).stream()
        .filter(step -> !step.equals(best))
        .toList();
  }

  /**
   * The best checkpoint so far; it is kept however old it grows.
   *
   * @throws IOException if the file that names it is damaged
   */
  Optional<Best> best() throws IOException {
    Path file = folder.resolve(BEST);
    if (!Files.exists(file)) {
      return Optional.empty();
    }
    JsonObject json = RunFiles.readJson(file);
    try {
      return Optional.of(
          new Best(
              StatefulPart.count(json, "step"),
              json.get("metric").getAsString(),
              StatefulPart.number(json, "value")));
    } catch (RuntimeException e) { // Gson has several
      throw new IOException(file + ": " + IoErrors.message(e), e);
    }
  }

  /**
   * Names the best checkpoint; the one that was best before may then be deleted.
   *
   * @param best of a step whose checkpoint is there
   */
  void keepAsBest(Best best) throws IOException {
    if (!Files.isDirectory(path(best.step))) {
      throw new IllegalArgumentException(path(best.step) + " does not exist");
    }
    JsonObject json = new JsonObject();
    json.addProperty("step", best.step);
    json.addProperty("metric", best.metric);
    json.addProperty("value", best.value);
    StagedFiles.replace(folder.resolve(BEST), json + "\n");
    deleteObsolete();
  }

  /** Lets the folder go. */
  @Override
  public void close() throws IOException {
    lock.close();
  }
}
