package org.clip4j.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.stream.Stream;
import org.clip4j.image.ImageTransform;
import org.clip4j.image.ImageTransform.Interpolation;
import org.clip4j.image.ImageTransform.ResizeMode;
import org.clip4j.model.ClipConfig;
import org.clip4j.model.TextConfig;
import org.clip4j.model.VitConfig;
import org.clip4j.testing.Bounds;
import org.clip4j.weights.tensors.CheckpointException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class ConfigFilesTest {
  private static final VitConfig SQUARE =
      VitConfig.builder()
          .setImageSize(48)
          .setPatchSize(8)
          .setWidth(64)
          .setLayers(3)
          .optHeadWidth(16)
          .optMlpRatio(2.5)
          .build();

  @TempDir Path folder;

  private CheckpointFields json(String text) throws IOException {
    return CheckpointFields.read(
        Files.writeString(folder.resolve("x.json"), text.replace('\'', '"')));
  }

  private ClipConfig clip(String fields) throws IOException {
    return TransformersConfig.read(json("{'model_type': 'clip'" + fields + "}"));
  }

  @Test
  void a_transformers_configuration_without_keys_is_vit_b_32() throws IOException {
    ClipConfig expected =
        new ClipConfig(
            512,
            VitConfig.builder()
                .setImageSize(224)
                .setPatchSize(32)
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
            true);
    assertThat(clip("")).isEqualTo(expected);
    assertThat(clip(", 'text_config': null, 'vision_config': {}, 'text_config_dict': null"))
        .isEqualTo(expected);
  }

  @Test
  void keys_of_old_files_that_change_nothing_are_skipped() throws IOException {
    assertThat(
            clip(
                ", 'torchscript': false, 'text_config': {'top_k': 50, 'id2label': {'0': 'a'},"
                    + " 'dropout': 0.1, 'eos_token_id': 2, 'bos_token_id': 0},"
                    + " 'vision_config': {'attention_dropout': 0.1}"))
        .isEqualTo(clip(""));
  }

  @Test
  void a_config_dict_goes_before_the_config_as_in_transformers() throws IOException {
    ClipConfig config =
        clip(
            ", 'projection_dim': 768, 'text_config': {'hidden_size': 64},"
                + " 'text_config_dict': {'hidden_size': 768, 'num_attention_heads': 12}");
    assertThat(config.text())
        .isEqualTo(
            TextConfig.builder()
                .setContextLength(77)
                .setVocabSize(49408)
                .setWidth(768)
                .setHeads(12)
                .setLayers(12)
                .optMlpRatio(2048 / 768.0)
                .build());
    assertThat(config.embedDim()).isEqualTo(768);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        ", 'projection_dim': 0 | projection_dim is 0; from 1 to",
        ", 'text_config': 3 | text_config is 3; object",
        ", 'text_config': {'hidden_act': 'relu'} | text_config.hidden_act; relu; quick_gelu",
        ", 'text_config': {'hidden_act': 'gelu'} | text_config.hidden_act; gelu; quick_gelu",
        ", 'text_config': {'layer_norm_eps': 0} | text_config.layer_norm_eps is 0",
        ", 'vision_config': {'num_channels': 1} | vision_config.num_channels is 1",
        ", 'vision_config': {'image_size': [2, 3]} | vision_config.image_size; [2,3]",
        ", 'vision_config': {'patch_size': 225} | vision_config.patch_size; 225; 224",
        ", 'vision_config': {'num_attention_heads': 7} | num_attention_heads; 7; 768",
        ", 'text_config': {'eos_token_id': 7, 'vocab_size': 7} | text_config.eos_token_id is 7; 7",
        ", 'text_config': {'vocab_size': 1e9} | text_config.vocab_size; 1e9",
        ", 'text_config': {'num_hidden_layers': '1'} | num_hidden_layers"
      })
  void a_wrong_transformers_configuration_names_file_key_and_value(String fields, String expected) {
    assertThatThrownBy(() -> clip(fields))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("x.json")
        .hasMessageContainingAll(expected.split("; "));
  }

  @Test
  void other_models_and_other_files_are_refused() {
    assertThatThrownBy(() -> TransformersConfig.read(json("{'model_type': 'blip'}")))
        .hasMessageContainingAll("x.json", "model_type", "blip", "clip");
    assertThatThrownBy(() -> TransformersConfig.read(json("{}")))
        .hasMessageContainingAll("model_type", "missing");
    for (String text : List.of("", "[]", "{} {}", "{a: 1}", "{'a': 1,}", "[".repeat(100_000))) {
      assertThatThrownBy(() -> json(text))
          .isInstanceOf(CheckpointException.class)
          .hasMessageContaining("x.json");
    }
  }

  @Test
  void any_mlp_width_survives_the_ratio() {
    for (int width = 1; width <= 200; width++) {
      for (int mlpWidth = 1; mlpWidth <= 1000; mlpWidth++) {
        double ratio = TransformersConfig.mlpRatio(width, mlpWidth);
        assertThat((int) (width * ratio)).isEqualTo(mlpWidth);
      }
    }
  }

  @Test
  void a_vocabulary_of_its_own_is_pooled_at_its_highest_id() {
    ClipConfig own =
        new ClipConfig(
            6,
            SQUARE,
            TextConfig.builder()
                .setContextLength(9)
                .setVocabSize(30)
                .setWidth(8)
                .setHeads(2)
                .setLayers(1)
                .optMlpRatio(2.0)
                .build(),
            false);
    JsonObject text = TransformersConfigWriter.write(own, "float32").getAsJsonObject("text_config");
    assertThat(text.get("eos_token_id").getAsInt()).isEqualTo(2);
    assertThat(text.get("hidden_act").getAsString()).isEqualTo("gelu");
    ClipConfig openai =
        new ClipConfig(
            6,
            SQUARE,
            TextConfig.builder()
                .setContextLength(9)
                .setVocabSize(49408)
                .setWidth(8)
                .setHeads(2)
                .setLayers(1)
                .optMlpRatio(2.0)
                .build(),
            true);
    text = TransformersConfigWriter.write(openai, "float32").getAsJsonObject("text_config");
    assertThat(text.get("eos_token_id").getAsInt()).isEqualTo(49407);
    assertThat(text.get("hidden_act").getAsString()).isEqualTo("quick_gelu");
  }

  @Test
  void the_tokenizer_file_gives_openai_s_ids() throws IOException {
    JsonObject tokenizer =
        JsonParser.parseString(TransformersTokenizer.tokenizer()).getAsJsonObject();
    JsonObject model = tokenizer.getAsJsonObject("model");
    JsonObject vocab = model.getAsJsonObject("vocab");
    assertThat(vocab.size()).isEqualTo(49408);
    assertThat(vocab.get("!").getAsInt()).isZero();
    assertThat(vocab.get("a</w>").getAsInt()).isEqualTo(320);
    assertThat(vocab.get("photo</w>").getAsInt()).isEqualTo(1125);
    assertThat(vocab.get("cat</w>").getAsInt()).isEqualTo(2368);
    assertThat(vocab.get("<|endoftext|>").getAsInt()).isEqualTo(49407);
    assertThat(model.getAsJsonArray("merges").size()).isEqualTo(48894);
    assertThat(json(TransformersTokenizer.config(9)).whole("model_max_length", 0, 0, 99))
        .isEqualTo(9);
  }

  private ImageTransform openClip(String fields) throws IOException {
    return TransformJson.readOpenClip(json("{" + fields + "}"), SQUARE);
  }

  private ImageTransform transformers(String fields) throws IOException {
    return TransformJson.readTransformers(json("{" + fields + "}"), SQUARE);
  }

  @Test
  void a_transform_survives_both_formats() throws IOException {
    for (Interpolation interpolation : Interpolation.values()) {
      for (ResizeMode mode : EnumSet.complementOf(EnumSet.of(ResizeMode.PATCHES))) {
        ImageTransform transform =
            new ImageTransform(
                48, 48, new float[] {.1f, .2f, .3f}, new float[] {1, .5f, 2}, interpolation, mode);
        String openClip = CheckpointFields.format(TransformJson.writeOpenClip(transform));
        assertThat(TransformJson.readOpenClip(json(openClip), SQUARE)).isEqualTo(transform);
        String transformers =
            CheckpointFields.format(
                TransformJson.writeTransformers(
                    transform, new ClipConfig(512, SQUARE, TextConfig.builder().build(), false)));
        assertThat(TransformJson.readTransformers(json(transformers), SQUARE)).isEqualTo(transform);
      }
    }
  }

  @Test
  void missing_keys_take_openai_s_transform() throws IOException {
    ImageTransform openai = ImageTransform.openai(48, 48);
    assertThat(openClip("")).isEqualTo(openai);
    assertThat(openClip("'mean': null, 'interpolation': null, 'size': [48, 48]")).isEqualTo(openai);
    assertThat(openClip("'interpolation': 'random'")).isEqualTo(openai); // in training alone
    assertThat(transformers("'size': 48, 'crop_size': 48")).isEqualTo(openai);
    assertThat(
            transformers("'size': {'shortest_edge': 48}, 'crop_size': {'height': 48, 'width': 48}"))
        .isEqualTo(openai);
    assertThat(
            transformers("'size': {'height': 48, 'width': 48}, 'do_center_crop': false")
                .resizeMode())
        .isEqualTo(ResizeMode.SQUASH);
  }

  /** What transformers 5.18 makes of each. */
  @Test
  void processors_crop_and_resize_by_their_type() throws IOException {
    ImageTransform half =
        new ImageTransform(
            48,
            48,
            new float[] {.5f, .5f, .5f},
            new float[] {.5f, .5f, .5f},
            Interpolation.BILINEAR,
            ResizeMode.SQUASH);
    for (String type : List.of("ViTImageProcessor", "ViTImageProcessorFast")) {
      String json = "'image_processor_type': '" + type + "', 'size': ";
      assertThat(transformers(json + "48")).isEqualTo(half);
      assertThat(transformers(json + "{'height': 48, 'width': 48}")).isEqualTo(half);
    }
    assertThat(transformers("'feature_extractor_type': 'ViTFeatureExtractor', 'size': 48"))
        .isEqualTo(half);
    for (String type : List.of("SiglipImageProcessor", "SiglipImageProcessorFast")) {
      assertThat(
              transformers(
                  "'image_processor_type': '" + type + "', 'size': {'height': 48, 'width': 48}"))
          .isEqualTo(ImageTransform.sigLip(48, 48));
    }
    String nulls = "'size': {'shortest_edge': 48, 'longest_edge': null, 'height': null}, ";
    assertThat(transformers(nulls + "'crop_size': 48")).isEqualTo(ImageTransform.openai(48, 48));
    for (String size : List.of("[48, 48]", "48, 'default_to_square': true")) {
      assertThat(transformers("'crop_size': 48, 'size': " + size).resizeMode())
          .isEqualTo(ResizeMode.SQUASH);
    }
    assertThatThrownBy(
            () -> transformers("'image_processor_type': 'SiglipImageProcessor', 'size': 48"))
        .hasMessageContaining("have to be cropped");
    assertThatThrownBy(
            () -> transformers("'image_processor_type': 'NougatImageProcessor', 'size': 48"))
        .hasMessageContainingAll("NougatImageProcessor", "CLIPImageProcessor");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "'size': 48, 'crop_size': 224 | crop_size is 224; 48 x 48",
        "'size': 224, 'crop_size': 48 | size is 224; 48 x 48",
        "'size': 48 | crop_size is missing; 48 x 48",
        "'size': {'height': 48}, 'crop_size': 48 | size; 48 x 48",
        "'size': {'shortest_edge': 48, 'longest_edge': 60}, 'crop_size': 48 | size; shortest_edge alone",
        "'size': 48, 'crop_size': 48, 'resample': 1 | resample is 1; 3 (bicubic)",
        "'size': 48, 'crop_size': 48, 'do_resize': false | do_resize is false",
        "'size': 48, 'do_center_crop': false | do_center_crop is false",
        "'size': 48, 'crop_size': 48, 'rescale_factor': 1 | rescale_factor is 1",
        "'size': 48, 'crop_size': 48, 'image_mean': [1, 2] | image_mean; three numbers",
        "'size': 48, 'crop_size': 48, 'image_std': [1, 1, 0] | image_std; above 0",
        "'size': 48, 'crop_size': 48, 'image_std': [1, 1, 1e-46] | image_std; above 0",
        "'size': 48, 'crop_size': 48, 'image_mean': [1, 1e39, 0] | image_mean; finite"
      })
  void a_preprocessor_that_does_not_fit_names_both_values(String fields, String expected) {
    assertThatThrownBy(() -> transformers(fields))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContainingAll(expected.split("; "));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "'size': 224 | size is 224; 48 x 48",
        "'interpolation': 'nearest' | interpolation; nearest; bicubic",
        "'resize_mode': 'longest' | resize_mode; longest; squash",
        "'mode': 'L' | mode; RGB",
        "'mean': 0.5 | mean is 0.5; three numbers"
      })
  void a_preprocess_cfg_that_does_not_fit_names_both_values(String fields, String expected) {
    assertThatThrownBy(() -> openClip(fields))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContainingAll(expected.split("; "));
  }

  static Stream<String> hostile_configurations() {
    int half = 1 << 19;
    return Stream.of(
        "[".repeat(2 * half),
        "{\"a\":".repeat(half / 3),
        "{\"a\":[" + "{},".repeat(half / 2) + "0]",
        "{\"a\":" + "9".repeat(half) + ",\"a\":[",
        "{\"" + "x".repeat(half) + "\":\"\\ud800\",",
        " ".repeat(2 * half + 1));
  }

  @ParameterizedTest
  @MethodSource("hostile_configurations")
  void a_hostile_configuration_is_refused_in_bounded_time_and_memory(String text)
      throws IOException {
    Path file = Files.writeString(folder.resolve("x.json"), text);
    assertThat(Bounds.run(() -> CheckpointFields.read(file)))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining(file.toString());
  }

  @Test
  void a_hostile_value_is_shown_in_part() throws IOException {
    Path file = folder.resolve("x.json");
    String nested = "[".repeat(200) + "1".repeat(500_000) + "]".repeat(200);
    Files.writeString(file, "{\"model_type\": \"clip\", \"projection_dim\": " + nested + "}");
    Throwable thrown = Bounds.run(() -> TransformersConfig.read(CheckpointFields.read(file)));
    assertThat(thrown).isInstanceOf(CheckpointException.class);
    assertThat(thrown.getMessage().length()).isLessThan(1000);
  }
}
