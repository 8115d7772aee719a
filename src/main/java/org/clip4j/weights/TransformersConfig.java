package org.clip4j.weights;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.clip4j.io.IoErrors;
import org.clip4j.model.BertConfig;
import org.clip4j.model.ClipConfig;
import org.clip4j.model.ClipConfigJson;
import org.clip4j.model.EncoderConfig;
import org.clip4j.model.EncoderHead;
import org.clip4j.model.EncoderPooling;
import org.clip4j.model.ImagePooling;
import org.clip4j.model.MaskDecoderConfig;
import org.clip4j.model.SigLipConfig;
import org.clip4j.model.TextConfig;
import org.clip4j.model.TextPooling;
import org.clip4j.model.TextProjection;
import org.clip4j.model.TextTransformerConfig;
import org.clip4j.model.TokenizerOptions;
import org.clip4j.model.VisionConfig;
import org.clip4j.model.VisionTransformerConfig;
import org.clip4j.model.VitConfig;
import org.clip4j.weights.tensors.CheckpointException;
import org.jspecify.annotations.Nullable;

/**
 * The {@code config.json} of transformers' {@code CLIPModel}, {@code MetaClip2Model}, {@code
 * SiglipModel} and {@code Siglip2Model} as a {@link ClipConfig} and back.
 *
 * <p>Published files leave out what equals the defaults of their day and hold dozens of keys for
 * text generation; so missing keys take the defaults of transformers' classes and what does not
 * change the computation is skipped.
 */
final class TransformersConfig {
  private static final int MAX_WIDTH = 1 << 16;
  private static final int MAX_LAYERS = 1000;
  private static final int MAX_IMAGE = 1 << 14;
  private static final int MAX_TOKENS = 1 << 24;

  /** OpenAI's vocabulary, whose last id ends a text. */
  static final int OPENAI_VOCABULARY = 49408;

  /** With this end token {@code CLIPModel} pools at the highest id of a text, as OpenCLIP does. */
  private static final int POOL_AT_HIGHEST_ID = 2;

  /** What a SigLIP model is initialised with (Zhai et al. 2023); its files do not say. */
  private static final double SIGLIP_LOGIT_SCALE = Math.log(10);

  private static final double SIGLIP_LOGIT_BIAS = -10;

  /** One of transformers' classes and what it fills in. */
  enum Kind {
    CLIP("clip", "CLIPModel", "quick_gelu", 1e-5, 77, OPENAI_VOCABULARY, 512, 8, 2048, 32),
    METACLIP_2(
        "metaclip_2",
        "MetaClip2Model",
        "quick_gelu",
        1e-5,
        77,
        OPENAI_VOCABULARY,
        512,
        8,
        2048,
        32),
    /** The encoders of CLIPSeg, read alone. */
    CLIPSEG("clipseg", "CLIPSegModel", "quick_gelu", 1e-5, 77, OPENAI_VOCABULARY, 512, 8, 2048, 32),
    /** Its text tower is BERT's and read as such. */
    CHINESE_CLIP(
        "chinese_clip", "ChineseCLIPModel", "quick_gelu", 1e-5, 512, 30522, 768, 12, 3072, 32),
    SIGLIP("siglip", "SiglipModel", "gelu_pytorch_tanh", 1e-6, 64, 32000, 768, 12, 3072, 16),
    /** NaFlex; the SigLIP 2 models of fixed size are {@link #SIGLIP}'s. */
    SIGLIP_2("siglip2", "Siglip2Model", "gelu_pytorch_tanh", 1e-6, 64, 32000, 768, 12, 3072, 16);

    final String modelType;
    final String architecture;
    private final String activation;
    private final double epsilon;
    private final int contextLength;
    private final int vocabSize;
    private final int textWidth;
    private final int textHeads;
    private final int textMlp;
    private final int patch;

    Kind(
        String modelType,
        String architecture,
        String activation,
        double epsilon,
        int contextLength,
        int vocabSize,
        int textWidth,
        int textHeads,
        int textMlp,
        int patch) {
      this.modelType = modelType;
      this.architecture = architecture;
      this.activation = activation;
      this.epsilon = epsilon;
      this.contextLength = contextLength;
      this.vocabSize = vocabSize;
      this.textWidth = textWidth;
      this.textHeads = textHeads;
      this.textMlp = textMlp;
      this.patch = patch;
    }

