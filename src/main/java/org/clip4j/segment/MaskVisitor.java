package org.clip4j.segment;

import java.util.List;
import org.clip4j.encode.ImageSource;

/** Takes the masks of images one after the other, see {@link ClipSegmenter#segment}. */
@FunctionalInterface
public interface MaskVisitor {

  /**
   * Takes the masks of one image.
   *
   * @param index of the image, from 0
   * @param masks one for each prompt, in order
   */
  void masks(long index, ImageSource image, List<Mask> masks);
}
