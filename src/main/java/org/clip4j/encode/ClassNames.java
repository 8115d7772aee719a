package org.clip4j.encode;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Holds what the classes of a data set are called in prompts: each class has one name or several,
 * in the order of the classes, or by the label that stands for it in the data (a folder's name, or
 * a value of a column).
 */
public final class ClassNames {
  private static final int LISTED = 5;

  private final String source;
  private final List<String> labels; // null where the order counts
  private final List<List<String>> names;

  ClassNames(String source, List<String> labels, List<List<String>> names) {
    this.source = source;
    this.labels = labels;
    this.names = names;
  }

  /** Says how labels were brought together with classes. */
  public enum Matching {
    /** A match by the list of label and name that was given. */
    GIVEN,
    /** A label is one of the names, whatever its capitals, spaces and punctuation. */
    NAME,
    /** A label is the class's number, from 0. */
    NUMBER,
    /** The labels, sorted, are the classes in their order. */
    ORDER
  }

  /**
   * Holds the classes of a data set.
   *
   * @param names for each class its names
   * @param classOf for each label of the data its class
   * @param matching how that was found
   */
  public record Matched(List<List<String>> names, int[] classOf, Matching matching) {
    /** Copies what is mutable. */
    public Matched {
      names = List.copyOf(names);
      classOf = classOf.clone();
    }

    /** Returns a copy of the labels' classes. */
    @Override
    public int[] classOf() {
      return classOf.clone();
    }

    /** Returns what reports call a class: its first name. */
    public List<String> titles() {
      return names.stream().map(all -> all.get(0)).toList();
    }
  }

  /** Takes the names of a published set, in the order of its classes. */
  public static ClassNames of(PromptSet set) {
    return new ClassNames("the published classes of " + set.name(), null, set.classes());
  }

  /** Takes these names, one for each class, in the order of the classes. */
  public static ClassNames inOrder(List<String> names) {
    return new ClassNames("the list of class names", null, names.stream().map(List::of).toList());
  }

  /** Takes the labels themselves as names, with spaces for underscores. */
  public static ClassNames fromLabels(List<String> labels) {
    return new ClassNames(
        "the labels", labels, labels.stream().map(l -> List.of(l.replace('_', ' '))).toList());
  }

  /** Takes a name for each label. */
  public static ClassNames ofLabels(Map<String, String> names) {
    return new ClassNames(
        "the map of class names",
        List.copyOf(names.keySet()),
        names.values().stream().map(List::of).toList());
  }

  /**
   * Finds the class of each label.
   *
   * <p>Where names are given by label, every label needs one, and the classes are the labels. Where
   * they are a list, its classes are all that an image may be, also those that no label stands for;
   * a label is looked for among the names, then taken for a number, and if there are as many labels
   * as classes then they are taken in order.
   *
   * @param labels as {@link org.clip4j.data.LabelledImages#labels} gives them
   * @throws IllegalArgumentException if a label has no class; the message names it
   */
  public Matched match(List<String> labels) {
    if (this.labels != null) {
      return byLabel(labels);
    }
    Map<String, Integer> byName = new HashMap<>();
    for (int c = 0; c < names.size(); c++) {
      for (String name : names.get(c)) {
        byName.putIfAbsent(PromptSet.letters(name), c);
      }
    }
    int[] classOf = new int[labels.size()];
    List<String> unknown = new ArrayList<>();
    for (int i = 0; i < classOf.length; i++) {
      Integer found = byName.get(PromptSet.letters(labels.get(i)));
      if (found == null) {
        unknown.add(labels.get(i));
      } else {
        classOf[i] = found;
      }
    }
    if (unknown.isEmpty()) {
      return new Matched(names, classOf, Matching.NAME);
    }
    if (labels.stream().allMatch(this::isNumber)) {
      return new Matched(
          names, labels.stream().mapToInt(Integer::parseInt).toArray(), Matching.NUMBER);
    }
    // No label is a name: numbers of another kind, such as ImageNet's n01440764.
    if (unknown.size() == labels.size() && labels.size() == names.size()) {
      for (int i = 0; i < classOf.length; i++) {
        classOf[i] = i;
      }
      return new Matched(names, classOf, Matching.ORDER);
    }
    throw new IllegalArgumentException(
        source
            + (names.size() == 1 ? " names 1 class" : " name " + names.size() + " classes")
            + ", none of them for "
            + listed(unknown)
            + " of the data's "
            + labels.size()
            + " labels; give a file with a line for each: label, tab, name");
  }

  private boolean isNumber(String label) {
    return label.matches("\\d{1,9}") && Integer.parseInt(label) < names.size();
  }

  private Matched byLabel(List<String> asked) {
    int[] classOf = new int[asked.size()];
    List<String> missing = new ArrayList<>();
    List<List<String>> found = new ArrayList<>();
    for (int i = 0; i < classOf.length; i++) {
      int at = labels.indexOf(asked.get(i));
      classOf[i] = i;
      if (at < 0) {
        missing.add(asked.get(i));
      } else {
        found.add(names.get(at));
      }
    }
    if (!missing.isEmpty()) {
      throw new IllegalArgumentException(
          source + " has no name for " + listed(missing) + "; add a line: label, tab, name");
    }
    return new Matched(List.copyOf(found), classOf, Matching.GIVEN);
  }

  private static String listed(List<String> labels) {
    List<String> some =
        labels.subList(0, Math.min(LISTED, labels.size())).stream()
            .map(label -> '"' + label + '"')
            .toList();
    int more = labels.size() - some.size();
    return String.join(", ", some) + (more > 0 ? " and " + more + " more" : "");
  }
}
