package org.clip4j.model;

import java.io.Serializable;

/** Describes the text tower. Each family of towers is a type of its own. */
public sealed interface TextConfig extends Serializable
    permits TextTransformerConfig, EncoderConfig {

  /** The epsilon of CLIP's LayerNorms, which is PyTorch's default. */
  double NORM_EPSILON = 1e-5;

  /** The end-of-text id that OpenCLIP assumes; {@link TextPooling#EOS} alone looks at it. */
  int DEFAULT_EOS_ID = 2;

  /** Starts CLIP's own tower, see {@link TextTransformerConfig#builder}. */
  static TextTransformerConfig.Builder builder() {
    return TextTransformerConfig.builder();
  }

  /** Returns the most tokens of a text, start and end tokens included. */
  int contextLength();

  /** Returns the number of token ids. */
  int vocabSize();

  /** Returns D, the width of the blocks. */
  int width();

  /** Returns the attention heads H of each block. */
  int heads();

  /** Returns the number of blocks. */
  int layers();

  /** Returns the hidden width of the MLP of each block. */
  int mlpWidth();

  /** Returns the epsilon of every norm. */
  double normEpsilon();

  /** Returns what makes the token ids. */
  TokenizerOptions tokenizer();

  /** Returns whether nothing says that the token ids are made otherwise than by OpenAI's. */
  default boolean takesOpenAiTokens() {
    return tokenizer().hfName() == null;
  }

  /** Returns what the family is called in messages. */
  String family();

  /**
   * Returns whether what follows a text's last token cannot change its embedding, so that a batch
   * may be cut to its longest text. Otherwise texts are padded to the context length, and the
   * padding counts.
   */
  boolean cutsPadding();

  /**
   * Checks what fills up the texts of a batch.
   *
   * @throws IllegalArgumentException if the tower takes that for text
   */
  default void requirePadding(int padId) {}

  /** Returns the length to which a batch is padded whose longest text has so many tokens. */
  default int paddedLength(int longest) {
    return cutsPadding() ? longest : contextLength();
  }

  /** Returns how many rows of a hidden state stand before those of the tokens. */
  default int rowsBeforeTokens() {
    return 0;
  }

  /**
   * Collects what all of these towers have.
   *
   * @param <B> the builder itself
   */
  abstract class Setters<B extends Setters<B>> {
    int contextLength = 77;
    int vocabSize;
    int width;
    int heads;
    int layers = 12;
    double normEpsilon;
    TokenizerOptions tokenizer = TokenizerOptions.OPENAI;

    Setters(int vocabSize, int width, int heads, double normEpsilon) {
      this.vocabSize = vocabSize;
      this.width = width;
      this.heads = heads;
      this.normEpsilon = normEpsilon;
    }

    abstract B self();

    /** Sets the most tokens of a text, start and end tokens included. */
    public B setContextLength(int value) {
      contextLength = value;
      return self();
    }

    /** Sets the number of token ids. */
    public B setVocabSize(int value) {
      vocabSize = value;
      return self();
    }

    /** Sets the width D. */
    public B setWidth(int value) {
      width = value;
      return self();
    }

    /** Sets the number of attention heads. */
    public B setHeads(int value) {
      heads = value;
      return self();
    }

    /** Sets the number of blocks. */
    public B setLayers(int value) {
      layers = value;
      return self();
    }

    /** Sets the epsilon of every norm; by default it is the family's own. */
    public B optNormEpsilon(double value) {
      normEpsilon = value;
      return self();
    }

    /** Sets what makes the token ids; OpenAI's tokenizer by default. */
    public B optTokenizer(TokenizerOptions value) {
      tokenizer = value;
      return self();
    }
  }
}
