package org.clip4j.spark;

import com.esotericsoftware.kryo.DefaultSerializer;
import com.esotericsoftware.kryo.serializers.JavaSerializer;
import java.io.Serializable;
import java.util.HashMap;
import java.util.Map;

/**
 * Sums of the parts that have been added so far, in any order: two sums become one only where they
 * are siblings in a binary tree over the parts' numbers, left before right. So what comes out does
 * not depend on which part was ready first, to the last bit. When all have been added, one sum is
 * left.
 */
@DefaultSerializer(JavaSerializer.class)
final class PartialSums implements Serializable {
  private static final long serialVersionUID = 1;

  /**
   * A place in the tree.
   *
   * @param level 0 for a part
   * @param index counted from the left
   */
  private record Node(int level, int index) implements Serializable {
    Node sibling() {
      return new Node(level, index ^ 1);
    }

    Node parent() {
      return new Node(level + 1, index >> 1);
    }

    /** Returns the first part under it. */
    long start() {
      return (long) index << level;
    }
  }

  private final Map<Node, float[]> sums = new HashMap<>();
  private final int count;

  /**
   * Starts with none.
   *
   * @param count how many parts there will be
   */
  PartialSums(int count) {
    this.count = count;
  }

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
    boolean isRoot = node.index == 0 && 1L << node.level >= count;
    if (!isRoot && node.sibling().start() >= count) {
      add(node.parent(), values); // there is nothing on the other side
      return;
    }
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

  /**
   * Returns the sum of all parts.
   *
   * @throws IllegalStateException if some are missing
   */
  float[] total() {
    if (sums.size() != 1 || sums.keySet().iterator().next().start() != 0) {
      throw new IllegalStateException(
          "the gradients of " + count + " parts are not all there: " + sums.keySet());
    }
    return sums.values().iterator().next();
  }
}
