package org.clip4j.train.internal.monitor;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A training's numbers, a JSON object a line, each with the {@code step} that it belongs to, in the
 * order of the steps. A line is written at once, so that a killed process loses at most the last.
 */
final class MetricsFile implements Closeable {
  private static final Logger logger = LoggerFactory.getLogger(MetricsFile.class);

  /** Far more than any line takes. */
  private static final int MAX_LINE = 1 << 20;

  private final RandomAccessFile file; // a channel would close when the thread is interrupted

  private MetricsFile(RandomAccessFile file) {
    this.file = file;
  }

  /**
   * Opens the file to go on after a step: the lines of later steps, which a run that was cut off
   * has left, are removed, and so is a last line that is not whole.
   *
   * @param step steps done; 0 begins the file anew
   * @param kept told of the lines that remain
   */
  static MetricsFile open(Path file, long step, Consumer<JsonObject> kept) throws IOException {
    long end = step == 0 || !Files.exists(file) ? 0 : read(file, step, kept);
    RandomAccessFile opened = new RandomAccessFile(file.toFile(), "rw");
    try {
      opened.setLength(end);
      opened.seek(end);
      return new MetricsFile(opened);
    } catch (IOException e) {
      opened.close();
      throw e;
    }
  }

  /** Where the first line after a step begins. */
  private static long read(Path file, long step, Consumer<JsonObject> kept) throws IOException {
    try (InputStream in = new BufferedInputStream(Files.newInputStream(file), 1 << 16)) {
      ByteArrayOutputStream line = new ByteArrayOutputStream();
      long end = 0;
      for (int c = in.read(); c >= 0; c = in.read()) {
        line.write(c);
        if (line.size() > MAX_LINE) {
          throw new IOException(
              file
                  + " has a line of more than "
                  + MAX_LINE
                  + " bytes; it is not a file of metrics");
        }
        if (c == '\n') {
          JsonObject object = parse(file, line.toString(StandardCharsets.UTF_8));
          if (object != null) {
            if (object.get("step").getAsLong() > step) {
              return end;
            }
            kept.accept(object);
          }
          end += line.size();
          line.reset();
        }
      }
      return end;
    }
  }

  private static JsonObject parse(Path file, String line) {
    try {
      JsonElement element = JsonParser.parseString(line);
      if (element instanceof JsonObject object
          && object.get("step") instanceof JsonPrimitive step
          && step.isNumber()) {
        return object;
      }
    } catch (JsonParseException e) {
      // told below
    }
    logger.warn("{} has a line that is not a training's, and which is left alone: {}", file, line);
    return null;
  }

  void append(JsonObject line) throws IOException {
    append(file, (line + "\n").getBytes(StandardCharsets.UTF_8));
  }

  /**
   * Appends to a file all of some bytes or nothing: where the disk is full, half a line would
   * damage what follows.
   */
  static void append(RandomAccessFile file, byte[] bytes) throws IOException {
    long end = file.getFilePointer();
    try {
      file.write(bytes);
    } catch (IOException e) {
      file.setLength(end);
      file.seek(end);
      throw e;
    }
  }

  @Override
  public void close() throws IOException {
    file.close();
  }
}