    boolean isSigLip() {
      return this == SIGLIP || this == SIGLIP_2;
    }
  }

  private TransformersConfig() {}

  /**
   * Reads the file. What its own keys cannot say may stand under {@link
   * CheckpointWriter#MODEL_CFG}; the two must then describe the same computation.
   */
  static ClipConfig read(CheckpointFields config) throws CheckpointException {
    ClipConfig own = readOwn(config);
    if (!config.has(CheckpointWriter.MODEL_CFG)) {
      return own;
    }
    ClipConfig more;
    try {
      more = ClipConfigJson.read(config.object(CheckpointWriter.MODEL_CFG).json());
    } catch (IllegalArgumentException e) {
      throw config.bad(CheckpointWriter.MODEL_CFG, IoErrors.message(e));
    }
    if (!computed(more).equals(computed(own))) {
      throw config.bad(
          CheckpointWriter.MODEL_CFG,
          "it describes another model than text_config and vision_config; remove it");
    }
    return more;
  }

  /** A configuration without what changes no number. */
  static ClipConfig computed(ClipConfig c) {
    VisionConfig vision =
        c.vision() instanceof VisionTransformerConfig v
            ? v.withMlpRatio(mlpRatio(v.width(), v.mlpWidth())).withPatchDropout(0)
            : c.vision();
    Double bias = c.isSigmoid() ? SIGLIP_LOGIT_BIAS : null;
    return new ClipConfig(c.embedDim(), vision, computed(c.text()), c.quickGelu(), false, 0, bias);
  }

  private static TextConfig computed(TextConfig text) {
    if (!(text instanceof TextTransformerConfig t)) {
      return text;
    }
    boolean eos = t.pooling() == TextPooling.EOS && t.eosId() != t.vocabSize() - 1;
    return t.toBuilder()
        .optMlpRatio(mlpRatio(t.width(), t.mlpWidth()))
        .optPooling(
            eos
                ? TextPooling.EOS
                : t.pooling() == TextPooling.EOS ? TextPooling.ARGMAX : t.pooling())
        .optEosId(eos ? t.eosId() : POOL_AT_HIGHEST_ID)
        .optTokenizer(TokenizerOptions.OPENAI)
        .build();
  }

  private static ClipConfig readOwn(CheckpointFields config) throws CheckpointException {
    Kind kind = kind(config);
    CheckpointFields vision = tower(config, "vision_config");
    CheckpointFields text = tower(config, "text_config");
    if (kind.isSigLip()) {
      VisionConfig image = readVision(vision, kind, isTanh(vision, kind));
      TextConfig words = readText(text, kind);
      if (text.has("projection_size")
          && text.whole("projection_size", 0, 1, MAX_WIDTH) != image.width()) {
        throw text.bad(
            "projection_size", "must be the image tower's hidden_size, " + image.width());
      }
      return new ClipConfig(
          image.width(), image, words, false, true, SIGLIP_LOGIT_SCALE, SIGLIP_LOGIT_BIAS);
    }
    String activation = activation(vision, kind);
    if (kind == Kind.CHINESE_CLIP) {
      return new ClipConfig(
          config.whole("projection_dim", 512, 1, MAX_WIDTH),
          readVision(vision, kind, isTanh(vision, kind)),
          readEncoder(text, kind),
          activation.equals("quick_gelu"),
          true,
          ClipConfig.INIT_LOGIT_SCALE,
          null);
    }
    if (!activation(text, kind).equals(activation)) {
      throw text.bad(
          "hidden_act", "the image tower has \"" + activation + "\"; the two must agree");
    }
    return new ClipConfig(
        config.whole("projection_dim", 512, 1, MAX_WIDTH),
        readVision(vision, kind, isTanh(vision, kind)),
        readText(text, kind),
        activation.equals("quick_gelu"));
  }

