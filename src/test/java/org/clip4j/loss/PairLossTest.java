package org.clip4j.loss;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.stream.IntStream;
import org.clip4j.engine.internal.HostMemory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class PairLossTest {
  private static final int E = 5;

  private final NDManager manager = NDManager.newBaseManager();

  @AfterEach
  void close() {
    manager.close();
  }

  private NDArray matrix(float[] values) {
    return HostMemory.upload(manager, new Shape(values.length / E, E), FloatBuffer.wrap(values));
  }

  private static float[] floats(JsonArray array) {
    float[] values = new float[array.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = array.get(i).getAsFloat();
    }
    return values;
  }

  private static int[] ints(JsonArray array) {
    return IntStream.range(0, array.size()).map(i -> array.get(i).getAsInt()).toArray();
  }

  private static void assertClose(String what, NDArray found, float... expected) {
    float[] values = found.toFloatArray();
    assertThat(values).as(what).hasSameSizeAs(expected);
    for (int i = 0; i < values.length; i++) {
      assertThat(values[i])
          .as(what + "[" + i + "]")
          .isCloseTo(expected[i], within(1e-6f + 1e-5f * Math.abs(expected[i])));
    }
  }

  @Test
  void losses_and_gradients_are_the_peers() throws IOException {
    String json = Files.readString(Path.of("src/test/resources/step/peers.json"));
    JsonArray cases = JsonParser.parseString(json).getAsJsonObject().getAsJsonArray("losses");
    assertThat(cases).hasSize(4);
    for (JsonElement element : cases) {
      JsonObject c = element.getAsJsonObject();
      String name = c.get("name").getAsString();
      NDArray logScale = manager.create(c.get("log_scale").getAsFloat());
      boolean biased = c.has("bias");
      PairLoss loss =
          biased
              ? new SigmoidLoss(manager, logScale, manager.create(c.get("bias").getAsFloat()))
              : new ContrastiveLoss(manager, logScale);
      Matches matches =
          c.has("captions")
              ? Matches.of(ints(c.getAsJsonArray("captions")), ints(c.getAsJsonArray("images")))
              : Matches.OWN;
      PairLoss.Gradients found =
          loss.gradients(
              matrix(floats(c.getAsJsonArray("image"))),
              matrix(floats(c.getAsJsonArray("text"))),
              matches,
              TeacherEmbeddings.NONE,
              1);
      assertClose(name, found.value(), c.get("value").getAsFloat());
      assertClose(name + " d_image", found.image(), floats(c.getAsJsonArray("d_image")));
      assertClose(name + " d_text", found.text(), floats(c.getAsJsonArray("d_text")));
      float scaleGradient = c.get("d_log_scale").getAsFloat();
      assertClose(name + " d_log_scale", found.parameters().get(0), scaleGradient);
      if (biased) {
        assertClose(name + " d_bias", found.parameters().get(1), c.get("d_bias").getAsFloat());
      }
    }
  }

  private static float[] unitRows(int n, long seed) {
    Random random = new Random(seed);
    float[] values = new float[n * E];
    for (int row = 0; row < n; row++) {
      double norm = 0;
      for (int i = 0; i < E; i++) {
        values[row * E + i] = (float) random.nextGaussian();
        norm += values[row * E + i] * values[row * E + i];
      }
      for (int i = 0; i < E; i++) {
        values[row * E + i] /= (float) Math.sqrt(norm);
      }
    }
    return values;
  }

  /** A batch of more logits than one piece holds, against sums in double precision. */
  @Test
  void pieces_of_a_large_batch_add_up() {
    int n = 1300;
    float[] image = unitRows(n, 1);
    float[] text = unitRows(n, 2);
    int[] captions = IntStream.range(0, n).map(i -> i % 1000).toArray();
    int[] images = IntStream.range(0, n).toArray();
    double scale = 5;
    double[] rowSums = new double[n];
    double[] columnSums = new double[n];
    int[] count = new int[n];
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < n; j++) {
        double z = scale * dot(image, i, text, j);
        rowSums[i] += Math.exp(z);
        columnSums[j] += Math.exp(z);
        count[i] += captions[i] == captions[j] ? 1 : 0;
      }
    }
    double value = 0;
    double scaleGradient = 0;
    double[] textGradient = new double[n * E];
    for (int i = 0; i < n; i++) {
      value += Math.log(rowSums[i]) + Math.log(columnSums[i]);
      for (int j = 0; j < n; j++) {
        double z = scale * dot(image, i, text, j);
        double target = captions[i] == captions[j] ? 1.0 / count[i] + 1.0 / count[j] : 0;
        value -= target * z;
        double d = Math.exp(z) / rowSums[i] + Math.exp(z) / columnSums[j] - target;
        scaleGradient += d * z / (2 * n);
        for (int e = 0; e < E; e++) {
          textGradient[j * E + e] += d * scale * image[i * E + e] / (2 * n);
        }
      }
    }
    ContrastiveLoss loss = new ContrastiveLoss(manager, manager.create((float) Math.log(scale)));
    PairLoss.Gradients found =
        loss.gradients(
            matrix(image), matrix(text), Matches.of(captions, images), TeacherEmbeddings.NONE, 16);
    assertThat(found.value().getFloat()).isCloseTo((float) (value / (2 * n)), within(2e-5f));
    assertThat(found.parameters().get(0).getFloat() / 16)
        .isCloseTo((float) scaleGradient, within(2e-5f));
    float[] d = found.text().toFloatArray();
    for (int i = 0; i < d.length; i++) {
      assertThat(d[i] / 16).isCloseTo((float) textGradient[i], within(1e-7f));
    }
  }

  private static double dot(float[] a, int row, float[] b, int column) {
    double sum = 0;
    for (int e = 0; e < E; e++) {
      sum += (double) a[row * E + e] * b[column * E + e];
    }
    return sum;
  }

  @Test
  void matches_of_another_batch_are_refused() {
    ContrastiveLoss loss = new ContrastiveLoss(manager, manager.create(1f));
    Matches three = Matches.of(new int[] {0, 1, 0}, new int[] {0, 1, 2});
    assertThatThrownBy(
            () ->
                loss.gradients(
                    matrix(unitRows(2, 1)),
                    matrix(unitRows(2, 2)),
                    three,
                    TeacherEmbeddings.NONE,
                    1))
        .hasMessageContaining("3")
        .hasMessageContaining("2");
    assertThatThrownBy(() -> Matches.of(new int[2], new int[3])).hasMessageContaining("3 images");
  }

  @Test
  void mean_cosine_is_that_of_all_pairs() {
    Similarity similarity = new Similarity(manager);
    NDArray rows = manager.create(new float[][] {{1, 0}, {0, 1}, {0.6f, 0.8f}});
    assertThat(similarity.meanCosine(rows)).isCloseTo((0 + 0.6 + 0.8) / 3, within(1e-6));
    assertThat(similarity.meanCosine(manager.create(new float[][] {{1, 0}}))).isNaN();
  }
}
