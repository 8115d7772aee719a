package org.clip4j.model;

import com.google.gson.JsonObject;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Reads OpenCLIP's {@code model_cfg} as a {@link ClipConfig}, and writes it.
 *
 * <p>Missing keys take OpenCLIP's defaults ({@code CLIPVisionCfg}, {@code CLIPTextCfg} of
 * open_clip/model.py). A key that OpenCLIP does not have is an error, and so is one of its options
 * that this library lacks, unless it is set to the default that leaves the model as it is.
 */
public final class ClipConfigJson {
  private static final int MAX_WIDTH = 1 << 16;
  private static final int MAX_LAYERS = 1000;
  private static final int MAX_IMAGE = 1 << 14;
  private static final int MAX_TOKENS = 1 << 24;
  private static final double MAX_MLP_RATIO = 64;
  static final double MLP_RATIO = 4;

  /** Options shared by both towers that are not supported, with OpenCLIP's defaults. */
  private static final String BLOCK_OPTIONS =
      """
      output_tokens=* block_type=null qk_norm=false scaled_cosine_attn=false
      scale_heads=false scale_attn_inner=false scale_attn=false scale_fc=false
      """;

  /** Accepted at these values only; {@code *} marks what changes nothing that is computed. */
  private static final Map<String, String> MODEL_OPTIONS =
      options("nonscalar_logit_scale=* multimodal_cfg=*"); // CoCa's decoder of captions

  private static final Map<String, String> VISION_OPTIONS =
      options(
          BLOCK_OPTIONS
              + """
              attentional_pool=false attn_pooler_queries=256 attn_pooler_heads=8
              pos_embed_type=learnable timm_model_pretrained=* timm_pool=* timm_proj=*
              timm_proj_bias=* timm_drop=* timm_drop_path=*
              """);

  private static final Map<String, String> TEXT_OPTIONS =
      options(
          BLOCK_OPTIONS
              + """
              tokenizer_mode=null embed_cls=false pad_id=* final_ln_after_pool=* hf_model_name=null hf_proj_bias=false
              hf_model_pretrained=* hf_proj_type=* hf_pooler_type=*
              """);

  /** What describes the towers of OpenCLIP's own. */
  private static final List<String> TRANSFORMER_KEYS =
      List.of(
          "vocab_size",
          "width",
          "heads",
          "layers",
          "mlp_ratio",
          "ls_init_value",
          "no_causal_mask",
          "pool_type",
          "eos_id",
          "proj_type",
          "proj_bias",
          "act_kwargs",
          "norm_kwargs");

  private static final List<String> VIT_KEYS =
      List.of(
          "layers",
          "patch_size",
          "width",
          "head_width",
          "mlp_ratio",
          "ls_init_value",
          "no_ln_pre",
          "pool_type",
          "final_ln_after_pool",
          "act_kwargs",
          "norm_kwargs");

  private ClipConfigJson() {}

  /** Finds the configurations of text towers that a {@code model_cfg} only names. */
  @FunctionalInterface
  public interface TextModels {
    /** Returns the {@code config.json} of a {@code hf_model_name}, if it is at hand. */
    Optional<JsonObject> find(String name);
  }

  /** Reads a {@code model_cfg} whose text tower, if it is only named, is one of OpenCLIP's. */
  public static ClipConfig read(JsonObject modelCfg) {
    return read(modelCfg, name -> Optional.empty());
  }

  /**
   * Reads a {@code model_cfg}.
   *
   * @param models asked first for the configuration of a text tower that is only named
   * @throws IllegalArgumentException if a key is unknown, or a value has the wrong type, is out of
   *     range, does not fit another or asks for what is not supported; the message names them
   */
  public static ClipConfig read(JsonObject modelCfg, TextModels models) {
    ConfigFields model = new ConfigFields("model_cfg", modelCfg);
    int embedDim = model.whole("embed_dim", null, 1, MAX_WIDTH);
    boolean quickGelu = model.flag("quick_gelu", false);
    boolean customText = model.flag("custom_text", false);
    Double logitScale = model.numberOrNull("init_logit_scale");
    Double logitBias = model.numberOrNull("init_logit_bias");
    VisionConfig vision = readVision(new ConfigFields("vision_cfg", model.asObject("vision_cfg")));
    TextConfig text = readText(new ConfigFields("text_cfg", model.asObject("text_cfg")), models);
    model.finish(MODEL_OPTIONS);
    return new ClipConfig(
        embedDim,
        vision,
        text,
        quickGelu,
        customText,
        logitScale == null ? ClipConfig.INIT_LOGIT_SCALE : logitScale,
        logitBias);
  }

