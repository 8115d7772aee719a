package org.clip4j.model;

import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.BiFunction;
import java.util.stream.Stream;
import org.clip4j.model.EvaConfig.Generation;
import org.jspecify.annotations.Nullable;

/**
 * Image towers that OpenCLIP's configurations only name, after timm's models
 * (timm/models/vision_transformer.py, 1.0): their sizes and activations, and those of the small
 * towers of the reference data.
 */
final class TimmTowers {

  /**
   * The towers of one family.
   *
   * @param pools the {@code timm_pool} that may be beside their names, the usual one first
   * @param proj the {@code timm_proj} beside their names; null is a value there
   * @param towers by their names
   */
  private record Family(
      List<String> pools, @Nullable String proj, Map<String, VisionTransformerConfig> towers) {

    /**
     * Reads lines of image, patch, width, layers, heads, MLP ratio, approximation of GELU.
     *
     * @param epsilon of the LayerNorms
     * @param tower makes one of a shape and of what follows that in a line, if anything does
     */
    static Family of(
        String pool,
        @Nullable String proj,
        double epsilon,
        BiFunction<VisionShape, String, VisionTransformerConfig> tower,
        String lines) {
      Map<String, VisionTransformerConfig> towers = new LinkedHashMap<>();
      for (String line : lines.strip().split("\n")) {
        String[] cells = line.split(" ");
        VisionShape shape =
            VisionShape.builder()
                .setImageSize(Integer.parseInt(cells[1]))
                .setPatchSize(Integer.parseInt(cells[2]))
                .setWidth(Integer.parseInt(cells[3]))
                .setLayers(Integer.parseInt(cells[4]))
                .setHeads(Integer.parseInt(cells[5]))
                .optMlpRatio(Double.parseDouble(cells[6]))
                .optTanhGelu(cells[7].equals("tanh"))
                .optNormEpsilon(epsilon)
                .build();
        towers.put(cells[0], tower.apply(shape, cells.length > 8 ? cells[8] : ""));
      }
      boolean mean = towers.values().stream().anyMatch(Family::isMean);
      return new Family(mean ? List.of(pool, "avg") : List.of(pool), proj, towers);
    }

    private static boolean isMean(VisionTransformerConfig tower) {
      return tower instanceof TimmGapVitConfig || tower instanceof ViTaminConfig;
    }

    JsonElement projJson() {
      return proj == null ? JsonNull.INSTANCE : new JsonPrimitive(proj);
    }
  }

