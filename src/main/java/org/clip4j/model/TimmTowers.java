package org.clip4j.model;

import com.google.gson.JsonObject;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * SigLIP's image towers, which OpenCLIP's configurations only name: sizes and activations of timm's
 * {@code vit_*_siglip_*} (timm/models/vision_transformer.py, 1.0), and the small tower of the
 * reference data.
 */
final class TimmTowers {
  private static final Map<String, SigLipConfig> TOWERS =
      table(
          // image, patch, width, layers, heads, MLP ratio, approximation of GELU
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
          """);

  private TimmTowers() {}

  private static Map<String, SigLipConfig> table(String lines) {
    Map<String, SigLipConfig> towers = new LinkedHashMap<>();
    for (String line : lines.strip().split("\n")) {
      Iterator<String> cells = List.of(line.strip().split(" ")).iterator();
      String name = cells.next();
      towers.put(
          name,
          SigLipConfig.builder()
              .setImageSize(Integer.parseInt(cells.next()))
              .setPatchSize(Integer.parseInt(cells.next()))
              .setWidth(Integer.parseInt(cells.next()))
              .setLayers(Integer.parseInt(cells.next()))
              .setHeads(Integer.parseInt(cells.next()))
              .optMlpRatio(Double.parseDouble(cells.next()))
              .optTanhGelu(cells.next().equals("tanh"))
              .build());
    }
    return towers;
  }

  /**
   * The tower under {@code timm_model_name}; what else describes a tower is ignored, as OpenCLIP
   * does.
   */
  static SigLipConfig read(ConfigFields f, int height, int width) {
    String name = f.textOrNull("timm_model_name");
    SigLipConfig tower = TOWERS.get(name);
    if (tower == null) {
      throw f.bad(
          "timm_model_name", "of timm's towers only SigLIP's are supported: " + TOWERS.keySet());
    }
    if (height != tower.imageHeight() || width != tower.imageWidth()) {
      throw f.bad(
          "image_size",
          "the tower that timm_model_name names takes images of " + tower.imageHeight());
    }
    if (!"map".equals(f.textOrNull("timm_pool")) || !"none".equals(f.textOrNull("timm_proj"))) {
      throw f.bad("timm_pool", "a SigLIP tower has timm_pool \"map\" and timm_proj \"none\"");
    }
    return tower;
  }

  static JsonObject write(VisionTransformerConfig vision) {
    for (Map.Entry<String, SigLipConfig> tower : TOWERS.entrySet()) {
      if (tower.getValue().equals(vision.withPatchDropout(0))) {
        JsonObject json = new JsonObject();
        json.addProperty("image_size", vision.imageHeight());
        json.addProperty("timm_model_name", tower.getKey());
        json.addProperty("timm_model_pretrained", false);
        json.addProperty("timm_pool", "map");
        json.addProperty("timm_proj", "none");
        return json;
      }
    }
    throw new IllegalArgumentException(
        "OpenCLIP knows SigLIP towers only by timm's names, and none of them has images of "
            + vision.imageHeight()
            + ", patches of "
            + vision.patchSize()
            + ", width "
            + vision.width()
            + ", "
            + vision.layers()
            + " layers and "
            + (vision.tanhGelu() ? "GELU by tanh" : "exact GELU")
            + "; save in transformers' layout instead");
  }
}
