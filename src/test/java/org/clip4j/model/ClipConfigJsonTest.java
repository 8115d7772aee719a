package org.clip4j.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ClipConfigJsonTest {
  private static JsonObject json(String text) {
    return JsonParser.parseString(text).getAsJsonObject();
  }

  private static ClipConfig read(String vision, String text) {
    return ClipConfigJson.read(
        json("{'embed_dim': 8, 'vision_cfg': {" + vision + "}, 'text_cfg': {" + text + "}}"));
  }

  @Test
  void missing_keys_take_open_clip_s_defaults() {
    assertThat(read("", ""))
        .isEqualTo(
            new ClipConfig(
                8,
                VitConfig.builder()
                    .setImageSize(224)
                    .setPatchSize(16)
                    .setWidth(768)
                    .setLayers(12)
                    .build(),
                TextConfig.builder()
                    .setContextLength(77)
                    .setVocabSize(49408)
                    .setWidth(512)
                    .setHeads(8)
                    .setLayers(12)
                    .build(),
                false));
  }

  @Test
  void every_key_is_read() {
    ClipConfig config =
        ClipConfigJson.read(
            json(
                """
                {"embed_dim": 20, "quick_gelu": true, "init_logit_scale": 3.5,
                 "vision_cfg": {"image_size": [32, 48], "layers": 2, "width": 60, "patch_size": 8,
                   "head_width": 20, "mlp_ratio": 3.7, "ls_init_value": 0.1},
                 "text_cfg": {"context_length": 16, "vocab_size": 500, "width": 48, "heads": 3,
                   "layers": 5, "mlp_ratio": 2, "ls_init_value": 1e-5}}
                """));
    assertThat(config)
        .isEqualTo(
            new ClipConfig(
                20,
                VitConfig.builder()
                    .setImageSize(32, 48)
                    .setPatchSize(8)
                    .setWidth(60)
                    .setLayers(2)
                    .optHeadWidth(20)
                    .optMlpRatio(3.7)
                    .optLsInitValue(0.1)
                    .build(),
                TextConfig.builder()
                    .setContextLength(16)
                    .setVocabSize(500)
                    .setWidth(48)
                    .setHeads(3)
                    .setLayers(5)
                    .optMlpRatio(2.0)
                    .optLsInitValue(1e-5)
                    .build(),
                true,
                false,
                3.5,
                null));
    assertThat(ClipConfigJson.read(ClipConfigJson.write(config))).isEqualTo(config);
  }

  @Test
  void a_list_of_layers_is_a_residual_network() {
    ClipConfig config = read("'layers': [3, 4, 6, 3], 'width': 64, 'patch_size': null", "");
    assertThat(config.vision()).isEqualTo(ResNetConfig.of(224, 64, List.of(3, 4, 6, 3)));
    assertThat(((ResNetConfig) config.vision()).heads()).isEqualTo(32);
    assertThat(ClipConfigJson.write(config).getAsJsonObject("vision_cfg").get("patch_size"))
        .isNotNull();
    assertThat(ClipConfigJson.read(ClipConfigJson.write(config))).isEqualTo(config);
  }

  /** It changes training only; a SigLIP tower, which is otherwise known by its name, has it too. */
  @Test
  void patch_dropout_is_read_and_written_back() {
    String sigLip =
        "'timm_model_name': 'vit_base_patch16_siglip_224', 'timm_pool': 'map', 'timm_proj': 'none'";
    for (String tower : List.of("'width': 768", sigLip)) {
      String form = "{'embed_dim': 768, 'vision_cfg': {%s}, 'text_cfg': {}}";
      ClipConfig plain = ClipConfigJson.read(json(form.formatted(tower)));
      ClipConfig config =
          ClipConfigJson.read(json(form.formatted(tower + ", 'patch_dropout': 0.5")));
      assertThat(config.vision()).extracting("patchDropout").isEqualTo(0.5);
      assertThat(plain.vision()).extracting("patchDropout").isEqualTo(0.0);
      assertThat(config).isEqualTo(plain.withPatchDropout(0.5)).isNotEqualTo(plain);
      assertThat(ClipConfigJson.read(ClipConfigJson.write(config))).isEqualTo(config);
    }
  }

  @Test
  void options_at_the_value_that_changes_nothing_are_accepted() {
    assertThat(
            read(
                "'pool_type': 'tok', 'no_ln_pre': false, 'patch_dropout': 0.0, 'act_kwargs': null",
                "'pool_type': 'argmax', 'eos_id': 2, 'norm_kwargs': null, 'proj_bias': false"))
        .isEqualTo(read("", ""));
    assertThat(read("'head_width': 120, 'width': 320", "")) // two heads, as OpenCLIP rounds
        .isEqualTo(read("'head_width': 160, 'width': 320", ""))
        .isNotEqualTo(read("'head_width': 80, 'width': 320", ""));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "'witdh': 4 || vision_cfg; 'witdh'; known are; patch_size",
        "| 'witdh': 4 | text_cfg; 'witdh'; known are; vocab_size",
        "'pool_type': 'none' || vision_cfg.pool_type; none; tok; avg",
        "'attentional_pool': 'cascade' || vision_cfg.attentional_pool; cascade; true or false",
        "'timm_model_name': 'vit' || vision_cfg.timm_model_name; vit; vit_base_patch16_siglip_224",
        "'layers': [1,1,1,1], 'image_size': 64, 'pool_type': 'avg' || vision_cfg.layers; pool_type",
        "'act_kwargs': {'approximate': 'tan'} || vision_cfg.act_kwargs.approximate; tan; none; tanh",
        "| 'norm_kwargs': {'epsilon': 1e-6} | text_cfg.norm_kwargs; 'epsilon'; eps",
        "| 'hf_model_name': 'gpt2' | text_cfg.hf_model_name; gpt2; not known; config.json; roberta",
        "| 'pool_type': 'eos', 'eos_id': 9, 'vocab_size': 9 | text_cfg.eos_id; 9",
        "| 'proj_type': 'none' | text_cfg.width; 512; embed_dim; 8",
        "| 'tokenizer_kwargs': {'clean': 'soap'} | tokenizer_kwargs.clean; soap; canonicalize",
        "'width': '768' || vision_cfg.width; 768; whole number",
        "'width': 768.0 || vision_cfg.width; 768.0; whole number",
        "'width': null || vision_cfg.width; null",
        "'width': 0 || vision_cfg.width; is 0; from 1 to",
        "'width': 1e999999999 || vision_cfg.width; whole number",
        "'width': 99999999999999999999 || vision_cfg.width; whole number",
        "'layers': -1 || vision_cfg.layers; -1",
        "'layers': 1000000 || vision_cfg.layers; 1000000",
        "'layers': [1, 2] || vision_cfg.layers; [1,2]; 4 stages",
        "'layers': [] || vision_cfg.layers",
        "'layers': [1, 2, 'a', 4] || vision_cfg.layers",
        "'image_size': [1, 2, 3] || vision_cfg.image_size; height, width",
        "'patch_dropout': 1 || vision_cfg.patch_dropout; 1; below 1",
        "'patch_dropout': -0.1 || vision_cfg.patch_dropout; -0.1; at least 0",
        "'patch_dropout': 'half' || vision_cfg.patch_dropout; half; number",
        "'layers': [1,1,1,1], 'image_size': 64, 'patch_dropout': 0.5 || vision_cfg.patch_dropout; 0.5; no patches",
        "'image_size': {} || vision_cfg.image_size",
        "'image_size': 8 || vision_cfg.patch_size; 16; 8 x 8",
        "'patch_size': null || vision_cfg.patch_size; null",
        "'head_width': 100 || vision_cfg.head_width; 100; 768",
        "'mlp_ratio': 0 || vision_cfg.mlp_ratio; is 0",
        "'mlp_ratio': 0.001 || vision_cfg.mlp_ratio; 0.001; 768",
        "'mlp_ratio': '4' || vision_cfg.mlp_ratio; expected a number",
        "'layers': [1,1,1,1], 'image_size': 100 || vision_cfg.image_size; 100; multiple of 32",
        "'layers': [1,1,1,1], 'ls_init_value': 1 || vision_cfg.layers; ls_init_value",
        "| 'heads': 7 | text_cfg.heads; 7; 512",
        "| 'vocab_size': true | text_cfg.vocab_size; true",
        "| 'ls_init_value': 'x' | text_cfg.ls_init_value; x"
      })
  void a_wrong_configuration_names_the_key_and_the_value(
      String vision, String text, String expected) {
    assertThatThrownBy(() -> read(vision == null ? "" : vision, text == null ? "" : text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll(expected.split("; "));
  }

  @Test
  void the_model_s_own_keys_are_checked_too() {
    assertThatThrownBy(() -> ClipConfigJson.read(json("{'vision_cfg': {}, 'text_cfg': {}}")))
        .hasMessageContainingAll("model_cfg.embed_dim", "missing");
    assertThatThrownBy(() -> ClipConfigJson.read(json("{'embed_dim': 8, 'text_cfg': {}}")))
        .hasMessageContainingAll("model_cfg.vision_cfg", "missing");
    String both = "'embed_dim': 8, 'vision_cfg': {}, 'text_cfg': {}";
    assertThat(ClipConfigJson.read(json("{" + both + ", 'nonscalar_logit_scale': true}")))
        .isEqualTo(read("", "")); // of how it is stored
    assertThatThrownBy(() -> ClipConfigJson.read(json("{" + both + ", 'quick_gelu': 1}")))
        .hasMessageContainingAll("model_cfg.quick_gelu", "is 1");
    assertThatThrownBy(() -> ClipConfigJson.read(json("{" + both + ", 'audio_cfg': {}}")))
        .hasMessageContainingAll("model_cfg", "'audio_cfg'", "embed_dim");
  }
}
