package org.clip4j.text.internal.repair;

import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import org.clip4j.io.Tables;

/** Decodes HTML character references such as {@code &amp;}, {@code &#233;} and {@code &eacute}. */
final class HtmlEntities {
  /** What the numeric references 0x80 to 0x9F mean: the bytes of windows-1252. */
  private static final String NUMERIC_80_TO_9F =
      "\u20ac\u0081\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\u008d\u017d\u008f"
          + "\u0090\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\u009d\u017e"
          + "\u0178";

  private static final int LONGEST_NAME = 32;
  private static final int LONGEST_CLOSED_NAME = 24;

  /** Name, with its semicolon if it has one, to text. */
  private static final Map<String, String> NAMED = new HashMap<>();

  /** The upper-cased forms of lower-case names, which upper-cased text has: {@code &EACUTE;}. */
  private static final Map<String, String> NAMED_UPPER = new HashMap<>();

  static {
    Tables.table(HtmlEntities.class, "html_entities.txt")
        .forEach(
            (name, codes) -> {
              StringBuilder text = new StringBuilder();
              for (String code : codes.split(" ")) {
                text.appendCodePoint(Integer.parseInt(code, 16));
              }
              NAMED.put(name, text.toString());
            });
    NAMED.forEach(
        (name, text) -> {
          if (name.endsWith(";") && name.equals(name.toLowerCase(Locale.ROOT))) {
            String upper = name.toUpperCase(Locale.ROOT);
            if (unescape("&" + upper).equals("&" + upper)) {
              NAMED_UPPER.put(upper, text.toUpperCase(Locale.ROOT));
            }
          }
        });
  }

  private HtmlEntities() {}

  /**
   * Decodes by the rules of the HTML standard: legacy names need no semicolon, and the longest
   * known prefix of an unknown name counts.
   */
  static String unescape(String text) {
    int amp = text.indexOf('&');
    if (amp < 0) {
      return text;
    }
    StringBuilder out = new StringBuilder(text.length());
    int done = 0;
    for (; amp >= 0; amp = text.indexOf('&', done)) {
      out.append(text, done, amp);
      int end = numericEnd(text, amp + 1);
      if (end > 0) {
        appendNumeric(text, amp + 2, end, out);
      } else {
        end = nameEnd(text, amp + 1);
        appendNamed(text.substring(amp + 1, end), out);
      }
      done = end;
    }
    return out.append(text, done, text.length()).toString();
  }

  /**
   * Decodes only what cannot be meant otherwise: references that end in a semicolon. It also knows
   * upper-cased names, for text that was upper-cased as a whole.
   */
  static String unescapeClosed(String text) {
    int amp = text.indexOf('&');
    if (amp < 0) {
      return text;
    }
    StringBuilder out = new StringBuilder(text.length());
    int done = 0;
    for (; amp >= 0; amp = text.indexOf('&', amp + 1)) {
      int name = text.startsWith("#", amp + 1) ? amp + 2 : amp + 1;
      int end = name;
      while (end < text.length() && end - name < LONGEST_CLOSED_NAME && isAlphanumeric(text, end)) {
        end++;
      }
      if (end == name || end == text.length() || text.charAt(end) != ';') {
        continue;
      }
      String reference = text.substring(amp, ++end);
      out.append(text, done, amp).append(closed(reference));
      done = end;
    }
    return out.append(text, done, text.length()).toString();
  }

  private static String closed(String reference) {
    if (reference.charAt(1) == '#') {
      String decoded = unescape(reference);
      return decoded.indexOf(';') >= 0 ? reference : decoded;
    }
    String name = reference.substring(1);
    String upper = NAMED_UPPER.get(name);
    return upper != null ? upper : NAMED.getOrDefault(name, reference);
  }

  private static boolean isAlphanumeric(String text, int index) {
    char c = text.charAt(index);
    return c < 128 && Character.digit(c, 36) >= 0;
  }

  /** The end of a numeric reference whose {@code #} is at {@code start}, or -1. */
  private static int numericEnd(String text, int start) {
    if (!text.startsWith("#", start)) {
      return -1;
    }
    boolean hex = text.startsWith("x", start + 1) || text.startsWith("X", start + 1);
    int digits = start + (hex ? 2 : 1);
    int end = digits;
    while (end < text.length() && digit(text.charAt(end), hex ? 16 : 10) >= 0) {
      end++;
    }
    if (end == digits) {
      return -1;
    }
    return text.startsWith(";", end) ? end + 1 : end;
  }

  private static int digit(char c, int radix) {
    return c < 128 ? Character.digit(c, radix) : -1;
  }

  private static void appendNumeric(String text, int start, int end, StringBuilder out) {
    boolean hex = Character.digit(text.charAt(start), 10) < 0; // an x
    int radix = hex ? 16 : 10;
    int number = 0;
    for (int i = hex ? start + 1 : start; i < end && text.charAt(i) != ';'; i++) {
      number =
          Math.min(number * radix + digit(text.charAt(i), radix), Character.MAX_CODE_POINT + 1);
    }
    if (number == 0
        || number > Character.MAX_CODE_POINT
        || (number >= Character.MIN_SURROGATE && number <= Character.MAX_SURROGATE)) {
      out.append('\ufffd');
    } else if (number >= 0x80 && number <= 0x9f) {
      out.append(NUMERIC_80_TO_9F.charAt(number - 0x80));
    } else if (!isNoCharacter(number)) {
      out.appendCodePoint(number);
    }
  }

  /** Controls and noncharacters, which a reference cannot make. */
  private static boolean isNoCharacter(int c) {
    boolean control = c < 0x20 && c != '\t' && c != '\n' && c != '\f' && c != '\r';
    return control || c == 0x7f || (c >= 0xfdd0 && c <= 0xfdef) || (c & 0xfffe) == 0xfffe;
  }

  private static int nameEnd(String text, int start) {
    int end = start;
    for (int n = 0; n < LONGEST_NAME && end < text.length(); n++) {
      int c = text.codePointAt(end);
      if ("\t\n\f <&#;".indexOf(c) >= 0) {
        break;
      }
      end += Character.charCount(c);
    }
    return end > start && text.startsWith(";", end) ? end + 1 : end;
  }

  private static void appendNamed(String name, StringBuilder out) {
    for (int length = name.length(); length > 1; length--) {
      String decoded = NAMED.get(name.substring(0, length));
      if (decoded != null) {
        out.append(decoded).append(name, length, name.length());
        return;
      }
    }
    out.append('&').append(name);
  }
}
