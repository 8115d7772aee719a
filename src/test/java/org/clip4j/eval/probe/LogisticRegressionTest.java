package org.clip4j.eval.probe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.Device;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.clip4j.eval.ProbeAccuracy;
import org.clip4j.eval.probe.LogisticRegression.Fit;
import org.junit.jupiter.api.Test;

/** Against scikit-learn's values, which examples/peers/make_probe.py writes. */
class LogisticRegressionTest {

  static JsonObject peers() throws IOException {
    String json = Files.readString(Path.of("src/test/resources/probe/peers.json"));
    return JsonParser.parseString(json).getAsJsonObject();
  }

  static double[] doubles(JsonArray array) {
    return IntStream.range(0, array.size()).mapToDouble(i -> array.get(i).getAsDouble()).toArray();
  }

  static int[] ints(JsonArray array) {
    return IntStream.range(0, array.size()).map(i -> array.get(i).getAsInt()).toArray();
  }

  static float[][] rows(JsonArray array, int count) {
    double[] all = doubles(array);
    int width = all.length / count;
    float[][] rows = new float[count][width];
    for (int i = 0; i < all.length; i++) {
      rows[i / width][i % width] = (float) all[i];
    }
    return rows;
  }

  @Test
  void the_minimum_is_scikit_learns() throws IOException {
    JsonArray cases = peers().getAsJsonArray("regressions");
    assertThat(cases).hasSize(5);
    for (JsonElement element : cases) {
      JsonObject c = element.getAsJsonObject();
      String name = c.get("name").getAsString();
      int[] labels = ints(c.getAsJsonArray("labels"));
      int classes = c.get("classes").getAsInt();
      float[][] features = rows(c.getAsJsonArray("features"), labels.length);
      Fit fit =
          LogisticRegression.create()
              .optC(c.get("c").getAsDouble())
              .optTolerance(1e-6) // float32 gives no smaller gradients
              .fit(features, labels, classes);
      assertThat(fit.converged()).as(name).isTrue();
      double objective = c.get("objective").getAsDouble();
      // Near a minimum the objective is flat: a gradient of 1e-6 is far below this.
      assertThat(fit.objective()).as(name).isCloseTo(objective, within(1e-6 * objective));
      LinearClassifier found = fit.classifier();
      assertThat(ProbeAccuracy.of(found.logits(features), labels).top1())
          .as(name)
          .isEqualTo(c.get("accuracy").getAsDouble());
      double[] probabilities = doubles(c.getAsJsonArray("probabilities"));
      for (int i = 0; i < probabilities.length; i++) {
        assertThat(found.probabilities(features[i / classes])[i % classes])
            .as(name + " probability " + i)
            .isCloseTo(probabilities[i], within(1e-4));
      }
      assertWeights(name, found, doubles(c.getAsJsonArray("weights")));
    }
  }

  private static void assertWeights(String name, LinearClassifier found, double[] expected) {
    float[][] weights = found.weights();
    double largest = Arrays.stream(expected).map(Math::abs).max().orElseThrow();
    for (int i = 0; i < expected.length; i++) {
      int d = i % found.width();
      double value =
          found.classes() == 2 // one vector there: the difference of the two
              ? weights[1][d] - weights[0][d]
              : weights[i / found.width()][d];
      assertThat(value).as(name + " weight " + i).isCloseTo(expected[i], within(1e-3 * largest));
    }
  }

  @Test
  void iterations_that_do_not_suffice_are_said() {
    float[][] features = {{0, 1}, {1, 0}, {2, 3}, {3, 1}};
    Fit fit =
        LogisticRegression.create()
            .optC(100)
            .optMaxIterations(1)
            .fit(features, new int[] {0, 1, 0, 1}, 2);
    assertThat(fit.converged()).isFalse();
    assertThat(fit.iterations()).isEqualTo(1);
    assertThat(fit.largestGradient()).isGreaterThan(1e-4);
  }

