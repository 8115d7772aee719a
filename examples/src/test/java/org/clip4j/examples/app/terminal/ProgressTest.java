package org.clip4j.examples.app.terminal;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.clip4j.hub.DownloadProgress;
import org.junit.jupiter.api.Test;

public class ProgressTest {

  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
  private final PrintStream out = new PrintStream(bytes, true, StandardCharsets.UTF_8);
  private long now;

  private String said() {
    return bytes.toString(StandardCharsets.UTF_8);
  }

  @Test
  void without_a_terminal_prints_a_line_every_few_seconds_and_one_at_the_end() {
    try (Progress progress = new Progress("Training", 20, 0, out, () -> now, null)) {
      for (int step = 1; step <= 20; step++) {
        now += 500_000_000L;
        Optional<Duration> left =
            step < 15 ? Optional.empty() : Optional.of(Duration.ofMillis(500L * (20 - step)));
        progress.show(step, "loss " + (5 - step / 10.0), left);
      }
    }

    assertThat(said().lines())
        .containsExactly(
            "Training 10/20  loss 4.0, estimating the time left",
            "Training 20/20  loss 3.0, 0:00 left");
  }

  @Test
  void on_a_terminal_what_is_printed_goes_above_the_line() {
    StatusLine line = new StatusLine(out, StandardCharsets.UTF_8);
    PrintStream log = line.above(out, StandardCharsets.UTF_8);
    try (Progress progress = new Progress("Training", 4, 0, out, () -> now, line)) {
      log.println("before");
      progress.show(2, "loss 1.250", Optional.empty());
      log.println("WARN of something");
      log.print("half a line, ");
      now += 1_000_000_000L;
      progress.show(3, "loss 1.125", Optional.empty());
      log.println("and the rest");
      progress.show(4, "loss 1.000", Optional.of(Duration.ZERO));
    }
    log.println("after");

    assertThat(screen(said()))
        .containsExactly(
            "before",
            "WARN of something",
            "half a line, and the rest",
            "Training 100 % ████████████████████ 4/4  loss 1.000, 0:00 left",
            "after");
  }

  /** The lines that a terminal shows after it was sent a text. */
  public static List<String> screen(String sent) {
    return Stream.of(sent.replaceAll("\033\\[\\?7[lh]", "").split("\n"))
        .map(line -> line.replaceFirst("(?s).*\r\033\\[K", ""))
        .filter(line -> !line.isEmpty())
        .toList();
  }

  @Test
  void the_first_estimate_leaves_out_what_warms_up() {
    TimeLeft time = new TimeLeft(0, () -> now);
    now += 20_000_000_000L; // loads and compiles
    time.progress(10);
    assertThat(TimeLeft.words(time.until(110))).isEqualTo("estimating the time left");
    for (int done = 20; done <= 50; done += 10) {
      now += 1_000_000_000L;
      time.progress(done);
    }
    assertThat(time.until(110)).contains(Duration.ofSeconds(6));
    assertThat(time.perSecond()).isEqualTo(10);
  }

  @Test
  void the_pace_follows_the_last_seconds_and_starts_where_an_earlier_run_stopped() {
    TimeLeft time = new TimeLeft(1000, () -> now);
    time.progress(1000);
    for (int second = 1; second <= 30; second++) {
      now += 1_000_000_000L;
      time.progress(1000 + second);
    }
    for (int second = 1; second <= 30; second++) {
      now += 1_000_000_000L;
      time.progress(1030 + 4 * second);
    }
    assertThat(time.until(1190)).contains(Duration.ofSeconds(10));
  }

  @Test
  void a_count_shows_its_pace_what_was_damaged_and_the_time_left() {
    try (Progress progress = new Progress("Images", 40, 0, out, () -> now, null)) {
      for (int done = 4; done <= 40; done += 4) {
        now += 1_000_000_000L;
        progress.progress(done, done / 20);
      }
    }
    assertThat(said().lines())
        .containsExactly(
            "Images 20/40  4/s, 1 damaged, 0:05 left", "Images 40/40  4/s, 2 damaged, 0:00 left");
  }

  @Test
  void a_download_shows_each_file_but_those_in_the_cache() {
    DownloadBar bar = new DownloadBar(out, () -> now, new StatusLine(out, StandardCharsets.UTF_8));
    bar.progress(new DownloadProgress("config.json", 10, 10, 1, 2));
    bar.progress(new DownloadProgress("model.safetensors", 1_000_000, 4_000_000, 1, 2));
    bar.progress(new DownloadProgress("model.safetensors", 4_000_000, 4_000_000, 2, 2));
    assertThat(said())
        .contains("model.safetensors  25 % █████░░░░░░░░░░░░░░░ 1.0 of 4.0 MB, file 2 of 2");
    assertThat(screen(said()))
        .containsExactly("model.safetensors 100 % ████████████████████ 4.0 of 4.0 MB, file 2 of 2");
  }
}