  private static final List<Family> FAMILIES =
      List.of(
          Family.of(
              "map",
              "none",
              1e-6,
              (shape, none) -> new SigLipConfig(shape, false),
              """
              vit_base_patch32_siglip_256 256 32 768 12 12 4 tanh
              vit_base_patch16_siglip_224 224 16 768 12 12 4 none
              vit_base_patch16_siglip_256 256 16 768 12 12 4 none
              vit_base_patch16_siglip_384 384 16 768 12 12 4 none
              vit_base_patch16_siglip_512 512 16 768 12 12 4 none
              vit_large_patch16_siglip_256 256 16 1024 24 16 4 none
              vit_large_patch16_siglip_384 384 16 1024 24 16 4 none
              vit_large_patch16_siglip_512 512 16 1024 24 16 4 tanh
              vit_so400m_patch14_siglip_224 224 14 1152 27 16 3.7362 none
              vit_so400m_patch14_siglip_378 378 14 1152 27 16 3.7362 none
              vit_so400m_patch14_siglip_384 384 14 1152 27 16 3.7362 none
              vit_so400m_patch16_siglip_256 256 16 1152 27 16 3.7362 tanh
              vit_so400m_patch16_siglip_384 384 16 1152 27 16 3.7362 tanh
              vit_so400m_patch16_siglip_512 512 16 1152 27 16 3.7362 tanh
              vit_giantopt_patch16_siglip_256 256 16 1536 40 16 4 tanh
              vit_giantopt_patch16_siglip_384 384 16 1536 40 16 4 tanh
              vit_small_reference_siglip 32 8 48 2 3 2.5 none
              """),
          Family.of(
              "token",
              null, // the trunk's own head projects
              1e-5,
              (shape, none) -> new TimmVitConfig(shape, true, false, false),
              """
              vit_large_patch14_clip_224 224 14 1024 24 16 4 none
              vit_small_reference_clip 32 8 48 2 3 2.5 none
              """),
          Family.of(
              "", // the class token, which is the trunk's own
              "linear",
              1e-6,
              (shape, none) -> new TimmVitConfig(shape, false, true, false),
              """
              vit_base_patch16_224 224 16 768 12 12 4 none
              vit_small_reference_plain 32 8 48 2 3 2.5 none
              """),
          Family.of(
              "",
              "linear",
              1e-6,
              (shape, none) -> new TimmGapVitConfig(shape),
              """
              vit_medium_patch16_gap_256 256 16 512 12 8 4 none
              vit_small_reference_gap 32 8 48 2 3 2.5 none
              """),
          Family.of(
              "",
              "linear",
              1e-6,
              (shape, hidden) -> new TimmRelativeVitConfig(shape, Integer.parseInt(hidden)),
              """
              vit_relpos_medium_patch16_cls_224 224 16 512 12 8 4 none 256
              vit_relpos_small_reference 32 8 24 2 2 2.5 none 12
              """),
          Family.of( // L2 has a larger text encoder, and the same images'
              "",
              "linear",
              1e-6,
              (shape, stem) -> new ViTaminConfig(shape, Integer.parseInt(stem), true),
              """
              vitamin_small_224 224 16 384 14 6 2 none 64
              vitamin_base_224 224 16 768 14 12 2 none 128
              vitamin_large_224 224 16 1024 31 16 2 none 160
              vitamin_large_256 256 16 1024 31 16 2 none 160
              vitamin_large_336 336 16 1024 31 16 2 none 160
              vitamin_large_384 384 16 1024 31 16 2 none 160
              vitamin_large2_224 224 16 1024 31 16 2 none 160
              vitamin_large2_256 256 16 1024 31 16 2 none 160
              vitamin_large2_336 336 16 1024 31 16 2 none 160
              vitamin_large2_384 384 16 1024 31 16 2 none 160
              vitamin_small_reference 64 16 24 2 2 2 none 12
              """),
          Family.of(
              "",
              "linear",
              1e-6,
              (shape, stem) -> new ViTaminConfig(shape, Integer.parseInt(stem), false),
              """
              vitamin_xlarge_256 256 16 1152 32 16 2 none 192
              vitamin_xlarge_336 336 16 1152 32 16 2 none 192
              vitamin_xlarge_384 384 16 1152 32 16 2 none 192
              """),
          Family.of(
              "token",
              null,
              1e-6,
              (shape, none) -> new TimmVitConfig(shape, true, false, true),
              """
              vit_base_mci_224 224 16 768 12 12 4 none
              vit_small_reference_mci 64 16 48 2 3 2.5 none
              """),
          Family.of(
              "token",
              null,
              1e-6,
              (shape, generation) -> new EvaConfig(shape, Generation.valueOf(generation)),
              """
              eva_giant_patch14_224 224 14 1408 40 16 4.363636363636363 none EVA01
              eva_small_reference 32 8 48 2 3 2.5 none EVA01
              eva02_base_patch16_clip_224 224 16 768 12 12 2.6666666666666665 none EVA02
              eva02_large_patch14_clip_224 224 14 1024 24 16 2.6666666666666665 none EVA02
              eva02_large_patch14_clip_336 336 14 1024 24 16 2.6666666666666665 none EVA02
              eva02_small_reference 32 8 48 2 3 2.5 none EVA02
              eva02_enormous_patch14_clip_224 224 14 1792 64 16 8.571428571428571 none EVA02_E
              eva02_small_reference_post_norm 32 8 48 2 3 2.5 none EVA02_E
              """),
          Family.of(
              "map",
              null,
              1e-5,
              (shape, token) -> new PeConfig(shape, token.equals("token")),
              """
              vit_pe_core_tiny_patch16_384 384 16 192 12 3 4 none token
              vit_pe_core_small_patch16_384 384 16 384 12 6 4 none token
              vit_pe_core_base_patch16_224 224 16 768 12 12 4 none token
              vit_pe_core_large_patch14_336 336 14 1024 24 16 4 none token
              vit_pe_core_small_reference 32 8 48 2 3 2.5 none token
              vit_pe_core_gigantic_patch14_448 448 14 1536 50 16 5.833333333333333 none tokenless
              vit_pe_core_small_reference_tokenless 32 8 48 2 3 2.5 none tokenless
              """));

