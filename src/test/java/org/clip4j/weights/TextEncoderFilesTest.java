package org.clip4j.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.clip4j.Clip;
import org.clip4j.image.ImageTransform;
import org.clip4j.model.BertConfig;
import org.clip4j.model.ClipConfig;
import org.clip4j.model.ClipConfigJson;
import org.clip4j.model.ClipModel;
import org.clip4j.model.EncoderHead;
import org.clip4j.model.EncoderPooling;
import org.clip4j.model.EncoderShape;
import org.clip4j.model.ParameterSpec;
import org.clip4j.model.TokenizerOptions;
import org.clip4j.model.VitConfig;
import org.clip4j.text.Tokenizer;
import org.clip4j.text.json.TokenizerJson;
import org.clip4j.text.json.TokenizerRules;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TextEncoderFilesTest {
  private static final VitConfig VISION =
      VitConfig.builder()
          .setImageSize(32)
          .setPatchSize(16)
          .setWidth(32)
          .setLayers(1)
          .optHeadWidth(16)
          .build();

  private static final String TEXT_CFG =
      "{'hf_model_name': 'a/model', 'hf_tokenizer_name': 'a/model', 'context_length': 16}";

  @TempDir Path folder;

  private static JsonObject json(String text) {
    return JsonParser.parseString(text.replace('\'', '"')).getAsJsonObject();
  }

  private static ClipConfig read(String textCfg, String model) {
    JsonObject config = json("{'embed_dim': 20, 'vision_cfg': {'image_size': 32}}");
    config.add("text_cfg", json(textCfg));
    return ClipConfigJson.read(config, name -> Optional.of(json(model)));
  }

  @Test
  void a_text_model_is_described_by_its_own_configuration() {
    ClipConfig config =
        read(
            TEXT_CFG,
            "{'model_type': 'xlm-roberta', 'vocab_size': 120, 'hidden_size': 48, 'num_attention_heads': 3,"
                + " 'num_hidden_layers': 2, 'intermediate_size': 80, 'max_position_embeddings': 24,"
                + " 'type_vocab_size': 1, 'layer_norm_eps': 1e-5, 'torch_dtype': 'float32'}");
    assertThat(config.customText()).isTrue();
    assertThat(config.text())
        .isEqualTo(
            new BertConfig(
                EncoderShape.builder()
                    .setContextLength(16)
                    .setVocabSize(120)
                    .setWidth(48)
                    .setHeads(3)
                    .setLayers(2)
                    .setMlpWidth(80)
                    .optNormEpsilon(1e-5)
                    .optPadId(1)
                    .optPooling(EncoderPooling.MEAN)
                    .optHead(EncoderHead.MLP)
                    .optModelName("a/model")
                    .optTokenizer(new TokenizerOptions("a/model", null, false))
                    .build(),
                24,
                1,
                true));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{'model_type': 'gpt2'} | model_type is \"gpt2\": no such text tower is known; known are bert",
        "{} | model_type is missing",
        "{'model_type': 'bert', 'hidden_act': 'swish'} | hidden_act is \"swish\": supported are",
        "{'model_type': 'bert', 'position_embedding_type': 'relative_key'} | position_embedding_type",
        "{'model_type': 'bert', 'is_decoder': true} | a text tower is an encoder",
        "{'model_type': 'bert', 'hidden_size': 'big'} | hidden_size is \"big\": expected a whole number",
        "{'model_type': 'bert', 'num_attention_heads': 7} | num_attention_heads is 7: must divide hidden_size",
        "{'model_type': 'bert', 'pad_token_id': 40000} | pad_token_id is 40000: not an id",
        "{'model_type': 'roberta', 'max_position_embeddings': 17} | has room for 15 tokens",
        "{'model_type': 'mt5', 'feed_forward_proj': 'relu'} | supported is \"gated-gelu\"",
        "{'model_type': 'mt5', 'relative_attention_num_buckets': 6} | expected a multiple of 4",
        "{'model_type': 'm2m_100', 'd_model': 48, 'encoder_attention_heads': 7} | must divide d_model",
      })
  void what_is_wrong_with_a_text_model_is_named(String model, String message) {
    assertThatThrownBy(() -> read(TEXT_CFG, model)).hasMessageContaining(message);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{'hf_model_name': 'x', 'hf_pooler_type': 'max_pooler'} | supported are mean_pooler",
        "{'hf_model_name': 'x', 'hf_proj_type': 'none'} | expected one of linear, mlp",
        "{'hf_model_name': 'x', 'hf_proj_type': null} | it must be embed_dim, 20",
        "{'hf_model_name': 'x', 'hf_nothing': 1} | unknown key 'hf_nothing'",
      })
  void what_is_wrong_with_its_options_is_named(String textCfg, String message) {
    assertThatThrownBy(() -> read(textCfg, "{'model_type': 'bert'}")).hasMessageContaining(message);
  }

  @Test
  void a_name_leads_out_of_no_folder() throws IOException {
    Path model = Files.createDirectories(folder.resolve("model"));
    for (String name : List.of("model/its", "other")) {
      Path text = Files.createDirectories(folder.resolve(name));
      Files.writeString(text.resolve("config.json"), "{\"model_type\": \"bert\"}");
    }
    assertThat(TextModelFiles.named(model, "its")).isPresent();
    for (String name : List.of("../other", "its/../../other", "" + folder.resolve("other"))) {
      assertThat(TextModelFiles.named(model, name)).isEmpty();
    }
  }

  @Test
  void a_name_without_a_configuration_says_where_that_belongs() {
    JsonObject config = ClipConfigJson.write(ClipConfig.named("roberta-ViT-B-32"));
    config.getAsJsonObject("text_cfg").addProperty("hf_model_name", "some/bert");
    assertThatThrownBy(() -> ClipConfigJson.read(config))
        .hasMessageContaining("hf_model_name is \"some/bert\"")
        .hasMessageContaining("put its config.json into the model's folder")
        .hasMessageContaining("xlm-roberta-base");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "openclip-roberta",
        "openclip-bert-pooler",
        "openclip-biomedclip",
        "openclip-mt5",
        "openclip-m2m",
        "hf-chinese-clip"
      })
  void a_saved_model_is_the_one_that_was_opened(String name) throws IOException {
    try (Checkpoint given = Checkpoint.open(Golden.folder(name))) {
      Layout layout = given.layout();
      Layout other = layout == Layout.OPENCLIP ? Layout.TRANSFORMERS : Layout.OPENCLIP;
      Checkpoint.save(folder, layout, given.config(), given.transform(), given.parameters());
      try (Checkpoint again = Checkpoint.open(folder)) {
        assertThat(again.config()).isEqualTo(given.config());
        assertThat(again.transform()).isEqualTo(given.transform());
        for (ParameterSpec spec : ParameterSpec.of(given.config())) {
          assertThat(again.parameters().read(spec.name()))
              .isEqualTo(given.parameters().read(spec.name()));
        }
      }
      assertThatThrownBy(
              () ->
                  Checkpoint.save(
                      folder.resolve("other"),
                      other,
                      given.config(),
                      given.transform(),
                      given.parameters()))
          .hasMessageContaining(given.config().text().family());
    }
  }

  /** OpenCLIP builds the whole model of transformers before it takes the encoder. */
  @Test
  void the_configuration_of_an_encoder_is_enough_for_a_decoder_of_its_size() {
    JsonObject json =
        ClipConfigJson.writeTextModel(ClipConfig.named("nllb-clip-base")).orElseThrow();
    assertThat(json.get("decoder_attention_heads")).isEqualTo(json.get("encoder_attention_heads"));
    assertThat(json.get("decoder_ffn_dim")).isEqualTo(json.get("encoder_ffn_dim"));
  }

  /** Copies the tokenizer of the test data beside a random model with so many token ids. */
  private Path model(String tokenizer, int vocabSize, int padId, boolean named) throws IOException {
    BertConfig text =
        new BertConfig(
            EncoderShape.builder()
                .setContextLength(16)
                .setVocabSize(vocabSize)
                .setWidth(32)
                .setHeads(2)
                .setLayers(1)
                .setMlpWidth(64)
                .optPadId(padId)
                .optModelName("a/model")
                .optTokenizer(
                    named ? new TokenizerOptions("a/model", null, false) : TokenizerOptions.OPENAI)
                .build(),
            32,
            2,
            padId > 0);
    ClipConfig config = new ClipConfig(20, VISION, text, false);
    try (ClipModel model = ClipModel.create(config, 1)) {
      Checkpoint.save(
          folder, Layout.OPENCLIP, config, ImageTransform.openai(32, 32), model.values());
    }
    try (Stream<Path> files = Files.list(Path.of("src/test/resources/tokenizers", tokenizer))) {
      for (Path file : files.toList()) {
        Files.copy(file, folder.resolve(file.getFileName()));
      }
    }
    return folder;
  }

  private static int size(String tokenizer) throws IOException {
    String text =
        Files.readString(Path.of("src/test/resources/tokenizers", tokenizer, "tokenizer.json"));
    JsonObject json = JsonParser.parseString(text).getAsJsonObject();
    var vocab = json.getAsJsonObject("model").get("vocab");
    int last =
        json.getAsJsonArray("added_tokens").asList().stream()
            .mapToInt(token -> token.getAsJsonObject().get("id").getAsInt())
            .max()
            .orElse(0);
    int size = vocab.isJsonArray() ? vocab.getAsJsonArray().size() : vocab.getAsJsonObject().size();
    return Math.max(size, last + 1);
  }

  @ParameterizedTest
  @CsvSource({"bert, 0, true", "roberta, 1, true", "xlmr, 1, true", "xlmr, 1, false"})
  void texts_are_encoded_with_the_tokenizer_beside_the_model(
      String tokenizer, int pad, boolean named) throws IOException {
    try (Clip clip = Clip.load(model(tokenizer, size(tokenizer), pad, named))) {
      List<float[]> both = List.of(clip.encodeTexts(List.of("a cat", "a photo of two dogs")));
      assertThat(clip.encodeText("a cat")).containsExactly(both.get(0), within(1e-5f));
      assertThat(both.get(0)).isNotEqualTo(both.get(1));
    }
  }

  @ParameterizedTest
  @CsvSource({"0.8", "1.2"})
  void a_tokenizer_of_another_size_is_refused(double share) throws IOException {
    int tokens = size("xlmr");
    Path path = model("xlmr", (int) (tokens * share), 1, true);
    assertThatThrownBy(() -> Clip.load(path))
        .hasMessageContaining("tokenizer.json has " + tokens + " tokens")
        .hasMessageContaining("was trained with " + (int) (tokens * share))
        .hasMessageContaining("a/model");
  }

  @Test
  void a_tokenizer_that_pads_otherwise_is_refused() throws IOException {
    Path path = model("bert", size("bert"), 3, true);
    assertThatThrownBy(() -> Clip.load(path))
        .hasMessageContaining("fills texts up with the token 0")
        .hasMessageContaining("takes 3 for that");
  }

  @Test
  void word_pieces_give_the_tokens_that_their_tokenizer_file_gives() throws IOException {
    Path whole = Path.of("src/test/resources/tokenizers/bert");
    JsonObject json =
        JsonParser.parseString(Files.readString(whole.resolve("tokenizer.json"))).getAsJsonObject();
    JsonObject vocabulary = json.getAsJsonObject("model").getAsJsonObject("vocab");
    List<String> lines =
        vocabulary.keySet().stream()
            .sorted(Comparator.comparingInt(token -> vocabulary.get(token).getAsInt()))
            .toList();
    Files.write(folder.resolve("vocab.txt"), lines);
    TokenizerRules rules =
        TokenizerRules.builder().setContextLength(32).optVocabSize(lines.size()).build();
    try (Tokenizer pieces = TokenizerJson.openWithoutFile(folder, rules, false).orElseThrow();
        Tokenizer expected = TokenizerJson.open(whole, rules)) {
      assertThat(pieces.padId()).isEqualTo(expected.padId());
      assertThat(pieces.files())
          .containsExactly(folder.resolve("vocab.txt").toAbsolutePath().normalize());
      for (String text :
          List.of("A photo of a CAT.", "", "naïve café", "一只猫 two", "[MASK] [SEP] x", "qzx\t!")) {
        assertThat(pieces.encode(text)).as(text).containsExactly(expected.encode(text));
      }
    }
    Files.writeString(folder.resolve("tokenizer_config.json"), "{\"do_lower_case\": false}");
    try (Tokenizer cased = TokenizerJson.openWithoutFile(folder, rules, false).orElseThrow();
        Tokenizer expected = TokenizerJson.open(whole, rules)) {
      assertThat(cased.encode("CAT")).isNotEqualTo(expected.encode("CAT"));
    }
    Files.writeString(folder.resolve("vocab.txt"), "[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n");
    assertThatThrownBy(() -> TokenizerJson.openWithoutFile(folder, rules, false))
        .hasMessageContaining("vocab.txt has no token [PAD], the pad_token");
  }

  @Test
  void no_tokenizer_is_assumed() {
    BertConfig text =
        new BertConfig(
            EncoderShape.builder()
                .setContextLength(16)
                .setVocabSize(49408)
                .setWidth(32)
                .setHeads(2)
                .setLayers(1)
                .setMlpWidth(64)
                .build(),
            32,
            2,
            false);
    ClipConfig config = new ClipConfig(20, VISION, text, false);
    try (Clip clip = Clip.of(ClipModel.create(config, 1), ImageTransform.openai(32, 32))) {
      assertThatThrownBy(() -> clip.encodeText("a cat"))
          .hasMessageContaining("a BERT text encoder, which does not take the tokens of CLIP's");
    }
  }
}
