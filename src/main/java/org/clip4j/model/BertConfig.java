package org.clip4j.model;

/**
 * Describes a text tower of BERT's kind (Devlin et al. 2019), as BERT, RoBERTa, XLM-RoBERTa and
 * DistilBERT are: a transformer that reads both ways and does not see padding.
 *
 * @param shape what all such towers have
 * @param positions number of positional embeddings
 * @param types number of token type embeddings, of which texts have the first; 0 for none, as
 *     DistilBERT has it, whose names a checkpoint then has
 * @param positionsAfterPad whether positions are counted from {@code padId + 1}, as RoBERTa's are
 */
public record BertConfig(EncoderShape shape, int positions, int types, boolean positionsAfterPad)
    implements EncoderConfig {

  /** Checks the sizes against each other. */
  public BertConfig {
    Checks.positive("layer_norm_eps", shape.normEpsilon());
    Checks.divides("num_attention_heads", shape.heads(), "hidden_size", shape.width());
    int room = positionsAfterPad ? positions - shape.padId() - 1 : positions;
    if (shape.contextLength() > room) {
      throw Checks.bad(
          "text_cfg.context_length",
          shape.contextLength(),
          "max_position_embeddings has room for " + room + " tokens");
    }
  }

  /** Returns whether the tower is a DistilBERT (Sanh et al. 2019), which has no token types. */
  boolean isDistilBert() {
    return types == 0;
  }

  @Override
  public BertConfig withShape(EncoderShape other) {
    return new BertConfig(other, positions, types, positionsAfterPad);
  }

  @Override
  public String family() {
    return "BERT text encoder";
  }
}
