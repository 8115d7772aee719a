package org.clip4j.eval.probe;

import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.clip4j.io.SeededRandom;

/** Draws of labelled examples, class by class, that follow from a seed. */
final class LabelledDraw {
  /** First keys, so that the two draws from one seed have nothing in common. */
  private static final long SPLIT = 101;

  private static final long SHOTS = 102;

  private LabelledDraw() {}

  /** Indices of two parts, each ascending. */
  record Halves(int[] first, int[] second) {}

  /**
   * Divides examples so that each class is divided alike, and each part has one of each class.
   *
   * @param fraction of each class that goes to the second part, rounded, but at least 1
   * @param name what an error calls a class
   * @throws IllegalArgumentException if a class has a single example
   */
  static Halves split(
      int[] labels, int classes, double fraction, long seed, IntFunction<String> name) {
    List<Integer> first = new ArrayList<>();
    List<Integer> second = new ArrayList<>();
    List<int[]> shuffled = shuffled(labels, classes, SPLIT, seed);
    for (int k = 0; k < classes; k++) {
      int[] own = shuffled.get(k);
      if (own.length == 1) {
        throw new IllegalArgumentException(
            name.apply(k)
                + " has a single example, which cannot be split into training and validation; add examples, or name validation"
                + " examples");
      }
      int count =
          own.length == 0
              ? 0
              : Math.min(own.length - 1, Math.max(1, (int) Math.round(own.length * fraction)));
      for (int i = 0; i < own.length; i++) {
        (i < count ? second : first).add(own[i]);
      }
    }
    return new Halves(ascending(first), ascending(second));
  }

  /**
   * Draws {@code shots} examples of each class, or all of a class that has fewer. Those drawn for
   * fewer shots with the same seed are among them.
   *
   * @return indices, ascending
   */
  static int[] shots(int[] labels, int classes, int shots, long seed) {
    List<Integer> drawn = new ArrayList<>();
    for (int[] own : shuffled(labels, classes, SHOTS, seed)) {
      for (int i = 0; i < Math.min(shots, own.length); i++) {
        drawn.add(own[i]);
      }
    }
    return ascending(drawn);
  }

  /** For each class the indices of its examples in an order drawn for it alone. */
  private static List<int[]> shuffled(int[] labels, int classes, long use, long seed) {
    List<List<Integer>> members = new ArrayList<>();
    for (int k = 0; k < classes; k++) {
      members.add(new ArrayList<>());
    }
    for (int i = 0; i < labels.length; i++) {
      members.get(labels[i]).add(i);
    }
    return IntStream.range(0, classes)
        .mapToObj(
            k -> {
              List<Integer> own = members.get(k);
              int[] order = new SeededRandom(use, seed, k).permutation(own.size());
              return IntStream.of(order).map(own::get).toArray();
            })
        .toList();
  }

  private static int[] ascending(List<Integer> indices) {
    return indices.stream().mapToInt(i -> i).sorted().toArray();
  }
}
