package org.clip4j.text.internal;

import java.util.Arrays;
import org.clip4j.text.internal.repair.TextRepair;

/** Encodes text as OpenAI's tokenizer does, down to a context length. */
public final class ClipWords {
  private static final WordCache WORDS = new WordCache();

  private final BytePairs pairs = BytePairs.openAi();
  private final int contextLength;

  /**
   * @param contextLength the most tokens a text may have, start and end included
   */
  public ClipWords(int contextLength) {
    this.contextLength = contextLength;
  }

  /** Encodes a text, between the start and the end token. */
  public int[] encode(String text) {
    // Of a long text the beginning is enough, up to where nothing that follows can change it.
    for (long enough = 32L * contextLength; enough < text.length(); enough *= 8) {
      int end = TextRepair.cut(text, (int) enough);
      int[] ids = encodeWhole(text.substring(0, end));
      if (ids.length == contextLength || end == text.length()) {
        return ids;
      }
    }
    return encodeWhole(text);
  }

  private int[] encodeWhole(String text) {
    char[] plain = plainLower(text);
    return new Scan(plain != null ? plain : clean(text).toCharArray()).run();
  }

  /** Encodes a text that {@link #clean} gave. */
  public int[] encodeClean(String text) {
    return new Scan(text.toCharArray()).run();
  }

  /** Returns the text repaired, its white space folded, and in lower case. */
  public static String clean(String text) {
    return Characters.lower(Characters.foldSpaces(TextRepair.clean(text)));
  }

  /** The text in lower case with spaces for all white space, or null if it needs repair. */
  private static char[] plainLower(String text) {
    char[] chars = text.toCharArray();
    for (int i = 0; i < chars.length; i++) {
      char c = chars[i];
      if (!TextRepair.isPlain(c)) {
        return null;
      }
      if (c <= 'Z') {
        if (c >= 'A') {
          chars[i] = (char) (c | 0x20);
        } else if (c < ' ') {
          chars[i] = ' ';
        }
      }
    }
    return chars;
  }

  /** One pass over a clean text. */
  private final class Scan {
    private final char[] text;
    private final int[] ids;
    private int count;

    Scan(char[] text) {
      this.text = text;
      // A char makes at most 3 bytes, and so at most 3 tokens.
      this.ids = new int[(int) Math.min(contextLength, 3L * text.length + 2)];
    }

    int[] run() {
      ids[count++] = BytePairs.START;
      int room = ids.length - 1; // the end token's place
      for (int i = 0; i < text.length && count < room; ) {
        i = text[i] == ' ' ? i + 1 : word(i, room);
      }
      ids[count++] = BytePairs.END;
      return Arrays.copyOf(ids, count);
    }

    /** Appends the tokens of the word at an index, and returns its end. */
    private int word(int start, int room) {
      int end = contractionEnd(start);
      if (end < 0) {
        int codePoint = codePoint(start);
        byte kind = Characters.kind(codePoint);
        end = start + Character.charCount(codePoint);
        if (kind == Characters.SKIPPED) {
          return end;
        }
        if (kind != Characters.NUMBER) {
          end = runEnd(end, kind);
        }
      }
      if (end == start + 1 && text[start] < 0x80) {
        ids[count++] = pairs.single(text[start]);
        return end;
      }
      int[] tokens = WORDS.tokens(pairs, text, start, end);
      int fitting = Math.min(tokens.length, room - count);
      for (int i = 0; i < fitting; i++) {
        ids[count++] = tokens[i];
      }
      return end;
    }

    private int runEnd(int index, byte kind) {
      int end = index;
      while (end < text.length && text[end] != ' ') {
        int codePoint = codePoint(end);
        if (Characters.kind(codePoint) != kind) {
          break;
        }
        end += Character.charCount(codePoint);
      }
      return end;
    }

    private int codePoint(int index) {
      char c = text[index];
      return Character.isSurrogate(c) ? Character.codePointAt(text, index) : c;
    }

    /** The end of {@code 's 't 'm 'd 're 've 'll} at an index, or -1. */
    private int contractionEnd(int index) {
      if (text[index] != '\'' || index + 1 == text.length) {
        return -1;
      }
      char first = text[index + 1];
      // The long s is an s to OpenAI's pattern, which ignores case.
      if (first == 's' || first == 't' || first == 'm' || first == 'd' || first == '\u017f') {
        return index + 2;
      }
      char second = index + 2 < text.length ? text[index + 2] : ' ';
      boolean is =
          (second == 'e' && (first == 'r' || first == 'v')) || (second == 'l' && first == 'l');
      return is ? index + 3 : -1;
    }
  }
}
