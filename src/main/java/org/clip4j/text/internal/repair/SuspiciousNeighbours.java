package org.clip4j.text.internal.repair;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.clip4j.io.Tables;

/**
 * Finds the neighbours that people do not write, which hint at {@link Mojibake}.
 *
 * <p>The rules are sequences of classes of characters, as in a pattern. All are followed at once,
 * with a bit for each place of each rule (Baeza-Yates and Gonnet 1992, "A new approach to text
 * searching"): {@code java.util.regex} tries them one after the other at each character and takes a
 * thousand times as long.
 */
final class SuspiciousNeighbours {
  /** A class of characters, or one character, and whether it may be left out. */
  private static final Pattern ELEMENT = Pattern.compile("(\\[[^\\]]+\\]|\\{space\\}|[^?])(\\?)?");

  private static final String SPACE =
      "[\t-\r\u001c- \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]";

  /** A set of places. */
  private record Places(long low, long high) {
    Places with(int place) {
      return place < Long.SIZE
          ? new Places(low | 1L << place, high)
          : new Places(low, high | 1L << place - Long.SIZE);
    }
  }

  private static final Places NOWHERE = new Places(0, 0);

  /** The class of each place, rule after rule. */
  private static final List<Pattern> CLASSES = new ArrayList<>();

  private static Places starts = NOWHERE;
  private static Places ends = NOWHERE;

  /** Where the one rule begins that looks at the start of the text alone. */
  private static Places startOfText = NOWHERE;

  static {
    for (String rule : rules()) {
      boolean atStart = rule.startsWith("^");
      add(atStart, elements(atStart ? rule.substring(1) : rule), List.of());
    }
    if (CLASSES.size() > 2 * Long.SIZE) {
      throw new IllegalStateException("the rules have " + CLASSES.size() + " places");
    }
  }

  /** The places whose class has a character; made when it is first seen, by whichever thread. */
  private static final Places[] PLACES = new Places[1 << 16];

  /** Those of supplementary characters, which the rules tell apart as letters or numbers only. */
  private static final Places LETTERS = placesOf(0x10000);

  private static final Places SIGNS = placesOf(0x1F600);

  private SuspiciousNeighbours() {}

  /** Whether a text holds such neighbours. */
  static boolean areIn(String text) {
    long low = 0;
    long high = 0;
    Places first = startOfText;
    for (int i = 0; i < text.length(); ) {
      int c = text.codePointAt(i);
      i += Character.charCount(c);
      Places places = places(c);
      high = (high << 1 | low >>> 63 | starts.high | first.high) & places.high;
      low = (low << 1 | starts.low | first.low) & places.low;
      if ((low & ends.low | high & ends.high) != 0) {
        return true;
      }
      first = NOWHERE;
    }
    return false;
  }

  private static Places places(int codePoint) {
    if (codePoint > 0xFFFF) {
      int type = Character.getType(codePoint);
      boolean number =
          type == Character.DECIMAL_DIGIT_NUMBER
              || type == Character.LETTER_NUMBER
              || type == Character.OTHER_NUMBER;
      return number || Character.isLetter(codePoint) ? LETTERS : SIGNS;
    }
    Places places = PLACES[codePoint];
    if (places == null) {
      places = placesOf(codePoint);
      PLACES[codePoint] = places;
    }
    return places;
  }

  private static Places placesOf(int codePoint) {
    String text = Character.toString(codePoint);
    Places places = NOWHERE;
    for (int i = 0; i < CLASSES.size(); i++) {
      if (CLASSES.get(i).matcher(text).matches()) {
        places = places.with(i);
      }
    }
    return places;
  }

  private record Element(String characters, boolean optional) {}

  private static List<Element> elements(String rule) {
    List<Element> elements = new ArrayList<>();
    Matcher matcher = ELEMENT.matcher(rule);
    while (matcher.find()) {
      elements.add(new Element(matcher.group(1), matcher.group(2) != null));
    }
    return elements;
  }

  /** Adds a rule, and again without what may be left out. */
  private static void add(boolean atStart, List<Element> elements, List<String> before) {
    List<String> rule = new ArrayList<>(before);
    for (int i = 0; i < elements.size(); i++) {
      if (elements.get(i).optional) {
        add(atStart, elements.subList(i + 1, elements.size()), rule);
      }
      rule.add(elements.get(i).characters);
    }
    Places start = (atStart ? startOfText : starts).with(CLASSES.size());
    startOfText = atStart ? start : startOfText;
    starts = atStart ? starts : start;
    for (String characters : rule) {
      CLASSES.add(Pattern.compile(characters.equals("{space}") ? SPACE : named(characters)));
    }
    ends = ends.with(CLASSES.size() - 1);
  }

