package org.clip4j.text.internal.repair;

import java.text.Normalizer;

/**
 * Makes broken text plain before it is tokenized, as OpenAI's tokenizer does with the Python
 * package ftfy (version 6, default settings) and {@code html.unescape}: HTML entities, mojibake,
 * Latin ligatures, full-width forms, curly quotes, line breaks, lone surrogates, terminal escapes,
 * control characters, and Unicode normal form C.
 *
 * <p>Limits guard against texts made to be slow, and only such texts differ from ftfy's: an entity
 * is unescaped at most {@value #MAX_ROUNDS} times over ({@code &amp;amp;amp;…}), mojibake inside
 * mojibake is followed to a depth of 16, and of more than {@value #MAX_MARKS} combining marks in a
 * row each {@value #MAX_MARKS} are put in order by themselves.
 */
public final class TextRepair {
  static final int MAX_ROUNDS = 32;

  /** Marks on one letter that are put in order together. */
  private static final int MAX_MARKS = 1000;

  /** Lines longer than this many code points are repaired in pieces, as ftfy does. */
  private static final int MAX_SEGMENT = 1_000_000;

  // Digraphs that exist for the sake of old encodings, and typographic ligatures.
  private static final String[] DIGRAPHS = {
    "\u0132IJ", "\u0133ij", "\u0149\u02bcn", "\u01f1DZ", "\u01f2Dz", "\u01f3dz", "\u01c4D\u017d",
    "\u01c5D\u017e", "\u01c6d\u017e", "\u01c7LJ", "\u01c8Lj", "\u01c9lj", "\u01caNJ", "\u01cbNj",
    "\u01ccnj", "\ufb00ff", "\ufb01fi", "\ufb02fl", "\ufb03ffi", "\ufb04ffl", "\ufb05\u017ft",
    "\ufb06st"
  };

  private TextRepair() {}

  /** Whether a character may be one that repair or case folding beyond ASCII has to look at. */
  public static boolean isPlain(char c) {
    return c < 0x7f && (c >= ' ' ? c != '&' : c == '\t' || c == '\n' || c == '\f' || c == '\r');
  }

  /** Repairs a text and decodes the HTML entities that are left in it, twice. */
  public static String clean(String text) {
    return HtmlEntities.unescape(HtmlEntities.unescape(repair(text)));
  }

  private static String repair(String text) {
    boolean unescape = true;
    StringBuilder out = null;
    for (int start = 0; start < text.length(); ) {
      int end = segmentEnd(text, start);
      String segment = text.substring(start, end);
      // A literal < means that this and all that follows is HTML, in which entities are intended.
      unescape = unescape && segment.indexOf('<') < 0;
      String repaired = repairSegment(segment, unescape);
      if (start == 0 && end == text.length()) {
        return repaired;
      }
      out = out == null ? new StringBuilder(text.length()) : out;
      out.append(repaired);
      start = end;
    }
    return out == null ? text : out.toString();
  }

  /**
   * A place to cut a text: the repair of what is before it, down to its words, is the same whether
   * or not the rest follows. So it is after a line, since each is repaired by itself; and before a
   * space, if all before it is {@linkplain #isPlain plain} and therefore stays as it is.
   *
   * @param least the place is there or, mostly, later; at the text's end if there is none
   */
  public static int cut(String text, int least) {
    for (int i = 0; i < text.length() && isPlain(text.charAt(i)); i++) {
      if (i >= least && text.charAt(i) == ' ') {
        return i;
      }
    }
    int newline = text.indexOf('\n', least);
    return newline < 0 ? text.length() : newline + 1;
  }

  private static int segmentEnd(String text, int start) {
    int newline = text.indexOf('\n', start);
    int end = newline < 0 ? text.length() : newline + 1;
    if (end - start > MAX_SEGMENT && text.codePointCount(start, end) > MAX_SEGMENT) {
      end = text.offsetByCodePoints(start, MAX_SEGMENT);
    }
    return end;
  }

  private static String repairSegment(String text, boolean unescape) {
    for (int round = 0; round < MAX_ROUNDS; round++) {
      String before = text;
      if (unescape) {
        text = HtmlEntities.unescapeClosed(text);
      }
      text = Mojibake.fixControls(Mojibake.fix(text));
      text = replaceCharacters(text);
      text = removeTerminalEscapes(text);
      text = removeControls(text);
      text = compose(text);
      if (text.equals(before)) {
        break;
      }
    }
    return text;
  }

