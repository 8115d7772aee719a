package org.clip4j.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.clip4j.eval.AlphaSweep.Accuracies;
import org.clip4j.eval.AlphaSweep.Point;
import org.clip4j.eval.AlphaSweep.Rule;
import org.junit.jupiter.api.Test;

class AlphaSweepTest {
  private static Point point(double alpha, double target, double shift) {
    // Test accuracies that would choose otherwise.
    return new Point(alpha, new Accuracies(target, shift), new Accuracies(1 - target, 1 - shift));
  }

  @Test
  void alpha_is_chosen_by_validation_alone_and_the_smaller_of_equals() {
    AlphaSweep sweep =
        new AlphaSweep(
            List.of(
                point(0, 0.5, 0.9),
                point(0.3, 0.7, 0.85),
                point(0.6, 0.8, 0.7),
                point(1, 0.8, 0.4)));
    assertThat(sweep.best(Rule.TARGET).alpha()).isEqualTo(0.6);
    assertThat(sweep.best(Rule.MEAN).alpha()).isEqualTo(0.3);
  }

  @Test
  void a_sweep_needs_ascending_alphas() {
    assertThatThrownBy(() -> new AlphaSweep(List.of())).hasMessageContaining("at least one");
    assertThatThrownBy(() -> new AlphaSweep(List.of(point(0.5, 0, 0), point(0.5, 0, 0))))
        .hasMessageContaining("ascend");
  }
}
