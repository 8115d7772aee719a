package org.clip4j.data.shapes;

import java.awt.geom.Rectangle2D;
import org.clip4j.encode.ImageSource;

/**
 * Holds an image of two objects, with where they are.
 *
 * @param first the one on the left or at the top
 * @param second another combination of shape and colour
 */
public record ShapePair(ImageSource image, Placed first, Placed second) {

  /**
   * Describes an object in the image.
   *
   * @param label as in {@link ColouredShapes#labels()}: "red circle"
   * @param box the smallest one around it, in pixels from the upper left corner
   */
  public record Placed(String label, Rectangle2D box) {}
}
