package org.clip4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import com.google.gson.Gson;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class BinaryScoresTest {
  /** What {@code examples/peers/make_metrics.py} writes. */
  private record Golden(List<Case> binary) {}

  private record Case(
      double[] scores,
      boolean[] truth,
      double auroc,
      double threshold,
      double precision,
      double recall,
      double f1) {

    double[] where(boolean value) {
      return IntStream.range(0, scores.length)
          .filter(i -> truth[i] == value)
          .mapToDouble(i -> scores[i])
          .toArray();
    }
  }

  @Test
  void auroc_and_the_best_f1_are_those_of_scikit_learn() throws IOException {
    Golden golden;
    try (Reader in =
        new InputStreamReader(
            BinaryScoresTest.class.getResourceAsStream("/metrics.json"), StandardCharsets.UTF_8)) {
      golden = new Gson().fromJson(in, Golden.class);
    }
    assertThat(golden.binary).hasSize(3);
    for (Case one : golden.binary) {
      BinaryScores scores = BinaryScores.of(one.where(true), one.where(false));
      assertThat(scores.auroc()).isCloseTo(one.auroc, within(1e-12));
      BinaryScores.Detection best = scores.bestF1();
      assertThat(best.threshold()).isEqualTo(one.threshold);
      assertThat(best.precision()).isCloseTo(one.precision, within(1e-12));
      assertThat(best.recall()).isCloseTo(one.recall, within(1e-12));
      assertThat(best.f1()).isCloseTo(one.f1, within(1e-12));
    }
  }

  @Test
  void no_more_negatives_than_asked_for_are_above_the_threshold() {
    double[] negatives = IntStream.range(0, 100).mapToDouble(i -> (i * 37 % 100) / 100.0).toArray();
    BinaryScores scores = BinaryScores.of(new double[] {0.5, 0.95, 1}, negatives);
    for (int percent = 0; percent < 100; percent++) {
      double threshold = scores.thresholdAt(percent / 100.0);
      assertThat(scores.falseAcceptRate(threshold)).isEqualTo(percent / 100.0);
    }
    assertThat(scores.thresholdAt(0.1)).isEqualTo(0.89);
    assertThat(scores.trueAcceptRate(0.89)).isCloseTo(2 / 3.0, within(1e-15));
    // Equal scores cannot be told apart: fewer are accepted, never more.
    BinaryScores tied = BinaryScores.of(new double[] {1}, new double[] {0, 1, 1, 1});
    assertThat(tied.falseAcceptRate(tied.thresholdAt(0.5))).isZero();
    assertThat(tied.thresholdAt(0.9999999999)).isZero();
  }

  @Test
  void what_cannot_be_measured_is_an_error() {
    double[] some = {0.5};
    assertThatIllegalArgumentException()
        .isThrownBy(() -> BinaryScores.of(new double[0], some))
        .withMessageContaining("positive");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> BinaryScores.of(some, new double[] {Double.NaN}))
        .withMessageContaining("not a number");
    for (double rate : new double[] {-0.1, 1, Double.NaN}) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> BinaryScores.of(some, some).thresholdAt(rate))
          .withMessageContaining(Double.toString(rate));
    }
  }
}
