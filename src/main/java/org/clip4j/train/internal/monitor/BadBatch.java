package org.clip4j.train.internal.monitor;

import com.google.gson.JsonObject;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import javax.imageio.ImageIO;
import org.clip4j.data.internal.loader.PairBatch;

/**
 * A batch as files that a person can look at and a program can read back: {@code captions.jsonl}, a
 * line a pair, and the images as the model saw them, before normalisation, side by side on sheets
 * {@code images-000.png} and so on, without loss.
 */
final class BadBatch {
  private static final int COLUMNS = 8;
  private static final int PER_SHEET = COLUMNS * COLUMNS;

  private BadBatch() {}

  /**
   * Writes the files.
   *
   * @param folder made if it is not there
   */
  static void write(Path folder, PairBatch batch, int height, int width) throws IOException {
    Files.createDirectories(folder);
    List<String> lines = new ArrayList<>();
    for (int row = 0; row < batch.size(); row++) {
      JsonObject line = new JsonObject();
      line.addProperty("row", row);
      line.addProperty("sheet", sheet(row / PER_SHEET));
      line.addProperty("x", x(row, width));
      line.addProperty("y", y(row, height));
      line.addProperty("index", batch.indices()[row]);
      line.addProperty("image", batch.names().get(row));
      line.addProperty("caption", batch.captions().get(row));
      lines.add(line.toString());
    }
    Files.write(folder.resolve("captions.jsonl"), lines);
    for (int first = 0; first < batch.size(); first += PER_SHEET) {
      int count = Math.min(PER_SHEET, batch.size() - first);
      int rows = (count + COLUMNS - 1) / COLUMNS;
      BufferedImage sheet =
          new BufferedImage(
              Math.min(count, COLUMNS) * width, rows * height, BufferedImage.TYPE_INT_RGB);
      for (int row = first; row < first + count; row++) {
        draw(sheet, batch.pixels(), row, batch.pixels().length / batch.size(), height, width);
      }
      Path file = folder.resolve(sheet(first / PER_SHEET));
      if (!ImageIO.write(sheet, "png", file.toFile())) {
        throw new IOException(file + " was not written: this Java has no PNG");
      }
    }
  }

  private static String sheet(int number) {
    return String.format(Locale.ROOT, "images-%03d.png", number);
  }

  private static int x(int row, int width) {
    return row % COLUMNS * width;
  }

  private static int y(int row, int height) {
    return row % PER_SHEET / COLUMNS * height;
  }

  private static void draw(
      BufferedImage sheet, byte[] pixels, int row, int bytes, int height, int width) {
    int plane = height * width;
    int start = row * bytes; // of them [3, H, W] are pixels
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        int at = start + y * width + x;
        int red = pixels[at] & 0xff;
        int green = pixels[at + plane] & 0xff;
        int blue = pixels[at + 2 * plane] & 0xff;
        sheet.setRGB(x(row, width) + x, y(row, height) + y, red << 16 | green << 8 | blue);
      }
    }
  }
}
