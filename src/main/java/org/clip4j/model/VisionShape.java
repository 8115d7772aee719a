package org.clip4j.model;

import java.io.Serializable;

/**
 * Describes what all image towers have that are transformers over the patches of an image, whatever
 * their family; made by {@link #builder}.
 *
 * @param imageHeight input height in pixels
 * @param imageWidth input width in pixels
 * @param patchSize edge of a square patch in pixels
 * @param width D
 * @param layers residual attention blocks
 * @param heads attention heads of each block
 * @param mlpRatio hidden width of the MLP over D
 * @param tanhGelu whether GELU is computed by its tanh approximation
 * @param normEpsilon epsilon of every LayerNorm
 * @param patchDropout see {@link VisionTransformerConfig#patchDropout}
 */
public record VisionShape(
    int imageHeight,
    int imageWidth,
    int patchSize,
    int width,
    int layers,
    int heads,
    double mlpRatio,
    boolean tanhGelu,
    double normEpsilon,
    double patchDropout)
    implements Serializable {

  /** Checks the sizes against each other. */
  public VisionShape {
    Checks.positive("vision_cfg.image_size", Math.min(imageHeight, imageWidth));
    if (!(patchDropout >= 0 && patchDropout < 1)) {
      throw Checks.bad("vision_cfg.patch_dropout", patchDropout, "must be at least 0 and below 1");
    }
    Checks.positive("vision_cfg.patch_size", patchSize);
    if (patchSize > Math.min(imageHeight, imageWidth)) {
      throw Checks.bad(
          "vision_cfg.patch_size",
          patchSize,
          "larger than the image, " + imageHeight + " x " + imageWidth);
    }
    Checks.blocks("vision_cfg", width, layers, mlpRatio, normEpsilon);
    Checks.divides("vision_cfg.heads", heads, "the width", width);
  }

  /** Starts a shape whose LayerNorms have the epsilon 1e-5. */
  public static Builder builder() {
    return new Builder();
  }

  /** Starts a builder with what this shape has. */
  public Builder toBuilder() {
    return new Builder(this);
  }

  /** Refuses the approximation of GELU by tanh, for families that do not have it. */
  void requireExactGelu(String has) {
    if (tanhGelu) {
      throw Checks.bad("vision_cfg.act_kwargs", "tanh", has);
    }
  }

  /**
   * Collects what all of these towers have.
   *
   * @param <B> the builder itself
   */
  public abstract static class Setters<B extends Setters<B>> {
    private int imageHeight;
    private int imageWidth;
    private int patchSize;
    private int layers;
    private double mlpRatio = 4;
    private boolean tanhGelu;
    private double normEpsilon = TextConfig.NORM_EPSILON;
    private double patchDropout;
    int width;

    Setters() {}

    abstract B self();

    VisionShape shape(int heads) {
      return new VisionShape(
          imageHeight,
          imageWidth,
          patchSize,
          width,
          layers,
          heads,
          mlpRatio,
          tanhGelu,
          normEpsilon,
          patchDropout);
    }

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

    /** Sets the epsilon of every LayerNorm; 1e-5 by default. */
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

  /** Collects a shape. */
  public static final class Builder extends Setters<Builder> {
    private int heads;

    private Builder() {}

    private Builder(VisionShape shape) {
      setImageSize(shape.imageHeight, shape.imageWidth);
      setPatchSize(shape.patchSize);
      setWidth(shape.width);
      setLayers(shape.layers);
      setHeads(shape.heads);
      optMlpRatio(shape.mlpRatio);
      optTanhGelu(shape.tanhGelu);
      optNormEpsilon(shape.normEpsilon);
      optPatchDropout(shape.patchDropout);
    }

    @Override
    Builder self() {
      return this;
    }

    /** Sets the number of attention heads. */
    public Builder setHeads(int count) {
      heads = count;
      return this;
    }

    /**
     * Makes the shape.
     *
     * @throws IllegalArgumentException if the sizes do not fit each other; the message names them
     */
    public VisionShape build() {
      return shape(heads);
    }
  }
}
