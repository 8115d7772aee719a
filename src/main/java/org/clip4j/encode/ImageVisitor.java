package org.clip4j.encode;

import java.io.IOException;
import org.clip4j.io.IoErrors;

/** Receives the embeddings of a series of images, in order, on the thread that asked for them. */
@FunctionalInterface
public interface ImageVisitor {

  /**
   * Receives the embedding of an image.
   *
   * @param index of the image in the series, from 0
   * @param embedding E values, unit length; the visitor's to keep
   */
  void embedding(long index, ImageSource image, float[] embedding);

  /**
   * Receives an image that cannot be read; the next one follows, unless this throws, which it does
   * by default.
   *
   * @param error its message names the image
   */
  default void unreadable(long index, ImageSource image, IOException error) {
    throw IoErrors.unchecked(error);
  }
}
