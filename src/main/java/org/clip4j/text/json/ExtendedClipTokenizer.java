package org.clip4j.text.json;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.clip4j.text.ClipTokenizer;
import org.clip4j.text.Tokenizer;
import org.clip4j.text.internal.ClipWords;

/**
 * OpenAI's tokenizer with tokens that a model has beyond OpenAI's, as textual inversion adds them.
 */
final class ExtendedClipTokenizer implements Tokenizer {
  private final TokenizerRules rules;
  private final ClipWords words;
  private final AddedTokens added;
  private final List<Path> files;

  private ExtendedClipTokenizer(TokenizerRules rules, AddedTokens added, List<Path> files) {
    this.rules = rules;
    this.words = new ClipWords(rules.contextLength());
    this.added = added;
    this.files = List.copyOf(files);
  }

  /** Creates the plain one where there are no such tokens. */
  static Tokenizer create(TokenizerRules rules, List<AddedToken> tokens, List<Path> files) {
    List<AddedToken> added =
        tokens.stream()
            .filter(
                token ->
                    token.id() != ClipTokenizer.START_TOKEN
                        && token.id() != ClipTokenizer.END_TOKEN)
            .toList();
    return added.isEmpty()
        ? ClipTokenizer.create(rules.contextLength())
        : new ExtendedClipTokenizer(rules, new AddedTokens(added), files);
  }

  @Override
  public int contextLength() {
    return rules.contextLength();
  }

  @Override
  public List<Path> files() {
    return files;
  }

  @Override
  public int[] encode(String text) {
    if (text == null) {
      throw new NullPointerException("text is null; an empty text is \"\"");
    }
    int[] ids = new int[contextLength()];
    int room = contextLength() - 1; // the end token's place
    int count = 0;
    ids[count++] = ClipTokenizer.START_TOKEN;
    for (AddedTokens.Part part : added.split(text)) {
      if (part.id() >= 0 && count < room) {
        if (rules.vocabSize() > 0 && part.id() >= rules.vocabSize()) {
          throw new IllegalArgumentException(
              "the text has the added token "
                  + part.id()
                  + ", but the model knows "
                  + rules.vocabSize()
                  + " tokens");
        }
        ids[count++] = part.id();
      }
      int[] inner = part.clean() ? words.encodeClean(part.text()) : words.encode(part.text());
      int fitting = Math.min(inner.length - 2, room - count); // but start and end
      System.arraycopy(inner, 1, ids, count, fitting);
      count += fitting;
    }
    ids[count++] = ClipTokenizer.END_TOKEN;
    return Arrays.copyOf(ids, count);
  }
}
