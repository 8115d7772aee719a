package org.clip4j.spark;

import java.io.Serializable;
import java.util.Map;
import java.util.TreeMap;

/**
 * Sums of the parts that have been added so far, in any order: two sums become one only where they
 * are siblings in a binary tree over the parts' numbers, left before right. So what comes out does
 * not depend on which part was ready first, to the last bit.
 */
final class PartialSums implements Serializable {
  private static final long serialVersionUID = 1;

  /**
   * A place in the tree.
   *
   * @param level 0 for a part
   * @param index counted from the left
   */
  private record Node(int level, int index) implements Comparable<Node>, Serializable {
    Node sibling() {
      return new Node(level, index ^ 1);
    }

    Node parent() {
      return new Node(level + 1, index >> 1);
    }

    /** From the left; those that end up without a sibling do not overlap. */
    @Override
    public int compareTo(Node other) {
      return level != other.level
          ? Integer.compare(other.level, level)
          : Integer.compare(index, other.index);
    }
  }

  private final TreeMap<Node, float[]> sums = new TreeMap<>();

  /** Adds a part's values, which it keeps and changes. */
  PartialSums add(int part, float[] values) {
    add(new Node(0, part), values);
    return this;
  }

  /** Adds what others have summed. */
  PartialSums add(PartialSums others) {
    for (Map.Entry<Node, float[]> other : others.sums.entrySet()) {
      add(other.getKey(), other.getValue());
    }
    return this;
  }

  private void add(Node node, float[] values) {
    float[] sibling = sums.remove(node.sibling());
    if (sibling == null) {
      sums.put(node, values);
    } else if ((node.index & 1) == 0) {
      add(node.parent(), sum(values, sibling));
    } else {
      add(node.parent(), sum(sibling, values));
    }
  }

  private static float[] sum(float[] left, float[] right) {
    for (int i = 0; i < left.length; i++) {
      left[i] += right[i];
    }
    return left;
  }

  /** Returns the sum of all parts. */
  float[] total() {
    float[] total = null;
    for (float[] values : sums.values()) {
      total = total == null ? values.clone() : sum(total, values);
    }
    return total == null ? new float[0] : total;
  }
}
