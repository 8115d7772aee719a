package org.clip4j.text.internal;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.clip4j.io.Tables;

/**
 * What the tokenizer needs to know of Unicode. Letters, numbers and lower case come from tables, so
 * that a text has the same tokens on every Java version.
 */
public final class Characters {
  static final byte OTHER = 0;
  static final byte LETTER = 1;
  static final byte NUMBER = 2;

  /** Only U+0345, the Greek iota below a vowel, which OpenAI's pattern passes over. */
  static final byte SKIPPED = 3;

  private static final char SIGMA = '\u03a3';

  private static final byte[] BASIC = new byte[0x10000];
  private static final int[] LETTERS;
  private static final int[] NUMBERS;
  private static final Map<Integer, Integer> LOWER = new HashMap<>();

  /** Case-ignorable by word-break property rather than by general category. */
  private static final String IGNORABLE_PUNCTUATION =
      "'.:\u00b7\u0387\u055f\u05f4\u2018\u2019\u2024\u2027\ufe13\ufe52\ufe55\uff07\uff0e\uff1a";

  static {
    Map<String, String> table = Tables.table(Characters.class, "unicode_classes.txt");
    LETTERS = Tables.ranges(table.get("letter"));
    NUMBERS = Tables.ranges(table.get("number"));
    fill(LETTERS, LETTER);
    fill(NUMBERS, NUMBER);
    BASIC[0x345] = SKIPPED;
    for (String run : table.get("lower").split(" ")) {
      String[] parts = run.split(":");
      int step = Integer.parseInt(parts[2], 16);
      for (int c = Integer.parseInt(parts[0], 16); c <= Integer.parseInt(parts[1], 16); c += step) {
        LOWER.put(c, c + Integer.parseInt(parts[3]));
      }
    }
  }

  private Characters() {}

  private static void fill(int[] ranges, byte value) {
    for (int i = 0; i < ranges.length && ranges[i] < BASIC.length; i += 2) {
      Arrays.fill(BASIC, ranges[i], Math.min(ranges[i + 1] + 1, BASIC.length), value);
    }
  }

  /** {@link #LETTER}, {@link #NUMBER}, {@link #SKIPPED} or {@link #OTHER}. */
  static byte kind(int codePoint) {
    if (codePoint < BASIC.length) {
      return BASIC[codePoint];
    }
    return contains(LETTERS, codePoint) ? LETTER : contains(NUMBERS, codePoint) ? NUMBER : OTHER;
  }

  private static boolean contains(int[] ranges, int codePoint) {
    int i = Arrays.binarySearch(ranges, codePoint);
    return i >= 0 || (-i - 1) % 2 == 1; // a miss lies within a range if it would go before its end
  }

  /** White space as Python's {@code str.split} has it: no-break spaces and U+0085 included. */
  static boolean isSpace(int codePoint) {
    return codePoint == ' '
        || Character.isWhitespace(codePoint)
        || Character.isSpaceChar(codePoint)
        || codePoint == 0x85;
  }

  /** Whether a text has no half of a surrogate pair, so that it has a form in UTF-8. */
  public static boolean isWellFormed(String text) {
    for (int i = 0; i < text.length(); i++) {
      if (Character.isSurrogate(text.charAt(i))) {
        if (Character.charCount(text.codePointAt(i)) == 1) {
          return false;
        }
        i++;
      }
    }
    return true;
  }

  /** Folds runs of white space to one space and strips the ends. */
  public static String foldSpaces(String text) {
    StringBuilder out = new StringBuilder(text.length());
    boolean gap = false;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i); // every white space is in the basic plane
      if (isSpace(c)) {
        gap = true;
      } else {
        if (gap && out.length() > 0) {
          out.append(' ');
        }
        gap = false;
        out.append(c);
      }
    }
    return out.toString();
  }

  /**
   * Unicode's full lower case for the root locale. Not {@link String#toLowerCase}: that decides a
   * final sigma by word breaks, where Unicode (and Python) look at the cased letters around it.
   */
  public static String lower(String text) {
    StringBuilder out = new StringBuilder(text.length());
    for (int i = 0; i < text.length(); ) {
      int c = text.codePointAt(i);
      int next = i + Character.charCount(c);
      if (c == 0x130) {
        out.append("i\u0307");
      } else if (c == SIGMA) {
        out.append(lowerSigma(text, i));
      } else {
        out.appendCodePoint(c < 0x80 ? Character.toLowerCase(c) : LOWER.getOrDefault(c, c));
      }
      i = next;
    }
    return out.toString();
  }

  /** A text with sigmas in lower case, and nothing else. */
  public static String lowerSigmas(String text) {
    if (text.indexOf(SIGMA) < 0) {
      return text;
    }
    StringBuilder out = new StringBuilder(text);
    for (int i = text.indexOf(SIGMA); i >= 0; i = text.indexOf(SIGMA, i + 1)) {
      out.setCharAt(i, lowerSigma(text, i));
    }
    return out.toString();
  }

  private static char lowerSigma(String text, int index) {
    return casedBefore(text, index) && !casedAfter(text, index + 1) ? '\u03c2' : '\u03c3';
  }

  private static boolean casedBefore(String text, int index) {
    for (int i = index; i > 0; ) {
      int c = text.codePointBefore(i);
      if (!isCaseIgnorable(c)) {
        return isCased(c);
      }
      i -= Character.charCount(c);
    }
    return false;
  }

  private static boolean casedAfter(String text, int index) {
    for (int i = index; i < text.length(); ) {
      int c = text.codePointAt(i);
      if (!isCaseIgnorable(c)) {
        return isCased(c);
      }
      i += Character.charCount(c);
    }
    return false;
  }

  private static boolean isCased(int c) {
    return Character.isLowerCase(c) || Character.isUpperCase(c) || Character.isTitleCase(c);
  }

  private static boolean isCaseIgnorable(int c) {
    return switch (Character.getType(c)) {
      case Character.NON_SPACING_MARK,
          Character.ENCLOSING_MARK,
          Character.FORMAT,
          Character.MODIFIER_LETTER,
          Character.MODIFIER_SYMBOL ->
          true;
      default -> IGNORABLE_PUNCTUATION.indexOf(c) >= 0;
    };
  }
}
