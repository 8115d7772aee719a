package org.clip4j.train.internal.monitor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.google.gson.JsonObject;
import java.io.File;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.clip4j.figure.LineFigure.Point;
import org.clip4j.train.monitor.Finding;
import org.clip4j.train.monitor.RunSummary.Evaluated;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The files and numbers that a training leaves, apart from a training. */
class RecordFilesTest {
  @TempDir Path folder;

  /** TensorBoard 2.21's own bytes for this record. */
  @Test
  void an_event_has_the_bytes_that_tensorboard_writes() {
    Map<String, Float> values = new LinkedHashMap<>();
    values.put("train/loss", 1.5f);
    values.put("train/learning_rate", 0.001f);
    byte[] event =
        EventFile.event(Instant.ofEpochMilli(1700000000250L), 300, EventFile.summary(values));
    assertThat(HexFormat.of().formatHex(EventFile.record(event)))
        .isEqualTo(
            "3d000000000000006049f1ec0900001040fc54d94110ac022a2f0a110a0a747261696e2f6c6f7373"
                + "150000c03f0a1a0a13747261696e2f6c6561726e696e675f72617465156f12833a486b0e80");
  }

  @Test
  void a_resumed_training_writes_an_event_file_of_its_own_and_a_new_one_deletes_the_old()
      throws IOException {
    Instant now = Instant.ofEpochSecond(1700000000);
    EventFile.open(folder, 0, now).close();
    Path other = Files.createFile(folder.resolve("events.out.tfevents.1.other"));
    EventFile.open(folder, 20, now).close();
    List<Path> files = files();
    assertThat(files).hasSize(3);
    byte[] resumed = Files.readAllBytes(files.get(2));
    // After the version's record of 8 + 4 + 24 + 4 bytes comes the restart's, for step 21.
    ByteBuffer bytes = ByteBuffer.wrap(resumed).order(ByteOrder.LITTLE_ENDIAN);
    assertThat(bytes.getLong(0)).isEqualTo(24);
    assertThat(bytes.getLong(40)).isEqualTo(15);
    assertThat(resumed[40 + 12 + 9]).isEqualTo((byte) 0x10);
    assertThat(resumed[40 + 12 + 10]).isEqualTo((byte) 21);
    EventFile.open(folder, 0, now).close();
    assertThat(files()).hasSize(2).contains(other);
  }

