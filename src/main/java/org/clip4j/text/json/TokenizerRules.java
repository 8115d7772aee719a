package org.clip4j.text.json;

import com.google.gson.JsonObject;
import java.io.IOException;
import java.nio.file.Path;
import org.clip4j.io.IoErrors;
import org.clip4j.io.JsonFields;
import org.clip4j.text.ClipTokenizer;
import org.clip4j.text.TextCleaning;
import org.jspecify.annotations.Nullable;

/**
 * Says what a model asks of its tokenizer beyond the vocabulary: how long a text may be, what is
 * done to it first, how it is padded. Immutable.
 *
 * <p>Two publishers, two sets of rules: {@link #openClip} for OpenCLIP's folders, {@link
 * #transformers} for those of transformers. A {@link #builder()} takes them one by one.
 */
public final class TokenizerRules {
  /** More than any text encoder takes. */
  static final int MAX_CONTEXT_LENGTH = 4096;

  private static final int MAX_NUMBER = 999_999_999;

  /** How the special tokens are laid out. */
  enum Layout {
    /** As the file's post-processor says. */
    FILE,
    /** OpenCLIP's {@code clips}: start, text, end, padding, and the class token last of all. */
    CLIPS
  }

  private final int contextLength;
  private final TextCleaning cleaning;
  private final boolean separatorStripped;
  private final Layout layout;
  private final int vocabSize;
  private final @Nullable String language;

  private TokenizerRules(Builder builder) {
    contextLength = builder.contextLength;
    cleaning = builder.cleaning;
    separatorStripped = builder.separatorStripped;
    layout = builder.layout;
    vocabSize = builder.vocabSize;
    language = builder.language;
    if (contextLength < 2 || contextLength > MAX_CONTEXT_LENGTH) {
      throw new IllegalArgumentException(
          "context length "
              + contextLength
              + " is not in [2, "
              + MAX_CONTEXT_LENGTH
              + "]; it must be the model's");
    }
  }

  /** Starts rules that are set one by one; the context length is required. */
  public static Builder builder() {
    return new Builder();
  }

  /**
   * Reads the rules of an OpenCLIP model that names a tokenizer of transformers, as its {@code
   * HFTokenizer} applies them.
   *
   * @param textConfig {@code model_cfg.text_cfg} of {@code open_clip_config.json}. Read are {@code
   *     context_length} (77 where missing), {@code vocab_size}, {@code tokenizer_mode} (missing,
   *     empty or {@code clips}), and of {@code tokenizer_kwargs} {@code clean} (where missing
   *     {@code whitespace}; nothing is done to texts for a {@code hf_model_name} that comes without
   *     a {@code hf_tokenizer_name}, which OpenCLIP has no rules for) and {@code strip_sep_token}
   *     and {@code language}; {@code reduction_mask} says nothing to a tokenizer of this kind
   * @throws IllegalArgumentException if a value or a key of {@code tokenizer_kwargs} is not known;
   *     the message has it
   */
  public static TokenizerRules openClip(JsonObject textConfig) {
    JsonFields<IllegalArgumentException> config = fields("", textConfig);
    Builder rules = builder();
    rules.setContextLength(
        config.whole("context_length", ClipTokenizer.DEFAULT_CONTEXT_LENGTH, 0, MAX_NUMBER));
    rules.optVocabSize(config.whole("vocab_size", 0, 0, MAX_NUMBER));
    boolean unnamed =
        config.get("hf_model_name") != null && config.get("hf_tokenizer_name") == null;
    rules.optCleaning(unnamed ? TextCleaning.NONE : TextCleaning.WHITESPACE);
    String mode = config.text("tokenizer_mode", "");
    if (mode.equals("clips")) {
      rules.layout = Layout.CLIPS;
    } else if (!mode.isEmpty()) {
      throw bad("tokenizer_mode", mode, "known is only clips");
    }
    if (config.get("tokenizer_kwargs") == null) {
      return rules.build();
    }
    JsonFields<IllegalArgumentException> options =
        fields("tokenizer_kwargs.", config.asObject("tokenizer_kwargs"));
    for (String key : options.json().keySet()) {
      switch (key) {
        case "clean" -> rules.optCleaning(cleaning(options.text(key, "whitespace")));
        case "language" -> rules.optLanguage(options.text(key, null));
        case "strip_sep_token" -> rules.optSeparatorStripped(options.flag(key, null));
        case "reduction_mask" -> {} // of CLIP's own tokenizer, in training
        default ->
            throw new IllegalArgumentException(
                "tokenizer_kwargs."
                    + key
                    + " is not supported; known are clean, strip_sep_token, language");
      }
    }
    return rules.build();
  }

