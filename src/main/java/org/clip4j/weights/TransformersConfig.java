package org.clip4j.weights;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.util.List;
import org.clip4j.model.ClipConfig;
import org.clip4j.model.TextConfig;
import org.clip4j.model.VisionConfig;

/**
 * The {@code config.json} of transformers' {@code CLIPModel} as a {@link ClipConfig} and back.
 *
 * <p>Published files leave out what equals the defaults of their day and hold dozens of keys for
 * text generation; so missing keys take {@code CLIPConfig}'s defaults and what does not change the
 * computation is skipped.
 */
final class TransformersConfig {
  private static final int MAX_WIDTH = 1 << 16;
  private static final int MAX_LAYERS = 1000;
  private static final int MAX_IMAGE = 1 << 14;
  private static final int MAX_TOKENS = 1 << 24;

  /** OpenAI's vocabulary, whose last id ends a text. */
  static final int OPENAI_VOCABULARY = 49408;

  /** With this end token transformers pools at the highest id of a text, as OpenCLIP does. */
  private static final int POOL_AT_HIGHEST_ID = 2;

  private static final double LAYER_NORM_EPS = 1e-5;

  private TransformersConfig() {}

  static ClipConfig read(JsonFields config) throws CheckpointException {
    if (!config.text("model_type", "").equals("clip")) {
      throw config.bad("model_type", "only \"clip\" is supported");
    }
    JsonFields vision = tower(config, "vision_config");
    JsonFields text = tower(config, "text_config");
    String activation = activation(vision);
    if (!activation(text).equals(activation)) {
      throw text.bad(
          "hidden_act", "the image tower has \"" + activation + "\"; the two must agree");
    }
    return new ClipConfig(
        config.whole("projection_dim", 512, 1, MAX_WIDTH),
        readVision(vision),
        readText(text),
        activation.equals("quick_gelu"));
  }

  /** Where there is a {@code text_config_dict}, transformers takes that and defaults. */
  private static JsonFields tower(JsonFields config, String key) throws CheckpointException {
    JsonFields tower = config.object(config.has(key + "_dict") ? key + "_dict" : key);
    double eps = tower.number("layer_norm_eps", LAYER_NORM_EPS);
    if (eps != LAYER_NORM_EPS) {
      throw tower.bad("layer_norm_eps", "only " + LAYER_NORM_EPS + " is supported");
    }
    if (tower.number("attention_dropout", 0) != 0) {
      throw tower.bad("attention_dropout", "dropout is not supported; only 0 is");
    }
    return tower;
  }

  private static String activation(JsonFields tower) throws CheckpointException {
    String activation = tower.text("hidden_act", "quick_gelu");
    if (!List.of("quick_gelu", "gelu").contains(activation)) {
      throw tower.bad("hidden_act", "supported are \"quick_gelu\" and \"gelu\"");
    }
    return activation;
  }

  private static VisionConfig readVision(JsonFields f) throws CheckpointException {
    if (f.whole("num_channels", 3, 1, MAX_WIDTH) != 3) {
      throw f.bad("num_channels", "images have 3 channels");
    }
    int image = f.whole("image_size", 224, 1, MAX_IMAGE);
    int patch = f.whole("patch_size", 32, 1, MAX_IMAGE);
    if (patch > image) {
      throw f.bad("patch_size", "larger than the image, " + image);
    }
    int width = f.whole("hidden_size", 768, 1, MAX_WIDTH);
    int heads = f.whole("num_attention_heads", 12, 1, MAX_WIDTH);
    requireDivides(f, heads, width);
    int mlpWidth = f.whole("intermediate_size", 3072, 1, MAX_WIDTH * 64);
    int layers = f.whole("num_hidden_layers", 12, 1, MAX_LAYERS);
    return new VisionConfig(
        image,
        image,
        patch,
        width,
        List.of(layers),
        width / heads,
        mlpRatio(width, mlpWidth),
        null);
  }

