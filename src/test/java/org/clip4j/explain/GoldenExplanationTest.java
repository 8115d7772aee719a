package org.clip4j.explain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.clip4j.engine.internal.Autograd;
import org.clip4j.engine.internal.HostMemory;
import org.clip4j.loss.Similarity;
import org.clip4j.model.ClipModel;
import org.clip4j.model.StagedVisionConfig;
import org.clip4j.model.Trace;
import org.clip4j.weights.Checkpoint;
import org.clip4j.weights.Golden;
import org.clip4j.weights.safetensors.SafeTensors;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What examples/peers/make_explain.py computed with PyTorch of the golden models, we compute. */
class GoldenExplanationTest {

  /** Of the largest value of a kind, for what float32 rounds. */
  private static final double TOLERANCE = 1e-4;

  @TestFactory
  List<DynamicTest> every_golden_model_is_explained_as_by_the_published_method()
      throws IOException {
    try (Stream<Path> folders = Files.list(Path.of("src/test/resources/golden"))) {
      List<DynamicTest> tests =
          folders
              .filter(folder -> Files.exists(folder.resolve("explain.safetensors")))
              .sorted()
              .map(folder -> dynamicTest(folder.getFileName().toString(), () -> check(folder)))
              .toList();
      assertThat(tests).hasSize(14);
      return tests;
    }
  }

  /** Queries of a learned table pool, of which one is the embedding's, or several are averaged. */
  @ParameterizedTest
  @ValueSource(strings = {"openclip-coca", "openclip-coca-mean"})
  void an_image_of_coca_is_explained_through_the_queries_that_pool_it(String name)
      throws IOException {
    Path folder = Golden.folder(name);
    try (Checkpoint checkpoint = Checkpoint.open(folder);
        ClipModel model = ClipModel.load(checkpoint.config(), checkpoint.parameters());
        SafeTensors given = SafeTensors.open(folder.resolve("expected.safetensors"));
        SafeTensors truth = SafeTensors.open(folder.resolve("image-relevance.safetensors"));
        NDManager call = model.manager().newSubManager()) {
      Autograd autograd = new Autograd(call);
      Trace image = model.traceImage(firstImage(call, given));
      float[] seen = image.embedding().toFloatArray();
      FloatBuffer texts = given.floats("text_features");
      for (int n = 0; texts.hasRemaining(); n++) {
        float[] text = new float[seen.length];
        texts.get(text);
        float[] gradient = Relevance.ofCosine(seen, text, model.logitScale());
        float[] found = Relevance.ofTokens(autograd, image, gradient, 0);
        assertClose(truth, "image_relevance", n, found);
      }
    }
  }

  private static void check(Path folder) throws IOException {
    try (Checkpoint checkpoint = Checkpoint.open(folder);
        ClipModel model = ClipModel.load(checkpoint.config(), checkpoint.parameters());
        SafeTensors given = SafeTensors.open(folder.resolve("expected.safetensors"));
        SafeTensors truth = SafeTensors.open(folder.resolve("explain.safetensors"));
        NDManager call = model.manager().newSubManager()) {
      Autograd autograd = new Autograd(call);
      Trace image = model.traceImage(firstImage(call, given));
      float[] seen = image.embedding().toFloatArray();
      assertClose(truth, "image_features", 0, seen);
      List<Long> shape = given.tensors().get("input_ids").shape();
      int tokens = shape.get(1).intValue();
      long[] ids = given.longs("input_ids");
      for (int n = 0; n < shape.get(0); n++) {
        long[] row = Arrays.copyOfRange(ids, n * tokens, (n + 1) * tokens);
        Trace text = model.traceText(HostMemory.upload(call, new Shape(1, tokens), row));
        float[] read = text.embedding().toFloatArray();
        float[] toText = Relevance.ofCosine(read, seen, model.logitScale());
        float[] toImage = Relevance.ofCosine(seen, read, model.logitScale());
        int last = text.attention().size() - 1;
        assertClose(truth, "text_relevance", n, Relevance.ofTokens(autograd, text, toText, 0));
        assertClose(
            truth, "text_relevance_last", n, Relevance.ofTokens(autograd, text, toText, last));
        if (n == 0) {
          assertAttention(truth, "text.attention.", text.attention());
        }
        if (model.config().vision() instanceof StagedVisionConfig tower) {
          for (int stage = 1, layer = 0; stage <= tower.layers().size(); stage++) {
            layer += tower.layers().get(stage - 1);
            float[] cells = Relevance.signed(autograd, image, toImage, layer);
            assertClose(truth, "gradcam." + stage, n, cells);
          }
        } else {
          last = image.attention().size() - 1;
          float[] all = Relevance.ofTokens(autograd, image, toImage, 0);
          assertClose(truth, "image_relevance", n, patches(truth, all));
          float[] late = Relevance.ofTokens(autograd, image, toImage, last);
          assertClose(truth, "image_relevance_last", n, patches(truth, late));
        }
      }
      if (!(model.config().vision() instanceof StagedVisionConfig)) {
        assertAttention(truth, "vision.attention.", image.attention());
        if (image.poolingAttention() != null) {
          assertClose(
              truth, "vision.pooling_attention", 0, image.poolingAttention().toFloatArray());
        }
        NDArray rows = model.embedPatches(image.states().get(image.states().size() - 1));
        float[] unit = new Similarity(call).normalize(rows).toFloatArray();
        assertClose(truth, "patch_embeddings", 0, unit);
      }
    }
  }

  private static NDArray firstImage(NDManager owner, SafeTensors given) {
    Shape batch = new Shape(given.tensors().get("pixel_values").shape());
    Shape shape = new Shape(1).addAll(batch.slice(1));
    FloatBuffer pixels = given.floats("pixel_values");
    pixels.limit(pixels.position() + (int) shape.size());
    return HostMemory.upload(owner, shape, pixels);
  }

  /** Without the class token, if there is one. */
  private static float[] patches(SafeTensors truth, float[] tokens) {
    int count = truth.tensors().get("image_relevance").shape().get(1).intValue();
    return Arrays.copyOfRange(tokens, tokens.length - count, tokens.length);
  }

  private static void assertAttention(SafeTensors truth, String prefix, List<NDArray> found) {
    List<String> names = new ArrayList<>(truth.tensors().keySet());
    names.removeIf(name -> !name.startsWith(prefix));
    assertThat(found).hasSameSizeAs(names);
    for (int i = 0; i < found.size(); i++) {
      Shape shape = new Shape(truth.tensors().get(prefix + i).shape());
      assertThat(found.get(i).getShape().slice(1)).isEqualTo(shape);
      assertClose(truth, prefix + i, 0, found.get(i).toFloatArray());
    }
  }

  /** Compares with the n-th part of a tensor as long as what was found. */
  private static void assertClose(SafeTensors truth, String name, int n, float[] found) {
    FloatBuffer values = truth.floats(name);
    double most = 0;
    for (int i = values.position(); i < values.limit(); i++) {
      most = Math.max(most, Math.abs(values.get(i)));
    }
    assertThat(most).as(name + " is not zero").isPositive();
    float[] expected = new float[found.length];
    values.get(values.position() + n * found.length, expected);
    for (int i = 0; i < found.length; i++) {
      assertThat((double) found[i])
          .as(name + " of " + n + " at " + i)
          .isCloseTo(expected[i], within(TOLERANCE * most));
    }
  }
}
