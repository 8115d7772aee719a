package org.clip4j.quantize;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.clip4j.engine.InputLevels;
import org.clip4j.engine.internal.HostMemory;
import org.clip4j.model.ClipModel;
import org.clip4j.model.Forward;
import org.clip4j.model.InputObserver;
import org.clip4j.model.InputObserver.LinearMap;
import org.clip4j.weights.Checkpoint;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Of blocks whose queries, keys and values have weights or biases of their own. */
class JoinedMapsTest {
  private static final int IMAGES = 6;

  private static float[] encode(ClipModel model) {
    Random random = new Random(7);
    int size = model.config().vision().imageHeight();
    try (NDManager call = model.manager().newSubManager()) {
      NDArray pixels =
          HostMemory.upload(
              call,
              new Shape(IMAGES, 3, size, size),
              (from, memory) -> {
                while (memory.hasRemaining()) {
                  memory.put((float) random.nextGaussian());
                }
              });
      return model.encodeImage(Forward.EVALUATE, pixels).toFloatArray();
    }
  }

  private static double cosine(float[] a, float[] b) {
    double dot = 0;
    double aa = 0;
    double bb = 0;
    for (int i = 0; i < a.length; i++) {
      dot += a[i] * b[i];
      aa += a[i] * a[i];
      bb += b[i] * b[i];
    }
    return dot / Math.sqrt(aa * bb);
  }

  @ParameterizedTest
  @CsvSource({
    "eva01, 1, kv_",
    "eva02, 3, kv_",
    "eva02-e, 1, kv_",
    "vitamin, 2, in_proj_",
    "relpos, 1, kv_"
  })
  void they_are_smoothed_and_become_integers_as_one(String name, int weights, String last)
      throws IOException {
    Path folder = Path.of("src/test/resources/golden", "openclip-" + name);
    try (Checkpoint checkpoint = Checkpoint.open(folder);
        ClipModel model = ClipModel.load(checkpoint.config(), checkpoint.parameters())) {
      float[] exact = encode(model);
      InputObserver observer = model.observeImages().orElseThrow();
      assertThat(cosine(encode(model), exact)).isCloseTo(1, within(1e-6));
      List<LinearMap> seen = observer.maps();
      assertThat(seen.stream().map(LinearMap::name))
          .contains("visual.trunk.blocks.0.attn.in_proj_", "visual.trunk.blocks.1.attn." + last);
      assertThat(
              seen.stream()
                  .filter(map -> map.name().endsWith("attn.in_proj_"))
                  .flatMap(map -> map.weights().stream()))
          .hasSize(weights)
          .allSatisfy(weight -> assertThat(weight).matches(".*attn\\.(qkv|[qkv]_proj)\\.weight"));
      SmoothedWeights smoothed =
          SmoothedWeights.of(checkpoint.parameters(), model.specs(), seen, 0.5);
      try (ClipModel moved = ClipModel.load(checkpoint.config(), smoothed)) {
        assertThat(cosine(encode(moved), exact)).isCloseTo(1, within(1e-6));
        InputObserver errors = moved.observeImages().orElseThrow();
        encode(moved);
        errors.measureErrors();
        encode(moved);
        Map<String, InputLevels> levels = new LinkedHashMap<>();
        errors.maps().forEach(map -> levels.put(map.name(), map.levels()));
        moved.quantizeImages(levels);
        float[] rounded = encode(moved);
        assertThat(rounded).isNotEqualTo(exact);
        assertThat(cosine(rounded, exact)).isGreaterThan(0.995);
      }
    }
  }
}
