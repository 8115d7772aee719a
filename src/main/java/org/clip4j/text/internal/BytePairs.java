package org.clip4j.text.internal;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.clip4j.io.Tables;

/**
 * Byte-pair encoding (Sennrich et al. 2016, arXiv 1508.07909) with OpenAI's 48,894 merges.
 *
 * <p>Token ids: the 256 bytes, the same 256 as the end of a word, then the merges by rank. So the
 * id of a merged pair also says how early it merges. No two merges make the same token, and a merge
 * never comes before those that make its parts; both encoders below rely on that.
 */
public final class BytePairs {
  public static final int START = 49406;
  public static final int END = 49407;

  private static final String FILE = "bpe_simple_vocab_16e6.txt.gz";
  private static final int BYTES = 256;
  public static final int FIRST_MERGE = 2 * BYTES;
  private static final int MERGES = START - FIRST_MERGE;

  /** Up to here each merge scans the whole word; a longer word is worth lists. */
  private static final int SHORT_WORD = 48;

  /** Open addressing, at most 38 % full; a value of 0 is an empty slot. */
  private static final int SLOTS = 1 << 17;

  private final int[] keys = new int[SLOTS];
  private final int[] values = new int[SLOTS];

  /** Left and right part of each merge, in turn. */
  private final int[] parts = new int[2 * MERGES];

  /** The next multiple of 1,024, to which some trainers fill up their embeddings. */
  private static final int MOST_TOKEN_IDS = 50_176;

  private final int[] byteTokens = new int[BYTES];

  private final byte[] tokenBytes = new byte[BYTES];

  /**
   * Whether a model with that many token ids takes these, where nothing else says: as many as there
   * are, or some more, for tokens that were added and for a round number.
   */
  public static boolean fits(int vocabSize) {
    return vocabSize > END && vocabSize <= MOST_TOKEN_IDS;
  }

  /** Says why it does not. */
  public static String misfit(int vocabSize) {
    return "the model knows "
        + vocabSize
        + " token ids, but CLIP's tokenizer gives ids up to "
        + END
        + "; its own, a tokenizer.json, belongs into the model's folder";
  }

  private BytePairs() {
    int[] bytes = bytes();
    for (int token = 0; token < BYTES; token++) {
      byteTokens[bytes[token]] = token;
      tokenBytes[token] = (byte) bytes[token];
    }
    List<String> symbols = mergeSymbols();
    Map<String, Integer> ids = vocabulary(symbols);
    for (int i = 0; i < parts.length; i++) {
      parts[i] = ids.get(symbols.get(i));
    }
    for (int rank = 0; rank < MERGES; rank++) {
      int key = key(parts[2 * rank], parts[2 * rank + 1]);
      int slot = slot(key);
      while (values[slot] != 0) {
        slot = (slot + 1) & (SLOTS - 1);
      }
      keys[slot] = key;
      values[slot] = FIRST_MERGE + rank;
    }
  }

  /** The bytes by their tokens: printable ones come first, as GPT-2 numbers them. */
  private static int[] bytes() {
    return IntStream.concat(
            IntStream.range(0, BYTES).filter(BytePairs::isPrintable),
            IntStream.range(0, BYTES).filter(b -> !isPrintable(b)))
        .toArray();
  }

  /** How a vocabulary writes the tokens, by their ids, in this order. */
  public static Map<String, Integer> vocabulary() {
    return vocabulary(mergeSymbols());
  }

  private static Map<String, Integer> vocabulary(List<String> merges) {
    List<String> symbols = new ArrayList<>(BYTES);
    int stand = BYTES; // a byte that does not print is written as a character from U+0100 on
    for (int b : bytes()) {
      symbols.add(String.valueOf((char) (isPrintable(b) ? b : stand++)));
    }
    Map<String, Integer> ids = new LinkedHashMap<>(2 * END);
    symbols.forEach(symbol -> ids.put(symbol, ids.size()));
    symbols.forEach(symbol -> ids.put(symbol + "</w>", ids.size()));
    for (int i = 0; i < merges.size(); i += 2) {
      ids.put(merges.get(i) + merges.get(i + 1), ids.size());
    }
    ids.put("<|startoftext|>", START);
    ids.put("<|endoftext|>", END);
    return ids;
  }

  /** How the vocabulary writes the left and right part of each merge, in turn. */
  public static List<String> mergeSymbols() {
    // The first line has a version; the many after these are of no use.
    List<String> lines = Tables.lines(BytePairs.class, FILE, MERGES + 1L);
    if (lines.size() <= MERGES) {
      throw new IllegalStateException(
          "the merges have " + lines.size() + " lines, expected more than " + MERGES);
    }
    return lines.stream().skip(1).flatMap(line -> Stream.of(line.split(" "))).toList();
  }

  private static boolean isPrintable(int b) {
    return (b >= '!' && b <= '~') || (b >= 0xa1 && b <= 0xac) || b >= 0xae;
  }

  /** The merges that OpenAI published; loaded once. */
  public static BytePairs openAi() {
    return Holder.OPEN_AI;
  }

