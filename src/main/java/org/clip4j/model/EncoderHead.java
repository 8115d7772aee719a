package org.clip4j.model;

/** Says how a text encoder's feature becomes the embedding, see {@link EncoderConfig}. */
public enum EncoderHead {
  /** It is the embedding. */
  NONE,
  /** By a matrix. */
  LINEAR,
  /** By a linear map with a bias. */
  AFFINE,
  /** By two matrices with GELU between them, whose hidden width is the mean of the other two. */
  MLP
}
