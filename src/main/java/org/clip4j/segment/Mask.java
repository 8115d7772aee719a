package org.clip4j.segment;

import java.awt.geom.Rectangle2D;

/**
 * Tells where in an image something is: a logit for each cell of the model's grid of pixels, which
 * the logistic function makes a probability. Each is about its own prompt: the probabilities of
 * several prompts do not add up to 1, and where none is high nothing of them is there.
 */
public final class Mask {
  private final String prompt;
  private final int height;
  private final int width;
  private final float[] logits;
  private final int imageHeight;
  private final int imageWidth;
  private final Rectangle2D area;

  /**
   * Holds a mask.
   *
   * @param logits [height, width], row by row; not copied
   * @param area what of the image the mask covers, in the image's pixels
   */
  Mask(
      String prompt,
      int height,
      int width,
      float[] logits,
      int imageHeight,
      int imageWidth,
      Rectangle2D area) {
    this.prompt = prompt;
    this.height = height;
    this.width = width;
    this.logits = logits;
    this.imageHeight = imageHeight;
    this.imageWidth = imageWidth;
    this.area = area;
  }

  /** Returns the text that was looked for, or the name of the example image. */
  public String prompt() {
    return prompt;
  }

  /** Returns how many rows the model's mask has, 352 in the published models. */
  public int height() {
    return height;
  }

  /** Returns how many columns the model's mask has. */
  public int width() {
    return width;
  }

  /** Returns how many rows of pixels the image has. */
  public int imageHeight() {
    return imageHeight;
  }

  /** Returns how many columns of pixels the image has. */
  public int imageWidth() {
    return imageWidth;
  }

  /** Returns the model's logits, [height, width], row by row: a copy. */
  public float[] logits() {
    return logits.clone();
  }

  /** Returns the model's probabilities, [height, width], row by row. */
  public float[] probabilities() {
    return logistic(logits.clone());
  }

  /**
   * Returns the logits for the image's own pixels, [imageHeight, imageWidth], row by row. Between
   * the model's cells they are interpolated bilinearly, as by PyTorch's {@code interpolate} with
   * {@code align_corners=False}.
   */
  public float[] logitsOfImage() {
    float[] all = new float[Math.multiplyExact(imageHeight, imageWidth)];
    int[] left = new int[imageWidth];
    float[] right = new float[imageWidth]; // the share of the cell at the right
    for (int x = 0; x < imageWidth; x++) {
      double at = cell(x, area.getX(), area.getWidth(), width);
      left[x] = (int) at;
      right[x] = (float) (at - left[x]);
    }
    for (int y = 0; y < imageHeight; y++) {
      double at = cell(y, area.getY(), area.getHeight(), height);
      int top = (int) at;
      int below = Math.min(height - 1, top + 1) * width;
      float down = (float) (at - top);
      for (int x = 0; x < imageWidth; x++) {
        int next = Math.min(width - 1, left[x] + 1);
        float upper = mixed(logits[top * width + left[x]], logits[top * width + next], right[x]);
        float lower = mixed(logits[below + left[x]], logits[below + next], right[x]);
        all[y * imageWidth + x] = mixed(upper, lower, down);
      }
    }
    return all;
  }

  /** Returns the probabilities for the image's own pixels, of {@link #logitsOfImage}. */
  public float[] probabilitiesOfImage() {
    return logistic(logitsOfImage());
  }

  /**
   * Returns the share of the model's cells that have a probability of at least so much.
   *
   * @param probability from 0 to 1
   */
  public double share(double probability) {
    int found = 0;
    for (float logit : logits) {
      found += logistic(logit) >= probability ? 1 : 0;
    }
    return (double) found / logits.length;
  }

  /** Where the middle of a pixel lies among the cells; beyond the outermost it is these. */
  private static double cell(int pixel, double from, double size, int cells) {
    double at = (pixel + 0.5 - from) / size * cells - 0.5;
    return Math.max(0, Math.min(cells - 1, at));
  }

  private static float mixed(float from, float to, float share) {
    return (1 - share) * from + share * to;
  }

  private static float[] logistic(float[] values) {
    for (int i = 0; i < values.length; i++) {
      values[i] = logistic(values[i]);
    }
    return values;
  }

  private static float logistic(float logit) {
    return (float) (1 / (1 + Math.exp(-logit)));
  }
}
