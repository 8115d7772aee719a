package org.clip4j.io;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.zip.CRC32C;

/** A file of one JSON object whose last field is a checksum of the others. */
public final class CheckedJson {
  private static final Gson GSON =
      new GsonBuilder().disableHtmlEscaping().setPrettyPrinting().create();
  private static final String CHECKSUM = "crc32c";
  private static final int MAX_BYTES = 64 << 20; // some hundred thousand files

  private CheckedJson() {}

  /** Writes the object; what the file held is replaced only when all is on disk. */
  public static void write(Path file, JsonObject fields) throws IOException {
    JsonObject checked = fields.deepCopy();
    checked.addProperty(CHECKSUM, checksum(fields));
    StagedFiles.replace(file, GSON.toJson(checked) + "\n");
  }

  /**
   * Reads it.
   *
   * @param format what its field "format" says
   * @throws IOException if it is missing, damaged, or of another format; the message names it
   */
  public static JsonObject read(Path file, String format) throws IOException {
    return IoErrors.worded(file, () -> readFile(file, format));
  }

  private static JsonObject readFile(Path file, String format) throws IOException {
    if (!Files.exists(file)) {
      throw new NoSuchFileException(
          file.toString(), null, "it does not exist, so its folder holds no " + format);
    }
    JsonObject fields =
        JsonFile.read(
            file,
            MAX_BYTES,
            (message, cause) ->
                new IOException(
                    cause == null ? message : file + " is damaged: it is not valid JSON", cause));
    JsonElement sum = fields.remove(CHECKSUM);
    if (sum == null || !sum.isJsonPrimitive() || !sum.getAsString().equals(checksum(fields))) {
      throw new IOException(file + " is damaged: its checksum is not that of its content");
    }
    String found = fields.has("format") ? fields.get("format").toString() : "nothing";
    if (!found.equals('"' + format + '"')) {
      throw new IOException(file + " describes " + found + ", not a " + format);
    }
    return fields;
  }

  private static String checksum(JsonObject fields) {
    CRC32C sum = new CRC32C();
    sum.update(GSON.toJson(fields).getBytes(StandardCharsets.UTF_8));
    return hex(sum.getValue());
  }

  /** A checksum as it stands in such a file. */
  public static String hex(long crc32c) {
    return String.format(Locale.ROOT, "%08x", crc32c);
  }
}
