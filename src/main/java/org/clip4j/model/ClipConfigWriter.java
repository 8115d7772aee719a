package org.clip4j.model;

import com.google.gson.JsonArray;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import java.util.List;
import java.util.Locale;

/** Writes configurations as OpenCLIP's {@code model_cfg}; what has its default is left out. */
final class ClipConfigWriter {
  private ClipConfigWriter() {}

  static JsonObject write(ClipConfig config) {
    JsonObject model = new JsonObject();
    model.addProperty("embed_dim", config.embedDim());
    model.addProperty("quick_gelu", config.quickGelu());
    if (config.customText()) {
      model.addProperty("custom_text", true);
    }
    if (config.initLogitScale() != ClipConfig.INIT_LOGIT_SCALE) {
      model.addProperty("init_logit_scale", config.initLogitScale());
    }
    if (config.isSigmoid()) {
      model.addProperty("init_logit_bias", config.initLogitBias());
    }
    model.add("vision_cfg", writeVision(config.vision()));
    model.add("text_cfg", writeText(config.text()));
    return model;
  }

  private static JsonObject writeVision(VisionConfig tower) {
    if (tower instanceof ResNetConfig resNet) {
      return writeResNet(resNet);
    }
    if (tower instanceof TimmStagedConfig staged) {
      return TimmStagedTowers.write(staged);
    }
    VisionTransformerConfig vision = (VisionTransformerConfig) tower;
    JsonObject json = vision instanceof VitConfig vit ? writeVit(vit) : TimmTowers.write(vision);
    if (vision.patchDropout() > 0) {
      json.addProperty("patch_dropout", vision.patchDropout());
    }
    return json;
  }

  static void addImageSize(JsonObject json, VisionConfig vision) {
    if (vision.imageHeight() == vision.imageWidth()) {
      json.addProperty("image_size", vision.imageHeight());
    } else {
      json.add("image_size", array(List.of(vision.imageHeight(), vision.imageWidth())));
    }
  }

  private static JsonObject writeVit(VitConfig v) {
    JsonObject vision = new JsonObject();
    addImageSize(vision, v);
    vision.addProperty("layers", v.layers());
    vision.addProperty("width", v.width());
    vision.addProperty("head_width", v.headWidth());
    vision.addProperty("patch_size", v.patchSize());
    addBlock(vision, v.mlpRatio(), v.lsInitValue(), v.tanhGelu(), v.normEpsilon());
    if (!v.lnPre()) {
      vision.addProperty("no_ln_pre", true);
    }
    if (v.pooling() == ImagePooling.AVG) {
      vision.addProperty("pool_type", "avg");
    }
    if (v.lnAfterPool()) {
      vision.addProperty("final_ln_after_pool", true);
    }
    if (v.pooler() != null) {
      vision.addProperty("attentional_pool", true);
      vision.addProperty("attn_pooler_queries", v.pooler().queries());
      vision.addProperty("attn_pooler_heads", v.pooler().heads());
    }
    return vision;
  }

  private static JsonObject writeResNet(ResNetConfig v) {
    JsonObject vision = new JsonObject();
    vision.addProperty("image_size", v.imageHeight());
    vision.add("layers", array(v.layers()));
    vision.addProperty("width", v.width());
    vision.addProperty("head_width", v.headWidth());
    vision.add("patch_size", JsonNull.INSTANCE);
    vision.addProperty("mlp_ratio", ClipConfigJson.MLP_RATIO);
    return vision;
  }

  private static JsonObject writeText(TextConfig tower) {
    JsonObject text = new JsonObject();
    if (tower instanceof EncoderConfig encoder) {
      HfTexts.write(encoder, text);
    } else {
      writeTransformer((TextTransformerConfig) tower, text);
    }
    TokenizerOptions tokenizer = tower.tokenizer();
    if (tokenizer.hfName() != null) {
      text.addProperty("hf_tokenizer_name", tokenizer.hfName());
    }
    if (tokenizer.clean() != null || tokenizer.stripSepToken() || tokenizer.language() != null) {
      JsonObject kwargs = new JsonObject();
      if (tokenizer.clean() != null) {
        kwargs.addProperty("clean", tokenizer.clean());
      }
      if (tokenizer.stripSepToken()) {
        kwargs.addProperty("strip_sep_token", true);
      }
      if (tokenizer.language() != null) {
        kwargs.addProperty("language", tokenizer.language());
      }
      text.add("tokenizer_kwargs", kwargs);
    }
    return text;
  }

  private static void writeTransformer(TextTransformerConfig t, JsonObject text) {
    text.addProperty("context_length", t.contextLength());
    text.addProperty("vocab_size", t.vocabSize());
    text.addProperty("width", t.width());
    text.addProperty("heads", t.heads());
    text.addProperty("layers", t.layers());
    addBlock(text, t.mlpRatio(), t.lsInitValue(), t.tanhGelu(), t.normEpsilon());
    if (!t.causal()) {
      text.addProperty("no_causal_mask", true);
    }
    if (t.embedCls()) {
      text.addProperty("embed_cls", true);
      text.addProperty("pad_id", t.padId());
    }
    if (t.pooling() != TextPooling.ARGMAX) {
      text.addProperty("pool_type", t.pooling().name().toLowerCase(Locale.ROOT));
    }
    if (t.eosId() != TextConfig.DEFAULT_EOS_ID) {
      text.addProperty("eos_id", t.eosId());
    }
    switch (t.projection()) {
      case MATRIX -> {} // the default
      case LINEAR -> text.addProperty("proj_bias", true);
      case NONE -> text.addProperty("proj_type", "none");
    }
  }

  private static void addBlock(
      JsonObject tower, double mlpRatio, Double lsInitValue, boolean tanhGelu, double epsilon) {
    tower.addProperty("mlp_ratio", mlpRatio);
    if (lsInitValue != null) {
      tower.addProperty("ls_init_value", lsInitValue);
    }
    if (tanhGelu) {
      JsonObject kwargs = new JsonObject();
      kwargs.addProperty("approximate", "tanh");
      tower.add("act_kwargs", kwargs);
    }
    if (epsilon != TextConfig.NORM_EPSILON) {
      JsonObject kwargs = new JsonObject();
      kwargs.addProperty("eps", epsilon);
      tower.add("norm_kwargs", kwargs);
    }
  }

  private static JsonArray array(List<Integer> values) {
    JsonArray array = new JsonArray();
    values.forEach(array::add);
    return array;
  }
}
