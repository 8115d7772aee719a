package org.clip4j.text.internal.repair;

import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.clip4j.io.Tables;

/**
 * Recognises and undoes mojibake: UTF-8 that some program decoded as a single-byte encoding, which
 * shows "schön" as "schÃ¶n".
 *
 * <p>The heuristic is that of ftfy 6 (Robyn Speer, Apache License 2.0), whose character tables and
 * list of suspicious neighbours are used here: text is touched only if it holds neighbours that
 * people do not write, such as an accented small letter before a currency sign, and only if its
 * bytes then decode as UTF-8.
 */
final class Mojibake {
  /** Text inside text inside text: beyond this depth a garble is left alone. */
  private static final int MAX_DEPTH = 16;

  static final Map<String, String> TABLE = Tables.table(Mojibake.class, "mojibake.txt");

  private static final BitSet FIRST_OF_2 = set("utf8_first_of_2");
  private static final BitSet FIRST_OF_3 = set("utf8_first_of_3");
  private static final BitSet FIRST_OF_4 = set("utf8_first_of_4");
  private static final BitSet CONTINUATION = set("utf8_continuation");
  private static final BitSet CONTINUATION_STRICT = set("utf8_continuation_strict");

  /** In the order in which they are tried. */
  private static final List<SingleByteEncoding> ENCODINGS =
      List.of(
          encoding("latin-1"),
          encoding("sloppy-windows-1252"),
          encoding("sloppy-windows-1251"),
          encoding("sloppy-windows-1250"),
          encoding("sloppy-windows-1253"),
          encoding("sloppy-windows-1254"),
          encoding("sloppy-windows-1257"),
          encoding("iso-8859-2"),
          encoding("macroman"),
          encoding("cp437"));

  private static final String WINDOWS_1252 = ENCODINGS.get(1).upperHalf();

  // The next three look at bytes, held one per char.

  /** The letter à that lost its no-break space, before a word other than às and àquele. */
  private static final Pattern LONE_A_GRAVE = Pattern.compile("\u00c3 (?! |quele|quela|quilo|s )");

  /** UTF-8 in which a space stands for byte A0, as far as it makes likely characters. */
  private static final Pattern SPACE_FOR_A0 =
      Pattern.compile(
          "[\u00c2\u00c3\u00c5\u00ce\u00d0\u00d9] "
              + "|[\u00e2\u00e3] [\u0080-\u0084\u0086-\u009f\u00a1-\u00bf]"
              + "|[\u00e0-\u00e3][\u0080-\u0084\u0086-\u009f\u00a1-\u00bf] "
              + "|\u00f0 [\u0080-\u00bf]{2}"
              + "|\u00f0[\u0080-\u00bf] [\u0080-\u00bf]"
              + "|\u00f0[\u0080-\u00bf]{2} ");

  /** UTF-8 that lost bytes to replacement characters (held as 1A) or to question marks. */
  private static final Pattern LOST_BYTES =
      Pattern.compile(
          "[\u00c2-\u00df]\u001a"
              + "|[\u00c2\u00c3]\\?"
              + "|\u00ed[\u00a0-\u00af][\u001a?]\u00ed[\u00b0-\u00bf][\u001a?\u0080-\u00bf]"
              + "|\u00ed[\u00a0-\u00af][\u001a?\u0080-\u00bf]\u00ed[\u00b0-\u00bf][\u001a?]"
              + "|[\u00e0-\u00ef][\u001a?][\u001a\u0080-\u00bf]"
              + "|[\u00e0-\u00ef][\u001a\u0080-\u00bf][\u001a?]"
              + "|[\u00f0-\u00f4][\u001a?][\u001a\u0080-\u00bf]{2}"
              + "|[\u00f0-\u00f4][\u001a\u0080-\u00bf][\u001a?][\u001a\u0080-\u00bf]"
              + "|[\u00f0-\u00f4][\u001a\u0080-\u00bf]{2}[\u001a?]"
              + "|\u001a");

  private Mojibake() {}

  /** The text with its mojibake undone, as often as it was applied. */
  static String fix(String text) {
    return fix(text, 0);
  }

  private static String fix(String text, int depth) {
    String before;
    do {
      before = text;
      text = fixOnce(text, depth);
    } while (!text.equals(before));
    return text;
  }

  /** Whether the text holds neighbours that hint at mojibake. */
  static boolean isSuspicious(String text) {
    return SuspiciousNeighbours.areIn(text);
  }