  private static Kind kind(CheckpointFields config) throws CheckpointException {
    String type = config.text("model_type", "");
    for (Kind kind : Kind.values()) {
      if (kind.modelType.equals(type)) {
        return kind;
      }
    }
    throw config.bad(
        "model_type",
        "no such model is known; supported are "
            + Arrays.stream(Kind.values())
                .map(known -> '"' + known.modelType + '"')
                .collect(Collectors.joining(", ")));
  }

  /** Whether a configuration is of a model that makes masks. */
  static boolean isClipSeg(CheckpointFields config) throws CheckpointException {
    return kind(config) == Kind.CLIPSEG;
  }

  /** Reads what {@code CLIPSegForImageSegmentation} has beside its encoders. */
  static MaskDecoderConfig readMaskDecoder(CheckpointFields f) throws CheckpointException {
    List<Integer> layers = new ArrayList<>();
    if (!f.has("extract_layers")) {
      layers.addAll(List.of(3, 6, 9));
    } else if (f.get("extract_layers") instanceof JsonArray array) {
      for (JsonElement layer : array) {
        layers.add(f.asWhole("extract_layers", layer, 0, MAX_LAYERS));
      }
    } else {
      throw f.bad("extract_layers", "expected a list of numbers");
    }
    try {
      return new MaskDecoderConfig(
          f.whole("reduce_dim", 64, 1, MAX_WIDTH),
          f.whole("decoder_num_attention_heads", 4, 1, MAX_WIDTH),
          f.whole("decoder_intermediate_size", 2048, 1, MAX_WIDTH),
          layers,
          f.whole("conditional_layer", 0, 0, MAX_LAYERS),
          f.flag("use_complex_transposed_convolution", false));
    } catch (IllegalArgumentException e) {
      throw new CheckpointException(f.where() + IoErrors.message(e), e);
    }
  }

  private static EncoderConfig readEncoder(CheckpointFields text, Kind kind)
      throws CheckpointException {
    JsonObject json = text.json().deepCopy();
    json.addProperty("model_type", kind.modelType + "_text_model");
    int positions = text.whole("max_position_embeddings", kind.contextLength, 1, MAX_WIDTH);
    try {
      return ClipConfigJson.readTextModel(
          json, null, positions, EncoderPooling.FIRST, EncoderHead.LINEAR);
    } catch (IllegalArgumentException e) {
      throw new CheckpointException(text.where() + IoErrors.message(e), e);
    }
  }

  /** Where there is a {@code text_config_dict}, transformers takes that and defaults. */
  private static CheckpointFields tower(CheckpointFields config, String key)
      throws CheckpointException {
    CheckpointFields tower = config.object(config.has(key + "_dict") ? key + "_dict" : key);
    if (tower.number("attention_dropout", 0) != 0) {
      throw tower.bad("attention_dropout", "dropout is not supported; only 0 is");
    }
    return tower;
  }

  private static String activation(CheckpointFields tower, Kind kind) throws CheckpointException {
    String activation = tower.text("hidden_act", kind.activation);
    if (!List.of("quick_gelu", "gelu", "gelu_pytorch_tanh").contains(activation)) {
      throw tower.bad(
          "hidden_act", "supported are \"quick_gelu\", \"gelu\" and \"gelu_pytorch_tanh\"");
    }
    if (kind.isSigLip() && activation.equals("quick_gelu")) {
      throw tower.bad("hidden_act", "a SigLIP model has \"gelu_pytorch_tanh\" or \"gelu\"");
    }
    return activation;
  }

  private static boolean isTanh(CheckpointFields tower, Kind kind) throws CheckpointException {
    return activation(tower, kind).equals("gelu_pytorch_tanh");
  }

  private static double epsilon(CheckpointFields tower, Kind kind) throws CheckpointException {
    double epsilon = tower.number("layer_norm_eps", kind.epsilon);
    if (!(epsilon > 0 && epsilon < 1)) {
      throw tower.bad("layer_norm_eps", "expected a number between 0 and 1");
    }
    return epsilon;
  }

