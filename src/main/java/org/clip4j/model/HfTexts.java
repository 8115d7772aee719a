package org.clip4j.model;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import org.clip4j.io.IoErrors;
import org.clip4j.io.JsonFields;
import org.jspecify.annotations.Nullable;

/**
 * Text towers that OpenCLIP's configurations only name ({@code hf_model_name}) and transformers
 * describes in a {@code config.json}: BERT, RoBERTa, XLM-RoBERTa and DistilBERT.
 */
final class HfTexts {
  private static final int MAX_WIDTH = 1 << 16;
  private static final int MAX_LAYERS = 1000;
  private static final int MAX_TOKENS = 1 << 24;

  /** OpenAI's, whose tokens OpenCLIP counts where nothing else is said. */
  private static final int CONTEXT_LENGTH = 77;

  /** A key of ours, which OpenCLIP refuses: its linear projections have no bias. */
  private static final String PROJ_BIAS = "hf_proj_bias";

  private static final int ROBERTA_VOCABULARY = 50265;

  /** The values that publishers give, of the towers that OpenCLIP's configurations name. */
  private static final JsonObject PUBLISHED = published();

  /** What transformers' classes have where the file says nothing, and the names of what it says. */
  private record Family(
      int vocabSize,
      int padId,
      int types,
      boolean positionsAfterPad,
      EncoderPooling pooling,
      Map<String, String> keys) {

    String key(String name) {
      return keys.getOrDefault(name, name);
    }
  }

  private static final Map<String, String> DISTILBERT_KEYS =
      Map.of(
          "hidden_size", "dim",
          "num_hidden_layers", "n_layers",
          "num_attention_heads", "n_heads",
          "intermediate_size", "hidden_dim",
          "hidden_act", "activation");

  private static final Map<String, Family> FAMILIES =
      Map.of(
          "bert", new Family(30522, 0, 2, false, EncoderPooling.FIRST, Map.of()),
          "chinese_clip_text_model", new Family(30522, 0, 2, false, EncoderPooling.FIRST, Map.of()),
          "roberta", new Family(50265, 1, 2, true, EncoderPooling.MEAN, Map.of()),
          "xlm-roberta", new Family(30522, 1, 2, true, EncoderPooling.MEAN, Map.of()),
          "distilbert", new Family(30522, 0, 0, false, EncoderPooling.FIRST, DISTILBERT_KEYS));

  private HfTexts() {}

  private static JsonObject published() {
    try (InputStream json = HfTexts.class.getResourceAsStream("text_models.json")) {
      InputStreamReader reader = new InputStreamReader(json, StandardCharsets.UTF_8);
      return JsonParser.parseReader(reader).getAsJsonObject();
    } catch (IOException e) {
      throw IoErrors.unchecked(e);
    }
  }

  /** Returns the families of towers, as transformers names them. */
  static List<String> families() {
    return FAMILIES.keySet().stream().sorted().toList();
  }

  /**
   * Reads a {@code text_cfg} that has a {@code hf_model_name}.
   *
   * @param models gives the configurations that are at hand
   */
  static EncoderConfig read(ConfigFields f, ClipConfigJson.TextModels models) {
    String name = f.textOrNull("hf_model_name");
    JsonObject json = models.find(name).or(() -> publishedOf(name)).orElse(null);
    if (json == null) {
      throw f.bad(
          "hf_model_name",
          "the configuration of this text model is not known; put its config.json into the model's"
              + " folder. Known without are "
              + String.join(", ", new TreeSet<>(PUBLISHED.keySet())));
    }
    String pooler = f.textOrNull("hf_pooler_type", "mean_pooler");
    String proj = f.textOrNull("hf_proj_type", "mlp");
    EncoderHead head =
        proj == null
            ? EncoderHead.NONE
            : f.word("hf_proj_type", "mlp", List.of("linear", "mlp")).equals("mlp")
                ? EncoderHead.MLP
                : f.flag(PROJ_BIAS, false) ? EncoderHead.AFFINE : EncoderHead.LINEAR;
    EncoderPooling pooling =
        pooler == null
            ? null
            : switch (pooler) {
              case "mean_pooler" -> EncoderPooling.MEAN;
              case "cls_pooler" -> EncoderPooling.POOLER;
              case "cls_last_hidden_state_pooler" -> EncoderPooling.FIRST;
              default ->
                  throw f.bad(
                      "hf_pooler_type",
                      "supported are mean_pooler, cls_pooler and cls_last_hidden_state_pooler");
            };
    int context = f.whole("context_length", CONTEXT_LENGTH, 1, MAX_WIDTH);
    return read(name, json, context, pooling, head);
  }

  /** Finds the configuration of a text model that a publisher names, with an organisation or not. */
  static Optional<JsonObject> publishedOf(String name) {
    String plain = name.substring(name.lastIndexOf('/') + 1);
    return PUBLISHED.keySet().stream()
        .filter(known -> known.equals(name) || known.equals(plain) || known.endsWith("/" + plain))
        .findFirst()
        .map(PUBLISHED::getAsJsonObject);
  }

