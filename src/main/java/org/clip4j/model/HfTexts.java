package org.clip4j.model;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.clip4j.io.JsonFields;
import org.clip4j.io.Tables;
import org.jspecify.annotations.Nullable;

/**
 * Text towers that OpenCLIP's configurations only name ({@code hf_model_name}) and transformers
 * describes in a {@code config.json}: BERT, RoBERTa, XLM-RoBERTa and DistilBERT, and the encoders
 * of mT5 and of M2M-100.
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
  private static final JsonObject PUBLISHED = Tables.json(HfTexts.class, "text_models.json");

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

  private static final String T5 = "mt5";
  private static final String M2M = "m2m_100";

  private HfTexts() {}

  /** Returns the families of towers, as transformers names them. */
  static List<String> families() {
    return Stream.concat(FAMILIES.keySet().stream(), Stream.of(T5, M2M)).sorted().toList();
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

  /**
   * Finds the configuration of a text model that a publisher names, with an organisation or not.
   */
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
  static EncoderConfig read(
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
    String type = f.text("model_type", "");
    EncoderShape.Builder shape = EncoderShape.builder().optHead(head).optModelName(name);
    return switch (type) {
      case T5 -> readT5(f, contextLength, pooling, shape);
      case M2M -> readM2m(f, contextLength, pooling, shape);
      default -> readBert(f, type, contextLength, pooling, shape);
    };
  }

  /** Like OpenCLIP, takes the first token where a tower has no pooler of its own. */
  private static EncoderPooling pooling(
      @Nullable EncoderPooling given, EncoderPooling usual, boolean hasPooler) {
    return given == null
        ? usual
        : given == EncoderPooling.POOLER && !hasPooler ? EncoderPooling.FIRST : given;
  }

  private static TextActivation activation(
      JsonFields<IllegalArgumentException> f, String key, String fallback) {
    String activation = f.text(key, fallback);
    if (!TextActivation.hfNames().contains(activation)) {
      throw f.bad(key, "supported are " + TextActivation.hfNames());
    }
    return TextActivation.of(activation);
  }

  private static BertConfig readBert(
      JsonFields<IllegalArgumentException> f,
      String type,
      int contextLength,
      @Nullable EncoderPooling pooling,
      EncoderShape.Builder shape) {
    Family family = FAMILIES.get(type);
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
    int padId = f.whole("pad_token_id", family.padId, 0, MAX_TOKENS);
    int positions = f.whole("max_position_embeddings", 512, 1, MAX_WIDTH);
    int room = family.positionsAfterPad ? positions - padId - 1 : positions;
    boolean distilBert = family.types == 0;
    shape
        .setContextLength(contextLength == 0 ? room : contextLength)
        .setVocabSize(f.whole("vocab_size", family.vocabSize, 1, MAX_TOKENS))
        .setWidth(f.whole(family.key("hidden_size"), 768, 1, MAX_WIDTH))
        .setLayers(f.whole(family.key("num_hidden_layers"), distilBert ? 6 : 12, 1, MAX_LAYERS))
        .setHeads(f.whole(family.key("num_attention_heads"), 12, 1, MAX_WIDTH))
        .setMlpWidth(f.whole(family.key("intermediate_size"), 3072, 1, MAX_WIDTH * 64))
        .optActivation(activation(f, family.key("hidden_act"), "gelu"))
        .optNormEpsilon(distilBert ? 1e-12 : f.number("layer_norm_eps", 1e-12))
        .optPadId(padId)
        .optPooling(pooling(pooling, family.pooling, !distilBert));
    int types = distilBert ? 0 : f.whole("type_vocab_size", family.types, 1, MAX_WIDTH);
    return new BertConfig(shape.build(), positions, types, family.positionsAfterPad);
  }

  private static T5Config readT5(
      JsonFields<IllegalArgumentException> f,
      int contextLength,
      @Nullable EncoderPooling pooling,
      EncoderShape.Builder shape) {
    if (!f.text("feed_forward_proj", "gated-gelu").equals("gated-gelu")) {
      throw f.bad("feed_forward_proj", "supported is \"gated-gelu\", which is mT5's");
    }
    shape
        .setContextLength(
            contextLength == 0 ? f.whole("n_positions", 512, 1, MAX_WIDTH) : contextLength)
        .setVocabSize(f.whole("vocab_size", 250112, 1, MAX_TOKENS))
        .setWidth(f.whole("d_model", 512, 1, MAX_WIDTH))
        .setHeads(f.whole("num_heads", 6, 1, MAX_WIDTH))
        .setLayers(f.whole("num_layers", 8, 1, MAX_LAYERS))
        .setMlpWidth(f.whole("d_ff", 1024, 1, MAX_WIDTH * 64))
        .optActivation(TextActivation.GELU_TANH)
        .optNormEpsilon(f.number("layer_norm_epsilon", 1e-6))
        .optPadId(f.whole("pad_token_id", 0, 0, MAX_TOKENS))
        .optPooling(pooling(pooling, EncoderPooling.MEAN, false));
    return new T5Config(
        shape.build(),
        f.whole("d_kv", 64, 1, MAX_WIDTH),
        f.whole("relative_attention_num_buckets", 32, 4, MAX_WIDTH),
        f.whole("relative_attention_max_distance", 128, 1, MAX_TOKENS));
  }

  private static M2mConfig readM2m(
      JsonFields<IllegalArgumentException> f,
      int contextLength,
      @Nullable EncoderPooling pooling,
      EncoderShape.Builder shape) {
    int positions = f.whole("max_position_embeddings", 1024, 1, MAX_WIDTH);
    shape
        .setContextLength(contextLength == 0 ? positions : contextLength)
        .setVocabSize(f.whole("vocab_size", 128112, 1, MAX_TOKENS))
        .setWidth(f.whole("d_model", 1024, 1, MAX_WIDTH))
        .setHeads(f.whole("encoder_attention_heads", 16, 1, MAX_WIDTH))
        .setLayers(f.whole("encoder_layers", 12, 1, MAX_LAYERS))
        .setMlpWidth(f.whole("encoder_ffn_dim", 4096, 1, MAX_WIDTH * 64))
        .optActivation(activation(f, "activation_function", "relu"))
        .optNormEpsilon(TextConfig.NORM_EPSILON)
        .optPadId(f.whole("pad_token_id", 1, 0, MAX_TOKENS))
        .optPooling(pooling(pooling, EncoderPooling.FIRST, false));
    return new M2mConfig(shape.build(), positions, f.flag("scale_embedding", true));
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
  static JsonObject writeModel(EncoderConfig tower) {
    return tower instanceof BertConfig bert
        ? writeBert(bert)
        : tower instanceof T5Config t5 ? writeT5(t5) : writeM2m((M2mConfig) tower);
  }

  private static JsonObject start(String type, String architecture, EncoderConfig text) {
    JsonArray architectures = new JsonArray();
    architectures.add(architecture);
    JsonObject json = new JsonObject();
    json.add("architectures", architectures);
    json.addProperty("model_type", type);
    json.addProperty("vocab_size", text.vocabSize());
    json.addProperty("pad_token_id", text.padId());
    return json;
  }

  private static JsonObject writeT5(T5Config text) {
    JsonObject json = start(T5, "MT5Model", text);
    json.addProperty("d_model", text.width());
    json.addProperty("d_kv", text.headWidth());
    json.addProperty("d_ff", text.mlpWidth());
    json.addProperty("num_layers", text.layers());
    json.addProperty("num_heads", text.heads());
    json.addProperty("relative_attention_num_buckets", text.buckets());
    json.addProperty("relative_attention_max_distance", text.farthest());
    json.addProperty("layer_norm_epsilon", text.normEpsilon());
    json.addProperty("feed_forward_proj", "gated-gelu");
    json.addProperty("is_encoder_decoder", true);
    return json;
  }

  private static JsonObject writeM2m(M2mConfig text) {
    JsonObject json = start(M2M, "M2M100Model", text);
    json.addProperty("d_model", text.width());
    json.addProperty("max_position_embeddings", text.positions());
    json.addProperty("encoder_layers", text.layers());
    json.addProperty("encoder_attention_heads", text.heads());
    json.addProperty("encoder_ffn_dim", text.mlpWidth());
    json.addProperty("decoder_layers", text.layers()); // which OpenCLIP makes, and drops
    json.addProperty("decoder_attention_heads", text.heads());
    json.addProperty("decoder_ffn_dim", text.mlpWidth());
    json.addProperty("activation_function", text.activation().hfName());
    json.addProperty("scale_embedding", text.scaled());
    json.addProperty("is_encoder_decoder", true);
    return json;
  }

  private static JsonObject writeBert(BertConfig text) {
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
    JsonObject json = start(type, architecture, text);
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
    return json;
  }
}
