package org.clip4j.data.internal.shards;

import com.google.gson.Gson;
import com.google.gson.JsonParseException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.Map;

/** A file of how many samples shards have: a JSON object a line, appended as they are counted. */
public final class ShardCounts {
  private record Line(String shard, long bytes, int samples) {}

  private static final String START = "{\"shard\":";

  private final Path file;

  public ShardCounts(Path file) {
    this.file = file;
  }

  /** What tells a shard from others, and from itself before it was written anew. */
  public static String key(Path shard, long bytes) {
    return bytes + " " + shard;
  }

  /** Samples by key. Lines that a killed process left unfinished are passed over. */
  public Map<String, Integer> read() throws IOException {
    Map<String, Integer> counts = new HashMap<>();
    if (!Files.exists(file)) {
      return counts;
    }
    for (String text : Files.readAllLines(file)) {
      Line line = parse(text);
      if (line != null && line.shard != null && line.samples >= 0) {
        counts.put(line.bytes + " " + line.shard, line.samples);
      } else if (!text.startsWith(START) && !START.startsWith(text)) {
        throw new IOException(file + " is not an index of shards; name another file");
      }
    }
    return counts;
  }

  private static Line parse(String line) {
    try {
      return new Gson().fromJson(line, Line.class);
    } catch (JsonParseException e) {
      return null;
    }
  }

  public void add(Path shard, long bytes, int samples) throws IOException {
    Path folder = file.toAbsolutePath().getParent();
    Files.createDirectories(folder);
    String line = new Gson().toJson(new Line(shard.toString(), bytes, samples));
    // The line break comes first, so that an unfinished line before does not take this one along.
    Files.writeString(file, "\n" + line, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
  }
}
