package org.clip4j.text;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;

/**
 * OpenAI's tokenizer for CLIP: text repair, lower case, and byte-level byte-pair encoding with a
 * vocabulary of 49,408 (Radford et al. 2021, section 2.4). Its tokens are those of the published
 * {@code SimpleTokenizer} of OpenAI's CLIP and of OpenCLIP.
 *
 * <ol>
 *   <li>Broken text is repaired: HTML entities, mojibake ({@code schÃ¶n} to {@code schön}),
 *       ligatures, full-width forms, curly quotes, lone surrogates (to U+FFFD), control characters;
 *       then Unicode normal form C. Text without such faults is left as it is.
 *   <li>White space is folded to single spaces, and the text is put in lower case.
 *   <li>It is split into contractions ({@code 's}), runs of letters, single digits, and runs of
 *       anything else; each piece is a word of UTF-8 bytes, which are merged pair by pair.
 *   <li>The start token goes before them and the end token after them. Of a text that is too long,
 *       the first tokens are kept and the end token stays last.
 * </ol>
 *
 * <p>What a user types is always text: neither {@code <|endoftext|>} nor any other spelling of a
 * special token ever becomes {@link #START_TOKEN} or {@link #END_TOKEN} within a text. (OpenCLIP
 * takes {@code <start_of_text>} and {@code <end_of_text>} in a text for the tokens themselves; then
 * the text would be embedded only up to there.) Tokens that a model's own files add to OpenAI's, as
 * textual inversion does, are found in a text as transformers finds them.
 *
 * <p>Instances are immutable and may be shared by all threads. Time and memory grow with the length
 * of the text and nothing else; the cache of words behind all instances stays below about 5 MB.
 *
 * <p>The merges are {@code bpe_simple_vocab_16e6.txt.gz}, copyright (c) 2021 OpenAI, MIT licence;
 * the licence lies beside the resource.
 */
public final class ClipTokenizer implements Tokenizer {
  /** The context length of OpenAI's models, in tokens. */
  public static final int DEFAULT_CONTEXT_LENGTH = 77;

  /** The number of token ids, special tokens included. */
  public static final int VOCABULARY_SIZE = 49408;

  /** The id that begins every text. */
  public static final int START_TOKEN = BytePairs.START;

  /** The id that ends every text, and the highest one. */
  public static final int END_TOKEN = BytePairs.END;

  private static final WordCache WORDS = new WordCache();

  private final BytePairs pairs = BytePairs.openAi();
  private final int contextLength;
  private final AddedTokens added; // null if there are none
  private final int vocabSize;
  private final List<Path> files;

  private ClipTokenizer(int contextLength, AddedTokens added, int vocabSize, List<Path> files) {
    this.contextLength = contextLength;
    this.added = added;
    this.vocabSize = vocabSize;
    this.files = files;
  }

  /** A tokenizer with the context length of OpenAI's models, {@value #DEFAULT_CONTEXT_LENGTH}. */
  public static ClipTokenizer create() {
    return create(DEFAULT_CONTEXT_LENGTH);
  }

  /**
   * A tokenizer for a model's context length.
   *
   * @param contextLength the most tokens a text may have, start and end included; at least 2
   * @throws IllegalArgumentException if it is less than 2
   */
  public static ClipTokenizer create(int contextLength) {
    if (contextLength < 2) {
      throw new IllegalArgumentException(
          "context length "
              + contextLength
              + " is too short; a text has at least 2 tokens, start and end");
    }
    return new ClipTokenizer(contextLength, null, VOCABULARY_SIZE, List.of());
  }

  /** The same with tokens that a model has beyond OpenAI's. */
  static ClipTokenizer create(
      TokenizerRules rules, Collection<AddedToken> tokens, List<Path> files) {
    List<AddedToken> added =
        tokens.stream()
            .filter(token -> token.id() != START_TOKEN && token.id() != END_TOKEN)
            .toList();
    ClipTokenizer plain = create(rules.contextLength());
    return added.isEmpty()
        ? plain
        : new ClipTokenizer(
            rules.contextLength(), new AddedTokens(added), rules.vocabSize(), List.copyOf(files));
  }

