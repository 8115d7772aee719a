package org.clip4j.train.internal.step;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.clip4j.engine.Precision;
import org.clip4j.engine.internal.HostMemory;
import org.clip4j.loss.ContrastiveLoss;
import org.clip4j.loss.Matches;
import org.clip4j.loss.PairLoss;
import org.clip4j.loss.SigmoidLoss;
import org.clip4j.loss.TeacherEmbeddings;
import org.clip4j.model.ClipModel;
import org.clip4j.train.options.OptimizerOptions;
import org.clip4j.weights.safetensors.SafeTensors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Compares with OpenCLIP's DistillClipLoss, see examples/peers/make_distill.py. */
class DistillationTest {
  private static final Path RESOURCES = Path.of("src/test/resources");

  private final NDManager manager = NDManager.newBaseManager();

  @AfterEach
  void close() {
    manager.close();
  }

  private static SafeTensors expected() throws IOException {
    return SafeTensors.open(RESOURCES.resolve("step/distill.safetensors"));
  }

  private static float[] values(SafeTensors tensors, String name) {
    float[] values = new float[tensors.arraySize(name)];
    tensors.floats(name).get(values);
    return values;
  }

  private static NDArray array(NDManager manager, SafeTensors tensors, String name) {
    Shape shape = new Shape(tensors.tensors().get(name).shape());
    return HostMemory.upload(manager, shape, tensors.floats(name));
  }

  private static float[][] rows(SafeTensors tensors, String name) {
    List<Long> shape = tensors.tensors().get(name).shape();
    FloatBuffer all = tensors.floats(name);
    float[][] rows = new float[shape.get(0).intValue()][shape.get(1).intValue()];
    for (float[] row : rows) {
      all.get(row);
    }
    return rows;
  }

  private static TeacherEmbeddings teacher(SafeTensors tensors, String prefix) {
    return new TeacherEmbeddings(
        rows(tensors, prefix + "teacher_image"),
        rows(tensors, prefix + "teacher_text"),
        values(tensors, prefix + "teacher_scale")[0]);
  }

  @Test
  void value_and_gradients_of_the_loss_are_those_of_openclip() throws IOException {
    try (SafeTensors golden = expected()) {
      ContrastiveLoss loss = new ContrastiveLoss(manager, array(manager, golden, "loss.log_scale"));
      PairLoss.Gradients found =
          loss.gradients(
              array(manager, golden, "loss.image"),
              array(manager, golden, "loss.text"),
              Matches.OWN,
              teacher(golden, "loss."),
              1);
      Steps.assertClose(
          Map.of(
              "value", found.value().toFloatArray(),
              "d_image", found.image().toFloatArray(),
              "d_text", found.text().toFloatArray(),
              "d_log_scale", found.parameters().get(0).toFloatArray()),
          Map.of(
              "value", values(golden, "loss.value"),
              "d_image", values(golden, "loss.d_image"),
              "d_text", values(golden, "loss.d_text"),
              "d_log_scale", values(golden, "loss.d_log_scale")),
          1e-6,
          1e-5);
    }
  }

  /** A teacher that says what the student says adds the entropy, and no gradient of its own. */
  @Test
  void pieces_of_a_large_batch_add_up() {
    int n = 1300;
    float[][] image = new float[n][2];
    float[][] text = new float[n][2];
    for (int i = 0; i < n; i++) {
      image[i] = new float[] {(float) Math.cos(i), (float) Math.sin(i)};
      text[i] = new float[] {(float) Math.cos(i + 0.5), (float) Math.sin(i + 0.5)};
    }
    NDArray images = manager.create(image);
    NDArray texts = manager.create(text);
    ContrastiveLoss loss = new ContrastiveLoss(manager, manager.create((float) Math.log(3)));
    PairLoss.Gradients alone =
        loss.gradients(images, texts, Matches.OWN, TeacherEmbeddings.NONE, 1000);
    PairLoss.Gradients taught =
        loss.gradients(images, texts, Matches.OWN, new TeacherEmbeddings(image, text, 3), 1000);
    Steps.assertClose(
        Map.of("image", taught.image().toFloatArray(), "text", taught.text().toFloatArray()),
        Map.of("image", alone.image().toFloatArray(), "text", alone.text().toFloatArray()),
        2e-6,
        1e-4);
    double entropy = 0;
    for (int i = 0; i < n; i++) {
      entropy += (entropy(image[i], text) + entropy(text[i], image)) / (2 * n);
    }
    assertThat(taught.value().getFloat() - alone.value().getFloat())
        .isCloseTo((float) entropy, within(2e-5f));
  }

