package org.clip4j.data.shapes;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.clip4j.data.ImageTextPair;
import org.clip4j.data.LabelledImage;
import org.clip4j.data.PairSource;
import org.clip4j.data.Pairs;
import org.clip4j.data.shapes.ShapeScene.Combination;
import org.clip4j.encode.ImageSource;
import org.clip4j.image.RgbImage;
import org.clip4j.io.Limits;
import org.clip4j.io.SeededRandom;

/**
 * Draws images of coloured shapes with English captions: 8 shapes in 8 colours, one or two on a
 * plain or shaded background, in varied places and sizes. A small model learns them in minutes,
 * with nothing to download.
 *
 * <p>Some of the 64 combinations are held out: no training image shows one and no training caption
 * names one, though each shape and each colour is trained in other combinations, equally often.
 * Naming a held-out combination is zero-shot classification: it needs colour and shape understood
 * apart.
 *
 * <p>Pair i depends only on the seed and i, and its pixels are the same on every machine. Immutable
 * and safe for use by several threads.
 */
public final class ColouredShapes {
  private static final ShapeKind[] KINDS = ShapeKind.values();
  private static final ShapeColour[] COLOURS = ShapeColour.values();

  private final int imageSize;
  private final long seed;
  private final List<Combination> all = new ArrayList<>();
  private final List<Combination> seen = new ArrayList<>();
  private final List<Combination> unseen = new ArrayList<>();

  private ColouredShapes(Builder builder) {
    this.imageSize = builder.imageSize;
    this.seed = builder.seed;
    int diagonals = builder.heldOut / KINDS.length;
    for (ShapeKind kind : KINDS) {
      for (ShapeColour colour : COLOURS) {
        Combination combination = new Combination(kind, colour);
        all.add(combination);
        (isHeldOut(combination, diagonals) ? unseen : seen).add(combination);
      }
    }
  }

  private static boolean isHeldOut(Combination combination, int diagonals) {
    int diagonal = (combination.kind().ordinal() + combination.colour().ordinal()) % COLOURS.length;
    for (int i = 0; i < diagonals; i++) {
      if (ShapeRecipe.HELD_OUT_DIAGONALS[i] == diagonal) {
        return true;
      }
    }
    return false;
  }

  /** Makes the default set: 48 x 48 pixels, seed 0, 16 combinations held out. */
  public static ColouredShapes create() {
    return builder().build();
  }

  /** Starts from the defaults of {@link #create()}. */
  public static Builder builder() {
    return new Builder();
  }

  /**
   * Returns the classes of the test sets, in the order of their indices: "red circle", and so on.
   */
  public List<String> labels() {
    return words(all);
  }

  /** Returns those of {@link #labels()} that training pairs show and name. */
  public List<String> seenLabels() {
    return words(seen);
  }

  /** Returns those of {@link #labels()} that training pairs never show or name. */
  public List<String> unseenLabels() {
    return words(unseen);
  }

  private static List<String> words(List<Combination> combinations) {
    return combinations.stream().map(Combination::words).toList();
  }

  /**
   * Returns training pairs. Each is made when asked for, and its image rendered by each {@link
   * ImageSource#read()}; a longer set starts with the pairs of a shorter one.
   *
   * @param count at least 1
   */
  public PairSource training(int count) {
    return Pairs.of("pairs", Limits.atLeast("training pairs", 1, count), this::trainingPair);
  }

  private ImageTextPair trainingPair(int index) {
    SeededRandom random = new SeededRandom(SeededRandom.SHAPES_TRAINING, seed, index);
    ShapeScene scene = trainingScene(random);
    List<String> captions = ShapeCaptions.of(scene, random);
    return new ImageTextPair(new Rendered("training shapes " + index, scene, imageSize), captions);
  }

  /** The scene of a training pair; what is drawn from the generator afterwards is its captions. */
  ShapeScene trainingScene(SeededRandom random) {
    Combination first = seen.get(random.nextInt(seen.size()));
    return random.chance(ShapeRecipe.TWO_OBJECTS)
        ? twoObjects(first, random)
        : ShapeScene.draw(first, random);
  }

  /**
   * Returns images of one object each whose combination is in the training pairs, though the images
   * are not.
   *
   * @param perCombination images of each combination, at least 1
   * @return labelled by index into {@link #labels()}
   */
  public List<LabelledImage> seenTest(int perCombination) {
    return seenTest(perCombination, ShapeStyle.PLAIN);
  }

