package org.clip4j.train.internal.step;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Consumer;
import org.clip4j.engine.Precision;
import org.clip4j.engine.internal.HostMemory;
import org.clip4j.loss.Matches;
import org.clip4j.loss.Similarity;
import org.clip4j.loss.TeacherEmbeddings;
import org.clip4j.model.ClipModel;
import org.clip4j.model.EncoderConfig;
import org.clip4j.model.Forward;
import org.clip4j.model.ParameterSource;
import org.clip4j.model.ResNetConfig;
import org.clip4j.train.options.OptimizerOptions;
import org.clip4j.weights.Checkpoint;
import org.clip4j.weights.StoredNames;
import org.clip4j.weights.safetensors.SafeTensors;

/** One model of the golden data, and what its publisher's library computes with it. */
final class GoldenCase implements AutoCloseable {
  private static final int STEPS = 5;

  /** Relative; what a few roundings to float32 add up to. */
  private static final double KINK_SHIFT = 1e-6;

  private final Checkpoint checkpoint;
  private final SafeTensors expected;
  private final JsonObject tolerances;
  private final boolean trained;
  private final ClipModel model;
  private final NDManager manager;
  private final Similarity similarity;
  private final String name;
  private final List<Consumer<FidelityReport>> compared = new ArrayList<>();
  private int shift;

  GoldenCase(Path folder, Path file) throws IOException {
    name = folder.getFileName() + (file.equals(folder) ? "" : "/" + file.getFileName());
    JsonObject json =
        JsonParser.parseString(Files.readString(folder.resolve("case.json"))).getAsJsonObject();
    tolerances = json.getAsJsonObject("tolerance");
    trained = json.get("trained").getAsBoolean();
    expected = SafeTensors.open(folder.resolve("expected.safetensors"));
    Checkpoint own = open(folder, file);
    JsonElement texts = json.get("text_model");
    checkpoint = texts == null ? own : own.withTextModel(folder.resolve(texts.getAsString()));
    model = ClipModel.load(checkpoint.config(), checkpoint.parameters());
    manager = model.manager().newSubManager();
    similarity = new Similarity(manager);
  }

  /** Multiplies each pixel by a number near 1, drawn by {@code seed}; 0 for none. */
  void shiftPixels(int seed) {
    shift = seed;
  }

  /** Adds what was compared. */
  void report(FidelityReport report) {
    compared.forEach(found -> found.accept(report));
  }

  boolean isResNet() {
    return model.config().vision() instanceof ResNetConfig;
  }

  void features() {
    NDArray image = model.encodeImage(Forward.EVALUATE, pixels(manager));
    NDArray text = model.encodeText(Forward.EVALUATE, ids(manager));
    if (expected.tensors().containsKey("image_features_unnormalized")) {
      assertClose("image_features_unnormalized", image, "features");
      assertClose("text_features_unnormalized", text, "features");
    }
    NDArray unitImage = similarity.normalize(image);
    NDArray unitText = similarity.normalize(text);
    assertClose("image_features", unitImage, "features");
    assertClose("text_features", unitText, "features");
    NDArray logScale = model.parameters().get("logit_scale");
    NDArray bias = model.parameters().get("logit_bias");
    assertClose(
        "logits_per_image", similarity.logits(unitImage, unitText, logScale, bias), "features");
    if (model.config().text().cutsPadding()) {
      NDArray cut = ids(manager).get(":, :" + longestText());
      NDArray embeddings = model.encodeText(Forward.EVALUATE, cut);
      assertClose("text_features", similarity.normalize(embeddings), "features");
    }
  }

  void preparedFeatures() {
    model.prepareImages(Precision.FP32);
    model.prepareTexts(Precision.FP32);
    features();
  }

  void hiddenStates() {
    List<NDArray> vision = new ArrayList<>();
    List<NDArray> text = new ArrayList<>();
    NDArray image = model.encodeImage(Forward.EVALUATE, pixels(manager), vision::add);
    NDArray texts = model.encodeText(Forward.EVALUATE, ids(manager), text::add);
    assertClose("image_features", similarity.normalize(image), "features");
    assertClose("text_features", similarity.normalize(texts), "features");
    assertAllClose("vision.hidden.", vision);
    assertAllClose("text.hidden.", text);
  }

  private void assertAllClose(String prefix, List<NDArray> states) {
    long given =
        expected.tensors().keySet().stream().filter(name -> name.startsWith(prefix)).count();
    if (given > 0) {
      assertThat(states).hasSize((int) given);
      for (int i = 0; i < states.size(); i++) {
        assertClose(prefix + i, states.get(i), "features");
      }
    }
  }

  /** Gradients of the first step, then the losses of five and the parameters after them. */
  void training() {
    assertThat(expected.tensors().containsKey("train.loss")).isEqualTo(trained);
    if (!trained) {
      return;
    }
    model.setTrainable(true);
    AdamW optimizer = new AdamW(manager, model, OptimizerOptions.DEFAULT);
    float[] losses = new float[STEPS];
    for (int step = 0; step < STEPS; step++) {
      boolean first = step == 0;
      losses[step] =
          backward(
              wholeBatch(),
              gradients -> {
                if (first) {
                  assertGradients(gradients);
                }
                optimizer.step(gradients, 2e-4, 1);
              });
    }
    assertClose("train.loss", FloatBuffer.wrap(losses), "loss");
    assertStored("trained.", model.values(), "trained");
  }

  /**
   * Two micro-batches give the gradients of the whole batch; not for batch norms, which see one
   * micro-batch.
   */
  void microBatches() {
    if (!trained || model.config().vision().hasBatchNorm()) {
      return;
    }
    model.setTrainable(true);
    int half = (int) pairs() / 2;
    float value =
        backward(
            List.of(part(half, ":" + half), part((int) pairs() - half, half + ":")),
            this::assertGradients);
    assertClose("train.loss", FloatBuffer.wrap(new float[] {value}), "loss");
  }

