package org.clip4j.model;

import java.io.Serializable;

/**
 * Describes the image tower, in the vocabulary of OpenCLIP's {@code vision_cfg}. Each family of
 * towers is a type of its own.
 */
public sealed interface VisionConfig extends Serializable
    permits VisionTransformerConfig, StagedVisionConfig {

  /** Returns the input height in pixels. */
  int imageHeight();

  /** Returns the input width in pixels. */
  int imageWidth();

  /** Returns D, a transformer's width, or the base width of a ModifiedResNet. */
  int width();

  /** Returns how many blocks follow one another: residual attention blocks, or bottlenecks. */
  int blocks();

  /** Returns whether training normalises over the images of a micro-batch. */
  default boolean hasBatchNorm() {
    return false;
  }

  /** Returns what the family is called in messages, for example {@code ModifiedResNet}. */
  String family();

  /** Returns the same tower for images of another size. */
  VisionConfig withImageSize(int height, int width);

  /** Calls the method of the visitor that is for this family. */
  <R> R accept(Visitor<R> visitor);

  /**
   * Decides by the family of a tower; the compiler sees to it that none is forgotten.
   *
   * @param <R> what is decided
   */
  interface Visitor<R> {
    /** Decides for a Vision Transformer as the paper has it. */
    R vit(VitConfig tower);

    /** Decides for a ModifiedResNet. */
    R resNet(ResNetConfig tower);

    /** Decides for a ConvNeXt. */
    R convNext(ConvNextConfig tower);

    /** Decides for a FastViT. */
    R fastVit(FastVitConfig tower);

    /** Decides for a Swin Transformer. */
    R swin(SwinConfig tower);

    /** Decides for SigLIP's tower. */
    R sigLip(SigLipConfig tower);

    /** Decides for a Vision Transformer under timm's names. */
    R timmVit(TimmVitConfig tower);

    /** Decides for one without class token. */
    R timmGapVit(TimmGapVitConfig tower);

    /** Decides for one with relative positions. */
    R timmRelativeVit(TimmRelativeVitConfig tower);

    /** Decides for a ViTamin. */
    R viTamin(ViTaminConfig tower);

    /** Decides for an EVA tower. */
    R eva(EvaConfig tower);

    /** Decides for a Perception Encoder. */
    R pe(PeConfig tower);
  }
}