  private static VisionConfig readVision(ConfigFields f) {
    List<Integer> size = f.wholes("image_size", List.of(224), 1, MAX_IMAGE);
    if (size.size() > 2) {
      throw f.bad("image_size", "expected one number or [height, width]");
    }
    int height = size.get(0);
    int width = size.get(size.size() - 1);
    if (f.textOrNull("timm_model_name") != null) {
      VIT_KEYS.forEach(f::skip); // as OpenCLIP does: the name says it all
      VisionConfig tower = TimmTowers.read(f, height, width);
      f.finish(VISION_OPTIONS);
      return tower;
    }
    List<Integer> layers = f.wholes("layers", List.of(12), 1, MAX_LAYERS);
    boolean resNet = f.isList("layers");
    if (resNet && layers.size() != 4) {
      throw f.bad("layers", "a list of layers is a ModifiedResNet and has 4 stages");
    }
    VisionConfig vision =
        resNet ? readResNet(f, height, width, layers) : readVit(f, height, width, layers.get(0));
    f.finish(VISION_OPTIONS);
    return vision;
  }

  private static VisionConfig readVit(ConfigFields f, int height, int width, int layers) {
    boolean token = f.word("pool_type", "tok", List.of("tok", "avg")).equals("tok");
    int channels = f.whole("width", 768, 1, MAX_WIDTH);
    int headWidth = f.whole("head_width", 64, 1, MAX_WIDTH);
    int heads = Math.max(1, channels / headWidth); // OpenCLIP rounds their number
    return VitConfig.builder()
        .setImageSize(height, width)
        .setPatchSize(f.whole("patch_size", 16, 1, MAX_IMAGE))
        .setWidth(channels)
        .setLayers(layers)
        .optHeadWidth(headWidth <= channels && channels % heads == 0 ? channels / heads : headWidth)
        .optMlpRatio(f.number("mlp_ratio", MLP_RATIO, MAX_MLP_RATIO))
        .optLsInitValue(f.numberOrNull("ls_init_value"))
        .optLnPre(!f.flag("no_ln_pre", false))
        .optPooling(token ? ImagePooling.TOK : ImagePooling.AVG)
        .optLnAfterPool(f.flag("final_ln_after_pool", false))
        .optPooler(readPooler(f))
        .optTanhGelu(tanhGelu(f))
        .optNormEpsilon(normEpsilon(f))
        .optPatchDropout(f.share("patch_dropout"))
        .build();
  }

  private static @Nullable AttentionalPoolerConfig readPooler(ConfigFields f) {
    int queries = f.whole("attn_pooler_queries", 256, 1, MAX_WIDTH);
    int heads = f.whole("attn_pooler_heads", 8, 1, MAX_WIDTH);
    boolean pools = f.flag("attentional_pool", false);
    return pools ? new AttentionalPoolerConfig(queries, heads) : null;
  }

  private static VisionConfig readResNet(
      ConfigFields f, int height, int width, List<Integer> layers) {
    f.skip("patch_size"); // OpenCLIP ignores it here, as it does the next two
    f.number("mlp_ratio", MLP_RATIO, MAX_MLP_RATIO);
    normEpsilon(f);
    ResNetConfig tower =
        new ResNetConfig(
            height,
            width,
            f.whole("width", 768, 1, MAX_WIDTH),
            layers,
            f.whole("head_width", 64, 1, MAX_WIDTH));
    if (f.share("patch_dropout") > 0) {
      throw f.bad("patch_dropout", "a ModifiedResNet has no patches");
    }
    boolean plain =
        f.numberOrNull("ls_init_value") == null
            && !f.flag("no_ln_pre", false)
            && f.word("pool_type", "tok", List.of("tok", "avg")).equals("tok")
            && !f.flag("final_ln_after_pool", false)
            && !tanhGelu(f);
    if (!plain) {
      throw new IllegalArgumentException(
          "vision_cfg.layers is a list, a ModifiedResNet, which has none of ls_init_value,"
              + " no_ln_pre, pool_type, final_ln_after_pool and act_kwargs; leave them out");
    }
    return tower;
  }

