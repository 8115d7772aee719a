package org.clip4j.data;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import javax.imageio.ImageIO;

/** Tars of one-pixel images that carry their number. */
public final class TestShards {
  private TestShards() {}

  public static byte[] text(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  /** A PNG of {@link TestPairs#pixel}. */
  public static byte[] png(int number) {
    BufferedImage image = new BufferedImage(1, 1, BufferedImage.TYPE_INT_RGB);
    image.setRGB(0, 0, (number & 0xFF) << 16 | (number >> 8) << 8 | 7);
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try {
      ImageIO.write(image, "png", bytes);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  public static byte[] tar(Map<String, byte[]> entries) {
    ByteArrayOutputStream tar = new ByteArrayOutputStream();
    entries.forEach((name, content) -> tar.writeBytes(entry(name, '0', content)));
    tar.writeBytes(new byte[1024]);
    return tar.toByteArray();
  }

  public static byte[] entry(String name, char type, byte[] content) {
    ByteArrayOutputStream entry = new ByteArrayOutputStream();
    entry.writeBytes(header(name, type, content.length));
    entry.writeBytes(content);
    entry.writeBytes(new byte[(512 - content.length % 512) % 512]);
    return entry.toByteArray();
  }

  /** A ustar header. */
  public static byte[] header(String name, char type, long size) {
    byte[] header = new byte[512];
    put(header, 0, name);
    put(header, 100, "0000644");
    put(header, 124, String.format("%011o", size));
    header[156] = (byte) type;
    put(header, 257, "ustar");
    put(header, 263, "00");
    return signed(header);
  }

  static void put(byte[] header, int at, String text) {
    byte[] bytes = text(text);
    System.arraycopy(bytes, 0, header, at, bytes.length);
  }

  /** With the checksum that its content asks for. */
  public static byte[] signed(byte[] header) {
    put(header, 148, "        ");
    int sum = 0;
    for (byte b : header) {
      sum += b & 0xFF;
    }
    put(header, 148, String.format("%06o\0 ", sum));
    return header;
  }

  /** Samples with the numbers from first on; every so many has a broken image. */
  static Path shard(Path file, int first, int count, int brokenEvery) throws IOException {
    Map<String, byte[]> entries = new LinkedHashMap<>();
    for (int n = first; n < first + count; n++) {
      boolean broken = n % brokenEvery == brokenEvery - 1;
      entries.put(String.format("%05d.png", n), broken ? text("broken") : png(n));
      entries.put(
          String.format("%05d.json", n), text("{\"caption\":[\"a" + n + "\",\"b" + n + "\"]}"));
    }
    return Files.write(file, tar(entries));
  }
}
