package org.clip4j.model;

import java.io.Serializable;

/**
 * Describes CoCa's pooling of an image tower (Yu et al. 2022): learned queries attend to all
 * tokens, and what they give is pooled as tokens are elsewhere, so that the first query takes the
 * class token's place.
 *
 * @param queries the number of queries; with {@link ImagePooling#TOK} the first alone makes the
 *     embedding, and the others are for the decoder of captions
 * @param heads attention heads
 */
public record AttentionalPoolerConfig(int queries, int heads) implements Serializable {

  /** Checks the numbers. */
  public AttentionalPoolerConfig {
    Checks.positive("vision_cfg.attn_pooler_queries", queries);
    Checks.positive("vision_cfg.attn_pooler_heads", heads);
  }
}
