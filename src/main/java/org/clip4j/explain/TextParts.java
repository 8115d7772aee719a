package org.clip4j.explain;

import java.util.Arrays;
import org.clip4j.text.Tokenizer;

/** Finds which tokens come from which word of a text, whatever the tokenizer. */
final class TextParts {

  private TextParts() {}

  /**
   * Tells the part of the text between spaces that each token is of, by the number of tokens of the
   * text's beginnings.
   *
   * @param ids of the text
   * @return one for each id; empty for tokens that every text has
   */
  static String[] of(Tokenizer tokenizer, String text, int[] ids) {
    int[] empty = tokenizer.encode("");
    int before = Math.max(0, Arrays.mismatch(empty, ids));
    int after = empty.length - before;
    String[] words = new String[ids.length];
    Arrays.fill(words, "");
    int last = ids.length - after;
    int token = before;
    int end = 0;
    for (String word : text.strip().split("\\s+")) {
      if (token >= last || word.isEmpty()) {
        break;
      }
      end = text.indexOf(word, end) + word.length();
      int count = tokenizer.encode(text.substring(0, end)).length - after;
      for (; token < Math.min(count, last); token++) {
        words[token] = word;
      }
    }
    return words;
  }
}
