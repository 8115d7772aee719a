package org.clip4j.examples.app;

import java.awt.Color;
import java.awt.Font;
import java.awt.FontMetrics;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.util.List;
import java.util.Locale;
import org.clip4j.image.RgbImage;
import org.clip4j.segment.Mask;

/** Masks over the picture that they are of. */
public final class MaskPainting {
  /** Okabe and Ito's, which the colour-blind tell apart. */
  private static final int[] COLOURS = {
    0xE69F00, 0x56B4E9, 0x009E73, 0xF0E442, 0x0072B2, 0xD55E00, 0xCC79A7
  };

  /** How much of a pixel is colour where a mask is sure. */
  private static final double STRONGEST = 0.75;

  private static final int LEAST_WIDTH = 240; // for the legend
  private static final int LINE = 22;

  private MaskPainting() {}

  /** Gives the colour of a prompt by its number, from 0. */
  public static int colour(int prompt) {
    return COLOURS[prompt % COLOURS.length];
  }

  /** Tells how much of an image a mask covers with a probability of a half at least. */
  public static String share(Mask mask) {
    return String.format(Locale.ROOT, "%.1f %%", 100 * mask.share(0.5));
  }

  /**
   * Paints each pixel in the colour of the prompt that is most probable there, the stronger the
   * more probable, above a legend.
   *
   * @param prompts what the masks are of, in words
   */
  public static BufferedImage over(RgbImage image, List<Mask> masks, List<String> prompts) {
    int height = image.height() + LINE * masks.size() + 8;
    int width = Math.max(image.width(), LEAST_WIDTH);
    BufferedImage painted = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
    Graphics2D graphics = painted.createGraphics();
    graphics.setColor(Color.WHITE);
    graphics.fillRect(0, 0, width, height);
    paint(painted, image, masks);
    graphics.setRenderingHint(
        RenderingHints.KEY_TEXT_ANTIALIASING, RenderingHints.VALUE_TEXT_ANTIALIAS_ON);
    graphics.setFont(new Font(Font.SANS_SERIF, Font.PLAIN, 14));
    for (int i = 0; i < masks.size(); i++) {
      int top = image.height() + 6 + i * LINE;
      graphics.setColor(new Color(colour(i)));
      graphics.fillRect(8, top, 16, 16);
      graphics.setColor(Color.BLACK);
      String words = prompts.get(i) + "  " + share(masks.get(i));
      graphics.drawString(cut(words, graphics.getFontMetrics(), width - 40), 32, top + 13);
    }
    graphics.dispose();
    return painted;
  }

  private static String cut(String words, FontMetrics font, int width) {
    String shown = words;
    while (shown.length() > 1 && font.stringWidth(shown) > width) {
      shown = shown.substring(0, shown.length() - 2) + "…";
    }
    return shown;
  }

  private static void paint(BufferedImage painted, RgbImage image, List<Mask> masks) {
    float[] best = new float[image.width() * image.height()];
    int[] colours = new int[best.length];
    for (int m = 0; m < masks.size(); m++) {
      float[] probabilities = masks.get(m).probabilitiesOfImage();
      for (int i = 0; i < best.length; i++) {
        if (probabilities[i] > best[i]) {
          best[i] = probabilities[i];
          colours[i] = colour(m);
        }
      }
    }
    byte[] pixels = image.pixels();
    for (int i = 0; i < best.length; i++) {
      int rgb = 0;
      for (int c = 0; c < 3; c++) {
        int colour = colours[i] >> 16 - 8 * c & 255;
        double own = pixels[3 * i + c] & 255;
        double weight = STRONGEST * best[i];
        rgb = rgb << 8 | (int) Math.round(own + weight * (colour - own));
      }
      painted.setRGB(i % image.width(), i / image.width(), rgb);
    }
  }

  /** Gives a mask as a picture of the image's size: the probability from black to white. */
  public static BufferedImage alone(Mask mask) {
    BufferedImage grey =
        new BufferedImage(mask.imageWidth(), mask.imageHeight(), BufferedImage.TYPE_BYTE_GRAY);
    float[] probabilities = mask.probabilitiesOfImage();
    for (int i = 0; i < probabilities.length; i++) {
      int level = Math.round(255 * probabilities[i]);
      grey.getRaster().setSample(i % mask.imageWidth(), i / mask.imageWidth(), 0, level);
    }
    return grey;
  }
}
