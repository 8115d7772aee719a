package org.clip4j.model;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.regex.Pattern;

/**
 * OpenCLIP's {@code model_cfg} as a {@link ClipConfig} and back.
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
  private static final Pattern WHOLE = Pattern.compile("-?[0-9]{1,9}");

  /** Options shared by both towers that are not supported, with OpenCLIP's defaults. */
  private static final String BLOCK_OPTIONS =
      """
      output_tokens=false act_kwargs=null norm_kwargs=null block_type=null qk_norm=false
      scaled_cosine_attn=false scale_heads=false scale_attn_inner=false scale_attn=false
      scale_fc=false final_ln_after_pool=false
      """;

  /** Accepted at these values only; {@code *} marks what changes initial values alone. */
  private static final Map<String, String> MODEL_OPTIONS =
      options(
          """
          custom_text=false init_logit_scale=* init_logit_bias=null nonscalar_logit_scale=false
          multimodal_cfg=null
          """);

  private static final Map<String, String> VISION_OPTIONS =
      options(
          BLOCK_OPTIONS
              + """
              patch_dropout=0 attentional_pool=false attn_pooler_queries=256 attn_pooler_heads=8
              no_ln_pre=false pos_embed_type=learnable pool_type=tok timm_model_name=null
              timm_model_pretrained=false timm_pool=avg timm_proj=linear timm_proj_bias=false
              timm_drop=0 timm_drop_path=null
              """);

  private static final Map<String, String> TEXT_OPTIONS =
      options(
          BLOCK_OPTIONS
              + """
              hf_tokenizer_name=null tokenizer_mode=null tokenizer_kwargs=null embed_cls=false
              pad_id=0 eos_id=2 no_causal_mask=false pool_type=argmax proj_bias=false
              proj_type=linear hf_model_name=null hf_model_pretrained=true hf_proj_type=mlp
              hf_pooler_type=mean_pooler
              """);

  private ClipConfigJson() {}

  /**
   * Reads a {@code model_cfg}.
   *
   * @throws IllegalArgumentException if a key is unknown, or a value has the wrong type, is out of
   *     range, does not fit another or asks for what is not supported; the message names them
   */
  public static ClipConfig read(JsonObject modelCfg) {
    Fields model = new Fields("model_cfg", modelCfg);
    int embedDim = model.whole("embed_dim", null, 1, MAX_WIDTH);
    boolean quickGelu = model.flag("quick_gelu", false);
    VisionConfig vision = readVision(new Fields("vision_cfg", model.object("vision_cfg")));
    TextConfig text = readText(new Fields("text_cfg", model.object("text_cfg")));
    model.finish(MODEL_OPTIONS);
    return new ClipConfig(embedDim, vision, text, quickGelu);
  }

  private static VisionConfig readVision(Fields f) {
    List<Integer> layers = f.wholes("layers", List.of(12), 1, MAX_LAYERS);
    boolean resNet = f.isList("layers");
    if (resNet && layers.size() != 4) {
      throw f.bad("layers", "a list of layers is a ModifiedResNet and has 4 stages");
    }
    List<Integer> size = f.wholes("image_size", List.of(224), 1, MAX_IMAGE);
    if (size.size() > 2) {
      throw f.bad("image_size", "expected one number or [height, width]");
    }
    int height = size.get(0);
    int width = size.get(size.size() - 1);
    int towerWidth = f.whole("width", 768, 1, MAX_WIDTH);
    int headWidth = f.whole("head_width", 64, 1, MAX_WIDTH);
    double mlpRatio = f.number("mlp_ratio", 4.0, MAX_MLP_RATIO);
    Double lsInitValue = f.numberOrNull("ls_init_value");
    int patchSize = 0;
    if (resNet) {
      f.skip("patch_size"); // OpenCLIP ignores it here
      if (lsInitValue != null) {
        throw f.bad("ls_init_value", "a ModifiedResNet has no LayerScale; leave it out");
      }
      if (height != width || height % 32 != 0) {
        throw f.bad("image_size", "a ModifiedResNet takes square images of a multiple of 32");
      }
      if (towerWidth % 2 != 0) {
        throw f.bad("width", "a ModifiedResNet needs an even width");
      }
    } else {
      patchSize = f.whole("patch_size", 16, 1, MAX_IMAGE);
      if (patchSize > Math.min(height, width)) {
        throw f.bad("patch_size", "larger than the image, " + height + " x " + width);
      }
      checkMlp(f, towerWidth, mlpRatio);
    }
    int features = resNet ? 32 * towerWidth : towerWidth;
    if (features % headWidth != 0) {
      throw f.bad(
          "head_width", "must divide " + (resNet ? "32 * width, " : "the width, ") + features);
    }
    f.finish(VISION_OPTIONS);
    return new VisionConfig(
        height, width, patchSize, towerWidth, layers, headWidth, mlpRatio, lsInitValue);
  }

  private static TextConfig readText(Fields f) {
    TextConfig text =
        new TextConfig(
            f.whole("context_length", 77, 1, MAX_WIDTH),
            f.whole("vocab_size", 49408, 1, MAX_TOKENS),
            f.whole("width", 512, 1, MAX_WIDTH),
            f.whole("heads", 8, 1, MAX_WIDTH),
            f.whole("layers", 12, 1, MAX_LAYERS),
            f.number("mlp_ratio", 4.0, MAX_MLP_RATIO),
            f.numberOrNull("ls_init_value"));
    if (text.width() % text.heads() != 0) {
      throw f.bad("heads", "must divide the width, " + text.width());
    }
    checkMlp(f, text.width(), text.mlpRatio());
    f.finish(TEXT_OPTIONS);
    return text;
  }

  private static void checkMlp(Fields f, int width, double mlpRatio) {
    if ((int) (width * mlpRatio) < 1) {
      throw f.bad("mlp_ratio", "leaves no hidden unit at width " + width);
    }
  }

  /** Writes a configuration as the {@code model_cfg} that {@link #read} gives back. */
  public static JsonObject write(ClipConfig config) {
    VisionConfig v = config.vision();
    TextConfig t = config.text();
    JsonObject vision = new JsonObject();
    if (v.imageHeight() == v.imageWidth()) {
      vision.addProperty("image_size", v.imageHeight());
    } else {
      vision.add("image_size", array(List.of(v.imageHeight(), v.imageWidth())));
    }
    vision.add("layers", v.isResNet() ? array(v.layers()) : new JsonPrimitive(v.layers().get(0)));
    vision.addProperty("width", v.width());
    vision.addProperty("head_width", v.headWidth());
    vision.add("patch_size", v.isResNet() ? JsonNull.INSTANCE : new JsonPrimitive(v.patchSize()));
    addMlp(vision, v.mlpRatio(), v.lsInitValue());
    JsonObject text = new JsonObject();
    text.addProperty("context_length", t.contextLength());
    text.addProperty("vocab_size", t.vocabSize());
    text.addProperty("width", t.width());
    text.addProperty("heads", t.heads());
    text.addProperty("layers", t.layers());
    addMlp(text, t.mlpRatio(), t.lsInitValue());
    JsonObject model = new JsonObject();
    model.addProperty("embed_dim", config.embedDim());
    model.addProperty("quick_gelu", config.quickGelu());
    model.add("vision_cfg", vision);
    model.add("text_cfg", text);
    return model;
  }

  private static void addMlp(JsonObject tower, double mlpRatio, Double lsInitValue) {
    tower.addProperty("mlp_ratio", mlpRatio);
    if (lsInitValue != null) {
      tower.addProperty("ls_init_value", lsInitValue);
    }
  }

  private static JsonArray array(List<Integer> values) {
    JsonArray array = new JsonArray();
    values.forEach(array::add);
    return array;
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

  /** An object whose keys are ticked off as they are read. */
  private static final class Fields {
    private final String where;
    private final JsonObject json;
    private final TreeSet<String> known = new TreeSet<>();

    Fields(String where, JsonObject json) {
      this.where = where;
      this.json = json;
    }

    private JsonElement take(String key) {
      known.add(key);
      return json.get(key);
    }

    void skip(String key) {
      take(key);
    }

    boolean isList(String key) {
      return json.get(key) instanceof JsonArray;
    }

    JsonObject object(String key) {
      if (!(take(key) instanceof JsonObject object)) {
        throw bad(key, "expected an object");
      }
      return object;
    }

    boolean flag(String key, boolean fallback) {
      JsonElement value = take(key);
      if (value == null) {
        return fallback;
      }
      if (!(value instanceof JsonPrimitive primitive) || !primitive.isBoolean()) {
        throw bad(key, "expected true or false");
      }
      return primitive.getAsBoolean();
    }

    int whole(String key, Integer fallback, int min, int max) {
      JsonElement value = take(key);
      if (value == null && fallback != null) {
        return fallback;
      }
      return asWhole(key, value, min, max);
    }

    private int asWhole(String key, JsonElement value, int min, int max) {
      if (!(value instanceof JsonPrimitive primitive)
          || !primitive.isNumber()
          || !WHOLE.matcher(primitive.getAsString()).matches()
          || primitive.getAsInt() < min
          || primitive.getAsInt() > max) {
        throw bad(key, "expected a whole number from " + min + " to " + max);
      }
      return primitive.getAsInt();
    }

    /** One number or a list of them. */
    List<Integer> wholes(String key, List<Integer> fallback, int min, int max) {
      JsonElement value = take(key);
      if (value == null) {
        return fallback;
      }
      if (!(value instanceof JsonArray array)) {
        return List.of(asWhole(key, value, min, max));
      }
      if (array.isEmpty()) {
        throw bad(key, "expected at least one number");
      }
      List<Integer> values = new ArrayList<>();
      for (JsonElement element : array) {
        values.add(asWhole(key, element, min, max));
      }
      return List.copyOf(values);
    }

    double number(String key, double fallback, double max) {
      JsonElement value = take(key);
      double number = value == null ? fallback : asNumber(key, value);
      if (!(number > 0 && number <= max)) {
        throw bad(key, "expected a number above 0, at most " + max);
      }
      return number;
    }

    Double numberOrNull(String key) {
      JsonElement value = take(key);
      return value == null || value.isJsonNull() ? null : asNumber(key, value);
    }

    private double asNumber(String key, JsonElement value) {
      if (!(value instanceof JsonPrimitive primitive) || !primitive.isNumber()) {
        throw bad(key, "expected a number");
      }
      double number = Double.parseDouble(primitive.getAsString());
      if (!Double.isFinite(number)) {
        throw bad(key, "expected a finite number");
      }
      return number;
    }

    /** Refuses whatever was not read. */
    void finish(Map<String, String> options) {
      for (Map.Entry<String, JsonElement> entry : json.entrySet()) {
        String key = entry.getKey();
        if (known.contains(key)) {
          continue;
        }
        String only = options.get(key);
        if (only == null) {
          throw new IllegalArgumentException(
              where + " has an unknown key '" + key + "'; known are " + known);
        }
        if (!only.equals("*") && !isValue(entry.getValue(), only)) {
          throw bad(key, "this option is not supported yet; only " + only + " is");
        }
      }
    }

    /** Whether a value says the same as a default; 0 and 0.0 do. */
    private static boolean isValue(JsonElement value, String expected) {
      if (!(value instanceof JsonPrimitive primitive)) {
        return value.isJsonNull() && expected.equals("null");
      }
      if (primitive.isNumber() && WHOLE.matcher(expected).matches()) {
        return Double.parseDouble(primitive.getAsString()) == Double.parseDouble(expected);
      }
      return primitive.getAsString().equals(expected);
    }

    IllegalArgumentException bad(String key, String what) {
      JsonElement value = json.get(key);
      String shown = value == null ? "is missing" : "is " + shorten(value.toString());
      return new IllegalArgumentException(where + "." + key + " " + shown + ": " + what);
    }

    private static String shorten(String text) {
      return text.length() <= 200 ? text : text.substring(0, 200) + "...";
    }
  }
}
