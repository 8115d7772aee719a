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

  /**
   * Returns about how many values of an image are carried from one block to the next, where they
   * are most.
   *
   * @param patches that an image may have, if the tower takes images of many sizes
   */
  long valuesOfImage(int patches);

  /** Returns whether training normalises over the images of a micro-batch. */
  default boolean hasBatchNorm() {
    return false;
  }

  /** Returns what the family is called in messages, for example {@code ModifiedResNet}. */
  String family();

  /** Returns the same tower for images of another size. */
  VisionConfig withImageSize(int height, int width);
}
