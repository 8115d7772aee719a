package org.clip4j.text.json;

import com.google.gson.JsonElement;
import com.google.gson.JsonParser;
import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Path;
import org.clip4j.io.IoErrors;
import org.clip4j.io.JsonFile;

/**
 * A JSON file from a stranger, read piece by piece: strict syntax, UTF-8, a limit on its size, and
 * Gson's limit of 255 levels. Whatever is wrong is a {@link TokenizerFormatException} that names
 * the file.
 */
final class JsonInput implements Closeable {
  private final Path file;
  private final JsonReader reader;

  private JsonInput(Path file, byte[] bytes) {
    this.file = file;
    reader = JsonFile.reader(bytes);
  }

  /** What to do with the content. */
  interface Content<T> {
    T read(JsonInput json) throws IOException;
  }

  /**
   * Reads a whole file.
   *
   * @param maxBytes a longer file is refused
   */
  static <T> T read(Path file, int maxBytes, Content<T> content) throws IOException {
    return read(file, JsonFile.bytes(file, maxBytes, TokenizerFormatException::new), content);
  }

  /** Reads a file's content. */
  static <T> T read(Path file, byte[] bytes, Content<T> content) throws IOException {
    try (JsonInput json = new JsonInput(file, bytes)) {
      T value = content.read(json);
      if (json.reader.peek() != JsonToken.END_DOCUMENT) {
        throw json.bad("there is more after the JSON object");
      }
      return value;
    } catch (TokenizerFormatException e) {
      throw e;
    } catch (IOException | RuntimeException e) {
      // Gson throws several kinds of either for what is no JSON, or not the JSON that was asked for
      throw new TokenizerFormatException(file + " is not valid: " + IoErrors.message(e), e);
    }
  }

  /** What to do with one entry of an object: its value must be read or skipped. */
  interface Entry {
    void read(String key) throws IOException;
  }

  void object(Entry entry) throws IOException {
    reader.beginObject();
    while (reader.hasNext()) {
      entry.read(reader.nextName());
    }
    reader.endObject();
  }

  /** What to do with one element of an array, which must be read or skipped. */
  interface Element {
    void read() throws IOException;
  }

  void array(Element element) throws IOException {
    reader.beginArray();
    while (reader.hasNext()) {
      element.read();
    }
    reader.endArray();
  }

  /** Whether the next value is null; then it is read. */
  boolean isNull() throws IOException {
    boolean isNull = reader.peek() == JsonToken.NULL;
    if (isNull) {
      reader.nextNull();
    }
    return isNull;
  }

  boolean isText() throws IOException {
    return reader.peek() == JsonToken.STRING;
  }

  boolean isArray() throws IOException {
    return reader.peek() == JsonToken.BEGIN_ARRAY;
  }

  String text(String what) throws IOException {
    if (!isText()) {
      throw bad(what + " is not a text");
    }
    return reader.nextString();
  }

  /** A number as it is written. */
  String number(String what) throws IOException {
    if (reader.peek() != JsonToken.NUMBER) {
      throw bad(what + " is not a number");
    }
    return reader.nextString();
  }

  int whole(String what, int max) throws IOException {
    String number = number(what);
    if (!number.matches("[0-9]{1,9}") || Integer.parseInt(number) > max) {
      throw bad(what + " is " + shorten(number) + ", not a whole number from 0 to " + max);
    }
    return Integer.parseInt(number);
  }

  boolean flag() throws IOException {
    return reader.nextBoolean();
  }

  /** The next value as a tree, for what is small. */
  JsonElement tree() {
    return JsonParser.parseReader(reader);
  }

  void skip() throws IOException {
    reader.skipValue();
  }

  /** What an error about this file begins with. */
  String where() {
    return file + ": ";
  }

  /** An error about this file. */
  TokenizerFormatException bad(String problem) {
    return new TokenizerFormatException(where() + problem);
  }

  /** A text from a file, for an error's message. */
  static String shorten(String text) {
    return text.length() <= 80 ? text : text.substring(0, 80) + "...";
  }

  @Override
  public void close() throws IOException {
    reader.close();
  }
}