  private List<Path> files() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.sorted().toList();
    }
  }

  private static JsonObject line(long step) {
    JsonObject line = RunHistory.line("step", step);
    line.addProperty("loss", 10.0 / step);
    return line;
  }

  @Test
  void a_resumed_training_goes_on_after_its_step_without_doing_any_twice() throws IOException {
    Path file = folder.resolve("metrics.jsonl");
    try (MetricsFile metrics = MetricsFile.open(file, 0, kept -> {})) {
      for (int step = 1; step <= 5; step++) {
        metrics.append(line(step));
      }
      metrics.append(RunHistory.line(new Evaluated(5, Map.of("a", 1.0))));
    }
    Files.writeString(file, Files.readString(file) + "{\"type\":\"step\",\"st"); // killed here
    List<Long> kept = new ArrayList<>();
    try (MetricsFile metrics =
        MetricsFile.open(file, 3, line -> kept.add(line.get("step").getAsLong()))) {
      metrics.append(line(4));
    }
    assertThat(kept).containsExactly(1L, 2L, 3L);
    assertThat(Files.readAllLines(file))
        .containsExactly(
            line(1).toString(), line(2).toString(), line(3).toString(), line(4).toString());
  }

  @Test
  void a_line_cut_off_is_removed_and_the_evaluation_of_the_resumed_step_stays() throws IOException {
    Path file = folder.resolve("metrics.jsonl");
    String whole =
        line(5) + "\n" + RunHistory.line(new Evaluated(5, Map.of("recall", 0.25))) + "\n";
    Files.writeString(file, whole + "{\"type\":\"step\",\"st");
    RunHistory history = new RunHistory();
    MetricsFile.open(file, 5, history::add).close();
    assertThat(Files.readString(file)).isEqualTo(whole);
    assertThat(history.evaluations()).containsExactly(new Evaluated(5, Map.of("recall", 0.25)));
    assertThat(history.curve("loss").last()).isEqualTo(2);
    assertThat(history.lastStep()).isEqualTo(5);
  }

  @Test
  void a_training_begun_anew_begins_its_metrics_anew() throws IOException {
    Path file = Files.writeString(folder.resolve("metrics.jsonl"), line(1) + "\n");
    MetricsFile.open(file, 0, kept -> {}).close();
    assertThat(file).isEmptyFile();
  }

  @Test
  void a_file_of_something_else_is_neither_read_into_memory_nor_harmed() throws IOException {
    Path file = folder.resolve("metrics.jsonl");
    Files.write(file, new byte[3 << 20]);
    assertThatThrownBy(() -> MetricsFile.open(file, 5, kept -> {}))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("metrics.jsonl");
    assertThat(file).hasSize(3 << 20);
  }

  @Test
  void a_finding_survives_the_file() {
    Finding finding = new Finding("x", 3, "What.", "Do.", Map.of("share", 0.5));
    RunHistory history = new RunHistory();
    history.add(RunHistory.line(finding));
    history.add(RunHistory.line(new Finding("x", 9, "Again.", "Do.", Map.of())));
    assertThat(history.findings()).containsExactly(finding);
  }

  @Test
  void a_long_curve_keeps_its_mean_and_its_extremes() {
    Curve curve = new Curve();
    int n = 100_000;
    for (int step = 1; step <= n; step++) {
      curve.add(step, step == 54_321 ? 1000 : step % 2);
    }
    curve.add(n + 1, Double.NaN);
    List<Point> points = curve.points();
    assertThat(points.size()).isBetween(256, 1024);
    assertThat(points).extracting(Point::high).contains(1000.0);
    assertThat(points).extracting(Point::low).containsOnly(0.0);
    assertThat(points.get(0).y()).isCloseTo(0.5, within(1e-9));
    assertThat(points.get(points.size() - 1).x()).isEqualTo(n);
    assertThat(curve.last()).isZero();
  }

  @Test
  void pace_counts_the_last_steps_and_no_pauses() {
    long[] now = {5_000_000_000L};
    Pace pace = new Pace(() -> now[0]);
    pace.start();
    for (int step = 1; step <= 60; step++) {
      now[0] += 100_000_000L; // 0.1 s a step, of which a quarter is waiting
      pace.step(32, Duration.ofMillis(25L * step));
      pace.pause();
      now[0] += 7_000_000_000L;
      pace.start();
    }
    assertThat(pace.samplesPerSecond()).isCloseTo(320, within(1e-6));
    assertThat(pace.dataWait()).isCloseTo(0.25, within(1e-9));
  }

  @Test
  void the_best_is_the_first_of_equals_and_patience_counts_the_others() {
    BestStep best = new BestStep("r", 2);
    assertThat(best.isBest(new Evaluated(0, Map.of("r", Double.NaN)))).isFalse();
    assertThat(best.isBest(new Evaluated(10, Map.of("r", 0.4)))).isTrue();
    assertThat(best.isBest(new Evaluated(20, Map.of("r", 0.4)))).isFalse();
    assertThat(best.isEnough()).isFalse();
    assertThat(best.isBest(new Evaluated(30, Map.of("r", 0.3)))).isFalse();
    assertThat(best.isEnough()).isTrue();
    assertThat(best.best().step()).isEqualTo(10);
    BestStep resumed = new BestStep("r", 2);
    resumed.recall(
        List.of(new Evaluated(5, Map.of("s", 1.0)), new Evaluated(10, Map.of("r", 0.4))));
    assertThat(resumed.best().step()).isEqualTo(10);
    assertThatThrownBy(() -> best.isBest(new Evaluated(40, Map.of("s", 0.3))))
        .hasMessageContaining("chosen by r")
        .hasMessageContaining("[s]");
  }

  @Test
  void a_line_that_finds_no_room_leaves_no_half_behind() throws IOException {
    File file = folder.resolve("lines").toFile();
    try (RandomAccessFile full =
        new RandomAccessFile(file, "rw") {
          @Override
          public void write(byte[] bytes) throws IOException {
            super.write(bytes, 0, Math.min(bytes.length, 3));
            if (bytes.length > 3) {
              throw new IOException("No space left on device");
            }
          }
        }) {
      MetricsFile.append(full, new byte[] {'a', '\n'});
      assertThatThrownBy(() -> MetricsFile.append(full, "long\n".getBytes()))
          .hasMessage("No space left on device");
      MetricsFile.append(full, new byte[] {'b', '\n'});
    }
    assertThat(file).hasContent("a\nb\n");
  }
}
