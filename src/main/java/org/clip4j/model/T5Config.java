package org.clip4j.model;

/**
 * Describes a text tower that is T5's encoder as mT5 has it (Xue et al. 2021): its attention knows
 * how far tokens are from each other, and nothing else says where they stand.
 *
 * @param shape what all such towers have
 * @param headWidth of a head; H of them need not be D wide
 * @param buckets of distances that attention tells apart, half of them for each direction
 * @param farthest the distance from which on all are alike
 */
public record T5Config(EncoderShape shape, int headWidth, int buckets, int farthest)
    implements EncoderConfig {

  /** Checks the sizes against each other. */
  public T5Config {
    Checks.positive("d_kv", headWidth);
    Checks.positive("layer_norm_epsilon", shape.normEpsilon());
    if (buckets < 4 || buckets % 4 != 0) {
      throw Checks.bad("relative_attention_num_buckets", buckets, "expected a multiple of 4");
    }
    if (farthest <= buckets / 4) {
      throw Checks.bad("relative_attention_max_distance", farthest, "must be above " + buckets / 4);
    }
    shape.requireNoPooler();
  }

  @Override
  public T5Config withShape(EncoderShape other) {
    return new T5Config(other, headWidth, buckets, farthest);
  }

  @Override
  public String family() {
    return "T5 text encoder";
  }
}
