package org.clip4j.spark;

import java.io.Serializable;
import java.util.List;
import scala.Tuple2;

/**
 * The two levels at which parts' gradients are summed: groups of consecutive parts on executors,
 * and what they come to on the driver, so that nobody receives more than about twice the root of
 * all. Few parts all go to the driver.
 *
 * @param parts how many there are
 * @param groups how many sums reach the driver
 */
record SumTree(int parts, int groups) implements Serializable {

  /** Returns the tree of so many parts. */
  static SumTree of(int parts) {
    int root = (int) Math.ceil(Math.sqrt(parts));
    int largest = (parts + root - 1) / root;
    return new SumTree(parts, parts > root + largest ? root : parts);
  }

  /** Says whether all parts go to the driver. */
  boolean isFlat() {
    return groups == parts;
  }

  /** Returns the group of a part, and what the part gives to it. */
  Tuple2<Integer, PartialSums> leaf(int part, float[] values) {
    int group = (int) ((long) part * groups / parts);
    int first = start(group);
    return new Tuple2<>(group, new PartialSums(start(group + 1) - first).add(part - first, values));
  }

  /** Returns the first part of a group. */
  private int start(int group) {
    return (int) (((long) group * parts + groups - 1) / groups);
  }

  /** Adds what the groups come to, in whatever order they are. */
  float[] total(List<Tuple2<Integer, PartialSums>> sums) {
    PartialSums all = new PartialSums(groups);
    sums.forEach(each -> all.add(each._1(), each._2().total()));
    return all.total();
  }
}