  private static TextConfig readText(JsonFields f) throws CheckpointException {
    int vocabulary = f.whole("vocab_size", OPENAI_VOCABULARY, 1, MAX_TOKENS);
    int width = f.whole("hidden_size", 512, 1, MAX_WIDTH);
    int heads = f.whole("num_attention_heads", 8, 1, MAX_WIDTH);
    requireDivides(f, heads, width);
    int end = f.whole("eos_token_id", OPENAI_VOCABULARY - 1, 0, MAX_TOKENS);
    if (end != POOL_AT_HIGHEST_ID && end != vocabulary - 1) {
      throw f.bad(
          "eos_token_id",
          "a text's embedding is taken at its highest id, so the end token must be the last of"
              + " vocab_size "
              + vocabulary
              + ", "
              + (vocabulary - 1)
              + ", or 2, by which transformers means the highest id");
    }
    return new TextConfig(
        f.whole("max_position_embeddings", 77, 1, MAX_WIDTH),
        vocabulary,
        width,
        heads,
        f.whole("num_hidden_layers", 12, 1, MAX_LAYERS),
        mlpRatio(width, f.whole("intermediate_size", 2048, 1, MAX_WIDTH * 64)),
        null);
  }

  private static void requireDivides(JsonFields f, int heads, int width)
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

  /** Refuses what {@code CLIPModel} cannot express. */
  static void requireExpressible(ClipConfig config) {
    VisionConfig vision = config.vision();
    String what = null;
    if (vision.isResNet()) {
      what = "a ModifiedResNet";
    } else if (vision.lsInitValue() != null || config.text().lsInitValue() != null) {
      what = "LayerScale";
    } else if (vision.imageHeight() != vision.imageWidth()) {
      what =
          "images that are not square (" + vision.imageHeight() + " x " + vision.imageWidth() + ")";
    }
    if (what != null) {
      throw new IllegalArgumentException(
          "transformers' CLIPModel has no " + what + "; save as OPENCLIP instead");
    }
  }

  static JsonObject write(ClipConfig config) {
    requireExpressible(config);
    VisionConfig v = config.vision();
    TextConfig t = config.text();
    JsonObject text = new JsonObject();
    text.addProperty("model_type", "clip_text_model");
    text.addProperty("vocab_size", t.vocabSize());
    text.addProperty("max_position_embeddings", t.contextLength());
    addTower(text, config, t.width(), t.mlpWidth(), t.layers(), t.heads());
    // transformers pools at the first end token. OpenAI's end token is the highest id, so this is
    // OpenCLIP's rule. Of another vocabulary we know only that rule itself, which transformers
    // keeps for the end token 2 of its first CLIP files, beside their other two ids.
    boolean openAi = t.vocabSize() == OPENAI_VOCABULARY;
    text.addProperty("bos_token_id", openAi ? OPENAI_VOCABULARY - 2 : 0);
    text.addProperty("eos_token_id", openAi ? OPENAI_VOCABULARY - 1 : POOL_AT_HIGHEST_ID);
    text.addProperty("pad_token_id", openAi ? OPENAI_VOCABULARY - 1 : 1);
    JsonObject vision = new JsonObject();
    vision.addProperty("model_type", "clip_vision_model");
    vision.addProperty("image_size", v.imageHeight());
    vision.addProperty("patch_size", v.patchSize());
    vision.addProperty("num_channels", 3);
    addTower(vision, config, v.width(), v.mlpWidth(), v.layers().get(0), v.heads());
    JsonArray architectures = new JsonArray();
    architectures.add("CLIPModel");
    JsonObject clip = new JsonObject();
    clip.add("architectures", architectures);
    clip.addProperty("dtype", "float32");
    clip.addProperty("initializer_factor", 1.0);
    clip.addProperty("logit_scale_init_value", 2.6592);
    clip.addProperty("model_type", "clip");
    clip.addProperty("projection_dim", config.embedDim());
    clip.add("text_config", text);
    clip.add("vision_config", vision);
    return clip;
  }

  private static void addTower(
      JsonObject tower, ClipConfig config, int width, int mlpWidth, int layers, int heads) {
    tower.addProperty("hidden_size", width);
    tower.addProperty("intermediate_size", mlpWidth);
    tower.addProperty("num_hidden_layers", layers);
    tower.addProperty("num_attention_heads", heads);
    tower.addProperty("hidden_act", config.quickGelu() ? "quick_gelu" : "gelu");
    tower.addProperty("layer_norm_eps", LAYER_NORM_EPS);
    tower.addProperty("attention_dropout", 0.0);
    tower.addProperty("initializer_factor", 1.0);
    tower.addProperty("initializer_range", 0.02);
    tower.addProperty("projection_dim", config.embedDim());
  }
}
