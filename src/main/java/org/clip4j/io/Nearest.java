package org.clip4j.io;

import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;

/** Finds the names that one may have meant, for messages about a name that is none. */
public final class Nearest {
  private static final int SHOWN = 3;

  /** Longer texts are no misspelt names, and comparing them takes the square of their length. */
  private static final int MAX_LENGTH = 200;

  private Nearest() {}

  private record Candidate(String name, int distance) {}

  /**
   * Finds the names that differ from a text in at most a third of its letters, the nearest first,
   * upper and lower case alike.
   *
   * @return at most 3
   */
  public static List<String> of(String text, Collection<String> names) {
    String wanted = text.strip().toLowerCase(Locale.ROOT);
    if (wanted.length() > MAX_LENGTH) {
      return List.of();
    }
    int most = Math.max(1, wanted.length() / 3);
    return names.stream()
        .filter(name -> Math.abs(name.length() - wanted.length()) <= most)
        .map(name -> new Candidate(name, distance(name.toLowerCase(Locale.ROOT), wanted)))
        .filter(candidate -> candidate.distance <= most)
        .sorted(Comparator.comparingInt(Candidate::distance)) // stable: as they are given
        .limit(SHOWN)
        .map(Candidate::name)
        .distinct()
        .toList();
  }

  /** Returns the end of a message, "; did you mean "x" or "y"?"; empty where no name is near. */
  public static String question(String text, Collection<String> names) {
    return question(of(text, names));
  }

  /** Does as {@link #question(String, Collection)}, of names that were found to be near. */
  public static String question(List<String> near) {
    return near.isEmpty() ? "" : "; did you mean \"" + String.join("\" or \"", near) + "\"?";
  }

  /** Letters to replace, insert or drop, and neighbours to swap (optimal string alignment). */
  private static int distance(String a, String b) {
    int[] before = null;
    int[] above = new int[b.length() + 1];
    for (int j = 0; j <= b.length(); j++) {
      above[j] = j;
    }
    for (int i = 1; i <= a.length(); i++) {
      int[] row = new int[b.length() + 1];
      row[0] = i;
      for (int j = 1; j <= b.length(); j++) {
        int replace = above[j - 1] + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        row[j] = Math.min(replace, 1 + Math.min(above[j], row[j - 1]));
        if (i > 1
            && j > 1
            && a.charAt(i - 1) == b.charAt(j - 2)
            && a.charAt(i - 2) == b.charAt(j - 1)) {
          row[j] = Math.min(row[j], before[j - 2] + 1);
        }
      }
      before = above;
      above = row;
    }
    return above[b.length()];
  }
}
