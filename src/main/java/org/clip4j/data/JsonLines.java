package org.clip4j.data;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.clip4j.image.ImageDecoder;
import org.clip4j.io.IoErrors;
import org.clip4j.io.JsonFile;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Says how to read pairs listed as a JSON object a line, see {@link Pairs#jsonLines(Path)}. Not
 * safe for use by several threads.
 */
public final class JsonLines {
  private static final Logger LOG = LoggerFactory.getLogger(JsonLines.class);

  /** Far more than captions take. */
  private static final int MAX_LINE_BYTES = 16 << 20;

  private final Path file;
  private Path imageRoot;
  private ImageDecoder decoder = ImageDecoder.defaults();
  private String imageKey;
  private List<String> captionKeys;

  JsonLines(Path file) {
    this.file = Objects.requireNonNull(file, "file");
  }

  /**
   * Sets which keys to read.
   *
   * @param imageKey the key of the image's file name
   * @param captionKeys one key, or several; each holds a caption or a list of captions, and each
   *     epoch draws one of all of them
   */
  public JsonLines setKeys(String imageKey, String... captionKeys) {
    if (captionKeys.length == 0) {
      throw new IllegalArgumentException("name at least one caption key");
    }
    this.imageKey = Objects.requireNonNull(imageKey, "imageKey");
    this.captionKeys = List.of(captionKeys);
    return this;
  }

  /**
   * Sets the folder that relative file names start from; by default the file's own folder. This is
   * no fence, as with {@link PairTable.Builder#optImageRoot}.
   */
  public JsonLines optImageRoot(Path imageRoot) {
    this.imageRoot = Objects.requireNonNull(imageRoot, "imageRoot");
    return this;
  }

  /** Sets how image files are decoded; by default transparency is dropped. */
  public JsonLines optDecoder(ImageDecoder decoder) {
    this.decoder = Objects.requireNonNull(decoder, "decoder");
    return this;
  }

  /**
   * Reads the text of all pairs (UTF-8). Empty lines are passed over; pairs whose captions are all
   * blank or null are left out and counted.
   *
   * @throws IOException if the file is missing, has no pairs, or has a line that is no JSON object,
   *     lacks the image's key or every caption key, or holds something else under them; the message
   *     names file and line
   * @throws IllegalStateException if {@link #setKeys} was not called
   */
  public PairTable build() throws IOException {
    return IoErrors.worded(file, () -> read());
  }

  private PairTable read() throws IOException {
    if (imageKey == null) {
      throw new IllegalStateException(
          "say which keys of " + file + " to read: setKeys(\"image\", \"caption\")");
    }
    if (!Files.exists(file)) {
      throw new NoSuchFileException(file.toString(), null, "no such file");
    }
    if (Files.isDirectory(file)) {
      throw new IOException(file + " is a folder; name the file in it");
    }
    List<TableReader.Row> rows = new ArrayList<>();
    int withoutCaption = 0;
    int number = 0;
    try (InputStream in = new BufferedInputStream(Files.newInputStream(file))) {
      TableReader.skipByteOrderMark(in);
      for (String line = line(in, 1); line != null; line = line(in, number + 1)) {
        number++;
        if (line.isBlank()) {
          continue;
        }
        JsonObject fields =
            JsonFile.object(line.getBytes(StandardCharsets.UTF_8), at(number), IOException::new);
        List<String> captions = captions(fields, number);
        if (captions.isEmpty()) {
          withoutCaption++;
          continue;
        }
        rows.add(new TableReader.Row(image(fields, number), null, captions));
      }
    }
    if (rows.isEmpty()) {
      throw new IOException(
          file + " has no pairs to use: " + withoutCaption + " without a caption");
    }
    if (withoutCaption > 0) {
      LOG.warn("{}: {} pairs have no caption and are left out", file, withoutCaption);
    }
    Path root = imageRoot != null ? imageRoot : file.toAbsolutePath().getParent();
    return new PairTable(
        file.toString(), root, decoder, new TableReader.Result(List.copyOf(rows), withoutCaption));
  }

  /** The next line without its end; null after the last. */
  private String line(InputStream in, int number) throws IOException {
    int b = in.read();
    if (b == -1) {
      return null;
    }
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    for (; b != -1 && b != '\n'; b = in.read()) {
      if (bytes.size() == MAX_LINE_BYTES) {
        throw new IOException(
            at(number)
                + " has more than "
                + MAX_LINE_BYTES
                + " bytes; is it a JSON object a line?");
      }
      bytes.write(b);
    }
    try {
      return StandardCharsets.UTF_8
          .newDecoder()
          .decode(ByteBuffer.wrap(bytes.toByteArray()))
          .toString();
    } catch (CharacterCodingException e) {
      throw new IOException(at(number) + " is not UTF-8; save the file as UTF-8", e);
    }
  }

  private String image(JsonObject fields, int number) throws IOException {
    JsonElement value = fields.get(imageKey);
    if (value == null) {
      throw missing("\"" + imageKey + "\"", fields, number);
    }
    if (!isText(value) || value.getAsString().isBlank()) {
      throw new IOException(
          at(number) + ": \"" + imageKey + "\" must be a file name, found " + shown(value));
    }
    return value.getAsString();
  }

  private List<String> captions(JsonObject fields, int number) throws IOException {
    List<String> captions = new ArrayList<>();
    boolean found = false;
    for (String key : captionKeys) {
      JsonElement value = fields.get(key);
      found |= value != null;
      if (!addCaptions(value, captions)) {
        throw new IOException(
            at(number)
                + ": \""
                + key
                + "\" must be a caption or a list of captions, found "
                + shown(value));
      }
    }
    if (!found) {
      throw missing(captionKeys.toString(), fields, number);
    }
    return List.copyOf(captions);
  }

  /**
   * Adds what is not blank of a caption or a list of captions.
   *
   * @return false if it is neither
   */
  static boolean addCaptions(JsonElement value, List<String> captions) {
    if (value == null || value.isJsonNull()) {
      return true;
    }
    if (value instanceof JsonArray list) {
      for (JsonElement element : list) {
        if (element.isJsonArray() || !addCaptions(element, captions)) {
          return false;
        }
      }
      return true;
    }
    if (!isText(value)) {
      return false;
    }
    if (!value.getAsString().isBlank()) {
      captions.add(value.getAsString());
    }
    return true;
  }

  private static boolean isText(JsonElement value) {
    return value.isJsonPrimitive() && value.getAsJsonPrimitive().isString();
  }

  private IOException missing(String what, JsonObject fields, int number) {
    return new IOException(
        at(number) + " has no key " + what + "; its keys are " + shown(fields.keySet()));
  }

  private static String shown(Object value) {
    String text = value.toString();
    return text.length() <= 200 ? text : text.substring(0, 200) + "…";
  }

  private String at(int number) {
    return file + " line " + number;
  }
}