  private static double entropy(float[] of, float[][] among) {
    double sum = 0;
    double weighted = 0;
    for (float[] other : among) {
      double z = 3.0 * (of[0] * (double) other[0] + of[1] * (double) other[1]);
      sum += Math.exp(z);
      weighted += z * Math.exp(z);
    }
    return Math.log(sum) - weighted / sum;
  }

  /** The golden tolerances are those of the model's own case. */
  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  void gradients_and_five_steps_are_those_of_openclip(int microBatches) throws IOException {
    Path file = RESOURCES.resolve("golden/openclip-vit/expected.safetensors");
    try (SafeTensors golden = expected();
        SafeTensors inputs = SafeTensors.open(file);
        ClipModel model = Steps.golden("openclip-vit")) {
      model.setTrainable(true);
      TeacherEmbeddings teacher = teacher(golden, "step.");
      BatchGradients step =
          new BatchGradients(manager, new Replicas(manager, model, List.of()), Precision.FP32);
      AdamW optimizer = new AdamW(manager, model, OptimizerOptions.DEFAULT);
      float[] losses = new float[5];
      for (int i = 0; i < losses.length; i++) {
        try (NDManager scratch = manager.newSubManager()) {
          BatchGradients.Gradients found =
              step.backward(scratch, parts(inputs, microBatches), Matches.OWN, teacher, 1);
          losses[i] = found.loss();
          if (i == 0) {
            compare(golden, "step.grad.", found.byName(), 1e-5, 5e-4);
          }
          optimizer.step(found.byName(), 2e-4, 1);
        }
      }
      Steps.assertClose(
          Map.of("losses", losses), Map.of("losses", values(golden, "step.loss")), 5e-5, 0);
      compare(golden, "step.trained.", model.parameters(), 5e-5, 1e-4);
    }
  }

  private static List<BatchGradients.MicroBatch> parts(SafeTensors inputs, int count) {
    long n = inputs.tensors().get("input_ids").shape().get(0);
    return IntStream.range(0, count)
        .mapToObj(i -> part(inputs, n * i / count, n * (i + 1) / count))
        .toList();
  }

  private static BatchGradients.MicroBatch part(SafeTensors inputs, long from, long to) {
    String rows = from + ":" + to;
    return new BatchGradients.MicroBatch(
        (int) (to - from),
        scratch -> array(scratch, inputs, "pixel_values").get(rows),
        null,
        scratch -> ids(scratch, inputs).get(rows),
        null);
  }

  private static NDArray ids(NDManager manager, SafeTensors inputs) {
    Shape shape = new Shape(inputs.tensors().get("input_ids").shape());
    return HostMemory.upload(manager, shape, inputs.longs("input_ids"));
  }

  private static void compare(
      SafeTensors golden, String prefix, Map<String, NDArray> found, double abs, double rel) {
    List<String> names =
        golden.tensors().keySet().stream()
            .filter(name -> name.startsWith(prefix))
            .map(name -> name.substring(prefix.length()))
            .toList();
    assertThat(names).hasSize(5);
    for (String name : names) {
      Steps.assertClose(
          Map.of(name, found.get(name).toFloatArray()),
          Map.of(name, values(golden, prefix + name)),
          abs,
          rel);
    }
  }

  @Test
  void a_teacher_that_does_not_fit_is_refused() {
    float[][] two = new float[2][3];
    assertThatThrownBy(() -> new TeacherEmbeddings(two, new float[2][4], 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("3")
        .hasMessageContaining("4");
    assertThatThrownBy(() -> new TeacherEmbeddings(two, new float[1][3], 1))
        .hasMessageContaining("2 images do not go with its 1 texts");
    NDArray three = manager.create(new float[3][3]);
    TeacherEmbeddings teacher = new TeacherEmbeddings(two, two, 1);
    assertThatThrownBy(
            () ->
                new ContrastiveLoss(manager, manager.create(1f))
                    .gradients(three, three, Matches.OWN, teacher, 1))
        .hasMessageContaining("2 pairs do not fit a batch of 3");
    assertThatThrownBy(
            () ->
                new SigmoidLoss(manager, manager.create(1f), manager.create(1f))
                    .gradients(three, three, Matches.OWN, teacher, 1))
        .hasMessageContaining("sigmoid");
  }
}
