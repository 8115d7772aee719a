package org.clip4j.weights;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.clip4j.io.IoErrors;
import org.clip4j.model.ClipConfig;
import org.clip4j.model.ClipConfigJson;
import org.clip4j.model.EncoderConfig;
import org.clip4j.model.EncoderHead;
import org.clip4j.model.EncoderPooling;
import org.clip4j.model.MaskDecoderConfig;
import org.clip4j.model.SigLipConfig;
import org.clip4j.model.TextConfig;
import org.clip4j.model.TextPooling;
import org.clip4j.model.TextProjection;
import org.clip4j.model.TextTransformerConfig;
import org.clip4j.model.TokenizerOptions;
import org.clip4j.model.VisionConfig;
import org.clip4j.model.VisionShape;
import org.clip4j.model.VisionTransformerConfig;
import org.clip4j.model.VitConfig;
import org.clip4j.weights.tensors.CheckpointException;

/**
 * Reads the {@code config.json} of transformers' {@code CLIPModel}, {@code MetaClip2Model}, {@code
 * SiglipModel} and {@code Siglip2Model} as a {@link ClipConfig}; {@link TransformersConfigWriter}
 * writes it.
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
  static final int POOL_AT_HIGHEST_ID = 2;

  /** What a SigLIP model is initialised with (Zhai et al. 2023); its files do not say. */
  private static final double SIGLIP_LOGIT_SCALE = Math.log(10);

  private static final double SIGLIP_LOGIT_BIAS = -10;

  /** What one of transformers' classes fills in. */
  private record Defaults(
      String activation,
      double epsilon,
      int contextLength,
      int vocabSize,
      int textWidth,
      int textHeads,
      int textMlp,
      int patch) {
    static final Defaults CLIP =
        new Defaults("quick_gelu", 1e-5, 77, OPENAI_VOCABULARY, 512, 8, 2048, 32);
    static final Defaults CHINESE_CLIP =
        new Defaults("quick_gelu", 1e-5, 512, 30522, 768, 12, 3072, 32);
    static final Defaults SIGLIP =
        new Defaults("gelu_pytorch_tanh", 1e-6, 64, 32000, 768, 12, 3072, 16);
  }

  /** One of transformers' classes. */
  enum Kind {
    CLIP("clip", "CLIPModel", Defaults.CLIP),
    METACLIP_2("metaclip_2", "MetaClip2Model", Defaults.CLIP),
    /** The encoders of CLIPSeg, read alone. */
    CLIPSEG("clipseg", "CLIPSegModel", Defaults.CLIP),
    /** Its text tower is BERT's and read as such. */
    CHINESE_CLIP("chinese_clip", "ChineseCLIPModel", Defaults.CHINESE_CLIP),
    SIGLIP("siglip", "SiglipModel", Defaults.SIGLIP),
    /** NaFlex; the SigLIP 2 models of fixed size are {@link #SIGLIP}'s. */
    SIGLIP_2("siglip2", "Siglip2Model", Defaults.SIGLIP);

    final String modelType;
    final String architecture;
    private final Defaults defaults;

    Kind(String modelType, String architecture, Defaults defaults) {
      this.modelType = modelType;
      this.architecture = architecture;
      this.defaults = defaults;
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
    int positions =
        text.whole("max_position_embeddings", kind.defaults.contextLength, 1, MAX_WIDTH);
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
    return config.object(config.has(key + "_dict") ? key + "_dict" : key);
  }

  private static String activation(CheckpointFields tower, Kind kind) throws CheckpointException {
    String activation = tower.text("hidden_act", kind.defaults.activation);
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
    double epsilon = tower.number("layer_norm_eps", kind.defaults.epsilon);
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
    int patch = f.whole("patch_size", kind.defaults.patch, 1, MAX_IMAGE);
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
    VisionShape shape =
        VisionShape.builder()
            .setImageSize(image)
            .setPatchSize(patch)
            .setWidth(width)
            .setLayers(f.whole("num_hidden_layers", 12, 1, MAX_LAYERS))
            .setHeads(heads)
            .optMlpRatio(mlpRatio(width, f.whole("intermediate_size", 3072, 1, MAX_WIDTH * 64)))
            .optTanhGelu(tanh)
            .optNormEpsilon(epsilon(f, kind))
            .build();
    return kind.isSigLip() ? new SigLipConfig(shape, kind == Kind.SIGLIP_2) : VitConfig.of(shape);
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
    int vocabulary = f.whole("vocab_size", kind.defaults.vocabSize, 1, MAX_TOKENS);
    int width = f.whole("hidden_size", kind.defaults.textWidth, 1, MAX_WIDTH);
    int heads = f.whole("num_attention_heads", kind.defaults.textHeads, 1, MAX_WIDTH);
    requireDivides(f, heads, width);
    boolean sigLip = kind.isSigLip();
    int end = sigLip ? 0 : f.whole("eos_token_id", OPENAI_VOCABULARY - 1, 0, MAX_TOKENS);
    TextPooling pooling = sigLip ? TextPooling.LAST : pooling(kind, end, vocabulary);
    if (pooling == TextPooling.EOS && end >= vocabulary) {
      throw f.bad("eos_token_id", "must be an id of vocab_size " + vocabulary);
    }
    return TextConfig.builder() // of OpenAI's tokenizer; what tokenizer.json says goes before it
        .setContextLength(
            f.whole("max_position_embeddings", kind.defaults.contextLength, 1, MAX_WIDTH))
        .setVocabSize(vocabulary)
        .setWidth(width)
        .setHeads(heads)
        .setLayers(f.whole("num_hidden_layers", 12, 1, MAX_LAYERS))
        .optMlpRatio(
            mlpRatio(width, f.whole("intermediate_size", kind.defaults.textMlp, 1, MAX_WIDTH * 64)))
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
}
