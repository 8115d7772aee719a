package org.clip4j.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class RandomParametersTest {
  private static final ClipConfig CONFIG = ClipConfig.named("ViT-Ti-8-64");

  private static float[] draw(String name, long seed) {
    FloatBuffer buffer = new RandomParameters(CONFIG, seed).read(name);
    float[] values = new float[buffer.remaining()];
    buffer.get(values);
    return values;
  }

  private static double deviation(float[] values) {
    double sum = 0;
    double squares = 0;
    for (float value : values) {
      sum += value;
      squares += (double) value * value;
    }
    double mean = sum / values.length;
    assertThat(mean).isCloseTo(0, within(4 * Math.sqrt(squares / values.length / values.length)));
    return Math.sqrt(squares / values.length - mean * mean);
  }

  /**
   * Deviations measured on open_clip 3.3.0's own initialisation of this architecture agree with
   * these formulas.
   */
  @Test
  void draws_from_open_clips_distributions() {
    String text = "transformer.resblocks.0.";
    String image = "visual.transformer.resblocks.0.";
    assertDeviation("token_embedding.weight", 0.02);
    assertDeviation("positional_embedding", 0.01);
    assertDeviation("text_projection", Math.pow(128, -0.5));
    assertDeviation("visual.proj", Math.pow(192, -0.5));
    assertDeviation("visual.conv1.weight", 1 / Math.sqrt(3 * 8 * 8) / Math.sqrt(3)); // uniform
    assertDeviation(text + "attn.in_proj_weight", Math.pow(128, -0.5));
    assertDeviation(text + "attn.out_proj.weight", Math.pow(128, -0.5) * Math.pow(2 * 4, -0.5));
    assertDeviation(text + "mlp.c_fc.weight", Math.pow(2 * 128, -0.5));
    assertDeviation(text + "mlp.c_proj.weight", Math.pow(128, -0.5) * Math.pow(2 * 4, -0.5));
    assertDeviation(image + "attn.in_proj_weight", Math.sqrt(6.0 / (4 * 192)) / Math.sqrt(3));
    assertDeviation(image + "mlp.c_fc.weight", 1 / Math.sqrt(192) / Math.sqrt(3));
    assertThat(draw("logit_scale", 1)).containsExactly((float) Math.log(1 / 0.07));
    assertThat(draw(image + "ln_1.weight", 1)).containsOnly(1);
    assertThat(draw(image + "attn.in_proj_bias", 1)).containsOnly(0);
  }

  private static void assertDeviation(String name, double expected) {
    assertThat(deviation(draw(name, 1))).as(name).isCloseTo(expected, within(0.03 * expected));
  }

  @Test
  void a_seed_gives_the_same_weights_and_another_others() {
    assertThat(draw("visual.proj", 1))
        .isEqualTo(draw("visual.proj", 1))
        .isNotEqualTo(draw("visual.proj", 2));
  }

  /** Names and seeds that differ in one digit must not start generators that run in step. */
  @Test
  void parameters_and_seeds_are_uncorrelated() {
    List<float[]> draws = new ArrayList<>();
    for (int seed = 0; seed < 3; seed++) {
      for (int block = 0; block < 4; block++) {
        draws.add(draw("transformer.resblocks." + block + ".mlp.c_fc.weight", seed));
      }
    }
    for (int a = 0; a < draws.size(); a++) {
      for (int b = 0; b <= a; b++) {
        for (int shift = a == b ? 1 : -3; shift <= 3; shift++) {
          assertThat(correlation(draws.get(a), draws.get(b), shift))
              .as("draws %d and %d, shifted by %d", a, b, shift)
              .isCloseTo(0, within(6 / Math.sqrt(draws.get(a).length)));
        }
      }
    }
  }

  private static double correlation(float[] a, float[] b, int shift) {
    double products = 0;
    double squaresA = 0;
    double squaresB = 0;
    for (int i = Math.max(0, -shift); i < Math.min(a.length, a.length - shift); i++) {
      products += (double) a[i] * b[i + shift];
      squaresA += (double) a[i] * a[i];
      squaresB += (double) b[i + shift] * b[i + shift];
    }
    return products / Math.sqrt(squaresA * squaresB);
  }
}
