package org.clip4j.search;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonObject;
import com.google.gson.annotations.SerializedName;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.clip4j.io.CheckedJson;

/**
 * What {@code embed.json} says: which files of the folder count, and how much of those that grow.
 *
 * @param facts what must be the same for further rows, such as the model
 * @param notes what is good to know
 * @param columns of the table of names, after the row
 * @param sources how many were gone through, each a row or skipped
 * @param sourcesHash of their names
 * @param complete whether the last run came to its end
 * @param names of rows
 * @param skipped sources that have no row
 */
record EmbeddingManifest(
    int dimensions,
    Map<String, String> facts,
    Map<String, String> notes,
    List<String> columns,
    int sources,
    @SerializedName("sources_sha256") String sourcesHash,
    boolean complete,
    Lines names,
    Lines skipped,
    List<Shard> shards) {
  static final String FILE = "embed.json";
  static final String NAMES = "names.tsv";
  static final String SKIPPED = "skipped.jsonl";
  private static final String FORMAT = "clip4j embeddings";
  private static final int VERSION = 1;
  private static final String SHARD_NAME = "embeddings-[0-9]{5,10}\\.npy";
  private static final Gson GSON = new GsonBuilder().disableHtmlEscaping().create();

  /** Puts texts in the order in which they are written. */
  EmbeddingManifest {
    facts = Collections.unmodifiableMap(new TreeMap<>(facts));
    notes = Collections.unmodifiableMap(new TreeMap<>(notes));
    columns = List.copyOf(columns);
    shards = List.copyOf(shards);
  }

  /** The part of a file of lines that counts. */
  record Lines(@SerializedName("lines") int count, long bytes, String crc32c) {}

  /** A file of rows. */
  record Shard(String file, int rows, String crc32c) {}

  int rows() {
    return shards.stream().mapToInt(Shard::rows).sum();
  }

  static boolean isIn(Path folder) {
    return Files.exists(folder.resolve(FILE));
  }

  static EmbeddingManifest read(Path folder) throws IOException {
    Path file = folder.resolve(FILE);
    JsonObject fields = CheckedJson.read(file, FORMAT);
    try {
      int version = fields.get("version").getAsInt();
      if (version != VERSION) {
        throw new IOException(file + " is of version " + version + "; " + VERSION + " is known");
      }
      EmbeddingManifest manifest = GSON.fromJson(fields, EmbeddingManifest.class);
      for (Shard shard : manifest.shards) {
        if (!shard.file.matches(SHARD_NAME)) {
          throw new IOException(file + " names the file \"" + shard.file + "\"");
        }
      }
      long rows = manifest.shards.stream().mapToLong(Shard::rows).sum();
      if (rows > Integer.MAX_VALUE || manifest.names.count != rows) {
        throw new IOException(file + " counts " + rows + " rows and " + manifest.names.count);
      }
      return manifest;
    } catch (RuntimeException e) { // the checksum is right, so somebody else wrote this
      throw new IOException(file + " was not written by this library: " + e, e);
    }
  }

  void write(Path folder) throws IOException {
    JsonObject fields = new JsonObject();
    fields.addProperty("format", FORMAT);
    fields.addProperty("version", VERSION);
    fields.addProperty("rows", rows());
    GSON.toJsonTree(this).getAsJsonObject().asMap().forEach(fields::add);
    CheckedJson.write(folder.resolve(FILE), fields);
  }
}
