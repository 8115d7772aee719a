package org.clip4j.model;

import java.io.Serializable;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Describes the architecture of a CLIP model, in the vocabulary of OpenCLIP's {@code model_cfg}.
 *
 * @param embedDim E, the width of the shared embedding space
 * @param vision the image tower
 * @param text the text tower
 * @param quickGelu whether activations are x * sigmoid(1.702 x), as in OpenAI's models, and not
 *     GELU; a SigLIP tower has GELU all the same
 * @param customText whether the text tower's parameters stand under {@code text.} in a checkpoint,
 *     as in OpenCLIP's {@code CustomTextCLIP}, and as always those of an {@link EncoderConfig}; it
 *     changes no number
 * @param initLogitScale logarithm of the logit scale before training
 * @param initLogitBias the learned bias of a sigmoid model's logits before training (Zhai et al.
 *     2023), or null for a model without one
 */
public record ClipConfig(
    int embedDim,
    VisionConfig vision,
    TextConfig text,
    boolean quickGelu,
    boolean customText,
    double initLogitScale,
    @Nullable Double initLogitBias)
    implements Serializable {

  /** CLIP's own initial value, the logarithm of 1 / 0.07. */
  public static final double INIT_LOGIT_SCALE = Math.log(1 / 0.07);

  /** Checks that the parts fit each other. */
  public ClipConfig {
    Checks.positive("model_cfg.embed_dim", embedDim);
    if (vision instanceof SigLipConfig && vision.width() != embedDim) {
      throw Checks.bad(
          "model_cfg.embed_dim",
          embedDim,
          "a SigLIP tower of width " + vision.width() + " gives that");
    }
    if (vision instanceof VitConfig vit && vit.pooler() != null) {
      Checks.divides("vision_cfg.attn_pooler_heads", vit.pooler().heads(), "embed_dim", embedDim);
    }
    if (vision instanceof TimmStagedConfig tower
        && tower.head().projection() == TimmHead.Projection.NONE
        && tower.features() != embedDim) {
      throw Checks.bad(
          "model_cfg.embed_dim",
          embedDim,
          "without a projection a " + tower.family() + " gives " + tower.features());
    }
    boolean projects =
        text instanceof EncoderConfig encoder
            ? encoder.head() != EncoderHead.NONE
            : ((TextTransformerConfig) text).projection() != TextProjection.NONE;
    if (!projects && text.width() != embedDim) {
      throw Checks.bad(
          "text_cfg.width", text.width(), "without a projection it must be embed_dim, " + embedDim);
    }
    customText |= text instanceof EncoderConfig;
    boolean tanhGelu =
        text instanceof TextTransformerConfig tower && tower.tanhGelu()
            || vision instanceof VitConfig vit && vit.tanhGelu();
    if (quickGelu && tanhGelu) {
      throw Checks.bad("model_cfg.quick_gelu", true, "act_kwargs asks for another activation");
    }
  }

  /** Makes a model as the paper has it: softmax logits, the text tower's names without prefix. */
  public ClipConfig(int embedDim, VisionConfig vision, TextConfig text, boolean quickGelu) {
    this(embedDim, vision, text, quickGelu, false, INIT_LOGIT_SCALE, null);
  }

  /** Returns whether logits have a learned bias and train with the sigmoid loss, as SigLIP's. */
  public boolean isSigmoid() {
    return initLogitBias != null;
  }

  /**
   * Returns an architecture by its name, for example {@code ViT-B-32}; names and sizes are
   * OpenCLIP's where OpenCLIP has the architecture.
   *
   * @throws IllegalArgumentException listing the names there are, if there is no such one
   */
  public static ClipConfig named(String name) {
    return NamedConfigs.get(name);
  }

  /** Returns the names that {@link #named} knows. */
  public static List<String> names() {
    return NamedConfigs.names();
  }

  /**
   * Returns the same architecture for images of another size; a ViT's positional embeddings then
   * have another number of rows, see {@link ResampledPositions}.
   */
  public ClipConfig withImageSize(int height, int width) {
    return with(vision.withImageSize(height, width));
  }

  /**
   * Returns the same architecture with another {@link VisionTransformerConfig#patchDropout}.
   *
   * @throws IllegalArgumentException if the image tower has no patches
   */
  public ClipConfig withPatchDropout(double share) {
    if (vision instanceof VisionTransformerConfig tower) {
      return with(tower.withPatchDropout(share));
    }
    throw Checks.bad("vision_cfg.patch_dropout", share, "a " + vision.family() + " has no patches");
  }

  private ClipConfig with(VisionConfig tower) {
    return new ClipConfig(
        embedDim, tower, text, quickGelu, customText, initLogitScale, initLogitBias);
  }

  /** Returns the same architecture with another text tower. */
  public ClipConfig withText(TextConfig tower) {
    return new ClipConfig(
        embedDim, vision, tower, quickGelu, customText, initLogitScale, initLogitBias);
  }

  /**
   * Returns the same architecture with the branches of its image tower folded, if it is one that
   * has them; see {@link FastVitConfig#folded}.
   */
  public ClipConfig withFoldedImageTower() {
    return vision instanceof FastVitConfig tower ? with(tower.withFolded(true)) : this;
  }

  /** Returns the same architecture with or without the prefix before the text tower's names. */
  public ClipConfig withCustomText(boolean prefixed) {
    return new ClipConfig(
        embedDim, vision, text, quickGelu, prefixed, initLogitScale, initLogitBias);
  }
}
