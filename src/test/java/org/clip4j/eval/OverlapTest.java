package org.clip4j.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import org.clip4j.eval.Overlap.Pair;
import org.junit.jupiter.api.Test;

class OverlapTest {

  /** A unit vector in the plane. */
  private static float[] at(double degrees) {
    double angle = Math.toRadians(degrees);
    return new float[] {(float) Math.cos(angle), (float) Math.sin(angle)};
  }

  @Test
  void counts_are_those_made_by_hand() {
    float[][] training = {at(0), at(3), at(100)};
    float[][] evaluation = {at(1), at(50), at(103), at(180)};
    // cos 5 degrees = 0.9962. Image 0 has two within that, image 2 one, the others none.
    Overlap.Result result =
        Overlap.builder().optThreshold(0.9962).build().find(training, evaluation);
    assertThat(result.overlapping()).isEqualTo(2);
    assertThat(result.pairCount()).isEqualTo(3);
    assertThat(result.pairs()).extracting(Pair::evaluation).containsExactly(0, 2);
    assertThat(result.pairs()).extracting(Pair::training).containsExactly(0, 2);
    assertThat(result.nearest()[1]).isCloseTo((float) Math.cos(Math.toRadians(47)), within(1e-6f));
    assertThat(result.overlaps(0)).isTrue();
    assertThat(result.overlaps(3)).isFalse();
  }

  @Test
  void pairs_are_listed_up_to_a_number_and_all_counted() {
    float[][] same = {at(0), at(0), at(0)};
    Overlap.Result result = Overlap.builder().optMostPairs(2).build().find(same, same);
    assertThat(result.pairs()).hasSize(2);
    assertThat(result.overlapping()).isEqualTo(3);
    assertThat(result.pairCount()).isEqualTo(9);
  }

  @Test
  void a_threshold_outside_the_cosines_is_refused() {
    assertThatThrownBy(() -> Overlap.builder().optThreshold(95))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("found 95");
  }
}
