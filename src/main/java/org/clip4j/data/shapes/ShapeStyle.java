package org.clip4j.data.shapes;

/**
 * Says how the scenes of {@link ColouredShapes} are drawn. Training images are plain; the others
 * are shifts that no training image has, of the same scenes.
 */
public enum ShapeStyle {
  /** Filled shapes on a plain or shaded background. */
  PLAIN,

  /** The shapes on squares of two strong colours, both far enough from the shape's. */
  CHECKERED_BACKGROUND,

  /** Shapes with stripes: every other one darker, or lighter if the shape is black. */
  STRIPED,

  /** Shapes drawn as a line in their colour, not filled. */
  OUTLINE
}
