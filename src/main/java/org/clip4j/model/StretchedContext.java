package org.clip4j.model;

import java.nio.FloatBuffer;

/**
 * Gives the parameters of a text transformer for texts of up to four times the length, to be
 * fine-tuned on long captions: the positional embeddings are stretched as Long-CLIP does (Zhang et
 * al. 2024, arXiv 2403.15378, section 3.1, "knowledge-preserved stretching"). The first {@value
 * #KEPT}, which most captions were trained with, stay; of the others each is followed by three
 * steps to the next, and the last by three steps further on. All other parameters stay.
 */
public final class StretchedContext implements ParameterSource {
  /** How many positions stay as they are. */
  public static final int KEPT = 20;

  private static final int STEPS = 4;

  private final ParameterSource source;
  private final String name;
  private final int length;
  private final int width;

  /**
   * Wraps the parameters of a model.
   *
   * @param source parameters of {@code from}
   * @param from a model that {@link #stretched} takes
   */
  public StretchedContext(ParameterSource source, ClipConfig from) {
    stretched(from);
    this.source = source;
    name = from.customText() ? "text.positional_embedding" : "positional_embedding";
    length = from.text().contextLength();
    width = from.text().width();
  }

  /**
   * Returns the configuration with the longer context: 248 tokens of CLIP's 77.
   *
   * @throws IllegalArgumentException if the text tower was made for texts alone, looks at padding,
   *     or has no more than {@value #KEPT} positions
   */
  public static ClipConfig stretched(ClipConfig config) {
    if (!(config.text() instanceof TextTransformerConfig text)
        || !text.causal()
        || text.contextLength() <= KEPT) {
      throw new IllegalArgumentException(
          "a "
              + config.text().family()
              + " with "
              + config.text().contextLength()
              + " positions cannot be stretched: that takes a causal text transformer of CLIP's"
              + " kind with more than "
              + KEPT);
    }
    int longer = STEPS * text.contextLength() - (STEPS - 1) * KEPT;
    return config.withText(text.toBuilder().setContextLength(longer).build());
  }

  @Override
  public FloatBuffer read(String parameter) {
    FloatBuffer values = source.read(parameter);
    return parameter.equals(name) ? stretch(values) : values;
  }

  @Override
  public void copy(String parameter, long start, FloatBuffer target) {
    if (parameter.equals(name)) {
      ParameterSource.super.copy(parameter, start, target);
    } else {
      source.copy(parameter, start, target);
    }
  }

  private FloatBuffer stretch(FloatBuffer values) {
    float[] old = new float[length * width];
    values.duplicate().get(old);
    int tail = (length - KEPT) * STEPS;
    FloatBuffer result = FloatBuffer.allocate((KEPT + tail) * width);
    result.put(old, 0, KEPT * width);
    for (int i = 0; i < tail; i++) {
      int row = KEPT + i / STEPS;
      int from = Math.min(row, length - 2); // the last step goes on beyond the last row
      float share = (float) (row - from + i % STEPS / (double) STEPS);
      for (int d = 0; d < width; d++) {
        float here = old[from * width + d];
        float next = old[(from + 1) * width + d];
        result.put((1 - share) * here + share * next);
      }
    }
    return result.flip();
  }
}
