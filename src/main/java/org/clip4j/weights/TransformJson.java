package org.clip4j.weights;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.util.List;
import java.util.Locale;
import org.clip4j.image.ImageTransform;
import org.clip4j.image.ImageTransform.Interpolation;
import org.clip4j.image.ImageTransform.ResizeMode;
import org.clip4j.io.IoErrors;
import org.clip4j.model.ClipConfig;
import org.clip4j.model.EncoderConfig;
import org.clip4j.model.PeConfig;
import org.clip4j.model.SigLipConfig;
import org.clip4j.model.VisionConfig;
import org.clip4j.weights.tensors.CheckpointException;

/** The validation transform in OpenCLIP's {@code preprocess_cfg} and transformers' processors. */
final class TransformJson {
  /** Pillow's numbers for its filters. */
  private static final int PILLOW_BILINEAR = 2;

  private static final int PILLOW_BICUBIC = 3;
  private static final int MAX_IMAGE = 1 << 14;
  private static final double RESCALE = 1 / 255.0;

  /** The most patches of an image that transformers' processor makes where nothing is said. */
  private static final int NAFLEX_PATCHES = 256;

  private static final int MAX_PATCHES = 1 << 14;
  private static final String NAFLEX = "Siglip2ImageProcessor";

  private TransformJson() {}

  /** What models of a kind were trained with where nothing else is said. */
  static ImageTransform usual(VisionConfig vision) {
    int height = vision.imageHeight();
    int width = vision.imageWidth();
    if (vision instanceof SigLipConfig tower) {
      return tower.naFlex()
          ? ImageTransform.naFlex(tower.patchSize(), NAFLEX_PATCHES)
          : ImageTransform.sigLip(height, width);
    }
    if (vision instanceof PeConfig) {
      float[] half = {0.5f, 0.5f, 0.5f};
      return new ImageTransform(
          height, width, half, half.clone(), Interpolation.BILINEAR, ResizeMode.SQUASH);
    }
    return ImageTransform.openai(height, width);
  }

