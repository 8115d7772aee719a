package org.clip4j.io;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.gson.Strictness;
import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import com.google.gson.stream.MalformedJsonException;
import java.io.ByteArrayInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Reads a file from a stranger that must hold one JSON object: strict syntax, UTF-8, a limit on its
 * size, and Gson's limit of 255 levels.
 */
public final class JsonFile {
  private JsonFile() {}

  /** Makes the exception that a reader's callers expect. */
  public interface Failure {
    /**
     * Makes it.
     *
     * @param message names the file and what is wrong with it
     */
    IOException of(String message, @Nullable Throwable cause);
  }

  /**
   * Reads the object.
   *
   * @param maxBytes the most that the file may have
   * @param failure what is thrown if the file is longer, or does not hold one JSON object
   * @throws IOException also if the file cannot be read
   */
  public static JsonObject read(Path file, int maxBytes, Failure failure) throws IOException {
    return object(bytes(file, maxBytes, failure), file.toString(), failure);
  }

  /**
   * Reads bytes that must be one JSON object, see {@link #read}.
   *
   * @param where names them in messages
   */
  public static JsonObject object(byte[] bytes, String where, Failure failure) throws IOException {
    try {
      JsonReader reader = reader(bytes);
      JsonElement element = JsonParser.parseReader(reader);
      if (reader.peek() == JsonToken.END_DOCUMENT && element instanceof JsonObject object) {
        return object;
      }
    } catch (CharacterCodingException
        | MalformedJsonException
        | EOFException
        | JsonParseException e) {
      throw failure.of(where + " is not valid JSON: " + IoErrors.message(e), e);
    }
    throw failure.of(where + " does not hold one JSON object", null);
  }

  /** Reads a file of bounded size, see {@link #read}. */
  public static byte[] bytes(Path file, int maxBytes, Failure failure) throws IOException {
    byte[] bytes;
    try (InputStream in = Files.newInputStream(file)) {
      bytes = in.readNBytes(maxBytes + 1);
    }
    if (bytes.length > maxBytes) {
      throw failure.of(file + " has more than " + maxBytes + " bytes, the most that is read", null);
    }
    return bytes;
  }

  /** Reads a file of bounded size that must be UTF-8, see {@link #read}. */
  public static String text(Path file, int maxBytes, Failure failure) throws IOException {
    try {
      return StandardCharsets.UTF_8
          .newDecoder() // which, unlike a charset, refuses what is not
          .decode(ByteBuffer.wrap(bytes(file, maxBytes, failure)))
          .toString();
    } catch (CharacterCodingException e) {
      throw failure.of(file + " is not UTF-8", e);
    }
  }

  /** Opens a strict reader, for what is too large to become objects at once. */
  public static JsonReader reader(byte[] bytes) {
    // A decoder, unlike a charset, refuses what is not UTF-8.
    JsonReader reader =
        new JsonReader(
            new InputStreamReader(
                new ByteArrayInputStream(bytes), StandardCharsets.UTF_8.newDecoder()));
    reader.setStrictness(Strictness.STRICT);
    return reader;
  }
}