  /** A class with the ranges that the table has for its names. */
  private static String named(String characters) {
    return Pattern.compile("\\{([a-z_][a-z_0-9]+)}")
        .matcher(characters)
        .replaceAll(
            name -> {
              StringBuilder ranges = new StringBuilder();
              int[] bounds = Tables.ranges(Mojibake.TABLE.get(name.group(1)));
              for (int i = 0; i < bounds.length; i += 2) {
                ranges.append((char) bounds[i]).append('-').append((char) bounds[i + 1]);
              }
              return Matcher.quoteReplacement(ranges.toString());
            });
  }

  /** The neighbours that people do not write. Categories are named, as in the table. */
  private static List<String> rules() {
    String accented = "{lower_accented}{upper_accented}";
    String symbol = "{box}{start_punctuation}{end_punctuation}{currency}{numeric}{law}";
    String arabic =
        "[\u00d8\u00d9][{common}{currency}{bad}{numeric}{start_punctuation}\u0178\u0160\u00ae\u00b0\u00b5\u00bb]";
    String cyrillic = "[\u0412\u0413\u0420\u0421]";
    String greek = "[\u0392\u0393\u039e\u039f]";
    String odd = "{c1}{bad}{start_punctuation}{end_punctuation}{currency}\u00b0";
    return List.of(
        "[{c1}]",
        "[{bad}" + accented + symbol + "][{bad}]",
        "[a-zA-Z][{lower_common}{upper_common}][{bad}]",
        "[{bad}][" + accented + symbol + "]",
        "[{lower_accented}{lower_common}{box}{end_punctuation}{currency}{numeric}][{upper_accented}]",
        "[{box}{end_punctuation}{currency}{numeric}][{lower_accented}]",
        "[{lower_accented}{box}{end_punctuation}][{currency}]",
        "{space}[{upper_accented}][{currency}]",
        "[{upper_accented}{box}][{numeric}{law}]",
        "[" + accented + "{box}{currency}{end_punctuation}][{start_punctuation}][{numeric}]",
        "[" + accented + "{currency}{numeric}{box}{law}][{end_punctuation}][{start_punctuation}]",
        "[{currency}{numeric}{box}][{start_punctuation}]",
        "[a-z][{upper_accented}][{start_punctuation}{currency}]",
        "[{box}][{kaomoji}]",
        "[" + accented + "{currency}{numeric}{start_punctuation}{end_punctuation}{law}][{box}]",
        "[{box}][{end_punctuation}]",
        "[" + accented + "][{start_punctuation}{end_punctuation}][\\p{L}\\p{N}_]",
        "[\u0152\u0153][^A-Za-z]",
        "[{upper_accented}]\u00b0",
        // windows-1252: two characters, Arabic words, South Asian scripts
        "[\u00c2\u00c3\u00ce\u00d0][\u20ac\u0153\u0160\u0161\u00a2\u00a3\u0178\u017e\u00a0\u00ad\u00ae"
            + "\u00a9\u00b0\u00b7\u00bb{start_punctuation}{end_punctuation}\u2013\u2014\u00b4]",
        "\u00d7[\u00b2\u00b3]",
        arabic + arabic,
        "\u00e0[\u00b2\u00b5\u00b9\u00bc\u00bd\u00be]",
        // MacRoman
        "\u221a[\u00b1\u2202\u2020\u2260\u00ae\u2122\u00b4\u2264\u2265\u00a5\u00b5\u00f8]",
        "\u2248[\u00b0\u00a2]",
        "\u201a\u00c4[\u00ec\u00ee\u00ef\u00f2\u00f4\u00f5\u00fa\u00f9\u00fb\u2020\u00b0\u00a2\u03c0]",
        "\u201a[\u00e2\u00f3][\u00e0\u00e4\u00b0\u00ea]",
        // windows-1251
        "\u0432\u0402",
        cyrillic + "[" + odd + "\u00b5]" + cyrillic,
        "\u0413\u045e\u0412\u0402\u0412.[A-Za-z ]",
        // windows-1252 of à, á and the no-break space
        "\u00c3[\u00a0\u00a1]",
        "[a-z]{space}?[\u00c3\u00c2] ",
        "^[\u00c3\u00c2] ",
        "[a-z.,?!{end_punctuation}]\u00c2[ {start_punctuation}{end_punctuation}]",
        // windows-1253 and windows-1257
        "\u03b2\u20ac[\u2122\u00a0\u0386\u00ad\u00ae\u00b0]",
        greek + "[" + odd + "]" + greek,
        "\u0101\u20ac");
  }
}
