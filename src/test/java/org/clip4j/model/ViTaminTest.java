package org.clip4j.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.FloatBuffer;
import org.clip4j.engine.Precision;
import org.clip4j.weights.Checkpoint;
import org.clip4j.weights.Golden;
import org.junit.jupiter.api.Test;

/** What the golden case of ViTamin does not reach: towers without positions, as XL. */
class ViTaminTest {
  private static final String POSITIONS = "visual.trunk.pos_embed";

  private static float[] embedding(ClipModel model, boolean prepared, int height, int width) {
    if (prepared) {
      model.prepareImages(Precision.FP32);
    }
    try (NDManager call = model.manager().newSubManager()) {
      NDArray pixels = call.arange(0, 3 * height * width, 1, DataType.FLOAT32).sin();
      NDArray image = pixels.reshape(new Shape(1, 3, height, width));
      return model.encodeImage(Forward.EVALUATE, image).toFloatArray();
    }
  }

  private static void assertClose(float[] found, float[] expected) {
    assertThat(found).hasSameSizeAs(expected);
    for (int i = 0; i < found.length; i++) {
      assertThat((double) found[i]).isCloseTo(expected[i], within(2e-5));
    }
  }

  @Test
  void without_positions_it_computes_what_positions_of_zero_give_and_takes_any_size()
      throws IOException {
    try (Checkpoint golden = Checkpoint.open(Golden.folder("openclip-vitamin"))) {
      ClipConfig config = golden.config();
      ParameterSource source = golden.parameters();
      ViTaminConfig with = (ViTaminConfig) config.vision();
      ViTaminConfig tower = new ViTaminConfig(with.shape(), with.stemWidth(), false);
      ClipConfig without =
          new ClipConfig(
              config.embedDim(),
              tower,
              config.text(),
              config.quickGelu(),
              config.customText(),
              config.initLogitScale(),
              config.initLogitBias());
      ClipConfig larger = without.withImageSize(64, 96);
      ParameterSource zeros =
          name ->
              name.equals(POSITIONS)
                  ? FloatBuffer.allocate(tower.patches() * tower.width())
                  : source.read(name);
      try (ClipModel zero = ClipModel.load(config, zeros);
          ClipModel none = ClipModel.load(without, source);
          ClipModel wide =
              ClipModel.load(
                  larger,
                  new ResampledPositions(
                      source, without, larger, ResampledPositions.Rule.OPENCLIP))) {
        assertThat(none.parameters()).doesNotContainKey(POSITIONS);
        float[] expected = embedding(zero, false, 64, 64);
        assertClose(embedding(none, false, 64, 64), expected);
        assertClose(embedding(none, true, 64, 64), expected);
        float[] other = embedding(wide, false, 64, 96);
        assertClose(embedding(wide, true, 64, 96), other);
        assertThat(other).isNotEqualTo(expected);
      }
    }
  }

  private static ViTaminConfig read(String name, String size) {
    JsonObject json =
        JsonParser.parseString(
                "{'embed_dim': 20, 'text_cfg': {}, 'vision_cfg': {'timm_model_name': '"
                    + name
                    + "', 'timm_pool': '', 'image_size': "
                    + size
                    + "}}")
            .getAsJsonObject();
    ClipConfig config = ClipConfigJson.read(json);
    assertThat(ClipConfigJson.read(ClipConfigJson.write(config))).isEqualTo(config);
    return (ViTaminConfig) config.vision();
  }

  /** OpenCLIP's own configuration of ViTamin-XL-384 asks for images of 256. */
  @Test
  void a_name_is_no_more_than_a_default_of_the_size_where_there_are_no_positions() {
    assertThat(ClipConfig.named("ViTamin-XL-384").vision().imageHeight()).isEqualTo(256);
    assertThat(read("vitamin_xlarge_384", "384").imageWidth()).isEqualTo(384);
    assertThat(read("vitamin_xlarge_256", "[224, 448]").gridWidth()).isEqualTo(28);
    assertThatThrownBy(() -> read("vitamin_xlarge_256", "250"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll("vision_cfg.image_size", "250", "multiples of 16");
    assertThatThrownBy(() -> read("vitamin_base_224", "256"))
        .hasMessageContainingAll("vision_cfg.image_size", "224");
  }
}
