package org.clip4j.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import com.google.gson.JsonParser;
import java.util.ArrayList;
import java.util.List;
import org.clip4j.engine.Precision;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the golden cases of ConvNeXt do not reach. */
class ConvNextTest {
  private static final String TEXT =
      "'text_cfg': {'vocab_size': 100, 'context_length': 8, 'width': 16, 'heads': 2, 'layers': 1}";

  private static ClipConfig read(String options) {
    return ClipConfigJson.read(
        JsonParser.parseString(
                "{'embed_dim': 20, 'vision_cfg': {'timm_model_name': 'convnext_small_reference"
                    + (options.startsWith("_") ? options + "'" : "'" + options)
                    + "}, "
                    + TEXT
                    + "}")
            .getAsJsonObject());
  }

  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '"',
      value = {
        "LINEAR, false, visual.head.proj.weight, \"\"",
        "LINEAR, true, visual.head.proj.bias, \", 'timm_proj_bias': true\"",
        "MLP, false, visual.head.mlp.fc2.weight, \", 'timm_proj': 'mlp'\"",
        "MLP, true, visual.head.mlp.fc2.bias, \", 'timm_proj': 'mlp', 'timm_proj_bias': true\"",
        "CLASSIFIER, true, visual.trunk.head.fc.bias, \", 'timm_proj': null, 'timm_pool': 'avg'\"",
        "CLASSIFIER, true, visual.trunk.head.fc.bias, \", 'timm_proj': ''\""
      })
  void heads_are_those_that_open_clip_puts_on_a_model_of_timm_s(
      TimmHead.Projection projection, boolean bias, String last, String options) {
    ClipConfig config = read(", 'image_size': 64" + options);
    assertThat(((ConvNextConfig) config.vision()).head()).isEqualTo(new TimmHead(projection, bias));
    assertThat(ParameterSpec.of(config)).extracting(ParameterSpec::name).contains(last);
    assertThat(ClipConfigJson.read(ClipConfigJson.write(config))).isEqualTo(config);
    try (ClipModel model = ClipModel.create(config, 3);
        NDManager call = model.manager().newSubManager()) {
      NDArray pixels = call.randomNormal(new Shape(2, 3, 64, 64));
      float[] plain = model.encodeImage(Forward.EVALUATE, pixels).toFloatArray();
      assertThat(plain).hasSize(2 * 20).doesNotContain(Float.NaN);
      model.prepareImages(Precision.FP32);
      float[] prepared = model.encodeImage(Forward.EVALUATE, pixels).toFloatArray();
      for (int i = 0; i < plain.length; i++) {
        assertThat(prepared[i]).isCloseTo(plain[i], org.assertj.core.data.Offset.offset(1e-5f));
      }
    }
  }

  @Test
  void images_have_any_shape_from_one_position_of_the_last_grid() {
    ClipConfig config = read(", 'image_size': [32, 100]");
    assertThat(ClipConfigJson.read(ClipConfigJson.write(config))).isEqualTo(config);
    try (ClipModel model = ClipModel.create(config, 3);
        NDManager call = model.manager().newSubManager()) {
      List<Shape> states = new ArrayList<>();
      NDArray pixels = call.ones(new Shape(1, 3, 32, 100));
      model.encodeImage(Forward.EVALUATE, pixels, state -> states.add(state.getShape()));
      assertThat(states) // the stem's, and those of 1, 1, 2 and 1 blocks
          .containsExactly(
              new Shape(1, 16, 8, 25),
              new Shape(1, 16, 8, 25),
              new Shape(1, 24, 4, 12),
              new Shape(1, 32, 2, 6),
              new Shape(1, 32, 2, 6),
              new Shape(1, 48, 1, 3));
    }
  }

  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '"',
      delimiter = '|',
      value = {
        "'image_size': 31 | vision_cfg.image_size | 32",
        "'timm_pool': 'map' | vision_cfg.timm_pool | ConvNeXt",
        "'timm_pool': '', 'timm_proj': null | vision_cfg.timm_pool | linear or mlp",
        "'timm_proj': 'attention' | vision_cfg.timm_proj | linear, mlp, none",
        "'timm_proj': 'none' | model_cfg.embed_dim | 48",
        "'patch_dropout': 0.5 | vision_cfg.patch_dropout | no patches",
        "'timm_proj_bias': 1 | vision_cfg.timm_proj_bias | true or false"
      })
  void options_that_do_not_fit_are_named(String option, String key, String why) {
    assertThatThrownBy(() -> read(", " + option))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll(key, why);
  }

  @Test
  void a_tower_that_is_not_known_names_those_that_are() {
    assertThatThrownBy(() -> read("_2"))
        .hasMessageContainingAll("timm_model_name", "convnext_base", "vit_base_patch16_siglip_224");
  }
}
