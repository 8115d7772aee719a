package org.clip4j.image.internal;

/**
 * Holds what a decoder made of a file, in the layout of {@code RgbImage}.
 *
 * @param rgb height * width * 3 bytes, row-major [height, width, RGB]
 */
public record Pixels(int width, int height, byte[] rgb) {

  /**
   * Places this picture on a larger canvas.
   *
   * @param color 0xRRGGBB, which the rest of the canvas has
   */
  public Pixels placed(int canvasWidth, int canvasHeight, int left, int top, int color) {
    byte[] canvas = new byte[canvasWidth * canvasHeight * 3];
    for (int i = 0; i < canvas.length; i += 3) {
      canvas[i] = (byte) (color >> 16);
      canvas[i + 1] = (byte) (color >> 8);
      canvas[i + 2] = (byte) color;
    }
    for (int y = 0; y < height; y++) {
      int to = ((top + y) * canvasWidth + left) * 3;
      System.arraycopy(rgb, y * width * 3, canvas, to, width * 3);
    }
    return new Pixels(canvasWidth, canvasHeight, canvas);
  }
}
