package org.clip4j.weights;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.util.Locale;
import org.clip4j.image.ImageTransform;
import org.clip4j.image.ImageTransform.Interpolation;
import org.clip4j.image.ImageTransform.ResizeMode;
import org.clip4j.model.VisionConfig;

/** The validation transform in OpenCLIP's {@code preprocess_cfg} and transformers' processors. */
final class TransformJson {
  /** Pillow's numbers for its filters. */
  private static final int PILLOW_BILINEAR = 2;

  private static final int PILLOW_BICUBIC = 3;
  private static final double RESCALE = 1 / 255.0;

  private TransformJson() {}

  /** What models of a kind were trained with where nothing else is said. */
  static ImageTransform usual(VisionConfig vision) {
    return vision.isSigLip()
        ? ImageTransform.sigLip(vision.imageHeight(), vision.imageWidth())
        : ImageTransform.openai(vision.imageHeight(), vision.imageWidth());
  }

  /** Reads a {@code preprocess_cfg}; keys that OpenCLIP does not know are skipped as it does. */
  static ImageTransform readOpenClip(JsonFields f, VisionConfig vision) throws CheckpointException {
    ImageTransform openai = ImageTransform.openai(vision.imageHeight(), vision.imageWidth());
    if (f.has("size")) {
      requireSize(f, "size", vision);
    }
    if (f.has("mode") && !f.text("mode", "RGB").equals("RGB")) {
      throw f.bad("mode", "only \"RGB\" is supported");
    }
    Interpolation interpolation =
        switch (f.has("interpolation") ? f.text("interpolation", "") : "bicubic") {
          case "bicubic" -> Interpolation.BICUBIC;
          case "bilinear" -> Interpolation.BILINEAR;
          default -> throw f.bad("interpolation", "supported are \"bicubic\" and \"bilinear\"");
        };
    ResizeMode mode =
        switch (f.has("resize_mode") ? f.text("resize_mode", "") : "shortest") {
          case "shortest" -> ResizeMode.SHORTEST;
          case "squash" -> ResizeMode.SQUASH;
          default -> throw f.bad("resize_mode", "supported are \"shortest\" and \"squash\"");
        };
    return new ImageTransform(
        vision.imageHeight(),
        vision.imageWidth(),
        f.channels("mean", openai.mean()),
        std(f, "std", openai.std()),
        interpolation,
        mode);
  }

  /**
   * Reads a {@code preprocessor_config.json} of {@code CLIPImageProcessor} or {@code
   * SiglipImageProcessor}, the latter for a SigLIP tower: it crops nothing.
   */
  static ImageTransform readTransformers(JsonFields f, VisionConfig vision)
      throws CheckpointException {
    for (String step : new String[] {"do_resize", "do_center_crop", "do_rescale", "do_normalize"}) {
      boolean needed = !step.equals("do_center_crop") || !isSquash(f) && !vision.isSigLip();
      if (needed && !f.flag(step, true)) {
        throw f.bad(step, "a transform without this step is not supported");
      }
    }
    if (Math.abs(f.number("rescale_factor", RESCALE) - RESCALE) > 1e-9) {
      throw f.bad("rescale_factor", "only 1/255 is supported");
    }
    ImageTransform usual = usual(vision);
    if (f.flag("do_center_crop", !vision.isSigLip())
        && (f.has("crop_size") || vision.imageHeight() != 224)) {
      requireSize(f, "crop_size", vision);
    }
    if (f.has("size") || vision.imageHeight() != 224) {
      requireSize(f, "size", vision);
    }
    int resample = f.has("resample") ? f.whole("resample", 0, 0, 5) : PILLOW_BICUBIC;
    if (resample != PILLOW_BICUBIC && resample != PILLOW_BILINEAR) {
      throw f.bad("resample", "supported are 3 (bicubic) and 2 (bilinear)");
    }
    return new ImageTransform(
        vision.imageHeight(),
        vision.imageWidth(),
        f.channels("image_mean", usual.mean()),
        std(f, "image_std", usual.std()),
        resample == PILLOW_BICUBIC ? Interpolation.BICUBIC : Interpolation.BILINEAR,
        isSquash(f) || vision.isSigLip() && !f.has("size")
            ? ResizeMode.SQUASH
            : ResizeMode.SHORTEST);
  }

