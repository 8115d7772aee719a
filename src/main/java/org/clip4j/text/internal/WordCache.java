package org.clip4j.text.internal;

/**
 * Remembers the tokens of recent words, in bounded memory: about 5 MB at most, whatever the texts.
 *
 * <p>Threads share it without locks. Entries are immutable and a slot is written at once, so a race
 * costs at most one entry, which is then computed again.
 */
final class WordCache {
  /** Longer words are rare, and would let a stranger's text fill the memory. */
  static final int MAX_WORD = 24;

  private static final int SLOTS = 1 << 15;

  private final Entry[] entries = new Entry[SLOTS];

  private static final class Entry {
    final int hash;
    final char[] word;
    final int[] tokens;

    Entry(int hash, char[] word, int[] tokens) {
      this.hash = hash;
      this.word = word;
      this.tokens = tokens;
    }

    boolean is(int otherHash, char[] text, int start, int end) {
      if (hash != otherHash || word.length != end - start) {
        return false;
      }
      for (int i = 0; i < word.length; i++) {
        if (word[i] != text[start + i]) {
          return false;
        }
      }
      return true;
    }
  }

  private static int hash(char[] text, int start, int end) {
    int hash = 0;
    for (int i = start; i < end; i++) {
      hash = 31 * hash + text[i];
    }
    hash *= 0x9E3779B9;
    return hash ^ hash >>> 16;
  }

  /** The tokens of {@code text[start, end)}; a word has one of two neighbouring slots. */
  int[] tokens(BytePairs pairs, char[] text, int start, int end) {
    if (end - start > MAX_WORD) {
      return pairs.encode(new String(text, start, end - start));
    }
    int hash = hash(text, start, end);
    int slot = hash & (SLOTS - 1);
    Entry first = entries[slot];
    if (first != null && first.is(hash, text, start, end)) {
      return first.tokens;
    }
    Entry second = entries[slot ^ 1];
    if (second != null && second.is(hash, text, start, end)) {
      return second.tokens;
    }
    String word = new String(text, start, end - start);
    int[] tokens = pairs.encode(word);
    if (first != null) {
      entries[slot ^ 1] = first; // the newer word first, the older beside it
    }
    entries[slot] = new Entry(hash, word.toCharArray(), tokens);
    return tokens;
  }
}