  @Test
  void the_same_data_give_the_same_bits() {
    Random random = new Random(4);
    float[][] features = new float[500][40];
    int[] labels = new int[500];
    for (int i = 0; i < 500; i++) {
      labels[i] = i % 7;
      for (int d = 0; d < 40; d++) {
        features[i][d] = (float) random.nextGaussian() + (d == labels[i] ? 1 : 0);
      }
    }
    LogisticRegression regression = LogisticRegression.create();
    Fit first = regression.fit(features, labels, 7);
    Fit second = regression.fit(features, labels, 7);
    assertThat(second.classifier().weights()).isDeepEqualTo(first.classifier().weights());
    assertThat(second.objective()).isEqualTo(first.objective());
  }

  /** More rows than one piece of the kernel holds, against sums in double precision. */
  @Test
  void the_pieces_of_many_examples_add_up() {
    int n = 3000;
    int width = 3;
    int classes = 300; // a piece is 873 rows
    Random random = new Random(6);
    float[][] features = new float[n][width];
    int[] labels = new int[n];
    for (int i = 0; i < n; i++) {
      labels[i] = random.nextInt(classes);
      for (int d = 0; d < width; d++) {
        features[i][d] = (float) random.nextGaussian();
      }
    }
    double[] x = random.doubles(classes * (width + 1), -1, 1).map(v -> (float) v).toArray();
    double[] gradient = new double[x.length];
    double loss;
    try (SoftmaxObjective objective =
        new SoftmaxObjective(Device.cpu(), features, labels, classes)) {
      loss = objective.evaluate(x, gradient);
    }
    double expected = 0;
    double[] expectedGradient = new double[x.length];
    double[] p = new double[classes];
    for (int i = 0; i < n; i++) {
      double sum = 0;
      for (int k = 0; k < classes; k++) {
        p[k] = x[classes * width + k];
        for (int d = 0; d < width; d++) {
          p[k] += x[k * width + d] * features[i][d];
        }
        p[k] = Math.exp(p[k]);
        sum += p[k];
      }
      expected -= Math.log(p[labels[i]] / sum) / n;
      for (int k = 0; k < classes; k++) {
        double residual = (p[k] / sum - (k == labels[i] ? 1 : 0)) / n;
        expectedGradient[classes * width + k] += residual;
        for (int d = 0; d < width; d++) {
          expectedGradient[k * width + d] += residual * features[i][d];
        }
      }
    }
    assertThat(loss).isCloseTo(expected, within(1e-6 * expected));
    for (int i = 0; i < x.length; i++) {
      assertThat(gradient[i]).as("gradient " + i).isCloseTo(expectedGradient[i], within(1e-7));
    }
  }

  @Test
  void bad_input_is_named() {
    LogisticRegression regression = LogisticRegression.create();
    float[][] two = {{1, 2}, {3, 4}};
    assertThatThrownBy(() -> regression.fit(two, new int[] {0, 0}, 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("at least 2 classes");
    assertThatThrownBy(() -> regression.fit(two, new int[] {0, 0}, 2))
        .hasMessageContaining("class 1 of 2 has no training example");
    assertThatThrownBy(() -> regression.fit(two, new int[] {0}, 2))
        .hasMessageContaining("2 vectors and 1 labels");
    assertThatThrownBy(() -> regression.fit(two, new int[] {0, 2}, 2))
        .hasMessageContaining("vector 1 has label 2, and the classes are 0 to 1");
    assertThatThrownBy(() -> regression.fit(new float[][] {{1}, {1, 2}}, new int[] {0, 1}, 2))
        .hasMessageContaining("vector 1 has 2 values, and the first has 1");
    assertThatThrownBy(() -> regression.fit(new float[][] {{1}, {Float.NaN}}, new int[] {0, 1}, 2))
        .hasMessageContaining("vector 1 holds NaN");
    assertThatThrownBy(() -> LogisticRegression.create().optC(0))
        .hasMessageContaining("C must be above 0");
  }
}