  /** Returns the scenes of {@link #seenTest(int)}, drawn in a style. */
  public List<LabelledImage> seenTest(int perCombination, ShapeStyle style) {
    return test(seen, perCombination, style);
  }

  /**
   * Returns images of one object each whose combination is held out of training.
   *
   * @param perCombination images of each combination, at least 1
   * @return labelled by index into {@link #labels()}
   */
  public List<LabelledImage> unseenTest(int perCombination) {
    return unseenTest(perCombination, ShapeStyle.PLAIN);
  }

  /** Returns the scenes of {@link #unseenTest(int)}, drawn in a style. */
  public List<LabelledImage> unseenTest(int perCombination, ShapeStyle style) {
    return test(unseen, perCombination, style);
  }

  private List<LabelledImage> test(
      List<Combination> combinations, int perCombination, ShapeStyle style) {
    Limits.atLeast("images of each combination", 1, perCombination);
    List<LabelledImage> images = new ArrayList<>(combinations.size() * perCombination);
    for (Combination combination : combinations) {
      int label = all.indexOf(combination);
      for (int i = 0; i < perCombination; i++) {
        SeededRandom random = new SeededRandom(SeededRandom.SHAPES_TEST, seed, label, i);
        ShapeScene scene = ShapeScene.draw(combination, random);
        String name = "test " + combination.words() + " " + i;
        images.add(
            new LabelledImage(
                style == ShapeStyle.PLAIN
                    ? new Rendered(name, scene, imageSize)
                    : new Styled(name, scene, imageSize, style, new long[] {seed, label, i}),
                label));
      }
    }
    return List.copyOf(images);
  }

  /**
   * Returns images of two objects that the training pairs do not have, of combinations that they
   * have.
   *
   * @param count at least 1; a longer list starts with a shorter one
   */
  public List<ShapePair> pairsTest(int count) {
    Limits.atLeast("images of pairs", 1, count);
    return IntStream.range(0, count).mapToObj(this::pairTest).toList();
  }

  private ShapePair pairTest(int index) {
    SeededRandom random = new SeededRandom(SeededRandom.SHAPES_TEST, seed, all.size(), index);
    ShapeScene scene = twoObjects(seen.get(random.nextInt(seen.size())), random);
    return new ShapePair(
        new Rendered("test pair " + index, scene, imageSize),
        scene.first().placed(imageSize),
        scene.second().placed(imageSize));
  }

  private ShapeScene twoObjects(Combination first, SeededRandom random) {
    Combination second = first;
    while (second.equals(first)) {
      second = seen.get(random.nextInt(seen.size()));
    }
    return ShapeScene.draw(first, second, random);
  }

  private record Rendered(String name, ShapeScene scene, int imageSize) implements ImageSource {
    @Override
    public RgbImage read() {
      return scene.render(imageSize);
    }
  }

  /**
   * @param keys of the generator of what the style leaves open
   */
  private record Styled(String name, ShapeScene scene, int imageSize, ShapeStyle style, long[] keys)
      implements ImageSource {
    @Override
    public RgbImage read() {
      SeededRandom random =
          new SeededRandom(SeededRandom.SHAPES_STYLE, style.ordinal(), keys[0], keys[1], keys[2]);
      return scene.render(imageSize, style, random);
    }
  }

  /** Collects the options of the set. Not safe for use by several threads. */
  public static final class Builder {
    private int imageSize = 48;
    private long seed;
    private int heldOut = 16;

    private Builder() {}

    /** Sets the width and height of the images in pixels, from 16 to 1024; 48 by default. */
    public Builder optImageSize(int imageSize) {
      this.imageSize = Limits.within("the image size", 16, 1024, imageSize);
      return this;
    }

    /**
     * Sets the seed of everything that is drawn; 0 by default. It does not choose what is held out.
     */
    public Builder optSeed(long seed) {
      this.seed = seed;
      return this;
    }

    /**
     * Sets how many combinations are held out: 8, 16, 24 or 32, so that each shape and each colour
     * is held out equally often; 16 by default.
     */
    public Builder optHeldOut(int combinations) {
      int most = KINDS.length * ShapeRecipe.HELD_OUT_DIAGONALS.length;
      if (combinations < KINDS.length || combinations > most || combinations % KINDS.length != 0) {
        throw new IllegalArgumentException(
            "the held-out combinations must be a multiple of "
                + KINDS.length
                + " up to "
                + most
                + ", found "
                + combinations);
      }
      this.heldOut = combinations;
      return this;
    }

    /** Builds the set with these options. */
    public ColouredShapes build() {
      return new ColouredShapes(this);
    }
  }
}