  private static VisionConfig readVision(CheckpointFields f, Kind kind, boolean tanh)
      throws CheckpointException {
    if (f.whole("num_channels", 3, 1, MAX_WIDTH) != 3) {
      throw f.bad("num_channels", "images have 3 channels");
    }
    if (!f.flag("vision_use_head", true)) {
      throw f.bad("vision_use_head", "a SigLIP tower without its pooling head is not supported");
    }
    int patch = f.whole("patch_size", kind.patch, 1, MAX_IMAGE);
    int image =
        kind == Kind.SIGLIP_2
            ? patch * squareOf(f, "num_patches")
            : f.whole("image_size", 224, 1, MAX_IMAGE);
    if (patch > image) {
      throw f.bad("patch_size", "larger than the image, " + image);
    }
    int width = f.whole("hidden_size", 768, 1, MAX_WIDTH);
    int heads = f.whole("num_attention_heads", 12, 1, MAX_WIDTH);
    requireDivides(f, heads, width);
    VisionTransformerConfig.Builder<?> tower =
        kind.isSigLip()
            ? SigLipConfig.builder().setHeads(heads).optNaFlex(kind == Kind.SIGLIP_2)
            : VitConfig.builder().optHeadWidth(width / heads);
    return tower
        .setImageSize(image)
        .setPatchSize(patch)
        .setWidth(width)
        .setLayers(f.whole("num_hidden_layers", 12, 1, MAX_LAYERS))
        .optMlpRatio(mlpRatio(width, f.whole("intermediate_size", 3072, 1, MAX_WIDTH * 64)))
        .optTanhGelu(tanh)
        .optNormEpsilon(epsilon(f, kind))
        .build();
  }

  /** The edge of a square grid of so many patches. */
  private static int squareOf(CheckpointFields f, String key) throws CheckpointException {
    int patches = f.whole(key, 256, 1, MAX_IMAGE);
    int edge = (int) Math.sqrt(patches);
    if (edge * edge != patches) {
      throw f.bad(key, "the positions are those of a square grid of patches");
    }
    return edge;
  }

  private static TextConfig readText(CheckpointFields f, Kind kind) throws CheckpointException {
    int vocabulary = f.whole("vocab_size", kind.vocabSize, 1, MAX_TOKENS);
    int width = f.whole("hidden_size", kind.textWidth, 1, MAX_WIDTH);
    int heads = f.whole("num_attention_heads", kind.textHeads, 1, MAX_WIDTH);
    requireDivides(f, heads, width);
    boolean sigLip = kind.isSigLip();
    int end = sigLip ? 0 : f.whole("eos_token_id", OPENAI_VOCABULARY - 1, 0, MAX_TOKENS);
    TextPooling pooling = sigLip ? TextPooling.LAST : pooling(kind, end, vocabulary);
    if (pooling == TextPooling.EOS && end >= vocabulary) {
      throw f.bad("eos_token_id", "must be an id of vocab_size " + vocabulary);
    }
    return TextConfig.builder() // of OpenAI's tokenizer; what tokenizer.json says goes before it
        .setContextLength(f.whole("max_position_embeddings", kind.contextLength, 1, MAX_WIDTH))
        .setVocabSize(vocabulary)
        .setWidth(width)
        .setHeads(heads)
        .setLayers(f.whole("num_hidden_layers", 12, 1, MAX_LAYERS))
        .optMlpRatio(mlpRatio(width, f.whole("intermediate_size", kind.textMlp, 1, MAX_WIDTH * 64)))
        .optCausal(!sigLip)
        .optPooling(pooling)
        // OpenCLIP's default where it is not looked at
        .optEosId(pooling == TextPooling.EOS ? end : POOL_AT_HIGHEST_ID)
        .optProjection(sigLip ? TextProjection.LINEAR : TextProjection.MATRIX)
        .optTanhGelu(isTanh(f, kind))
        .optNormEpsilon(epsilon(f, kind))
        .build();
  }

  /** The last id of a vocabulary is also its highest, so that both rules agree on it. */
  private static TextPooling pooling(Kind kind, int end, int vocabulary) {
    boolean highest =
        (kind == Kind.CLIP || kind == Kind.CLIPSEG) && end == POOL_AT_HIGHEST_ID
            || end == vocabulary - 1;
    return highest ? TextPooling.ARGMAX : TextPooling.EOS;
  }

  private static void requireDivides(CheckpointFields f, int heads, int width)
      throws CheckpointException {
    if (width % heads != 0) {
      throw f.bad("num_attention_heads", "must divide hidden_size, " + width);
    }
  }

