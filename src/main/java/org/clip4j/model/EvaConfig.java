package org.clip4j.model;

/**
 * Describes the image tower of an EVA-CLIP model (Sun et al. 2023), whose LayerNorms have the
 * epsilon 1e-6.
 *
 * @param shape what all transformers over patches have
 * @param generation which blocks it has
 */
public record EvaConfig(VisionShape shape, Generation generation)
    implements VisionTransformerConfig {

  /** Says which blocks an EVA tower has. */
  public enum Generation {
    /** The paper's, without a bias of keys (Fang et al. 2022, "EVA"). */
    EVA01,
    /**
     * Rotary positions, SwiGLU and a LayerNorm more in each branch (Fang et al. 2023, "EVA-02").
     */
    EVA02,
    /** A LayerNorm after each branch instead of before it, as in EVA02-CLIP-E. */
    EVA02_E
  }

  /** Checks the shape against the blocks. */
  public EvaConfig {
    shape.requireExactGelu("an EVA tower has exact GELU or SiLU");
    if (generation == Generation.EVA02) {
      Checks.rotary("vision_cfg.heads", shape.heads(), shape.width());
    }
  }

  @Override
  public EvaConfig withShape(VisionShape other) {
    return new EvaConfig(other, generation);
  }

  @Override
  public String family() {
    return "timm EVA";
  }
}