  /** Reads a {@code preprocess_cfg}; keys that OpenCLIP does not know are skipped as it does. */
  static ImageTransform readOpenClip(CheckpointFields f, VisionConfig vision)
      throws CheckpointException {
    ImageTransform openai = ImageTransform.openai(vision.imageHeight(), vision.imageWidth());
    if (f.has("size")) {
      requireSize(f, "size", vision);
    }
    if (f.has("mode") && !f.text("mode", "RGB").equals("RGB")) {
      throw f.bad("mode", "only \"RGB\" is supported");
    }
    Interpolation interpolation =
        switch (f.has("interpolation") ? f.text("interpolation", "") : "bicubic") {
          case "bicubic", "random" -> Interpolation.BICUBIC; // drawn in training alone
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

  private static boolean isNaFlex(VisionConfig vision) {
    return vision instanceof SigLipConfig tower && tower.naFlex();
  }

  /** What one of transformers' classes does where its configuration does not say. */
  private record Processor(String type, boolean crops, boolean square, boolean sigLip, int filter) {
    /** Chinese CLIP's and ImageNet's BiT do what CLIP's does. */
    static final List<Processor> KNOWN =
        List.of(
            new Processor("CLIPImageProcessor", true, false, false, PILLOW_BICUBIC),
            new Processor("ChineseCLIPImageProcessor", true, false, false, PILLOW_BICUBIC),
            new Processor("BitImageProcessor", true, false, false, PILLOW_BICUBIC),
            new Processor("SiglipImageProcessor", false, false, true, PILLOW_BICUBIC),
            new Processor(NAFLEX, false, false, true, PILLOW_BILINEAR),
            new Processor("ViTImageProcessor", false, true, true, PILLOW_BILINEAR));

    /** By the class's name, of which the endings for its implementations say nothing here. */
    static Processor of(CheckpointFields f, VisionConfig vision) throws CheckpointException {
      String key =
          f.has("image_processor_type") ? "image_processor_type" : "feature_extractor_type";
      String usual = usual(vision);
      String name =
          (f.has(key) ? f.text(key, "") : usual)
              .replace("FeatureExtractor", "ImageProcessor")
              .replaceFirst("(Fast|Pil)$", "");
      Processor processor =
          KNOWN.stream()
              .filter(known -> known.type.equals(name))
              .findFirst()
              .orElseThrow(
                  () -> f.bad(key, "known are " + KNOWN.stream().map(k -> k.type).toList()));
      if (isNaFlex(vision) != name.equals(NAFLEX)) {
        throw f.bad(key, "the images of a " + vision.family() + " are made by " + usual(vision));
      }
      return processor;
    }

    private static String usual(VisionConfig vision) {
      return isNaFlex(vision)
          ? NAFLEX
          : vision instanceof SigLipConfig ? "SiglipImageProcessor" : "CLIPImageProcessor";
    }
  }

  /** Reads the configuration of one of transformers' image processors, by its type. */
  static ImageTransform readTransformers(CheckpointFields f, VisionConfig vision)
      throws CheckpointException {
    Processor processor = Processor.of(f, vision);
    for (String step : new String[] {"do_resize", "do_rescale", "do_normalize"}) {
      if (f.has(step) && !f.flag(step, true)) {
        throw f.bad(step, "a transform without this step is not supported");
      }
    }
    if (f.has("rescale_factor") && Math.abs(f.number("rescale_factor", RESCALE) - RESCALE) > 1e-9) {
      throw f.bad("rescale_factor", "only 1/255 is supported");
    }
    int resample = f.has("resample") ? f.whole("resample", 0, 0, 5) : processor.filter;
    if (resample != PILLOW_BICUBIC && resample != PILLOW_BILINEAR) {
      throw f.bad("resample", "supported are 3 (bicubic) and 2 (bilinear)");
    }
    Interpolation interpolation =
        resample == PILLOW_BICUBIC ? Interpolation.BICUBIC : Interpolation.BILINEAR;
    if (isNaFlex(vision)) {
      return naFlex(f, (SigLipConfig) vision, interpolation);
    }
    boolean crops = f.has("do_center_crop") ? f.flag("do_center_crop", true) : processor.crops;
    boolean squash = isSquash(f, processor);
    if (!crops && !squash) {
      throw f.bad(
          f.has("do_center_crop") ? "do_center_crop" : "size",
          "images of other shapes would not become the model's: resized by the shorter edge they"
              + " have to be cropped");
    }
    if (crops && (f.has("crop_size") || !takes224(vision))) {
      requireSize(f, "crop_size", vision);
    }
    if (f.has("size") || !takes224(vision)) {
      requireSize(f, "size", vision);
    }
    ImageTransform usual =
        processor.sigLip ? ImageTransform.sigLip(224, 224) : ImageTransform.openai(224, 224);
    return new ImageTransform(
        vision.imageHeight(),
        vision.imageWidth(),
        f.channels("image_mean", usual.mean()),
        std(f, "image_std", usual.std()),
        interpolation,
        squash ? ResizeMode.SQUASH : ResizeMode.SHORTEST);
  }

  /** Reads a {@code Siglip2ImageProcessor}, which takes images as they are. */
  private static ImageTransform naFlex(
      CheckpointFields f, SigLipConfig vision, Interpolation interpolation)
      throws CheckpointException {
    ImageTransform usual = usual(vision);
    int patch = f.has("patch_size") ? f.whole("patch_size", 0, 1, MAX_PATCHES) : vision.patchSize();
    if (patch != vision.patchSize()) {
      throw f.bad("patch_size", "the model has patches of " + vision.patchSize());
    }
    int most =
        f.has("max_num_patches") ? f.whole("max_num_patches", 0, 1, MAX_PATCHES) : NAFLEX_PATCHES;
    return new ImageTransform(
        patch,
        patch * most,
        f.channels("image_mean", usual.mean()),
        std(f, "image_std", usual.std()),
        interpolation,
        ResizeMode.PATCHES);
  }

  /** What CLIPSeg's images go through where nothing is said, as its publisher's files have it. */
  static ImageTransform clipSeg() {
    float[] mean = {0.485f, 0.456f, 0.406f};
    float[] std = {0.229f, 0.224f, 0.225f};
    return new ImageTransform(352, 352, mean, std, Interpolation.BILINEAR, ResizeMode.SQUASH);
  }

  /**
   * Gives the tower for images of the size that a processor makes, where the model takes any.
   *
   * @throws CheckpointException if the size is none that the tower can take
   */
  static VisionConfig resized(CheckpointFields f, VisionConfig vision) throws CheckpointException {
    JsonElement size = f.get("size");
    int[] edges = new int[2];
    for (int i = 0; i < 2; i++) {
      JsonElement edge =
          size instanceof JsonObject sizes ? sizes.get(i == 0 ? "height" : "width") : size;
      edges[i] = f.asWhole("size", edge, 1, MAX_IMAGE);
    }
    try {
      return vision.withImageSize(edges[0], edges[1]);
    } catch (IllegalArgumentException e) {
      throw f.bad("size", IoErrors.message(e));
    }
  }

  private static boolean takes224(VisionConfig vision) {
    return vision.imageHeight() == 224 && vision.imageWidth() == 224;
  }

  /** Whether both edges are given; the shortest edge keeps the aspect ratio. */
  private static boolean isSquash(CheckpointFields f, Processor processor)
      throws CheckpointException {
    JsonElement size = f.get("size");
    if (size instanceof JsonObject) {
      return !f.object("size").has("shortest_edge");
    }
    if (size instanceof JsonPrimitive) { // the edge of a square, or the shortest one
      return f.has("default_to_square") ? f.flag("default_to_square", null) : processor.square;
    }
    return size instanceof JsonArray || !processor.crops; // SigLIP's default is a square
  }

  /**
   * Compares a size in any of its forms with what the model takes: a number, [height, width],
   * shortest_edge, or height and width.
   */
  private static void requireSize(CheckpointFields f, String key, VisionConfig vision)
      throws CheckpointException {
    JsonElement value = f.get(key);
    JsonElement height = value;
    JsonElement width = value;
    if (value instanceof JsonArray pair && pair.size() == 2) {
      height = pair.get(0);
      width = pair.get(1);
    } else if (value instanceof JsonObject sizes) {
      CheckpointFields edges = f.object(key);
      boolean shortest = edges.has("shortest_edge");
      List<String> known = shortest ? List.of("shortest_edge") : List.of("height", "width");
      if (sizes.keySet().stream().anyMatch(edge -> edges.has(edge) && !known.contains(edge))) {
        throw f.bad(key, "supported is the shortest_edge alone, or height and width");
      }
      height = sizes.get(known.get(0));
      width = sizes.get(known.get(known.size() - 1));
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

  private static float[] std(CheckpointFields f, String key, float[] fallback)
      throws CheckpointException {
    float[] std = f.channels(key, fallback);
    for (float value : std) {
      if (!(value >= Float.MIN_NORMAL)) {
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

  static JsonObject writeTransformers(ImageTransform transform, ClipConfig config) {
    VisionConfig vision = config.vision();
    boolean naFlex = isNaFlex(vision);
    String model =
        vision instanceof SigLipConfig
            ? naFlex ? "Siglip2" : "Siglip"
            : config.text() instanceof EncoderConfig ? "ChineseCLIP" : "CLIP";
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
    boolean crops =
        !(vision instanceof SigLipConfig) || transform.resizeMode() == ResizeMode.SHORTEST;
    if (crops) {
      json.add("crop_size", both);
      json.addProperty("do_center_crop", true);
    }
    json.addProperty("do_convert_rgb", true);
    json.addProperty("do_normalize", true);
    json.addProperty("do_rescale", true);
    json.addProperty("do_resize", true);
    json.add("image_mean", array(transform.mean()));
    json.addProperty("image_processor_type", model + "ImageProcessor");
    json.add("image_std", array(transform.std()));
    json.addProperty("processor_class", model + "Processor");
    json.addProperty(
        "resample",
        transform.interpolation() == Interpolation.BICUBIC ? PILLOW_BICUBIC : PILLOW_BILINEAR);
    json.addProperty("rescale_factor", RESCALE);
    if (naFlex) {
      json.addProperty("patch_size", transform.height());
      json.addProperty("max_num_patches", transform.patches());
    } else {
      json.add("size", size);
    }
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