  /** The ratio from which OpenCLIP's {@code int(width * mlp_ratio)} gives the width back. */
  static double mlpRatio(int width, int mlpWidth) {
    double ratio = (double) mlpWidth / width;
    return (int) (width * ratio) == mlpWidth ? ratio : Math.nextUp(ratio);
  }

  /**
   * The class that computes what this architecture does.
   *
   * @throws IllegalArgumentException if there is none; it says what stands in the way
   */
  static Kind kindFor(ClipConfig config) {
    String what =
        config.text() instanceof TextTransformerConfig text
            ? obstacle(config, text)
            : obstacle(config, (EncoderConfig) config.text());
    if (what != null) {
      throw new IllegalArgumentException(
          "transformers' CLIPModel, SiglipModel and ChineseCLIPModel do not have "
              + what
              + "; save as OPENCLIP instead");
    }
    if (config.text() instanceof EncoderConfig) {
      return Kind.CHINESE_CLIP;
    }
    if (config.vision() instanceof SigLipConfig tower) {
      return tower.naFlex() ? Kind.SIGLIP_2 : Kind.SIGLIP;
    }
    TextTransformerConfig text = (TextTransformerConfig) config.text();
    boolean endsAtTwo = text.pooling() == TextPooling.EOS && text.eosId() == POOL_AT_HIGHEST_ID;
    return endsAtTwo ? Kind.METACLIP_2 : Kind.CLIP;
  }

  /** What {@code ChineseCLIPModel} does not have; null if it has all. */
  private static @Nullable String obstacle(ClipConfig config, EncoderConfig text) {
    boolean bert =
        text instanceof BertConfig own
            && own.types() > 0
            && !own.positionsAfterPad()
            && own.contextLength() == own.positions()
            && own.pooling() == EncoderPooling.FIRST
            && own.head() == EncoderHead.LINEAR;
    if (!bert) {
      return "a " + text.family() + " of this kind";
    }
    if (!(config.vision() instanceof VitConfig vision) || config.isSigmoid()) {
      return "such a text tower beside a " + config.vision().family();
    }
    return vision.lsInitValue() != null
        ? "LayerScale"
        : vision.imageHeight() != vision.imageWidth()
            ? "images that are not square"
            : poolingObstacle(vision);
  }

  private static @Nullable String poolingObstacle(VitConfig vision) {
    return vision.lnPre()
            && vision.pooling() == ImagePooling.TOK
            && !vision.lnAfterPool()
            && vision.pooler() == null
        ? null
        : "an image tower without ln_pre, or pooled otherwise than at its class token";
  }

  /** What no class has; null if one has all. */
  private static @Nullable String obstacle(ClipConfig config, TextTransformerConfig text) {
    if (!(config.vision() instanceof VitConfig || config.vision() instanceof SigLipConfig)) {
      return "a " + config.vision().family();
    }
    VisionTransformerConfig vision = (VisionTransformerConfig) config.vision();
    if (vision.lsInitValue() != null || text.lsInitValue() != null) {
      return "LayerScale";
    }
    if (text.embedCls()) {
      return "a text tower with a class token";
    }
    if (vision.imageHeight() != vision.imageWidth()) {
      return "images that are not square ("
          + vision.imageHeight()
          + " x "
          + vision.imageWidth()
          + ")";
    }
    if (vision instanceof SigLipConfig != config.isSigmoid()) {
      return "attention pooling without a logit bias, or that without the other";
    }
    if (vision instanceof VitConfig vit) {
      return obstacle(vit, text);
    }
    boolean fits =
        !text.causal()
            && text.pooling() == TextPooling.LAST
            && text.projection() == TextProjection.LINEAR
            && !config.quickGelu();
    return fits
        ? null
        : "a text tower for SigLIP that is not bidirectional, with GELU, and pooled at its last"
            + " token into a projection with bias";
  }