  private static String fixOnce(String text, int depth) {
    if (!isSuspicious(text)) {
      return text;
    }
    // 1. The whole text, as UTF-8 that was read as one of the encodings.
    for (SingleByteEncoding encoding : ENCODINGS) {
      String bytes = encoding.encode(text);
      if (bytes != null) {
        if (!encoding.name().equals("macroman") && SPACE_FOR_A0.matcher(bytes).find()) {
          bytes = LONE_A_GRAVE.matcher(bytes).replaceAll("\u00c3\u00a0 ");
          bytes = SPACE_FOR_A0.matcher(bytes).replaceAll(m -> m.group().replace(' ', '\u00a0'));
        }
        if (encoding.isSloppy()) {
          bytes = LOST_BYTES.matcher(bytes).replaceAll("\u00ef\u00bf\u00bd");
        }
        String decoded = Utf8Variants.decode(bytes);
        if (decoded != null) {
          return decoded;
        }
      }
    }
    // 2. The parts of it that look most like UTF-8.
    String fixed = depth < MAX_DEPTH ? fixParts(text, depth) : text;
    if (!fixed.equals(text)) {
      return fixed;
    }
    // 3. C1 controls, which nobody types: bytes of windows-1252.
    return fixControls(text);
  }

  private static String fixParts(String text, int depth) {
    StringBuilder out = new StringBuilder(text.length());
    int done = 0;
    for (int i = 0; i < text.length(); ) {
      int end = i;
      if (i == 0 || !CONTINUATION_STRICT.get(text.charAt(i - 1))) {
        for (int length = sequence(text, end); length > 0; length = sequence(text, end)) {
          end += length;
        }
      }
      if (end == i) {
        i++;
        continue;
      }
      String part = text.substring(i, end);
      if (part.length() < text.length() && isSuspicious(part)) {
        out.append(text, done, i).append(fix(part, depth + 1));
        done = end;
      }
      i = end;
    }
    return out.append(text, done, text.length()).toString();
  }

  /** The length of what looks like one character of UTF-8 at an index, or 0. */
  private static int sequence(String text, int index) {
    if (index == text.length()) {
      return 0;
    }
    char c = text.charAt(index);
    int run = 1;
    while (run < 4 && index + run < text.length() && CONTINUATION.get(text.charAt(index + run))) {
      run++;
    }
    if (run >= 2 && FIRST_OF_2.get(c)) {
      return 2;
    }
    if (run >= 3 && FIRST_OF_3.get(c)) {
      return 3;
    }
    return run == 4 && FIRST_OF_4.get(c) ? 4 : 0;
  }

  /** C1 controls as the characters that windows-1252 has in their place. */
  static String fixControls(String text) {
    StringBuilder out = null;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c >= 0x80 && c <= 0x9f) {
        if (out == null) {
          out = new StringBuilder(text);
        }
        out.setCharAt(i, WINDOWS_1252.charAt(c - 0x80));
      }
    }
    return out == null ? text : out.toString();
  }

  private static BitSet set(String name) {
    BitSet set = new BitSet();
    int[] bounds = Tables.ranges(TABLE.get(name));
    for (int i = 0; i < bounds.length; i += 2) {
      set.set(bounds[i], bounds[i + 1] + 1);
    }
    return set;
  }

  private static SingleByteEncoding encoding(String name) {
    StringBuilder upper = new StringBuilder();
    for (String code : TABLE.get("encoding " + name).split(" ")) {
      upper.append((char) Integer.parseInt(code, 16));
    }
    return new SingleByteEncoding(name, upper.toString());
  }

  /**
   * An encoding whose lower half is ASCII.
   *
   * @param upperHalf the characters of bytes 80 to FF
   */
  private record SingleByteEncoding(String name, String upperHalf, char[] sorted, char[] bytes) {
    SingleByteEncoding(String name, String upperHalf) {
      this(name, upperHalf, upperHalf.toCharArray(), new char[upperHalf.length()]);
      Arrays.sort(sorted);
      for (int i = 0; i < upperHalf.length(); i++) {
        bytes[Arrays.binarySearch(sorted, upperHalf.charAt(i))] = (char) (0x80 + i);
      }
    }

    /** The sloppy ones take a lost character, U+FFFD, as byte 1A. */
    boolean isSloppy() {
      return name.startsWith("sloppy");
    }

    /** The bytes of a text, one per char, or null if it has others than the encoding's. */
    String encode(String text) {
      char[] out = new char[text.length()];
      for (int i = 0; i < out.length; i++) {
        char c = text.charAt(i);
        if (c < 0x80 && !(c == 0x1a && isSloppy())) {
          out[i] = c;
        } else if (c == '\ufffd' && isSloppy()) {
          out[i] = 0x1a;
        } else {
          int index = Arrays.binarySearch(sorted, c);
          if (index < 0) {
            return null;
          }
          out[i] = bytes[index];
        }
      }
      return new String(out);
    }
  }
}
