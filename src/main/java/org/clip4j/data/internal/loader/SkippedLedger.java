package org.clip4j.data.internal.loader;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonParseException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import org.clip4j.io.IoErrors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The file that lists damaged pairs: a JSON object a line, appended as they are found. */
final class SkippedLedger {
  private static final Logger LOG = LoggerFactory.getLogger(SkippedLedger.class);
  private static final Gson GSON = new GsonBuilder().disableHtmlEscaping().create();

  /**
   * One damaged pair.
   *
   * @param id the pair's in its feed
   * @param source name of the feed
   * @param sample the file, or the shard and the key in it
   * @param reason in words
   */
  record Entry(long id, String source, String sample, String reason) {}

  private final Path file;
  private FileChannel out; // null if the file cannot be opened
  private boolean unwritable;

  SkippedLedger(Path file) {
    this.file = file;
  }

  Path file() {
    return file;
  }

  /**
   * Opens the file to append to, creating it and its folder if need be.
   *
   * @param anew drops what an earlier run left
   * @return what the file lists
   * @throws IOException if the file holds anything else; the message names file and line
   */
  List<Entry> open(boolean anew) throws IOException {
    List<Entry> entries = new ArrayList<>();
    byte[] text = anew || !Files.isRegularFile(file) ? new byte[0] : Files.readAllBytes(file);
    int complete = text.length; // a killed process may have left half a line
    while (complete > 0 && text[complete - 1] != '\n') {
      complete--;
    }
    int number = 0;
    for (String line : new String(text, 0, complete, StandardCharsets.UTF_8).lines().toList()) {
      entries.add(parse(line, ++number));
    }
    try {
      Files.createDirectories(file.toAbsolutePath().getParent());
      out = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
      out.truncate(complete);
      out.position(complete);
    } catch (IOException e) {
      unwritable(e);
    }
    return entries;
  }

  private Entry parse(String line, int number) throws IOException {
    try {
      Entry entry = GSON.fromJson(line, Entry.class);
      if (entry != null && entry.sample != null && entry.reason != null) {
        return entry;
      }
    } catch (JsonParseException e) {
      throw new IOException(foreign(number), e);
    }
    throw new IOException(foreign(number));
  }

  private String foreign(int number) {
    return file
        + " line "
        + number
        + " does not list a damaged pair; name another file for the ledger, or move this one away";
  }

  /** Appends a pair; a file that cannot be written is said once, and ends nothing. */
  void add(Entry entry) {
    if (out == null) {
      return;
    }
    ByteBuffer line = StandardCharsets.UTF_8.encode(GSON.toJson(entry) + "\n");
    try {
      long end = out.position();
      try {
        while (line.hasRemaining()) {
          out.write(line);
        }
      } catch (IOException e) {
        out.truncate(end); // half a line would damage the next
        throw e;
      }
    } catch (IOException e) {
      unwritable(e);
    }
  }

  private void unwritable(IOException e) {
    if (!unwritable) {
      unwritable = true;
      LOG.error(
          "damaged pairs are left out as before, but not all are listed in {}, which cannot be"
              + " written: {}",
          file,
          IoErrors.message(e));
    }
  }

  void close() {
    if (out == null) {
      return;
    }
    try {
      out.close();
    } catch (IOException e) {
      LOG.warn("{} could not be closed: {}", file, IoErrors.message(e));
    }
  }
}