  private static final class Holder {
    static final BytePairs OPEN_AI = new BytePairs();
  }

  private static int key(int left, int right) {
    return left * (END + 1) + right; // below 2^32, so distinct even where it wraps
  }

  private static int slot(int key) {
    return (key * 0x9E3779B9) >>> 15;
  }

  /** The token that a pair merges to, or {@link Integer#MAX_VALUE}. */
  private int merged(int left, int right) {
    int key = key(left, right);
    for (int slot = slot(key); values[slot] != 0; slot = (slot + 1) & (SLOTS - 1)) {
      if (keys[slot] == key) {
        return values[slot];
      }
    }
    return Integer.MAX_VALUE;
  }

  /** The token of an ASCII character that is a word of its own. */
  int single(char ascii) {
    return BYTES + byteTokens[ascii];
  }

  /** The tokens of one word, which must not be empty. */
  int[] encode(String word) {
    byte[] bytes = word.getBytes(StandardCharsets.UTF_8);
    int[] tokens = new int[bytes.length];
    for (int i = 0; i < tokens.length; i++) {
      tokens[i] = byteTokens[bytes[i] & 0xff];
    }
    tokens[tokens.length - 1] += BYTES; // end of word
    return tokens.length <= SHORT_WORD ? mergeByScan(tokens) : mergeByRank(tokens);
  }

  private int[] mergeByScan(int[] tokens) {
    int n = tokens.length;
    while (n > 1) {
      int best = Integer.MAX_VALUE;
      int at = 0;
      for (int i = 0; i + 1 < n; i++) {
        int id = merged(tokens[i], tokens[i + 1]);
        if (id < best) {
          best = id;
          at = i;
        }
      }
      if (best == Integer.MAX_VALUE) {
        break;
      }
      tokens[at] = best;
      System.arraycopy(tokens, at + 2, tokens, at + 1, n - at - 2);
      n--;
    }
    return Arrays.copyOf(tokens, n);
  }

  /**
   * The same for words that nobody meant as words, rank by rank: the pairs that a merge makes merge
   * later than it does, so that no rank comes twice.
   */
  private int[] mergeByRank(int[] tokens) {
    int n = tokens.length;
    int[] next = new int[n];
    int[] previous = new int[n];
    Waiting waiting = new Waiting(3 * n); // each merge, of which there are fewer than n, adds two
    for (int i = 0; i < n; i++) {
      next[i] = i + 1;
      previous[i] = i - 1;
      offer(waiting, tokens, i, i + 1);
    }
    for (int id = waiting.after(0); id >= 0; id = waiting.after(id)) {
      for (int at : waiting.take(id)) {
        int right = next[at];
        // Stale entries: the left part was swallowed (-1) or one of the two has merged since.
        if (tokens[at] < 0 || right >= n || merged(tokens[at], tokens[right]) != id) {
          continue;
        }
        tokens[at] = id;
        tokens[right] = -1;
        next[at] = next[right];
        if (next[at] < n) {
          previous[next[at]] = at;
        }
        offer(waiting, tokens, at, next[at]);
        if (previous[at] >= 0) {
          offer(waiting, tokens, previous[at], at);
        }
      }
    }
    return Arrays.stream(tokens).filter(token -> token >= 0).toArray();
  }

  private void offer(Waiting waiting, int[] tokens, int left, int right) {
    if (right < tokens.length) {
      int id = merged(tokens[left], tokens[right]);
      if (id != Integer.MAX_VALUE) {
        waiting.add(id, left);
      }
    }
  }

  /** Where pairs stand that wait for their merge: a linked list of positions for each. */
  private static final class Waiting {
    private final BitSet ids = new BitSet(START);
    private final int[] first = new int[START]; // of an entry one less, 0 for none
    private final int[] rest;
    private final int[] positions;
    private int count;

    Waiting(int capacity) {
      rest = new int[capacity];
      positions = new int[capacity];
    }

    void add(int id, int position) {
      rest[count] = first[id];
      positions[count] = position;
      first[id] = ++count;
      ids.set(id);
    }

    /** The lowest merge above an id for which a pair waits, or -1. */
    int after(int id) {
      return ids.nextSetBit(id + 1);
    }

    /** The positions at which a merge may take place, from left to right. */
    int[] take(int id) {
      int length = 0;
      for (int entry = first[id]; entry > 0; entry = rest[entry - 1]) {
        length++;
      }
      int[] found = new int[length];
      for (int entry = first[id]; entry > 0; entry = rest[entry - 1]) {
        found[--length] = positions[entry - 1];
      }
      Arrays.sort(found); // mostly sorted: pairs are found from left to right
      return found;
    }
  }

  /** Appends the bytes of a token, with a space where it ends a word. */
  public void decode(int token, ByteArrayOutputStream out) {
    if (token >= FIRST_MERGE) {
      decode(parts[2 * (token - FIRST_MERGE)], out);
      decode(parts[2 * (token - FIRST_MERGE) + 1], out);
    } else {
      out.write(tokenBytes[token % BYTES]);
      if (token >= BYTES) {
        out.write(' ');
      }
    }
  }
}