  /** Whether both edges are given; one number or the shortest edge keeps the aspect ratio. */
  private static boolean isSquash(JsonFields f) {
    return f.get("size") instanceof JsonObject size && !size.has("shortest_edge");
  }

  /**
   * Compares a size in any of its forms with what the model takes: a number, [height, width],
   * shortest_edge, or height and width.
   */
  private static void requireSize(JsonFields f, String key, VisionConfig vision)
      throws CheckpointException {
    JsonElement value = f.get(key);
    JsonElement height = value;
    JsonElement width = value;
    if (value instanceof JsonArray pair && pair.size() == 2) {
      height = pair.get(0);
      width = pair.get(1);
    } else if (value instanceof JsonObject sizes) {
      boolean shortest = sizes.has("shortest_edge");
      height = sizes.get(shortest ? "shortest_edge" : "height");
      width = sizes.get(shortest ? "shortest_edge" : "width");
    }
    if (!is(height, vision.imageHeight()) || !is(width, vision.imageWidth())) {
      throw f.bad(
          key,
          "the model takes images of "
              + vision.imageHeight()
              + " x "
              + vision.imageWidth()
              + " pixels; the two must agree");
    }
  }

  private static boolean is(JsonElement value, int expected) {
    return value instanceof JsonPrimitive primitive
        && primitive.isNumber()
        && Double.parseDouble(primitive.getAsString()) == expected;
  }

  private static float[] std(JsonFields f, String key, float[] fallback)
      throws CheckpointException {
    float[] std = f.channels(key, fallback);
    for (float value : std) {
      if (!(value > 0)) {
        throw f.bad(key, "standard deviations are above 0");
      }
    }
    return std;
  }

  static JsonObject writeOpenClip(ImageTransform transform) {
    JsonObject json = new JsonObject();
    json.add("mean", array(transform.mean()));
    json.add("std", array(transform.std()));
    json.addProperty("interpolation", transform.interpolation().name().toLowerCase(Locale.ROOT));
    json.addProperty("resize_mode", transform.resizeMode().name().toLowerCase(Locale.ROOT));
    return json;
  }

  static JsonObject writeTransformers(ImageTransform transform, VisionConfig vision) {
    JsonObject both = new JsonObject();
    both.addProperty("height", transform.height());
    both.addProperty("width", transform.width());
    JsonObject size = new JsonObject();
    if (transform.resizeMode() == ResizeMode.SQUASH) {
      size = both.deepCopy();
    } else {
      size.addProperty("shortest_edge", transform.height());
    }
    JsonObject json = new JsonObject();
    boolean crops = !vision.isSigLip() || transform.resizeMode() == ResizeMode.SHORTEST;
    if (crops) {
      json.add("crop_size", both);
      json.addProperty("do_center_crop", true);
    }
    json.addProperty("do_convert_rgb", true);
    json.addProperty("do_normalize", true);
    json.addProperty("do_rescale", true);
    json.addProperty("do_resize", true);
    json.add("image_mean", array(transform.mean()));
    json.addProperty(
        "image_processor_type", (vision.isSigLip() ? "Siglip" : "CLIP") + "ImageProcessor");
    json.add("image_std", array(transform.std()));
    json.addProperty("processor_class", (vision.isSigLip() ? "Siglip" : "CLIP") + "Processor");
    json.addProperty(
        "resample",
        transform.interpolation() == Interpolation.BICUBIC ? PILLOW_BICUBIC : PILLOW_BILINEAR);
    json.addProperty("rescale_factor", RESCALE);
    json.add("size", size);
    return json;
  }

  private static JsonArray array(float[] values) {
    JsonArray array = new JsonArray();
    for (float value : values) {
      array.add(value);
    }
    return array;
  }
}
