package org.clip4j.model;

/** Says how a text encoder's feature becomes the embedding, see {@link EncoderConfig}. */
public enum EncoderHead {
  /** No head: the feature is the embedding. */
  NONE,
  /** A matrix. */
  LINEAR,
  /** A linear map with a bias. */
  AFFINE,
  /** Two matrices with GELU between them, whose hidden width is the mean of the other two. */
  MLP
}
