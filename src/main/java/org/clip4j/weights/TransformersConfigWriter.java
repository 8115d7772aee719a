package org.clip4j.weights;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.util.Locale;
import org.clip4j.model.BertConfig;
import org.clip4j.model.ClipConfig;
import org.clip4j.model.ClipConfigJson;
import org.clip4j.model.EncoderConfig;
import org.clip4j.model.EncoderHead;
import org.clip4j.model.EncoderPooling;
import org.clip4j.model.ImagePooling;
import org.clip4j.model.SigLipConfig;
import org.clip4j.model.TextPooling;
import org.clip4j.model.TextProjection;
import org.clip4j.model.TextTransformerConfig;
import org.clip4j.model.VisionTransformerConfig;
import org.clip4j.model.VitConfig;
import org.clip4j.weights.TransformersConfig.Kind;
import org.jspecify.annotations.Nullable;

/** Writes the {@code config.json} of the class of transformers that computes an architecture. */
final class TransformersConfigWriter {
  private TransformersConfigWriter() {}

  /**
   * Finds the class that computes what this architecture does.
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
    boolean endsAtTwo =
        text.pooling() == TextPooling.EOS && text.eosId() == TransformersConfig.POOL_AT_HIGHEST_ID;
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
   * Writes the file.
   *
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
    boolean openAi =
        t.vocabSize() == TransformersConfig.OPENAI_VOCABULARY && t.pooling() == TextPooling.ARGMAX;
    int end = t.pooling() == TextPooling.EOS ? t.eosId() : TransformersConfig.POOL_AT_HIGHEST_ID;
    text.addProperty("bos_token_id", openAi ? TransformersConfig.OPENAI_VOCABULARY - 2 : 0);
    text.addProperty("eos_token_id", openAi ? TransformersConfig.OPENAI_VOCABULARY - 1 : end);
    text.addProperty("pad_token_id", openAi ? TransformersConfig.OPENAI_VOCABULARY - 1 : 1);
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