  private TimmTowers() {}

  /**
   * Reads the tower under {@code timm_model_name}; what else describes a tower is ignored, as
   * OpenCLIP does.
   */
  static VisionConfig read(ConfigFields f, int height, int width) {
    String name = f.textOrNull("timm_model_name");
    if (TimmStagedTowers.names().contains(name)) {
      return TimmStagedTowers.read(f, height, width);
    }
    Family family =
        FAMILIES.stream()
            .filter(known -> known.towers.containsKey(name))
            .findFirst()
            .orElseThrow(
                () -> f.bad("timm_model_name", "of timm's towers these are supported: " + names()));
    VisionTransformerConfig tower = family.towers.get(name);
    if (takesAnySize(tower)) {
      tower = tower.withImageSize(height, width);
    } else if (height != tower.imageHeight() || width != tower.imageWidth()) {
      throw f.bad(
          "image_size",
          "the tower that timm_model_name names takes images of " + tower.imageHeight());
    }
    String wrong =
        !family.pools.contains(f.textOrNull("timm_pool", "avg"))
            ? "timm_pool"
            : !Objects.equals(family.proj, projection(f))
                ? "timm_proj"
                : f.flag("timm_proj_bias", false) ? "timm_proj_bias" : null;
    if (wrong != null) {
      throw f.bad(
          wrong,
          "a "
              + tower.family()
              + " has timm_pool \""
              + String.join("\" or \"", family.pools)
              + "\", timm_proj "
              + family.projJson()
              + " and no timm_proj_bias");
    }
    return tower.withPatchDropout(f.share("patch_dropout"));
  }

  /** The {@code timm_proj}, of which an empty one is none. */
  static @Nullable String projection(ConfigFields f) {
    String projection = f.textOrNull("timm_proj", "linear");
    return projection == null || projection.isEmpty() ? null : projection;
  }

  /** Whether timm's module of that name computes an image of another size than its own, too. */
  private static boolean takesAnySize(VisionTransformerConfig tower) {
    return tower instanceof ViTaminConfig vitamin && !vitamin.positions();
  }

  private static List<String> names() {
    return Stream.concat(
            FAMILIES.stream().flatMap(family -> family.towers.keySet().stream()),
            TimmStagedTowers.names().stream())
        .filter(name -> !name.contains("_reference")) // of the reference data
        .toList();
  }

  static JsonObject write(VisionTransformerConfig vision) {
    if (vision instanceof SigLipConfig tower && tower.naFlex()) {
      throw new IllegalArgumentException(
          "OpenCLIP has no NaFlex tower, so neither its layout nor weights of 8-bit integers, which"
              + " are kept in it, can hold this model; save in transformers' layout instead");
    }
    VisionTransformerConfig plain = vision.withPatchDropout(0);
    for (Family family : FAMILIES) {
      for (Map.Entry<String, VisionTransformerConfig> tower : family.towers.entrySet()) {
        VisionTransformerConfig known = tower.getValue();
        if (takesAnySize(known) && vision instanceof ViTaminConfig) {
          known = known.withImageSize(vision.imageHeight(), vision.imageWidth());
        }
        if (known.equals(plain)) {
          JsonObject json = new JsonObject();
          ClipConfigWriter.addImageSize(json, vision);
          json.addProperty("timm_model_name", tower.getKey());
          json.addProperty("timm_model_pretrained", false);
          json.addProperty("timm_pool", family.pools.get(0));
          json.add("timm_proj", family.projJson());
          return json;
        }
      }
    }
    throw new IllegalArgumentException(
        "OpenCLIP knows a "
            + vision.family()
            + " only by a name of timm's, and none of those has images of "
            + vision.imageHeight()
            + ", patches of "
            + vision.patchSize()
            + ", width "
            + vision.width()
            + ", "
            + vision.layers()
            + " layers and "
            + (vision.tanhGelu() ? "GELU by tanh" : "exact GELU")
            + (vision instanceof SigLipConfig ? "; save in transformers' layout instead" : ""));
  }
}