  private static TextConfig readText(ConfigFields f, TextModels models) {
    if (f.textOrNull("hf_model_name") != null) {
      TRANSFORMER_KEYS.forEach(f::skip); // as OpenCLIP does: the name says it all
      EncoderConfig text = HfTexts.read(f, models).withTokenizer(readTokenizer(f));
      f.finish(TEXT_OPTIONS);
      return text;
    }
    boolean projects = f.word("proj_type", "linear", List.of("linear", "none")).equals("linear");
    boolean biased = f.flag("proj_bias", false);
    String pooling = f.word("pool_type", "argmax", List.of("first", "last", "argmax", "eos"));
    TextConfig text =
        TextConfig.builder()
            .setContextLength(f.whole("context_length", 77, 1, MAX_WIDTH))
            .setVocabSize(f.whole("vocab_size", 49408, 1, MAX_TOKENS))
            .setWidth(f.whole("width", 512, 1, MAX_WIDTH))
            .setHeads(f.whole("heads", 8, 1, MAX_WIDTH))
            .setLayers(f.whole("layers", 12, 1, MAX_LAYERS))
            .optMlpRatio(f.number("mlp_ratio", MLP_RATIO, MAX_MLP_RATIO))
            .optLsInitValue(f.numberOrNull("ls_init_value"))
            .optCausal(!f.flag("no_causal_mask", false))
            .optEmbedCls(f.flag("embed_cls", false))
            .optPadId(f.whole("pad_id", 0, 0, MAX_TOKENS))
            .optPooling(TextPooling.valueOf(pooling.toUpperCase(Locale.ROOT)))
            .optEosId(f.whole("eos_id", TextConfig.DEFAULT_EOS_ID, 0, MAX_TOKENS))
            .optProjection(
                !projects
                    ? TextProjection.NONE
                    : biased ? TextProjection.LINEAR : TextProjection.MATRIX)
            .optTanhGelu(tanhGelu(f))
            .optNormEpsilon(normEpsilon(f))
            .optTokenizer(readTokenizer(f))
            .build();
    f.finish(TEXT_OPTIONS);
    return text;
  }

  private static TokenizerOptions readTokenizer(ConfigFields f) {
    String name = f.textOrNull("hf_tokenizer_name");
    ConfigFields kwargs = f.objectOrNull("tokenizer_kwargs");
    if (kwargs == null) {
      return new TokenizerOptions(name, null, false);
    }
    TokenizerOptions tokenizer =
        new TokenizerOptions(
            name,
            kwargs.word("clean", null, List.of("lower", "whitespace", "canonicalize")),
            kwargs.flag("strip_sep_token", false),
            kwargs.textOrNull("language"));
    kwargs.finish(Map.of());
    return tokenizer;
  }

  /** OpenCLIP's {@code act_kwargs}, those of torch.nn.GELU. */
  private static boolean tanhGelu(ConfigFields f) {
    ConfigFields kwargs = f.objectOrNull("act_kwargs");
    if (kwargs == null) {
      return false;
    }
    boolean tanh = kwargs.word("approximate", "none", List.of("none", "tanh")).equals("tanh");
    kwargs.finish(Map.of());
    return tanh;
  }

  /** OpenCLIP's {@code norm_kwargs}, those of torch.nn.LayerNorm. */
  private static double normEpsilon(ConfigFields f) {
    ConfigFields kwargs = f.objectOrNull("norm_kwargs");
    if (kwargs == null) {
      return TextConfig.NORM_EPSILON;
    }
    double epsilon = kwargs.number("eps", TextConfig.NORM_EPSILON, 1);
    kwargs.finish(Map.of());
    return epsilon;
  }

  /**
   * Writes a configuration as the {@code model_cfg} that {@link #read} gives back.
   *
   * @throws IllegalArgumentException if OpenCLIP has no such tower
   */
  public static JsonObject write(ClipConfig config) {
    return ClipConfigWriter.write(config);
  }

  /**
   * Reads the {@code config.json} of a text tower that stands in transformers by itself.
   *
   * @param name of the tower on the hub; null where it has none
   * @param contextLength most tokens of a text; 0 for as many as there are positions
   * @throws IllegalArgumentException as {@link #read}
   */
  public static EncoderConfig readTextModel(
      JsonObject config,
      @Nullable String name,
      int contextLength,
      EncoderPooling pooling,
      EncoderHead head) {
    return HfTexts.read(name, config, contextLength, pooling, head);
  }

  /** Returns the {@code config.json} of a text tower that publishers name, if it is known. */
  public static Optional<JsonObject> publishedTextModel(String name) {
    return HfTexts.publishedOf(name).map(JsonObject::deepCopy);
  }

  /**
   * Writes the {@code config.json} of a text tower that a {@code model_cfg} only names.
   *
   * @return empty where the {@code model_cfg} says all
   */
  public static Optional<JsonObject> writeTextModel(ClipConfig config) {
    return config.text() instanceof EncoderConfig text
        ? Optional.of(HfTexts.writeModel(text))
        : Optional.empty();
  }

  /** Splits {@code name=value} pairs. */
  private static Map<String, String> options(String pairs) {
    Map<String, String> options = new HashMap<>();
    for (String pair : pairs.strip().split("\\s+")) {
      int equals = pair.indexOf('=');
      options.put(pair.substring(0, equals), pair.substring(equals + 1));
    }
    return options;
  }
}
