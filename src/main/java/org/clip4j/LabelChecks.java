package org.clip4j;

import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.clip4j.io.Limits;

/** Checks what a classifier is told of its labels; each throws with the way out. */
final class LabelChecks {
  private LabelChecks() {}

  /** Checks that there are labels, none empty or twice. */
  static void distinct(List<String> labels) {
    if (labels.isEmpty()) {
      throw new IllegalArgumentException("a classifier needs at least one label");
    }
    Set<String> seen = new HashSet<>();
    for (String label : labels) {
      if (label.isBlank()) {
        throw new IllegalArgumentException(
            "an empty label among " + labels + "; every label needs a name");
      }
      if (!seen.add(label.strip())) {
        throw new IllegalArgumentException(
            "the label \"" + label + "\" is given twice; every label may stand once");
      }
    }
  }

  /** Checks that a label is one of those there are. */
  static void known(List<String> labels, String label) {
    if (!labels.contains(label)) {
      int listed = Math.min(20, labels.size());
      throw new IllegalArgumentException(
          "there is no label \""
              + label
              + "\"; the labels are "
              + String.join(", ", labels.subList(0, listed))
              + (listed < labels.size() ? " and " + (labels.size() - listed) + " more" : ""));
    }
  }

  /** Checks thresholds by label, and puts them in place of earlier ones. */
  static Map<String, Double> thresholds(
      List<String> labels, Map<String, Double> earlier, Map<String, Double> changed) {
    Map<String, Double> all = new LinkedHashMap<>(earlier);
    changed.forEach(
        (label, threshold) -> {
          known(labels, label);
          Limits.within("the threshold of \"" + label + "\"", 0, 1, threshold);
          all.put(label, threshold);
        });
    return Collections.unmodifiableMap(all);
  }

  /** Checks that there is something that thresholds belong to. */
  static void multiLabel(boolean multiLabel) {
    if (!multiLabel) {
      throw new IllegalStateException(
          "thresholds belong to a multi-label classifier, which judges each label for itself"
              + " (optMultiLabel)");
    }
  }

  /** Checks that a rule for unknown images fits the classifier. */
  static void unknown(UnknownRule.Score score, int labels, boolean multiLabel) {
    if (multiLabel) {
      throw new IllegalArgumentException(
          "a classifier that judges each label for itself needs no rule for unknown images: where no"
              + " label reaches its threshold, the answer has none");
    }
    if (labels < 2 && score != UnknownRule.Score.BACKGROUND) {
      throw new IllegalArgumentException(
          "the "
              + UnknownRule.name(score)
              + " of a single label says nothing; take UnknownRule.background, or more labels");
    }
  }
}
