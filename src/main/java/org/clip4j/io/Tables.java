package org.clip4j.io;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPInputStream;

/** Reads the tables that lie beside the library's classes. */
public final class Tables {
  private Tables() {}

  /**
   * Reads the lines of a UTF-8 text beside a class; a name that ends in {@code .gz} is
   * decompressed.
   */
  public static List<String> lines(Class<?> beside, String name) {
    return lines(beside, name, Long.MAX_VALUE);
  }

  /** As above, so many of the first lines alone. */
  public static List<String> lines(Class<?> beside, String name, long most) {
    try (InputStream raw = beside.getResourceAsStream(name)) {
      if (raw == null) {
        throw new IllegalStateException(
            "resource "
                + name
                + " beside "
                + beside.getName()
                + " is missing; the clip4j jar is incomplete");
      }
      InputStream plain = name.endsWith(".gz") ? new GZIPInputStream(raw) : raw;
      return new BufferedReader(new InputStreamReader(plain, StandardCharsets.UTF_8))
          .lines()
          .limit(most)
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(
          "cannot read resource " + name + " beside " + beside.getName(), e);
    }
  }

  /** Reads a UTF-8 text beside a class. */
  public static String text(Class<?> beside, String name) {
    return String.join("\n", lines(beside, name)) + "\n";
  }

  /** Reads a JSON object beside a class. */
  public static JsonObject json(Class<?> beside, String name) {
    return JsonParser.parseString(text(beside, name)).getAsJsonObject();
  }

  /**
   * Reads lines of {@code key rest}, comments left out; a key may hold one space if it is
   * "encoding".
   */
  public static Map<String, String> table(Class<?> beside, String name) {
    Map<String, String> table = new HashMap<>();
    for (String line : lines(beside, name)) {
      if (!line.startsWith("#")) {
        int space = line.indexOf(' ', line.startsWith("encoding ") ? "encoding ".length() : 0);
        table.put(line.substring(0, space), line.substring(space + 1));
      }
    }
    return table;
  }

  /**
   * Reads the bounds of {@code 41-5A 61}-like ranges: first and last code point of each, in order.
   */
  public static int[] ranges(String text) {
    String[] parts = text.split(" ");
    int[] bounds = new int[2 * parts.length];
    for (int i = 0; i < parts.length; i++) {
      int dash = parts[i].indexOf('-');
      bounds[2 * i] = Integer.parseInt(dash < 0 ? parts[i] : parts[i].substring(0, dash), 16);
      bounds[2 * i + 1] = Integer.parseInt(parts[i].substring(dash + 1), 16);
    }
    return bounds;
  }
}
