package org.clip4j.text;

import org.clip4j.text.internal.Characters;
import org.clip4j.text.internal.repair.TextRepair;

/**
 * Says what is done to a text before it is tokenized. {@link #WHITESPACE}, {@link #LOWER} and
 * {@link #CANONICALIZE} are OpenCLIP's, by the names that its {@code tokenizer_kwargs.clean} has;
 * {@link #SIGLIP} and {@link #SIGLIP2} are what transformers' tokenizers of that name do
 * themselves.
 *
 * <p>The two kinds differ in what becomes of a special token that somebody types: OpenCLIP cleans
 * the whole text first, transformers looks for special tokens first and cleans what is between.
 */
public enum TextCleaning {
  /**
   * No cleaning: the text goes to the tokenizer as it is. This is what transformers does but for
   * SigLIP.
   */
  NONE,

  /**
   * Repair (ftfy, HTML entities, as {@link ClipTokenizer} does it), then white space folded to
   * single spaces. OpenCLIP's {@code whitespace}, its default for a {@code tokenizer.json}.
   */
  WHITESPACE,

  /** The same as {@link #WHITESPACE}, then lower case. OpenCLIP's {@code lower}. */
  LOWER,

  /**
   * Repair, underscores to spaces, other ASCII punctuation removed, lower case, white space folded.
   * OpenCLIP's {@code canonicalize}, for SigLIP; the source is big_vision's {@code
   * prompt_engineering.canonicalize_text}.
   */
  CANONICALIZE,

  /**
   * Lower case, ASCII punctuation removed (the underscore, too), white space folded; no repair.
   * This is what transformers' {@code SiglipTokenizer} does, and with it its ways: a text that
   * begins with punctuation or white space and then a space has a lone space as its first token,
   * and the text after a typed special token goes on without one.
   */
  SIGLIP,

  /** Lower case only. This is what transformers' {@code Siglip2Tokenizer} does. */
  SIGLIP2;

  /** SentencePiece's sign for a space. */
  private static final String SPACE = "\u2581";

  private static final String PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

  /** Cleans a whole text, ahead of everything else. */
  public String clean(String text) {
    return switch (this) {
      case NONE, SIGLIP2 -> text;
      case SIGLIP -> SPACE + Characters.lowerSigmas(text.replace(SPACE, " "));
      case WHITESPACE -> Characters.foldSpaces(TextRepair.clean(text));
      case LOWER -> Characters.lower(Characters.foldSpaces(TextRepair.clean(text)));
      case CANONICALIZE -> {
        String plain = withoutPunctuation(TextRepair.clean(text));
        yield Characters.foldSpaces(Characters.lower(plain));
      }
    };
  }

  private static String withoutPunctuation(String text) {
    StringBuilder out = new StringBuilder(text.length());
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '_') {
        out.append(' ');
      } else if (PUNCTUATION.indexOf(c) < 0) {
        out.append(c);
      }
    }
    return out.toString();
  }
}
