package org.clip4j.data.shapes;

import java.awt.geom.Rectangle2D;
import org.clip4j.image.RgbImage;
import org.clip4j.io.SeededRandom;

/**
 * What one generated image shows. Drawn from a generator by {@link #draw}, then rendered by {@link
 * #render(int)}.
 *
 * @param first the only object, or the one on the left or at the top
 * @param second null when there is one object
 * @param sideBySide whether two objects lie side by side, not one above the other
 * @param background corner colours and direction of the background
 */
record ShapeScene(Item first, Item second, boolean sideBySide, Background background) {

  /**
   * One object; centre and diameter as shares of the image's side.
   *
   * @param rotation in radians
   * @param rgb the colour itself, near that of its name
   */
  record Item(
      ShapeKind kind,
      ShapeColour colour,
      double x,
      double y,
      double diameter,
      double rotation,
      int[] rgb) {

    /** Where it is in an image of that side. */
    ShapePair.Placed placed(int side) {
      Rectangle2D box = null;
      for (double[] outline : ShapeScene.placed(this, side)) {
        for (int i = 0; i < outline.length; i += 2) {
          if (box == null) {
            box = new Rectangle2D.Double(outline[i], outline[i + 1], 0, 0);
          }
          box.add(outline[i], outline[i + 1]);
        }
      }
      return new ShapePair.Placed(new Combination(kind, colour).words(), box);
    }
  }

  record Background(int[] from, int[] to, double angle) {}

  /** A shape and a colour that an object may have. */
  record Combination(ShapeKind kind, ShapeColour colour) {
    /** As in labels and captions: "red circle". */
    String words() {
      return colour.word() + " " + kind.word();
    }
  }

  /** Outlines reach at most this much beyond their nominal radius: the square's corners. */
  private static final double REACH = 1.14;

  static ShapeScene draw(Combination only, SeededRandom random) {
    double diameter = random.between(ShapeRecipe.MIN_DIAMETER, ShapeRecipe.MAX_DIAMETER);
    double margin = REACH * diameter / 2;
    Item item =
        item(
            only,
            random.between(margin, 1 - margin),
            random.between(margin, 1 - margin),
            diameter,
            random);
    return new ShapeScene(item, null, false, background(random, item.rgb, item.rgb));
  }

  static ShapeScene draw(Combination first, Combination second, SeededRandom random) {
    boolean sideBySide = random.chance(0.5);
    Item a = oneOfTwo(first, ShapeRecipe.NEAR_CENTRE, sideBySide, random);
    Item b = oneOfTwo(second, ShapeRecipe.FAR_CENTRE, sideBySide, random);
    return new ShapeScene(a, b, sideBySide, background(random, a.rgb, b.rgb));
  }

  private static Item oneOfTwo(
      Combination combination, double centre, boolean sideBySide, SeededRandom random) {
    double diameter =
        random.between(ShapeRecipe.MIN_DIAMETER_OF_TWO, ShapeRecipe.MAX_DIAMETER_OF_TWO);
    double along =
        random.between(centre - ShapeRecipe.CENTRE_JITTER, centre + ShapeRecipe.CENTRE_JITTER);
    double across = random.between(0.5 - ShapeRecipe.CROSS_JITTER, 0.5 + ShapeRecipe.CROSS_JITTER);
    return item(
        combination, sideBySide ? along : across, sideBySide ? across : along, diameter, random);
  }

  private static Item item(
      Combination combination, double x, double y, double diameter, SeededRandom random) {
    double rotation = random.between(-ShapeRecipe.MAX_ROTATION, ShapeRecipe.MAX_ROTATION);
    ShapeColour colour = combination.colour;
    int[] rgb = {
      jittered(colour.red, random), jittered(colour.green, random), jittered(colour.blue, random)
    };
    return new Item(combination.kind, colour, x, y, diameter, rotation, rgb);
  }

  private static int jittered(int level, SeededRandom random) {
    int jitter = random.nextInt(2 * ShapeRecipe.COLOUR_JITTER + 1) - ShapeRecipe.COLOUR_JITTER;
    return Math.max(0, Math.min(255, level + jitter));
  }

