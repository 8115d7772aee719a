package org.clip4j.model;

/**
 * Describes a text tower that is the encoder of M2M-100 (Fan et al. 2020), as NLLB has it: a
 * transformer with sinusoidal positions, whose texts begin with a token of their language.
 *
 * @param shape what all such towers have; positions are counted from the one after its padding's
 * @param positions that the publisher names as the most; more are computed where they are needed
 * @param scaled whether the tokens' embeddings are multiplied by the root of D
 */
public record M2mConfig(EncoderShape shape, int positions, boolean scaled)
    implements EncoderConfig {

  /** Checks the sizes against each other. */
  public M2mConfig {
    Checks.positive("layer_norm_eps", shape.normEpsilon());
    Checks.divides("encoder_attention_heads", shape.heads(), "d_model", shape.width());
    if (shape.width() < 4 || shape.width() % 2 != 0) {
      throw Checks.bad(
          "d_model", shape.width(), "sinusoidal positions need an even number of channels");
    }
    shape.requireNoPooler();
  }

  @Override
  public M2mConfig withShape(EncoderShape other) {
    return new M2mConfig(other, positions, scaled);
  }

  @Override
  public String family() {
    return "M2M-100 text encoder";
  }
}
