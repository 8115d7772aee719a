package org.clip4j.eval.internal;

import java.util.Arrays;

/** Vectors with the indices of their classes: checks, and selections from them. */
public record LabelledFeatures(float[][] features, int[] labels) {

  /**
   * Checks that there are as many labels as vectors, at least one, that the vectors are of one
   * length and finite, and that labels are from 0 to {@code classes} - 1.
   *
   * @param kind what an error calls them
   */
  public static LabelledFeatures check(String kind, float[][] features, int[] labels, int classes) {
    if (features.length == 0 || features.length != labels.length) {
      throw new IllegalArgumentException(
          kind
              + " needs at least one vector of features, and for each its label; found "
              + features.length
              + " vectors and "
              + labels.length
              + " labels");
    }
    int width = features[0].length;
    for (int i = 0; i < features.length; i++) {
      if (features[i].length != width || width == 0) {
        String first =
            " values, and the first has " + width + "; all need the same number, at least 1";
        throw bad(kind, i, "has " + features[i].length + first);
      }
      for (float value : features[i]) {
        if (!Float.isFinite(value)) {
          throw bad(kind, i, "holds " + value + "; features must be finite");
        }
      }
      if (labels[i] < 0 || labels[i] >= classes) {
        throw bad(
            kind, i, "has label " + labels[i] + ", and the classes are 0 to " + (classes - 1));
      }
    }
    return new LabelledFeatures(features, labels);
  }

  private static IllegalArgumentException bad(String kind, int vector, String what) {
    return new IllegalArgumentException(kind + " vector " + vector + " " + what);
  }

  /** How many there are of each class. */
  public static int[] counts(int[] labels, int classes) {
    int[] counts = new int[classes];
    for (int label : labels) {
      counts[label]++;
    }
    return counts;
  }

  public LabelledFeatures select(int[] indices) {
    return new LabelledFeatures(
        Arrays.stream(indices).mapToObj(i -> features[i]).toArray(float[][]::new),
        Arrays.stream(indices).map(i -> labels[i]).toArray());
  }

  public LabelledFeatures and(LabelledFeatures others) {
    float[][] all = Arrays.copyOf(features, features.length + others.features.length);
    System.arraycopy(others.features, 0, all, features.length, others.features.length);
    int[] allLabels = Arrays.copyOf(labels, all.length);
    System.arraycopy(others.labels, 0, allLabels, labels.length, others.labels.length);
    return new LabelledFeatures(all, allLabels);
  }
}
