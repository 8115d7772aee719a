package org.clip4j.model;

/**
 * Describes a plain Vision Transformer as timm has it with relative positions (its {@code
 * VisionTransformerRelPos} with a class token), LayerScale and no biases of queries, keys and
 * values.
 *
 * @param shape whose {@code patchDropout} is 0, since timm's tower leaves out no patches
 * @param relativeWidth hidden width of the MLP that makes a bias of a distance
 */
public record TimmRelativeVitConfig(VisionShape shape, int relativeWidth)
    implements VisionTransformerConfig {

  /** Checks the shape. */
  public TimmRelativeVitConfig {
    shape.requireExactGelu("this timm ViT has exact GELU");
    if (shape.patchDropout() != 0) {
      throw Checks.bad(
          "vision_cfg.patch_dropout",
          shape.patchDropout(),
          "a timm ViT of relative positions looks at all patches; leave 0");
    }
    Checks.positive("vision_cfg.relative_width", relativeWidth);
  }

  @Override
  public TimmRelativeVitConfig withShape(VisionShape other) {
    return new TimmRelativeVitConfig(other, relativeWidth);
  }

  @Override
  public Double lsInitValue() {
    return 1e-6;
  }

  @Override
  public boolean choosesPatches() {
    return false;
  }

  @Override
  public String family() {
    return "timm ViT of relative positions";
  }
}