  private static @Nullable String obstacle(VitConfig vision, TextTransformerConfig text) {
    if (poolingObstacle(vision) != null) {
      return poolingObstacle(vision);
    }
    if (!text.causal() || text.projection() != TextProjection.MATRIX) {
      return "a bidirectional text tower, nor one without a projection or with bias in it";
    }
    if (text.pooling() != TextPooling.ARGMAX && text.pooling() != TextPooling.EOS) {
      return "a text tower pooled at its "
          + text.pooling().name().toLowerCase(Locale.ROOT)
          + " token";
    }
    return vision.tanhGelu() != text.tanhGelu() ? "towers of different activations" : null;
  }

  /**
   * @param dtype of the stored tensors, as PyTorch names it
   */
  static JsonObject write(ClipConfig config, String dtype) {
    Kind kind = kindFor(config);
    VisionTransformerConfig v = (VisionTransformerConfig) config.vision();
    boolean sigLip = kind.isSigLip();
    JsonObject text = new JsonObject();
    if (config.text() instanceof TextTransformerConfig t) {
      text.addProperty("vocab_size", t.vocabSize());
      text.addProperty("max_position_embeddings", t.contextLength());
      addTower(text, t.width(), t.mlpWidth(), t.layers(), t.heads(), t.normEpsilon());
      text.addProperty("hidden_act", activation(config, t.tanhGelu()));
      text.addProperty(sigLip ? "projection_size" : "projection_dim", config.embedDim());
      if (!sigLip) {
        addSpecialTokens(text, t);
      }
    } else {
      text = ClipConfigJson.writeTextModel(config).orElseThrow();
      text.remove("architectures");
    }
    text.addProperty("model_type", kind.modelType + "_text_model");
    JsonObject vision = new JsonObject();
    vision.addProperty("model_type", kind.modelType + "_vision_model");
    if (kind == Kind.SIGLIP_2) {
      vision.addProperty("num_patches", v.patches());
    } else {
      vision.addProperty("image_size", v.imageHeight());
    }
    vision.addProperty("patch_size", v.patchSize());
    vision.addProperty("num_channels", 3);
    addTower(vision, v.width(), v.mlpWidth(), v.layers(), v.heads(), v.normEpsilon());
    vision.addProperty("hidden_act", activation(config, v.tanhGelu()));
    if (!sigLip) {
      vision.addProperty("projection_dim", config.embedDim());
    }
    JsonArray architectures = new JsonArray();
    architectures.add(kind.architecture);
    JsonObject model = new JsonObject();
    model.add("architectures", architectures);
    model.addProperty("dtype", dtype);
    model.addProperty("initializer_factor", 1.0);
    model.addProperty("model_type", kind.modelType);
    if (!sigLip) {
      model.addProperty("logit_scale_init_value", 2.6592);
      model.addProperty("projection_dim", config.embedDim());
    }
    model.add("text_config", text);
    model.add("vision_config", vision);
    return model;
  }

  private static String activation(ClipConfig config, boolean tanh) {
    return tanh ? "gelu_pytorch_tanh" : config.quickGelu() ? "quick_gelu" : "gelu";
  }

  /**
   * transformers pools at the first end token. OpenAI's end token is the highest id, so this is
   * OpenCLIP's rule. Of another vocabulary we know only that rule itself, which {@code CLIPModel}
   * keeps for the end token 2 of its first files, beside their other two ids.
   */
  private static void addSpecialTokens(JsonObject text, TextTransformerConfig t) {
    boolean openAi = t.vocabSize() == OPENAI_VOCABULARY && t.pooling() == TextPooling.ARGMAX;
    int end = t.pooling() == TextPooling.EOS ? t.eosId() : POOL_AT_HIGHEST_ID;
    text.addProperty("bos_token_id", openAi ? OPENAI_VOCABULARY - 2 : 0);
    text.addProperty("eos_token_id", openAi ? OPENAI_VOCABULARY - 1 : end);
    text.addProperty("pad_token_id", openAi ? OPENAI_VOCABULARY - 1 : 1);
  }

  private static void addTower(
      JsonObject tower, int width, int mlpWidth, int layers, int heads, double epsilon) {
    tower.addProperty("hidden_size", width);
    tower.addProperty("intermediate_size", mlpWidth);
    tower.addProperty("num_hidden_layers", layers);
    tower.addProperty("num_attention_heads", heads);
    tower.addProperty("layer_norm_eps", epsilon);
    tower.addProperty("attention_dropout", 0.0);
  }
}
