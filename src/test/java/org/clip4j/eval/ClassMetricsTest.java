package org.clip4j.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.google.gson.Gson;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

class ClassMetricsTest {
  private static final Bootstrap FEW = new Bootstrap(20, 0);

  /** What {@code examples/peers/make_metrics.py} writes. */
  private record Golden(String by, List<Case> cases) {}

  private record Case(
      int[] labels,
      float[][] scores,
      double accuracy,
      double top5,
      double balanced,
      long[][] confusion) {}

  private static ClassMetrics metrics(int[] labels, float[][] scores) {
    int n = labels.length;
    int[][] answers = new int[1][n];
    boolean[][] five = new boolean[1][n];
    for (int i = 0; i < n; i++) {
      answers[0][i] = Answers.answer(scores[i], labels[i]);
      five[0][i] = Answers.rank(scores[i], labels[i]) < 5;
    }
    return ClassMetrics.of(scores[0].length, labels, answers, five, FEW).get(0);
  }

  @Test
  void measures_are_those_of_scikit_learn() throws IOException {
    Golden golden;
    try (Reader in =
        new InputStreamReader(
            ClassMetricsTest.class.getResourceAsStream("/metrics.json"), StandardCharsets.UTF_8)) {
      golden = new Gson().fromJson(in, Golden.class);
    }
    assertThat(golden.cases).hasSize(3);
    for (Case one : golden.cases) {
      ClassMetrics metrics = metrics(one.labels, one.scores);
      // Counts divided once; only the mean over classes sums in another order.
      assertThat(metrics.top1().value()).isCloseTo(one.accuracy, within(1e-15));
      assertThat(metrics.top5().value()).isCloseTo(one.top5, within(1e-15));
      assertThat(metrics.meanPerClass().value()).isCloseTo(one.balanced, within(1e-14));
      assertThat(metrics.confusion()).isDeepEqualTo(one.confusion);
    }
  }

  @Test
  void measures_are_those_counted_by_hand() {
    float[][] scores = {
      {3, 2, 1}, // class 0, answered 0
      {1, 2, 0}, // class 0, answered 1
      {0, 2, 1}, // class 1, answered 1
      {5, 4, 3}, // class 1, answered 0
      {0, 1, 0}, // class 1, answered 1
      {0, 1, 0}, // class 1, answered 1
    };
    ClassMetrics metrics = metrics(new int[] {0, 0, 1, 1, 1, 1}, scores);
    assertThat(metrics.images()).isEqualTo(6);
    assertThat(metrics.top1().value()).isEqualTo(4 / 6.0);
    assertThat(metrics.top5().value()).isEqualTo(1);
    // Class 0: 1 of 2. Class 1: 3 of 4. Class 2 has no images, and no part in the mean.
    assertThat(metrics.meanPerClass().value()).isEqualTo((0.5 + 0.75) / 2);
    assertThat(metrics.confusion()).isDeepEqualTo(new long[][] {{1, 1, 0}, {1, 3, 0}, {0, 0, 0}});
    assertThat(metrics.perClass()).containsExactly(0.5, 0.75, Double.NaN);
  }

  @Test
  void of_equal_scores_a_wrong_class_is_the_answer() {
    float[][] scores = {{1, 1, 0}, {1, 1, 0}, {Float.NaN, 2, 1}, {2, 1, Float.NaN}};
    ClassMetrics metrics = metrics(new int[] {0, 1, 1, 2}, scores);
    assertThat(metrics.top1().value()).isZero();
    assertThat(metrics.confusion()).isDeepEqualTo(new long[][] {{0, 1, 0}, {2, 0, 0}, {1, 0, 0}});
  }

  @Test
  void an_interval_has_the_width_that_the_normal_approximation_gives() {
    int n = 2000;
    int[] labels = new int[n];
    int[][] answers = new int[1][n];
    for (int i = 0; i < n; i++) {
      answers[0][i] = i % 10 < 7 ? 0 : 1;
    }
    ClassMetrics metrics =
        ClassMetrics.of(2, labels, answers, new boolean[1][n], new Bootstrap(2000, 3)).get(0);
    double half = 1.96 * Math.sqrt(0.7 * 0.3 / n); // 0.0201
    assertThat(metrics.top1().value()).isEqualTo(0.7);
    // The ends of an interval of 2000 resamples vary by about 3 % of its half width.
    assertThat(metrics.top1().low()).isCloseTo(0.7 - half, within(0.1 * half));
    assertThat(metrics.top1().high()).isCloseTo(0.7 + half, within(0.1 * half));
    assertThat(metrics.top5()).isEqualTo(new Interval(0, 0, 0));
  }

  @Test
  void the_same_seed_gives_the_same_interval_and_another_another() {
    int[] labels = new int[50];
    int[][] answers = new int[1][50];
    for (int i = 0; i < 50; i++) {
      answers[0][i] = i % 3 == 0 ? 1 : 0;
    }
    ClassMetrics[] runs = new ClassMetrics[3];
    for (int i = 0; i < 3; i++) {
      Bootstrap bootstrap = new Bootstrap(100, i / 2);
      runs[i] = ClassMetrics.of(2, labels, answers, new boolean[1][50], bootstrap).get(0);
    }
    assertThat(runs[1].top1()).isEqualTo(runs[0].top1());
    assertThat(runs[2].top1()).isNotEqualTo(runs[0].top1());
  }

  @Test
  void a_gain_is_paired() {
    int[] labels = new int[400];
    int[] first = new int[400];
    int[] second = new int[400];
    for (int i = 0; i < 400; i++) {
      first[i] = i < 200 ? 0 : 1; // half right
      second[i] = i < 210 ? 0 : 1; // the same and ten more
    }
    Interval gain = ClassMetrics.gain(labels, first, second, new Bootstrap(1000, 0));
    assertThat(gain.value()).isEqualTo(10 / 400.0);
    // Ten of 400: sd sqrt(10) / 400. Unpaired the interval would reach below zero.
    assertThat(gain.low()).isBetween(3 / 400.0, 6 / 400.0);
    assertThat(gain.high()).isBetween(14 / 400.0, 18 / 400.0);
  }

  @Test
  void quantiles_are_numpys() {
    assertThat(Bootstrap.quantile(new double[] {1, 2, 4}, 0.5)).isEqualTo(2);
    assertThat(Bootstrap.quantile(new double[] {1, 2, 4}, 0.75)).isEqualTo(3);
    assertThat(Bootstrap.quantile(new double[] {7}, 0.975)).isEqualTo(7);
  }

  @Test
  void no_resamples_are_an_error() {
    assertThatThrownBy(() -> new Bootstrap(0, 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("found 0");
  }
}
