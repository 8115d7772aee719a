package org.clip4j.model;

import org.jspecify.annotations.Nullable;

/** Describes an image tower that is a transformer over the patches of an image. */
public sealed interface VisionTransformerConfig extends VisionConfig
    permits VitConfig,
        SigLipConfig,
        TimmVitConfig,
        TimmGapVitConfig,
        TimmRelativeVitConfig,
        ViTaminConfig,
        EvaConfig,
        PeConfig {

  /** Returns the edge of a square patch in pixels. */
  int patchSize();

  /** Returns the number of residual attention blocks. */
  int layers();

  /** Returns the attention heads H of each block. */
  int heads();

  /** Returns the hidden width of the MLP over D. */
  double mlpRatio();

  /** Returns the initial value of LayerScale, or null for none. */
  default @Nullable Double lsInitValue() {
    return null;
  }

  /** Returns whether GELU is computed by its tanh approximation. */
  default boolean tanhGelu() {
    return false;
  }

  /** Returns the epsilon of every LayerNorm. */
  double normEpsilon();

  /**
   * Returns the share of the patches, drawn anew for every image, that training leaves out (Li et
   * al. 2023, "Scaling Language-Image Pre-training via Masking"); it changes no embedding.
   */
  double patchDropout();

  /** Returns whether some of an image's patches can be taken without the others. */
  default boolean choosesPatches() {
    return true;
  }

  /** Starts a builder with what this tower has. */
  Builder<?> toBuilder();

  @Override
  default int blocks() {
    return layers();
  }

  /** Returns the hidden width of the MLP of each block. */
  default int mlpWidth() {
    return (int) (width() * mlpRatio());
  }

  /** Returns the number of patches of an image. */
  default int patches() {
    return gridHeight() * gridWidth();
  }

  /** Returns the number of rows of patches. */
  default int gridHeight() {
    return imageHeight() / patchSize();
  }

  /** Returns the number of columns of patches. */
  default int gridWidth() {
    return imageWidth() / patchSize();
  }

  @Override
  default VisionTransformerConfig withImageSize(int height, int width) {
    return toBuilder().setImageSize(height, width).build();
  }

  /** Returns the same tower with another {@link #patchDropout}. */
  default VisionTransformerConfig withPatchDropout(double share) {
    return toBuilder().optPatchDropout(share).build();
  }

  /** Returns the same tower with another {@link #mlpRatio}. */
  default VisionTransformerConfig withMlpRatio(double ratio) {
    return toBuilder().optMlpRatio(ratio).build();
  }

  /**
   * Collects what all of these towers have.
   *
   * @param <B> the family's own builder
   */
  abstract class Builder<B extends Builder<B>> {
    int imageHeight;
    int imageWidth;
    int patchSize;
    int width;
    int layers;
    double mlpRatio = 4;
    boolean tanhGelu;
    double normEpsilon = TextConfig.NORM_EPSILON;
    double patchDropout;

    Builder() {}

    Builder(VisionTransformerConfig tower) {
      imageHeight = tower.imageHeight();
      imageWidth = tower.imageWidth();
      patchSize = tower.patchSize();
      width = tower.width();
      layers = tower.layers();
      mlpRatio = tower.mlpRatio();
      tanhGelu = tower.tanhGelu();
      normEpsilon = tower.normEpsilon();
      patchDropout = tower.patchDropout();
    }

    abstract B self();

    /** Refuses the approximation of GELU by tanh, which timm's family does not have. */
    void requireExactGelu(String has) {
      if (tanhGelu) {
        throw Checks.bad("vision_cfg.act_kwargs", "tanh", has);
      }
    }

    /**
     * Makes the configuration.
     *
     * @throws IllegalArgumentException if the sizes do not fit each other; the message names them
     */
    public abstract VisionTransformerConfig build();

    /** Sets the edge of the square images in pixels. */
    public B setImageSize(int size) {
      return setImageSize(size, size);
    }

    /** Sets the size of the images in pixels. */
    public B setImageSize(int height, int width) {
      imageHeight = height;
      imageWidth = width;
      return self();
    }

    /** Sets the edge of a square patch in pixels. */
    public B setPatchSize(int size) {
      patchSize = size;
      return self();
    }

    /** Sets the width D. */
    public B setWidth(int value) {
      width = value;
      return self();
    }

    /** Sets the number of residual attention blocks. */
    public B setLayers(int count) {
      layers = count;
      return self();
    }

    /** Sets the hidden width of the MLP over D; 4 by default. */
    public B optMlpRatio(double ratio) {
      mlpRatio = ratio;
      return self();
    }

    /** Sets whether GELU is computed by its tanh approximation; it is not by default. */
    public B optTanhGelu(boolean tanh) {
      tanhGelu = tanh;
      return self();
    }

    /** Sets the epsilon of every LayerNorm; by default it is the family's own. */
    public B optNormEpsilon(double epsilon) {
      normEpsilon = epsilon;
      return self();
    }

    /** Sets the share of the patches that training leaves out; 0 by default. */
    public B optPatchDropout(double share) {
      patchDropout = share;
      return self();
    }
  }

  /**
   * Collects what those of these towers have whose heads are counted.
   *
   * @param <B> the family's own builder
   */
  abstract class HeadsBuilder<B extends HeadsBuilder<B>> extends Builder<B> {
    int heads;

    HeadsBuilder() {}

    HeadsBuilder(VisionTransformerConfig tower) {
      super(tower);
      heads = tower.heads();
    }

    /** Sets the number of attention heads. */
    public B setHeads(int count) {
      heads = count;
      return self();
    }
  }
}