  private float backward(
      List<BatchGradients.MicroBatch> batch, Consumer<Map<String, NDArray>> use) {
    try (NDManager step = manager.newSubManager();
        Replicas one = new Replicas(step, model, List.of())) {
      BatchGradients.Gradients gradients =
          new BatchGradients(step, one, Precision.FP32)
              .backward(step, batch, Matches.OWN, TeacherEmbeddings.NONE, 1);
      use.accept(gradients.byName());
      return gradients.loss();
    }
  }

  private List<BatchGradients.MicroBatch> wholeBatch() {
    return List.of(
        new BatchGradients.MicroBatch((int) pairs(), this::pixels, null, this::ids, null));
  }

  private long pairs() {
    return expected.tensors().get("input_ids").shape().get(0);
  }

  private BatchGradients.MicroBatch part(int size, String rows) {
    return new BatchGradients.MicroBatch(
        size, scratch -> pixels(scratch).get(rows), null, scratch -> ids(scratch).get(rows), null);
  }

  private void assertGradients(Map<String, NDArray> gradients) {
    ParameterSource found =
        name -> {
          assertThat(gradients).as("gradients").containsKey(name);
          return FloatBuffer.wrap(gradients.get(name).toFloatArray());
        };
    assertStored("grad.", found, "gradients");
  }

  private NDArray pixels(NDManager owner) {
    Shape shape = new Shape(expected.tensors().get("pixel_values").shape());
    FloatBuffer golden = expected.floats("pixel_values");
    if (shift == 0) {
      return HostMemory.upload(owner, shape, golden);
    }
    Random random = new Random(shift);
    float[] shifted = new float[golden.remaining()];
    for (int i = 0; i < shifted.length; i++) {
      double factor = 1 + KINK_SHIFT * random.nextGaussian();
      shifted[i] = (float) (golden.get(golden.position() + i) * factor);
    }
    return HostMemory.upload(owner, shape, FloatBuffer.wrap(shifted));
  }

  private NDArray ids(NDManager owner) {
    Shape shape = new Shape(expected.tensors().get("input_ids").shape());
    return HostMemory.upload(owner, shape, expected.longs("input_ids"));
  }

  /**
   * Tokens of the longest text, up to its end-of-text token, the row's first largest id; of an
   * encoder that sees no padding up to its last token.
   */
  private int longestText() {
    EncoderConfig encoder = model.config().text() instanceof EncoderConfig text ? text : null;
    int width = expected.tensors().get("input_ids").shape().get(1).intValue();
    long[] ids = expected.longs("input_ids");
    int longest = 0;
    for (int row = 0; row < ids.length; row += width) {
      int end = 0;
      for (int i = 1; i < width; i++) {
        boolean later =
            encoder != null ? ids[row + i] != encoder.padId() : ids[row + i] > ids[row + end];
        end = later ? i : end;
      }
      longest = Math.max(longest, end + 1);
    }
    return longest;
  }

  /** Compares every expected tensor of a kind with ours, under the publisher's names and shapes. */
  private void assertStored(String prefix, ParameterSource canonical, String tolerance) {
    ParameterSource stored = StoredNames.of(checkpoint, canonical);
    List<String> names =
        expected.tensors().keySet().stream().filter(name -> name.startsWith(prefix)).toList();
    assertThat(names).as(prefix + "* in expected.safetensors").hasSizeGreaterThan(10);
    for (String name : names) {
      assertClose(name, stored.read(name.substring(prefix.length())), tolerance);
    }
  }

  private void assertClose(String name, NDArray found, String tolerance) {
    assertThat(found.getShape())
        .as(name)
        .isEqualTo(new Shape(expected.tensors().get(name).shape()));
    assertClose(name, FloatBuffer.wrap(found.toFloatArray()), tolerance);
  }

  private void assertClose(String name, FloatBuffer found, String tolerance) {
    double abs = tolerances.getAsJsonObject(tolerance).get("abs").getAsDouble();
    double rel = tolerances.getAsJsonObject(tolerance).get("rel").getAsDouble();
    FloatBuffer truth = expected.floats(name);
    String stage = name.contains(".hidden.") ? "hidden states" : tolerance;
    double[] worst = new double[2]; // the difference, and what is allowed there
    for (int i = 0; i < found.remaining(); i++) {
      double a = found.get(found.position() + i);
      double b = truth.get(truth.position() + i);
      double allowed = abs + rel * Math.abs(b);
      if (i == 0 || Math.abs(a - b) * worst[1] > worst[0] * allowed) {
        worst = new double[] {Math.abs(a - b), allowed};
      }
      if (!(Math.abs(a - b) <= abs + rel * Math.abs(b))) {
        throw new AssertionError(
            name
                + "["
                + i
                + "]: expected "
                + b
                + " within "
                + abs
                + " + "
                + rel
                + " |b|, found "
                + a);
      }
    }
    double[] most = worst;
    compared.add(report -> report.add(this.name, stage, most[0], most[1]));
  }

  @Override
  public void close() throws IOException {
    model.close();
    checkpoint.close();
    expected.close();
  }

  /**
   * What OpenAI publishes beside its archive in these cases holds tensors alone; the archive says
   * what they are.
   */
  private static Checkpoint open(Path folder, Path file) throws IOException {
    Path archive = folder.resolve("model.pt");
    if (file.equals(folder) || file.equals(archive) || !Files.exists(archive)) {
      return Checkpoint.open(file);
    }
    try (Checkpoint telling = Checkpoint.open(archive)) {
      return Checkpoint.open(file, telling.config());
    }
  }
}
