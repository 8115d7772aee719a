package org.clip4j.train.internal.monitor;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class PaceTest {
  private long now;
  private final Pace pace = new Pace(() -> now);

  private void step(double seconds) {
    now += (long) (seconds * 1e9);
    pace.step(8, Duration.ZERO);
  }

  @Test
  void the_first_slow_steps_do_not_count_in_the_time_of_a_step() {
    pace.start();
    step(10); // compiles, and proves its kernels
    step(3);
    assertThat(pace.perStep()).isEmpty();
    step(1);
    step(1);
    assertThat(pace.perStep()).contains(Duration.ofSeconds(1));
    for (int i = 0; i < 200; i++) {
      step(0.5);
    }
    assertThat(pace.perStep()).contains(Duration.ofMillis(500));
  }

  @Test
  void a_few_fast_steps_tell_nothing_yet() {
    pace.start();
    for (int i = 0; i < 9; i++) {
      step(0.01);
      assertThat(pace.perStep()).isEmpty();
    }
    step(0.01);
    assertThat(pace.perStep()).contains(Duration.ofMillis(10));
  }

  @Test
  void pauses_are_no_time_of_a_step() {
    pace.start();
    step(1);
    step(1);
    pace.pause();
    now += 60_000_000_000L;
    pace.start();
    step(1);
    assertThat(pace.perStep()).contains(Duration.ofSeconds(1));
  }
}
