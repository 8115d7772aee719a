package org.clip4j.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class LearningRateScheduleTest {
  private final LearningRateSchedule schedule =
      new LearningRateSchedule(1e-3, 10, 110, LearningRateDecay.cosine());

  @Test
  void rises_linearly_from_the_first_step() {
    assertThat(schedule.at(0)).isCloseTo(1e-4, within(1e-12));
    assertThat(schedule.at(4)).isCloseTo(5e-4, within(1e-12));
    assertThat(schedule.at(9)).isCloseTo(1e-3, within(1e-12));
  }

  @Test
  void falls_along_half_a_cosine() {
    assertThat(schedule.at(10)).isCloseTo(1e-3, within(1e-12));
    assertThat(schedule.at(60)).isCloseTo(5e-4, within(1e-12));
    assertThat(schedule.at(109)).isPositive().isLessThan(1e-6);
  }

  @Test
  void needs_no_warm_up() {
    assertThat(new LearningRateSchedule(1e-3, 0, 10, LearningRateDecay.cosine()).at(0))
        .isCloseTo(1e-3, within(1e-12));
  }
}
