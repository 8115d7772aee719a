package org.clip4j.train.internal.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.clip4j.engine.Precision;
import org.clip4j.model.ClipModel;
import org.clip4j.testing.ChildJvm;
import org.clip4j.train.SmallTraining;
import org.clip4j.train.TrainingResult;
import org.clip4j.weights.Checkpoint;
import org.clip4j.weights.safetensors.SafeTensors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Real processes that are killed, resumed, and end with the bits of one that was not. Where the
 * kills fall depends on the machine; what they must not change does not.
 */
class KilledTrainingTest {
  private static final long SEED = 3;

  @TempDir Path output;
  private Path checkpoints;
  private Precision precision = Precision.FP32;

  @BeforeEach
  void name() {
    checkpoints = output.resolve("checkpoints");
  }

  @Test
  void a_training_killed_twice_and_stopped_once_ends_as_one_that_never_was() throws Exception {
    Random random = new Random(1);
    killAfterStep(24, 4, random.nextInt(20));
    killWhileSaving(24, random);
    int stopped = stopAfterStep(24, lastSaved() + 1);
    assertThat(stopped).as("saved where it stopped").isEqualTo(lastSaved()).isLessThan(24);
    finish(24);
    assertSameAsUninterrupted(24);
  }

  @ParameterizedTest
  @EnumSource(names = {"FP32", "BF16"})
  @Tag("slow")
  void a_training_killed_many_times_ends_as_one_that_never_was(Precision asked) throws Exception {
    precision = asked;
    Random random = new Random(2);
    int steps = 150;
    int halfWritten = 0;
    for (int kills = 0; kills < 30 && lastSaved() < steps - 12; kills++) {
      if (kills % 3 == 0) {
        killAfterStep(steps, lastSaved() + 1 + random.nextInt(6), random.nextInt(30));
      } else if (killWhileSaving(steps, random)) {
        halfWritten++;
      }
    }
    assertThat(halfWritten).as("kills that left half a checkpoint").isGreaterThan(3);
    finish(steps);
    assertSameAsUninterrupted(steps);
  }

  @Test
  @Tag("slow")
  @EnabledOnOs({OS.LINUX, OS.MAC})
  void where_checkpoints_find_no_room_the_earlier_stay_and_the_training_ends_with_an_error()
      throws Exception {
    killAfterStep(24, 4, 0);
    long saved = lastSaved();
    assertThat(saved).isPositive();
    // No file may exceed 4 MB: the model fits, a checkpoint's state does not.
    Process limited = start(24, "bash", "-c", "ulimit -f 4096; exec \"$@\"", "bash");
    String said;
    try (BufferedReader out = reader(limited)) {
      said = out.lines().collect(Collectors.joining("\n"));
    }
    assertThat(limited.waitFor()).isEqualTo(1);
    assertThat(said)
        .contains("the checkpoint after step 6 could not be written")
        .contains("step-%06d remains".formatted(saved))
        .contains("step 24\n")
        .contains("IOException: File too large");
    assertThat(CheckpointFolder.steps(output)).contains(saved).doesNotContain(24L);
    StepCheckpoint.open(checkpoints.resolve("step-%06d".formatted(saved)));
    assertThat(output.resolve("open_clip_model.safetensors")).exists();
    finish(24);
    assertSameAsUninterrupted(24);
  }

  private Process start(int steps, String... before) throws IOException {
    List<String> options = new ArrayList<>();
    System.getProperties()
        .forEach(
            (name, value) -> {
              if (name.toString().startsWith("ai.djl.")) {
                options.add("-D" + name + "=" + value);
              }
            });
    options.add("-Xmx256m");
    options.add("-XX:TieredStopAtLevel=1"); // it does not live long enough for more
    List<String> command = new ArrayList<>(List.of(before));
    command.addAll(
        ChildJvm.command(
            options,
            TrainingProcess.class,
            output.toString(),
            String.valueOf(steps),
            precision.name(),
            String.valueOf(lastSaved() == 0 ? SEED : System.nanoTime())));
    return new ProcessBuilder(command).redirectErrorStream(true).start();
  }

  /** Reads until the process has done a step; all that it said is in the error if it does not. */
  private static void awaitStep(BufferedReader out, long step) throws IOException {
    List<String> said = new ArrayList<>();
    for (String line = out.readLine(); line != null; line = out.readLine()) {
      said.add(line);
      if (line.startsWith("step ") && Long.parseLong(line.substring(5)) >= step) {
        return;
      }
    }
    throw new AssertionError("no step " + step + ": " + String.join("\n", said));
  }

  private static BufferedReader reader(Process process) {
    return process.inputReader(StandardCharsets.UTF_8);
  }

  private void killAfterStep(int steps, long step, int milliseconds) throws Exception {
    Process process = start(steps);
    awaitStep(reader(process), step);
    Thread.sleep(milliseconds);
    kill(process);
  }

  /** Whether half a checkpoint was left. */
  private boolean killWhileSaving(int steps, Random random) throws Exception {
    Process process = start(steps);
    awaitStep(reader(process), lastSaved() + 1);
    while (leftovers().isEmpty() && process.isAlive()) {
      Thread.onSpinWait();
    }
    long until = System.nanoTime() + random.nextInt(30_000_000);
    while (System.nanoTime() < until) {
      Thread.onSpinWait();
    }
    kill(process);
    return !leftovers().isEmpty();
  }

  private static void kill(Process process) throws InterruptedException {
    assertThat(process.isAlive()).as("killed before its end").isTrue();
    process.destroyForcibly();
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
  }

  /** As Ctrl-C does; the step it ended at. */
  private int stopAfterStep(int steps, long step) throws Exception {
    Process process = start(steps);
    int last = 0;
    try (BufferedReader out = reader(process)) {
      awaitStep(out, step);
      last = (int) step;
      process.toHandle().destroy(); // unlike the process it leaves the output open
      for (String line = out.readLine(); line != null; line = out.readLine()) {
        last = line.startsWith("step ") ? Integer.parseInt(line.substring(5)) : last;
      }
    }
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    return last;
  }

  private void finish(int steps) throws Exception {
    Process process = start(steps);
    awaitStep(reader(process), steps);
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).isZero();
  }

  private List<Path> leftovers() throws IOException {
    if (!Files.isDirectory(checkpoints)) {
      return List.of();
    }
    try (Stream<Path> list = Files.list(checkpoints)) {
      return list.filter(path -> path.toString().endsWith(".tmp")).toList();
    }
  }

  private long lastSaved() throws IOException {
    List<Long> steps = CheckpointFolder.steps(output);
    return steps.isEmpty() ? 0 : steps.get(steps.size() - 1);
  }

  private void assertSameAsUninterrupted(int steps) throws IOException {
    Path last = checkpoints.resolve(String.format("step-%06d", steps));
    try (ClipModel model = ClipModel.create(TrainingProcess.CONFIG, SEED);
        Checkpoint saved = Checkpoint.open(output);
        SafeTensors state = SafeTensors.open(last.resolve("state.safetensors"))) {
      TrainingResult whole = TrainingProcess.builder(model, null, steps, precision).build().train();
      Map<String, float[]> expected = SmallTraining.weights(model);
      SmallTraining.values(model.specs(), saved.parameters())
          .forEach((name, values) -> assertThat(values).as(name).isEqualTo(expected.get(name)));
      float[] losses = new float[steps];
      state.floats("losses").get(losses);
      assertThat(losses).isEqualTo(whole.losses());
      assertThat(StepCheckpoint.open(last).state().samples()).isEqualTo(whole.samples());
    }
    assertThat(leftovers()).isEmpty();
  }
}