  /** Whether a model with that many token ids takes this tokenizer's, where nothing else says. */
  public static boolean fits(int vocabSize) {
    return vocabSize > END_TOKEN;
  }

  /** What to say where it does not. */
  public static String misfit(int vocabSize) {
    return "the model knows "
        + vocabSize
        + " token ids, but CLIP's tokenizer gives ids up to "
        + END_TOKEN
        + "; its own, a tokenizer.json, belongs into the model's folder";
  }

  @Override
  public int contextLength() {
    return contextLength;
  }

  @Override
  public List<Path> files() {
    return files;
  }

  /**
   * {@inheritDoc}
   *
   * @throws NullPointerException if the text is null
   */
  @Override
  public int[] encode(String text) {
    if (text == null) {
      throw new NullPointerException("text is null; an empty text is \"\"");
    }
    return added == null ? encodeBeginning(text) : encodeParts(text);
  }

  private int[] encodeParts(String text) {
    int[] ids = new int[contextLength];
    int room = contextLength - 1; // the end token's place
    int count = 0;
    ids[count++] = START_TOKEN;
    for (AddedTokens.Part part : added.split(text)) {
      if (part.id() >= 0 && count < room) {
        if (vocabSize > 0 && part.id() >= vocabSize) {
          throw new IllegalArgumentException(
              "the text has the added token "
                  + part.id()
                  + ", but the model knows "
                  + vocabSize
                  + " tokens");
        }
        ids[count++] = part.id();
      }
      int[] words =
          part.clean() ? new Scan(part.text().toCharArray()).run() : encodeBeginning(part.text());
      int fitting = Math.min(words.length - 2, room - count); // but start and end
      System.arraycopy(words, 1, ids, count, fitting);
      count += fitting;
    }
    ids[count++] = END_TOKEN;
    return Arrays.copyOf(ids, count);
  }

  private int[] encodeBeginning(String text) {
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

  /** The text repaired, its white space folded, and in lower case. */
  static String clean(String text) {
    return Characters.lower(Characters.foldSpaces(TextRepair.clean(text)));
  }

  /**
   * {@inheritDoc}
   *
   * @throws NullPointerException if a text is null; the message has its index
   */
  @Override
  public TokenBatch encode(List<String> texts) {
    int[][] rows = new int[texts.size()][];
    int index = 0;
    for (String text : texts) {
      if (text == null) {
        throw new NullPointerException(
            "text " + index + " of " + rows.length + " is null; an empty text is \"\"");
      }
      rows[index++] = encode(text);
    }
    return TokenBatch.of(Arrays.asList(rows));
  }

  /**
   * The text of token ids, as far as it can be known: in lower case, with a space after every word
   * and punctuation mark, special tokens and trailing spaces left out, and U+FFFD for bytes that
   * are no UTF-8.
   *
   * @throws IllegalArgumentException if an id is not in [0, {@value #VOCABULARY_SIZE})
   */
  public String decode(int... ids) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(8 * ids.length);
    for (int i = 0; i < ids.length; i++) {
      if (ids[i] < 0 || ids[i] >= VOCABULARY_SIZE) {
        throw new IllegalArgumentException(
            "token id " + ids[i] + " at index " + i + " is not in [0, " + VOCABULARY_SIZE + ")");
      }
      if (ids[i] < START_TOKEN) {
        pairs.decode(ids[i], bytes);
      }
    }
    return bytes.toString(StandardCharsets.UTF_8).stripTrailing();
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
      ids[count++] = START_TOKEN;
      int room = ids.length - 1; // the end token's place
      for (int i = 0; i < text.length && count < room; ) {
        i = text[i] == ' ' ? i + 1 : word(i, room);
      }
      ids[count++] = END_TOKEN;
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
