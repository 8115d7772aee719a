package org.clip4j.data.shapes;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.clip4j.io.SeededRandom;

/** Puts scenes into English. */
final class ShapeCaptions {

  /** What a caption names of each object. */
  private enum Naming {
    BOTH,
    SHAPE,
    COLOUR
  }

  private ShapeCaptions() {}

  static List<String> of(ShapeScene scene, SeededRandom random) {
    Set<String> captions = new LinkedHashSet<>();
    for (int i = 0; i < ShapeRecipe.CAPTIONS; i++) {
      captions.add(
          scene.second() == null
              ? ofOne(scene.first(), random)
              : ofTwo(scene.first(), scene.second(), scene.sideBySide(), random));
    }
    return List.copyOf(captions);
  }

  private static String ofOne(ShapeScene.Item item, SeededRandom random) {
    Naming naming = naming(random);
    if (naming == Naming.BOTH && random.chance(ShapeRecipe.SPLIT_SENTENCE)) {
      return any(ShapeRecipe.ONE_SPLIT, random)
          .replace("{shape}", item.kind().word())
          .replace("{colour}", item.colour().word());
    }
    String size = "";
    if (naming != Naming.COLOUR && random.chance(ShapeRecipe.SIZE_WORD)) {
      if (item.diameter() < ShapeRecipe.SMALL_BELOW) {
        size = any(ShapeRecipe.SMALL, random) + " ";
      } else if (item.diameter() > ShapeRecipe.LARGE_ABOVE) {
        size = any(ShapeRecipe.LARGE, random) + " ";
      }
    }
    return any(ShapeRecipe.ONE, random).replace("{}", phrase(item, naming, size));
  }

  private static String ofTwo(
      ShapeScene.Item a, ShapeScene.Item b, boolean sideBySide, SeededRandom random) {
    Naming naming = naming(random);
    // "Something red and something red" says nothing.
    if (naming == Naming.SHAPE && a.kind() == b.kind()
        || naming == Naming.COLOUR && a.colour() == b.colour()) {
      naming = Naming.BOTH;
    }
    boolean swapped = random.chance(0.5);
    String[] sentences;
    if (!random.chance(ShapeRecipe.SPATIAL)) {
      sentences = ShapeRecipe.TWO;
    } else if (sideBySide) {
      sentences = swapped ? ShapeRecipe.RIGHT : ShapeRecipe.LEFT;
    } else {
      sentences = swapped ? ShapeRecipe.BELOW : ShapeRecipe.ABOVE;
    }
    String sentence = any(sentences, random);
    String one = phrase(swapped ? b : a, naming, "");
    String other = phrase(swapped ? a : b, naming, "");
    int first = sentence.indexOf("{}");
    int second = sentence.indexOf("{}", first + 2);
    return sentence.substring(0, first)
        + one
        + sentence.substring(first + 2, second)
        + other
        + sentence.substring(second + 2);
  }

  private static Naming naming(SeededRandom random) {
    double drawn = random.nextDouble();
    if (drawn < ShapeRecipe.SHAPE_ONLY) {
      return Naming.SHAPE;
    }
    return drawn < ShapeRecipe.SHAPE_ONLY + ShapeRecipe.COLOUR_ONLY ? Naming.COLOUR : Naming.BOTH;
  }

  private static String phrase(ShapeScene.Item item, Naming naming, String size) {
    return switch (naming) {
      case BOTH -> withArticle(size + item.colour().word() + " " + item.kind().word());
      case SHAPE -> withArticle(size + item.kind().word());
      case COLOUR -> "something " + item.colour().word();
    };
  }

  private static String withArticle(String words) {
    return ("aeiou".indexOf(words.charAt(0)) >= 0 ? "an " : "a ") + words;
  }

  private static String any(String[] choices, SeededRandom random) {
    return choices[random.nextInt(choices.length)];
  }
}
