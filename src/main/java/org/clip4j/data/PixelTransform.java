package org.clip4j.data;

import org.clip4j.image.RgbImage;

/** What the loader does to a decoded image. */
@FunctionalInterface
interface PixelTransform {

  /** Planar RGB, uint8, [3, H, W]; does not keep the image. */
  byte[] apply(RgbImage image);
}
