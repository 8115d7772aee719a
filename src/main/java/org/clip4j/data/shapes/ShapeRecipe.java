package org.clip4j.data.shapes;

/**
 * The proportions, ranges, colours and sentences of {@link ColouredShapes}, together so that the
 * set can be tuned in one place. Lengths are shares of the image's side.
 */
final class ShapeRecipe {

  private ShapeRecipe() {}

  // ---- what is in an image ----

  /** Share of training images with two objects; the others, and all test images, have one. */
  static final double TWO_OBJECTS = 0.3;

  /** Diameter of a lone object: areas differ up to 5 times. */
  static final double MIN_DIAMETER = 0.36;

  static final double MAX_DIAMETER = 0.80;

  /** Diameter of one of two objects: areas differ up to 2.2 times, and both always fit. */
  static final double MIN_DIAMETER_OF_TWO = 0.275;

  static final double MAX_DIAMETER_OF_TWO = 0.41;

  /** Centres of two objects along the axis that tells them apart, give or take the jitter. */
  static final double NEAR_CENTRE = 0.25;

  static final double FAR_CENTRE = 0.75;
  static final double CENTRE_JITTER = 0.015;

  /** Deviation from the middle across that axis: "above" stays clearly above. */
  static final double CROSS_JITTER = 0.15;

  /** Rotation to either side, in radians; a square must not become a diamond. */
  static final double MAX_ROTATION = 0.26;

  // ---- colours ----

  /** Deviation of an object's colour from its name's, per 8-bit channel, to either side. */
  static final int COLOUR_JITTER = 14;

  /** Grey levels of backgrounds; the palest must differ from every colour, as must the darkest. */
  static final int MIN_GREY = 95;

  static final int MAX_GREY = 245;

  /** Pastels are between these levels in every channel. */
  static final int MIN_PASTEL = 175;

  static final int MAX_PASTEL = 250;

  /** Shares of the kinds of background; the rest are gradients between two pastels. */
  static final double GREY = 0.4;

  static final double PASTEL = 0.3;

  /** Least Euclidean distance in RGB between an object and any part of the background. */
  static final double MIN_CONTRAST = 110;

  // ---- shifts, which no training image has ----

  /** Side of a checkered background's squares. */
  static final double CHECKER = 0.125;

  /** Its colours are no pastels and no greys: one channel is at most, and all spread at least. */
  static final int CHECKER_DARKEST_CHANNEL = 130;

  static final int CHECKER_SPREAD = 80;

  /** Width of a striped object's stripes, and how far every other one is from its colour. */
  static final double STRIPE = 0.05;

  static final double STRIPE_SHARE = 0.45;

  /** Width of the line of an object that is drawn in outline. */
  static final double LINE_WIDTH = 0.045;

  // ---- captions ----

  /** Captions drawn for an image; equal ones count once. */
  static final int CAPTIONS = 10;

  /** Shares of captions that name only shapes ("a circle"), or only colours ("something red"). */
  static final double SHAPE_ONLY = 0.25;

  static final double COLOUR_ONLY = 0.15;

  /** A lone object is small or large beyond these diameters, and sometimes called so. */
  static final double SMALL_BELOW = 0.48;

  static final double LARGE_ABOVE = 0.66;
  static final double SIZE_WORD = 0.15;
  static final String[] SMALL = {"small", "little"};
  static final String[] LARGE = {"large", "big"};

  /** {} stands for the object with its article. */
  static final String[] ONE = {
    "{}",
    "{}",
    "{}.",
    "a picture of {}",
    "an image of {}",
    "a drawing of {}",
    "there is {}",
    "this is {}",
    "the image shows {}",
    "one can see {}"
  };

  /** Said of a lone object whose shape and colour are both named. */
  static final String[] ONE_SPLIT = {"the {shape} is {colour}", "a {shape} that is {colour}"};

  static final double SPLIT_SENTENCE = 0.1;

  /** Said of two objects in either order. */
  static final String[] TWO = {
    "{} and {}", "{} and {}", "a picture of {} and {}", "there is {} and {}", "{} next to {}"
  };

  /** The first is on the left. */
  static final String[] LEFT = {"{} to the left of {}", "{} on the left and {} on the right"};

  /** The first is on the right. */
  static final String[] RIGHT = {"{} to the right of {}"};

  /** The first is at the top. */
  static final String[] ABOVE = {"{} above {}", "{} at the top and {} at the bottom"};

  /** The first is at the bottom. */
  static final String[] BELOW = {"{} below {}", "{} under {}"};

  /** Share of captions of two objects that say how they lie. */
  static final double SPATIAL = 0.5;

  // ---- what is held out ----

  /**
   * The combination of shape s and colour c lies on diagonal (s + c) mod 8. Each diagonal has every
   * shape once and every colour once, so holding out whole diagonals treats them all alike. Taken
   * in this order, which keeps held-out diagonals apart.
   */
  static final int[] HELD_OUT_DIAGONALS = {0, 4, 2, 6};
}
