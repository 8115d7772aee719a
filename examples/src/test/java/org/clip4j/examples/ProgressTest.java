package org.clip4j.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class ProgressTest {

  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
  private final PrintStream out = new PrintStream(bytes, true, StandardCharsets.UTF_8);
  private long now;

  @Test
  void without_a_terminal_prints_a_line_every_few_seconds_and_one_at_the_end() {
    try (Progress progress = new Progress("Training", 20, 0, 128, out, () -> now, false)) {
      for (int step = 1; step <= 20; step++) {
        now += 500_000_000L;
        progress.step(step, 5 - step / 10.0, 0.07);
      }
    }

    assertThat(bytes.toString(StandardCharsets.UTF_8).lines())
        .containsExactly(
            "Training 10/20  loss 4.000, 256 samples/s, 7 % data wait, 0:05 left",
            "Training 20/20  loss 3.000, 256 samples/s, 7 % data wait, 0:00 left");
  }

  @Test
  void on_a_terminal_draws_a_bar() {
    try (Progress progress = new Progress("Training", 4, 0, 128, out, () -> now, true)) {
      now += 1_000_000_000L;
      progress.step(4, 1.25, 0);
    }

    assertThat(bytes.toString(StandardCharsets.UTF_8)).contains("Training", "4/4", "loss 1.250");
  }

  @Test
  void a_resumed_training_has_the_speed_of_the_steps_since() {
    try (Progress progress = new Progress("Training", 20, 10, 128, out, () -> now, false)) {
      now += 5_000_000_000L;
      progress.step(15, 2, 0.07);
    }

    assertThat(bytes.toString(StandardCharsets.UTF_8).lines())
        .containsExactly("Training 15/20  loss 2.000, 128 samples/s, 7 % data wait, 0:05 left");
  }
}