  /**
   * Normal form C. Ordering n marks on one letter takes n² steps, so they are taken in portions.
   */
  private static String compose(String text) {
    StringBuilder out = null;
    int marks = 0;
    int done = 0;
    for (int i = 0; i < text.length(); ) {
      int c = text.codePointAt(i);
      i += Character.charCount(c);
      marks = c >= 0x300 && Character.getType(c) == Character.NON_SPACING_MARK ? marks + 1 : 0;
      if (marks == MAX_MARKS) {
        out = out == null ? new StringBuilder(text.length()) : out;
        out.append(Normalizer.normalize(text.substring(done, i), Normalizer.Form.NFC));
        done = i;
        marks = 0;
      }
    }
    if (out != null) {
      return out.append(Normalizer.normalize(text.substring(done), Normalizer.Form.NFC)).toString();
    }
    return Normalizer.isNormalized(text, Normalizer.Form.NFC)
        ? text
        : Normalizer.normalize(text, Normalizer.Form.NFC);
  }

  /** Ligatures, full-width forms, quotes, line breaks, surrogates: one character at a time. */
  private static String replaceCharacters(String text) {
    StringBuilder out = null;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c < 0x80 && c != '\r') {
        if (out != null) {
          out.append(c);
        }
        continue;
      }
      String replacement = replacement(text, i, c);
      if (replacement != null && out == null) {
        out = new StringBuilder(text.length() + 8).append(text, 0, i);
      }
      if (replacement != null) {
        out.append(replacement);
      } else if (out != null) {
        out.append(c);
      }
    }
    return out == null ? text : out.toString();
  }

  private static String replacement(String text, int index, char c) {
    if (c >= '\uff01' && c < '\ufff0') { // full-width ASCII, half-width kana and hangul, signs
      String wide = String.valueOf(c);
      String standard = Normalizer.normalize(wide, Normalizer.Form.NFKC);
      return standard.equals(wide) ? null : standard;
    }
    if (Character.isSurrogate(c)) {
      boolean paired =
          Character.isHighSurrogate(c)
              ? index + 1 < text.length() && Character.isLowSurrogate(text.charAt(index + 1))
              : index > 0 && Character.isHighSurrogate(text.charAt(index - 1));
      return paired ? null : "\ufffd";
    }
    return switch (c) {
      case '\r' -> text.startsWith("\n", index + 1) ? "" : "\n";
      case '\u2028', '\u2029', '\u0085' -> "\n";
      case '\u02bc', '\u2018', '\u2019', '\u201a', '\u201b' -> "'";
      case '\u201c', '\u201d', '\u201e', '\u201f' -> "\"";
      case '\u3000' -> " ";
      case '\u0149' -> "'n"; // its apostrophe is uncurled as well
      default -> ligature(c);
    };
  }

  private static String ligature(char c) {
    if ((c >= '\u0132' && c <= '\u01f3') || (c >= '\ufb00' && c <= '\ufb06')) {
      for (String digraph : DIGRAPHS) {
        if (digraph.charAt(0) == c) {
          return digraph.substring(1);
        }
      }
    }
    return null;
  }

  /** Removes ESC [ parameters letter, such as a change of colour. */
  private static String removeTerminalEscapes(String text) {
    int escape = text.indexOf("\u001b[");
    if (escape < 0) {
      return text;
    }
    StringBuilder out = new StringBuilder(text.length());
    int done = 0;
    for (; escape >= 0; escape = text.indexOf("\u001b[", escape + 1)) {
      int end = escape + 2;
      while (end < text.length()
          && (text.charAt(end) == ';' || Character.isDigit(text.codePointAt(end)))) {
        end += Character.charCount(text.codePointAt(end));
      }
      if (end < text.length() && Character.isLetter(text.charAt(end)) && text.charAt(end) < 0x80) {
        out.append(text, done, escape);
        done = end + 1;
      }
    }
    return out.append(text, done, text.length()).toString();
  }

  private static String removeControls(String text) {
    StringBuilder out = null;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      boolean control =
          c < ' '
              ? c != '\t' && c != '\n' && c != '\f' && c != '\r'
              : c == 0x7f
                  || (c >= '\u206a' && c <= '\u206f')
                  || c == '\ufeff'
                  || (c >= '\ufff9' && c <= '\ufffc');
      if (control && out == null) {
        out = new StringBuilder(text.length()).append(text, 0, i);
      } else if (!control && out != null) {
        out.append(c);
      }
    }
    return out == null ? text : out.toString();
  }
}