  /** Draws until both objects stand out; white does from every colour, so this ends. */
  private static Background background(SeededRandom random, int[] a, int[] b) {
    for (int attempt = 0; attempt < 100; attempt++) {
      double kind = random.nextDouble();
      Background drawn;
      if (kind < ShapeRecipe.GREY) {
        int level = level(random, ShapeRecipe.MIN_GREY, ShapeRecipe.MAX_GREY);
        int[] grey = {level, level, level};
        drawn = new Background(grey, grey, 0);
      } else if (kind < ShapeRecipe.GREY + ShapeRecipe.PASTEL) {
        int[] pastel = pastel(random);
        drawn = new Background(pastel, pastel, 0);
      } else {
        drawn =
            new Background(pastel(random), pastel(random), random.between(0, 2 * StrictMath.PI));
      }
      double contrast =
          Math.min(
              Math.min(distance(drawn.from, a), distance(drawn.to, a)),
              Math.min(distance(drawn.from, b), distance(drawn.to, b)));
      if (contrast >= ShapeRecipe.MIN_CONTRAST) {
        return drawn;
      }
    }
    int[] white = {255, 255, 255};
    return new Background(white, white, 0);
  }

  private static int[] pastel(SeededRandom random) {
    int[] rgb = new int[3];
    for (int c = 0; c < 3; c++) {
      rgb[c] = level(random, ShapeRecipe.MIN_PASTEL, ShapeRecipe.MAX_PASTEL);
    }
    return rgb;
  }

  private static int level(SeededRandom random, int low, int high) {
    return low + random.nextInt(high - low + 1);
  }

  static double distance(int[] a, int[] b) {
    int sum = 0;
    for (int c = 0; c < 3; c++) {
      sum += (a[c] - b[c]) * (a[c] - b[c]);
    }
    return Math.sqrt(sum);
  }

  /**
   * @param side of the square image in pixels
   */
  RgbImage render(int side) {
    return render(side, ShapeStyle.PLAIN, null);
  }

  /**
   * @param side of the square image in pixels
   * @param random draws what the style leaves open; not used by the plain style
   */
  RgbImage render(int side, ShapeStyle style, SeededRandom random) {
    ShapeCanvas canvas = new ShapeCanvas(side);
    if (style == ShapeStyle.CHECKERED_BACKGROUND) {
      canvas.fill(ShapePaints.checkers(side, first.rgb, random));
    } else {
      canvas.gradient(background.from, background.to, background.angle);
    }
    paint(canvas, first, side, style, random);
    if (second != null) {
      paint(canvas, second, side, style, random);
    }
    return canvas.image();
  }

  private static void paint(
      ShapeCanvas canvas, Item item, int side, ShapeStyle style, SeededRandom random) {
    double[][] outlines = placed(item, side);
    switch (style) {
      case STRIPED -> canvas.fill(outlines, ShapePaints.stripes(side, item.rgb, random));
      case OUTLINE ->
          canvas.stroke(outlines, ShapeRecipe.LINE_WIDTH * side, ShapeCanvas.Paint.of(item.rgb));
      default -> canvas.fill(outlines, item.rgb);
    }
  }

  private static double[][] placed(Item item, int side) {
    double scale = item.diameter / 2 * side;
    double cos = scale * StrictMath.cos(item.rotation);
    double sin = scale * StrictMath.sin(item.rotation);
    double[][] outlines = new double[item.kind.outlines.length][];
    for (int o = 0; o < outlines.length; o++) {
      double[] unit = item.kind.outlines[o];
      double[] placed = new double[unit.length];
      for (int i = 0; i < unit.length; i += 2) {
        placed[i] = item.x * side + cos * unit[i] - sin * unit[i + 1];
        placed[i + 1] = item.y * side + sin * unit[i] + cos * unit[i + 1];
      }
      outlines[o] = placed;
    }
    return outlines;
  }
}
