package org.clip4j.data;

import org.clip4j.image.ImageTransform;
import org.clip4j.image.RgbImage;

/** What the loader does to a decoded image. */
@FunctionalInterface
interface PixelTransform {

  /** Planar RGB, uint8, [3, H, W]; does not keep the image. */
  byte[] apply(RgbImage image);

  // TODO(image): becomes transform::apply; until then images that need no resizing.
  static PixelTransform of(ImageTransform transform) {
    return image -> {
      if (image.width() != transform.width() || image.height() != transform.height()) {
        throw new UnsupportedOperationException(
            "an image of " + image.width() + " x " + image.height() + " cannot be resized yet");
      }
      byte[] interleaved = image.pixels();
      byte[] planar = new byte[interleaved.length];
      int plane = interleaved.length / 3;
      for (int i = 0; i < plane; i++) {
        for (int c = 0; c < 3; c++) {
          planar[c * plane + i] = interleaved[3 * i + c]; // [H, W, 3] -> [3, H, W]
        }
      }
      return planar;
    };
  }
}