  /**
   * Reads the rules of a transformers folder, as its {@code AutoTokenizer} applies them with {@code
   * padding="max_length", truncation=True}: no cleaning but what the tokenizer's class does by
   * itself, see {@link TextCleaning#SIGLIP} and {@link TextCleaning#SIGLIP2}.
   *
   * @param folder with {@code tokenizer_config.json}, whose {@code tokenizer_class} counts
   * @param contextLength the text encoder's {@code max_position_embeddings}
   * @param vocabSize the text encoder's {@code vocab_size}
   */
  public static TokenizerRules transformers(Path folder, int contextLength, int vocabSize)
      throws IOException {
    return builder()
        .setContextLength(contextLength)
        .optVocabSize(vocabSize)
        .optCleaning(
            switch (TokenizerConfig.read(folder).tokenizerClass()) {
              case "SiglipTokenizer" -> TextCleaning.SIGLIP;
              case "Siglip2Tokenizer" -> TextCleaning.SIGLIP2;
              default -> TextCleaning.NONE;
            })
        .build();
  }

  /** Returns the most tokens a text may have, special tokens included. */
  public int contextLength() {
    return contextLength;
  }

  /** Returns what is done to a text first. */
  public TextCleaning cleaning() {
    return cleaning;
  }

  /** Returns whether the separator's id becomes 0, wherever it stands. */
  public boolean separatorStripped() {
    return separatorStripped;
  }

  /** Returns the number of token ids that the model knows; 0 where that is not known. */
  public int vocabSize() {
    return vocabSize;
  }

  /** Returns the language whose token a text is given; null for the tokenizer's default. */
  public @Nullable String language() {
    return language;
  }

  Layout layout() {
    return layout;
  }

  private static TextCleaning cleaning(String name) {
    return switch (name) {
      case "whitespace" -> TextCleaning.WHITESPACE;
      case "lower" -> TextCleaning.LOWER;
      case "canonicalize" -> TextCleaning.CANONICALIZE;
      default ->
          throw bad("tokenizer_kwargs.clean", name, "known are whitespace, lower, canonicalize");
    };
  }

  /** What is null is taken as missing. */
  private static JsonFields<IllegalArgumentException> fields(String where, JsonObject json) {
    JsonObject present = json.deepCopy();
    present.entrySet().removeIf(entry -> entry.getValue().isJsonNull());
    return new JsonFields<>(where, present, IllegalArgumentException::new);
  }

  private static IllegalArgumentException bad(String key, Object value, String what) {
    return new IllegalArgumentException(
        key + " is " + IoErrors.quote(String.valueOf(value)) + "; " + what);
  }

  /** Collects rules. */
  public static final class Builder {
    private int contextLength;
    private TextCleaning cleaning = TextCleaning.NONE;
    private boolean separatorStripped;
    private Layout layout = Layout.FILE;
    private int vocabSize;
    private @Nullable String language;

    private Builder() {}

    /** Sets the most tokens a text may have, special tokens included: from 2 to 4,096. */
    public Builder setContextLength(int contextLength) {
      this.contextLength = contextLength;
      return this;
    }

    /** Sets what is done to a text first; nothing by default. */
    public Builder optCleaning(TextCleaning cleaning) {
      this.cleaning = cleaning;
      return this;
    }

    /** Sets whether the separator becomes 0, as CLIPA's models want it; not by default. */
    public Builder optSeparatorStripped(boolean stripped) {
      separatorStripped = stripped;
      return this;
    }

    /**
     * Sets the number of token ids that the model knows: a text with a token beyond is refused. 0,
     * the default, means that it is not known.
     */
    public Builder optVocabSize(int vocabSize) {
      this.vocabSize = vocabSize;
      return this;
    }

    /**
     * Sets the language whose token a text is given, such as {@code deu_Latn}, of a tokenizer that
     * has such tokens, as NLLB's; by default the tokenizer's own.
     */
    public Builder optLanguage(@Nullable String language) {
      this.language = language;
      return this;
    }

    /**
     * Builds the rules.
     *
     * @throws IllegalArgumentException if the context length is missing or out of its range
     */
    public TokenizerRules build() {
      return new TokenizerRules(this);
    }
  }
}