  /**
   * Reads the {@code config.json} of a text model.
   *
   * @param name of the model
   * @param contextLength 0 for as many tokens as there are positions
   * @param pooling null for the one that OpenCLIP takes for the family
   */
  static BertConfig read(
      @Nullable String name,
      JsonObject config,
      int contextLength,
      @Nullable EncoderPooling pooling,
      EncoderHead head) {
    JsonObject given = config.deepCopy();
    given.entrySet().removeIf(entry -> entry.getValue().isJsonNull());
    JsonFields<IllegalArgumentException> f =
        new JsonFields<>(
            name == null ? "" : "the config.json of " + name + ": ",
            given,
            IllegalArgumentException::new);
    Family family = FAMILIES.get(f.text("model_type", ""));
    if (family == null) {
      throw f.bad(
          "model_type", "no such text tower is known; known are " + String.join(", ", families()));
    }
    if (!f.text("position_embedding_type", "absolute").equals("absolute")) {
      throw f.bad("position_embedding_type", "supported is \"absolute\"");
    }
    if (f.flag("is_decoder", false) || f.flag("add_cross_attention", false)) {
      throw f.bad("is_decoder", "a text tower is an encoder");
    }
    String activation = f.text(family.key("hidden_act"), "gelu");
    if (!TextActivation.hfNames().contains(activation)) {
      throw f.bad(family.key("hidden_act"), "supported are " + TextActivation.hfNames());
    }
    int padId = f.whole("pad_token_id", family.padId, 0, MAX_TOKENS);
    int positions = f.whole("max_position_embeddings", 512, 1, MAX_WIDTH);
    int room = family.positionsAfterPad ? positions - padId - 1 : positions;
    boolean distilBert = family.types == 0;
    return BertConfig.builder()
        .setContextLength(contextLength == 0 ? room : contextLength)
        .setVocabSize(f.whole("vocab_size", family.vocabSize, 1, MAX_TOKENS))
        .setPositions(positions)
        .optTypes(distilBert ? 0 : f.whole("type_vocab_size", family.types, 1, MAX_WIDTH))
        .setWidth(f.whole(family.key("hidden_size"), 768, 1, MAX_WIDTH))
        .setLayers(f.whole(family.key("num_hidden_layers"), distilBert ? 6 : 12, 1, MAX_LAYERS))
        .setHeads(f.whole(family.key("num_attention_heads"), 12, 1, MAX_WIDTH))
        .setMlpWidth(f.whole(family.key("intermediate_size"), 3072, 1, MAX_WIDTH * 64))
        .optActivation(TextActivation.of(activation))
        .optNormEpsilon(distilBert ? 1e-12 : f.number("layer_norm_eps", 1e-12))
        .optPadId(padId)
        .optPositionsAfterPad(family.positionsAfterPad)
        .optPooling(pooling == null ? family.pooling : pooling)
        .optHead(head)
        .optModelName(name)
        .build();
  }

  /** Adds to a {@code text_cfg} what OpenCLIP names a tower by. */
  static void write(EncoderConfig text, JsonObject textCfg) {
    if (text.modelName() == null || text.pooling() == EncoderPooling.LAST) {
      throw new IllegalArgumentException(
          "OpenCLIP has no "
              + text.family()
              + (text.modelName() == null
                  ? " without a name of its own on the hub"
                  : " that is pooled at its last token"));
    }
    textCfg.addProperty("context_length", text.contextLength());
    textCfg.addProperty("vocab_size", text.vocabSize());
    textCfg.addProperty("hf_model_name", text.modelName());
    textCfg.addProperty("hf_model_pretrained", false);
    textCfg.addProperty(
        "hf_pooler_type",
        switch (text.pooling()) {
          case MEAN -> "mean_pooler";
          case POOLER -> "cls_pooler";
          default -> "cls_last_hidden_state_pooler";
        });
    textCfg.addProperty(
        "hf_proj_type",
        switch (text.head()) {
          case LINEAR, AFFINE -> "linear";
          case MLP -> "mlp";
          case NONE -> null;
        });
    if (text.head() == EncoderHead.AFFINE) {
      textCfg.addProperty(PROJ_BIAS, true);
    }
  }

  /** Writes what {@link #read} takes, as transformers reads it, too. */
  static JsonObject writeModel(BertConfig text) {
    String type =
        !text.positionsAfterPad()
            ? text.isDistilBert() ? "distilbert" : "bert"
            : text.vocabSize() == ROBERTA_VOCABULARY ? "roberta" : "xlm-roberta";
    String architecture =
        switch (type) {
          case "bert" -> "BertModel";
          case "distilbert" -> "DistilBertModel";
          case "roberta" -> "RobertaModel";
          default -> "XLMRobertaModel";
        };
    Family family = FAMILIES.get(type);
    JsonArray architectures = new JsonArray();
    architectures.add(architecture);
    JsonObject json = new JsonObject();
    json.add("architectures", architectures);
    json.addProperty("model_type", type);
    json.addProperty("vocab_size", text.vocabSize());
    json.addProperty("max_position_embeddings", text.positions());
    if (!text.isDistilBert()) {
      json.addProperty("type_vocab_size", text.types());
      json.addProperty("layer_norm_eps", text.normEpsilon());
    }
    json.addProperty(family.key("hidden_size"), text.width());
    json.addProperty(family.key("num_hidden_layers"), text.layers());
    json.addProperty(family.key("num_attention_heads"), text.heads());
    json.addProperty(family.key("intermediate_size"), text.mlpWidth());
    json.addProperty(family.key("hidden_act"), text.activation().hfName());
    json.addProperty("pad_token_id", text.padId());
    return json;
  }
}
