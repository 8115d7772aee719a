package org.clip4j.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.clip4j.engine.Precision;
import org.clip4j.weights.Checkpoint;
import org.clip4j.weights.Golden;
import org.junit.jupiter.api.Test;

/** What the golden case of Swin Transformers does not reach. */
class SwinTransformerTest {
  private static ClipConfig read(String options) {
    return ClipConfigJson.read(
        JsonParser.parseString(
                "{'embed_dim': 20, 'text_cfg': {}, 'vision_cfg': {"
                    + "'timm_model_name': 'swin_base_patch4_window7_224'"
                    + options
                    + "}}")
            .getAsJsonObject());
  }

  @Test
  void hidden_states_are_grids_and_prepared_weights_of_a_short_type_give_nearly_the_same()
      throws IOException {
    try (Checkpoint checkpoint = Checkpoint.open(Golden.folder("openclip-swin"));
        ClipModel model = ClipModel.load(checkpoint.config(), checkpoint.parameters());
        NDManager call = model.manager().newSubManager()) {
      NDArray pixels = call.arange(0, 3 * 56 * 56, 1, DataType.FLOAT32).sin();
      NDArray image = pixels.reshape(new Shape(1, 3, 56, 56));
      List<Shape> states = new ArrayList<>();
      float[] full =
          model
              .encodeImage(Forward.EVALUATE, image, state -> states.add(state.getShape()))
              .toFloatArray();
      Shape first = new Shape(1, 16, 14, 14);
      Shape second = new Shape(1, 32, 7, 7);
      assertThat(states).containsExactly(first, first, first, second, second);
      Trace trace = model.traceImage(image);
      assertThat(trace.states()).hasSize(5);
      assertThat(trace.embedding().toFloatArray()).containsExactly(full, within(2e-5f));
      model.prepareImages(Precision.BF16);
      float[] low = model.encodeImage(Forward.EVALUATE.in(Precision.BF16), image).toFloatArray();
      assertThat(low).containsExactly(full, within(0.1f)).isNotEqualTo(full);
    }
  }

  @Test
  void every_second_block_is_shifted_where_a_stage_has_several_windows() {
    SwinConfig tower = (SwinConfig) ClipConfig.named("swin_base_patch4_window7_224").vision();
    assertThat(tower.isShifted(0, 0)).isFalse();
    assertThat(tower.isShifted(2, 17)).isTrue();
    assertThat(tower.isShifted(3, 1)).isFalse();
    assertThat(tower.features()).isEqualTo(1024);
  }

  @Test
  void another_size_than_the_name_s_is_refused_as_the_peer_does() {
    assertThat(read(", 'timm_proj': 'mlp'").vision().imageHeight()).isEqualTo(224);
    assertThatThrownBy(() -> read(", 'image_size': 448"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll("vision_cfg.image_size", "448", "224");
    SwinConfig tower = (SwinConfig) read("").vision();
    assertThatThrownBy(() -> tower.withImageSize(256, 256))
        .hasMessageContainingAll("vision_cfg.image_size", "256 x 256", "multiple of 224");
    assertThatThrownBy(() -> tower.withImageSize(224, 448)).hasMessageContaining("square");
    assertThatThrownBy(() -> new SwinConfig(56, 56, List.of(2, 2), 16, List.of(1), 7, tower.head()))
        .hasMessageContainingAll("vision_cfg.layers", "[2, 2]", "[1]");
  }
}
