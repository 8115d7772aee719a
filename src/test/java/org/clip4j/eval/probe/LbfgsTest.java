package org.clip4j.eval.probe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import org.junit.jupiter.api.Test;

class LbfgsTest {

  /** Rosenbrock's valley in n dimensions; its minimum 0 lies at all ones. */
  private static double rosenbrock(double[] x, double[] gradient) {
    double value = 0;
    Arrays.fill(gradient, 0);
    for (int i = 0; i + 1 < x.length; i++) {
      double a = 1 - x[i];
      double b = x[i + 1] - x[i] * x[i];
      value += a * a + 100 * b * b;
      gradient[i] -= 2 * a + 400 * b * x[i];
      gradient[i + 1] += 200 * b;
    }
    return value;
  }

  @Test
  void a_curved_valley_is_followed_to_its_end() {
    double[] x = {-1.2, 1, -1.2, 1, -1.2, 1};
    Lbfgs.Result result = Lbfgs.minimize(LbfgsTest::rosenbrock, x, 1000, 1e-8);
    assertThat(result.stop()).isEqualTo(Lbfgs.Stop.GRADIENT);
    // Local minima exist in six dimensions; this start leads to the global one or to value 3.97.
    assertThat(result.value()).isLessThan(4);
    assertThat(result.largestGradient()).isLessThanOrEqualTo(1e-8);
    assertThat(result.iterations()).isLessThan(100);
  }

  @Test
  void a_steep_start_and_a_flat_end_are_no_hindrance() {
    // A quartic.
    double[] x = {50};
    Lbfgs.Result result =
        Lbfgs.minimize(
            (at, gradient) -> {
              gradient[0] = 4 * Math.pow(at[0] - 3, 3);
              return Math.pow(at[0] - 3, 4);
            },
            x,
            1000,
            1e-9);
    assertThat(x[0]).isCloseTo(3, within(1e-3));
    assertThat(result.stop()).isNotEqualTo(Lbfgs.Stop.ITERATIONS);
  }

  @Test
  void the_start_is_kept_where_it_is_the_minimum() {
    double[] x = {1, 1};
    Lbfgs.Result result = Lbfgs.minimize(LbfgsTest::rosenbrock, x, 10, 1e-8);
    assertThat(result).isEqualTo(new Lbfgs.Result(0, 0, 0, 1, Lbfgs.Stop.GRADIENT));
    assertThat(x).containsExactly(1, 1);
  }

  @Test
  void a_gradient_that_lies_ends_the_search_where_it_began() {
    double[] x = {2};
    Lbfgs.Result result =
        Lbfgs.minimize(
            (at, gradient) -> {
              gradient[0] = -1; // says that the value falls to the right; it rises
              return at[0];
            },
            x,
            10,
            1e-8);
    assertThat(result.stop()).isEqualTo(Lbfgs.Stop.VALUE);
    assertThat(x).containsExactly(2);
  }

  @Test
  void what_is_not_a_number_ends_the_search() {
    double[] x = {1};
    Lbfgs.Result result =
        Lbfgs.minimize(
            (at, gradient) -> {
              gradient[0] = Double.NaN;
              return Double.NaN;
            },
            x,
            10,
            1e-8);
    assertThat(result.stop()).isEqualTo(Lbfgs.Stop.VALUE);
  }
}
