package org.clip4j.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.clip4j.eval.EffectiveRobustness.Point;
import org.junit.jupiter.api.Test;

class RobustnessTest {

  private static double share(double logit) {
    return 1 / (1 + Math.exp(-logit));
  }

  @Test
  void a_line_in_logits_is_found_again() {
    // shifted = 0.8 source - 1, in logits.
    List<Point> baselines =
        List.of(
            new Point("a", share(-1), share(-1.8)),
            new Point("b", share(0), share(-1)),
            new Point("c", share(2), share(0.6)));
    EffectiveRobustness fit = EffectiveRobustness.fit(baselines, 100_000);
    assertThat(fit.slope()).isCloseTo(0.8, within(1e-12));
    assertThat(fit.intercept()).isCloseTo(-1, within(1e-12));
    assertThat(fit.rSquared()).isCloseTo(1, within(1e-12));
    assertThat(fit.expected(share(1))).isCloseTo(share(-0.2), within(1e-12));
    // A model of source accuracy 73.1 % is expected at 45.0 %; at 60 % it is 15 points above.
    assertThat(fit.of(new Point("clip", share(1), 0.6)))
        .isCloseTo(0.6 - share(-0.2), within(1e-12));
  }

  @Test
  void least_squares_are_those_computed_by_hand() {
    // Logits (-1, -1), (0, 1), (1, 0): means 0 and 0; xx = 2, xy = 1, yy = 2.
    List<Point> baselines =
        List.of(
            new Point("a", share(-1), share(-1)),
            new Point("b", 0.5, share(1)),
            new Point("c", share(1), 0.5));
    EffectiveRobustness fit = EffectiveRobustness.fit(baselines, 100_000);
    assertThat(fit.slope()).isCloseTo(0.5, within(1e-12));
    assertThat(fit.intercept()).isCloseTo(0, within(1e-12));
    assertThat(fit.rSquared()).isCloseTo(0.25, within(1e-12));
  }

  @Test
  void shares_of_0_and_1_are_brought_within_half_an_image() {
    List<Point> baselines =
        List.of(new Point("a", 0.2, 0), new Point("b", 0.5, 0.5), new Point("c", 1, 1));
    EffectiveRobustness fit = EffectiveRobustness.fit(baselines, 50);
    assertThat(fit.expected(1)).isBetween(0.9, 1.0);
    assertThat(fit.slope()).isFinite();
  }

  @Test
  void too_few_baselines_are_an_error_that_says_what_to_do() {
    Point twice = new Point("a", 0.5, 0.4);
    assertThatThrownBy(
            () -> EffectiveRobustness.fit(List.of(twice, twice, new Point("b", 0.6, 0.5)), 100))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll("3 with 2 different accuracies", "at least 3");
  }

  @Test
  void percentages_are_refused() {
    assertThatThrownBy(() -> new Point("a", 93.2, 0.4))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("93.2");
  }
}
