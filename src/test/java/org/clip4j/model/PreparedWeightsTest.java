package org.clip4j.model;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import com.google.gson.JsonParser;
import java.nio.FloatBuffer;
import java.util.List;
import java.util.Random;
import org.clip4j.engine.Precision;
import org.clip4j.engine.internal.HostMemory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class PreparedWeightsTest {
  private static final String IMAGE_WEIGHT = "visual.transformer.resblocks.0.mlp.c_fc.weight";
  private static final String TEXT_WEIGHT = "transformer.resblocks.1.mlp.c_proj.weight";

  /** QuickGELU and LayerScale, both of which go into the prepared weights. */
  private static ClipModel model() {
    ClipModel model =
        ClipModel.create(
            ClipConfigJson.read(
                JsonParser.parseString(
                        """
                {"embed_dim": 24, "quick_gelu": true,
                 "vision_cfg": {"image_size": 32, "layers": 3, "width": 64, "head_width": 32, "patch_size": 8,
                                "ls_init_value": 0.5},
                 "text_cfg": {"context_length": 16, "vocab_size": 100, "width": 64, "heads": 2, "layers": 3,
                              "ls_init_value": 0.25}}
                """)
                    .getAsJsonObject()),
            5);
    Random random = new Random(1);
    model
        .parameters()
        .forEach(
            (name, array) -> {
              if (name.endsWith("gamma") || name.endsWith("bias")) {
                HostMemory.overwrite(
                    array,
                    (from, memory) -> {
                      while (memory.hasRemaining()) {
                        memory.put(random.nextFloat());
                      }
                    });
              }
            });
    return model;
  }

  private static float[] images(ClipModel model, Precision precision, int n) {
    try (NDManager call = model.manager().newSubManager()) {
      byte[] levels = new byte[n * 3 * 32 * 32];
      new Random(2).nextBytes(levels);
      NDArray pixels =
          HostMemory.upload(call, new Shape(n, 3, 32, 32), (from, memory) -> fill(memory, levels));
      return model.encodeImage(Forward.EVALUATE.in(precision), pixels).toFloatArray();
    }
  }

  private static void fill(FloatBuffer memory, byte[] levels) {
    for (byte level : levels) {
      memory.put(level / 64f);
    }
  }

  private static float[] texts(ClipModel model, Precision precision, int n) {
    try (NDManager call = model.manager().newSubManager()) {
      long[] ids = new Random(3).longs(n * 9L, 1, 98).toArray();
      for (int i = 8; i < ids.length; i += 9 + i % 2) {
        ids[i] = 99;
      }
      NDArray batch = HostMemory.upload(call, new Shape(n, 9), ids);
      return model.encodeText(Forward.EVALUATE.in(precision), batch).toFloatArray();
    }
  }

  private static void assertClose(float[] found, float[] expected, double tolerance) {
    assertThat(found).hasSameSizeAs(expected);
    double norm = 0;
    double difference = 0;
    for (int i = 0; i < found.length; i++) {
      norm += expected[i] * (double) expected[i];
      difference += Math.pow(found[i] - (double) expected[i], 2);
    }
    assertThat(Math.sqrt(difference / norm)).isLessThan(tolerance);
  }

  /** Few rows and many, for which different products are used on some processors. */
  @ParameterizedTest
  @EnumSource(
      value = Precision.class,
      names = {"FP32", "BF16", "FP16"})
  void embeddings_are_those_of_the_weights_as_they_are(Precision precision) {
    double tolerance = precision == Precision.FP32 ? 1e-6 : 0.02;
    try (ClipModel model = model()) {
      for (int n : new int[] {1, 7, 40}) {
        float[] images = images(model, Precision.FP32, n);
        float[] texts = texts(model, Precision.FP32, n);
        model.prepareImages(precision);
        model.prepareTexts(precision);
        assertClose(images(model, precision, n), images, tolerance);
        assertClose(texts(model, precision, n), texts, tolerance);
        model.setTrainable(false);
      }
    }
  }

  @Test
  void prepared_weights_are_used_until_the_model_is_trained() {
    try (ClipModel model = model()) {
      float[] images = images(model, Precision.BF16, 2);
      model.prepareImages(Precision.BF16);
      model.prepareTexts(Precision.BF16);
      float[] preparedImages = images(model, Precision.BF16, 2);
      float[] preparedTexts = texts(model, Precision.BF16, 2);
      for (String name : List.of(IMAGE_WEIGHT, TEXT_WEIGHT)) {
        HostMemory.overwrite(
            model.parameters().get(name),
            (from, memory) -> memory.put(new float[memory.remaining()]));
      }
      assertThat(images(model, Precision.BF16, 2)).isEqualTo(preparedImages);
      assertThat(texts(model, Precision.BF16, 2)).isEqualTo(preparedTexts);
      assertThat(images(model, Precision.FP32, 2)).isNotEqualTo(images);
      model.setTrainable(true);
      assertThat(images(model, Precision.BF16, 2)).isNotEqualTo(preparedImages);
      assertThat(texts(model, Precision.BF16, 2)).isNotEqualTo(preparedTexts);
    }
  }
}
