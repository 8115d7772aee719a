package org.clip4j.model;

import org.jspecify.annotations.Nullable;

/**
 * The text tower, in the vocabulary of OpenCLIP's {@code text_cfg}.
 *
 * @param contextLength most tokens of a text, start and end tokens included
 * @param vocabSize number of token ids
 * @param width D
 * @param heads H
 * @param layers residual attention blocks
 * @param mlpRatio hidden width of the MLP over D
 * @param lsInitValue initial value of LayerScale, or null for none
 * @param causal whether a token sees only itself and the ones before it
 * @param pooling which token's output is the feature
 * @param eosId the end token that {@link TextPooling#EOS} looks for
 * @param projection how the feature becomes the embedding
 * @param tanhGelu whether GELU is computed by its tanh approximation
 * @param normEpsilon of every LayerNorm
 * @param tokenizer what makes the token ids
 */
public record TextConfig(
    int contextLength,
    int vocabSize,
    int width,
    int heads,
    int layers,
    double mlpRatio,
    @Nullable Double lsInitValue,
    boolean causal,
    TextPooling pooling,
    int eosId,
    TextProjection projection,
    boolean tanhGelu,
    double normEpsilon,
    TokenizerOptions tokenizer) {

  /** Of CLIP's LayerNorms, and PyTorch's default. */
  static final double NORM_EPSILON = 1e-5;

  /** OpenCLIP's default, which {@link TextPooling#EOS} alone looks at. */
  static final int DEFAULT_EOS_ID = 2;

  /** Checks the sizes against each other. */
  public TextConfig {
    Checks.positive("text_cfg.context_length", contextLength);
    Checks.positive("text_cfg.vocab_size", vocabSize);
    Checks.positive("text_cfg.width", width);
    Checks.positive("text_cfg.layers", layers);
    Checks.positive("text_cfg.norm_kwargs.eps", normEpsilon);
    Checks.divides("text_cfg.heads", heads, "the width", width);
    Checks.mlp("text_cfg.mlp_ratio", mlpRatio, width);
    if (pooling == TextPooling.EOS && (eosId < 0 || eosId >= vocabSize)) {
      throw Checks.bad("text_cfg.eos_id", eosId, "not an id of vocab_size " + vocabSize);
    }
  }

  /** A tower as the paper has it: causal, pooled at the largest id, projected by a matrix. */
  public TextConfig(
      int contextLength,
      int vocabSize,
      int width,
      int heads,
      int layers,
      double mlpRatio,
      @Nullable Double lsInitValue) {
    this(
        contextLength,
        vocabSize,
        width,
        heads,
        layers,
        mlpRatio,
        lsInitValue,
        true,
        TextPooling.ARGMAX,
        DEFAULT_EOS_ID,
        TextProjection.MATRIX,
        false,
        NORM_EPSILON,
        TokenizerOptions.OPENAI);
  }

  /** Hidden width of the MLP of each block. */
  public int mlpWidth() {
    return (int) (width * mlpRatio);
  }

  /**
   * Whether what stands after a text's last token cannot change its embedding, so that a batch may
   * be cut to its longest text. Otherwise texts are padded to the context length, and the padding
   * counts.
   */
  public boolean cutsPadding() {
    return causal && pooling != TextPooling.LAST;
  }

  /** The length to which a batch is padded whose longest text has so many tokens. */
  public int paddedLength(int longest) {
    return cutsPadding() ? longest : contextLength;
  }
}
