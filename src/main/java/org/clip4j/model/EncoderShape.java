package org.clip4j.model;

import java.io.Serializable;
import org.jspecify.annotations.Nullable;

/**
 * Describes what all text towers have that were made for texts alone, whatever their family; made
 * by {@link #builder}.
 *
 * @param contextLength most tokens of a text, start and end tokens included
 * @param vocabSize number of token ids
 * @param width D
 * @param heads H
 * @param layers blocks
 * @param mlpWidth hidden width of the MLP
 * @param activation of the MLP
 * @param normEpsilon of every norm
 * @param padId the token that fills up texts
 * @param pooling what becomes of a text's tokens
 * @param head how that becomes the embedding
 * @param modelName where the publisher has the tower itself, OpenCLIP's {@code hf_model_name}; null
 *     where it has no name
 * @param tokenizer what makes the token ids
 */
public record EncoderShape(
    int contextLength,
    int vocabSize,
    int width,
    int heads,
    int layers,
    int mlpWidth,
    TextActivation activation,
    double normEpsilon,
    int padId,
    EncoderPooling pooling,
    EncoderHead head,
    @Nullable String modelName,
    TokenizerOptions tokenizer)
    implements Serializable {

  /** Checks the sizes. */
  public EncoderShape {
    Checks.positive("text_cfg.context_length", contextLength);
    Checks.positive("vocab_size", vocabSize);
    Checks.positive("hidden_size", width);
    Checks.positive("num_attention_heads", heads);
    Checks.positive("num_hidden_layers", layers);
    Checks.positive("intermediate_size", mlpWidth);
    Checks.token("pad_token_id", padId, vocabSize);
  }

  /** Starts a shape of the size of BERT's base model. */
  public static Builder builder() {
    return new Builder();
  }

  /** Starts a builder with what this shape has. */
  public Builder toBuilder() {
    return new Builder(this);
  }

  /** Refuses {@link EncoderPooling#POOLER}, for families whose towers have no pooler. */
  void requireNoPooler() {
    if (pooling == EncoderPooling.POOLER) {
      throw Checks.bad("pooling", pooling, "the tower has no pooler");
    }
  }

  /** Collects a shape. */
  public static final class Builder extends TextConfig.Setters<Builder> {
    private int mlpWidth = 3072;
    private TextActivation activation = TextActivation.GELU;
    private int padId;
    private EncoderPooling pooling = EncoderPooling.MEAN;
    private EncoderHead head = EncoderHead.MLP;
    private @Nullable String modelName;

    private Builder() {
      super(30522, 768, 12, 1e-12);
    }

    private Builder(EncoderShape shape) {
      super(shape.vocabSize, shape.width, shape.heads, shape.normEpsilon);
      contextLength = shape.contextLength;
      layers = shape.layers;
      tokenizer = shape.tokenizer;
      mlpWidth = shape.mlpWidth;
      activation = shape.activation;
      padId = shape.padId;
      pooling = shape.pooling;
      head = shape.head;
      modelName = shape.modelName;
    }

    @Override
    Builder self() {
      return this;
    }

    /** Sets the hidden width of the MLP. */
    public Builder setMlpWidth(int value) {
      mlpWidth = value;
      return this;
    }

    /** Sets the activation of the MLP; GELU by default. */
    public Builder optActivation(TextActivation value) {
      activation = value;
      return this;
    }

    /** Sets the token that fills up texts; 0 by default. */
    public Builder optPadId(int value) {
      padId = value;
      return this;
    }

    /** Sets what becomes of a text's tokens; by default their mean. */
    public Builder optPooling(EncoderPooling value) {
      pooling = value;
      return this;
    }

    /** Sets how that becomes the embedding; OpenCLIP's MLP by default. */
    public Builder optHead(EncoderHead value) {
      head = value;
      return this;
    }

    /** Sets where the publisher has the tower itself; it has no name by default. */
    public Builder optModelName(@Nullable String value) {
      modelName = value;
      return this;
    }

    /**
     * Makes the shape.
     *
     * @throws IllegalArgumentException if a size is none; the message names it
     */
    public EncoderShape build() {
      return new EncoderShape(
          contextLength,
          vocabSize,
          width,
          heads,
          layers,
          mlpWidth,
          activation,
          normEpsilon,
          padId,
          pooling,
          head,
          modelName,
          tokenizer);
    }
  }
}
