package org.clip4j.search;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
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
    String sourcesHash,
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

  /** The part of a file of lines that counts. */
  record Lines(int count, long bytes, String crc32c) {}

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
      List<Shard> shards = new ArrayList<>();
      long rows = 0;
      for (JsonElement element : fields.getAsJsonArray("shards")) {
        JsonObject shard = element.getAsJsonObject();
        String name = shard.get("file").getAsString();
        if (!name.matches(SHARD_NAME)) {
          throw new IOException(file + " names the file \"" + name + "\"");
        }
        rows += shard.get("rows").getAsInt();
        shards.add(
            new Shard(name, shard.get("rows").getAsInt(), shard.get("crc32c").getAsString()));
      }
      List<String> columns = new ArrayList<>();
      fields.getAsJsonArray("columns").forEach(column -> columns.add(column.getAsString()));
      EmbeddingManifest manifest =
          new EmbeddingManifest(
              fields.get("dimensions").getAsInt(),
              texts(fields.getAsJsonObject("facts")),
              texts(fields.getAsJsonObject("notes")),
              columns,
              fields.get("sources").getAsInt(),
              fields.get("sources_sha256").getAsString(),
              fields.get("complete").getAsBoolean(),
              lines(fields.getAsJsonObject("names")),
              lines(fields.getAsJsonObject("skipped")),
              shards);
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
    fields.addProperty("dimensions", dimensions);
    fields.add("facts", json(facts));
    fields.add("notes", json(notes));
    JsonArray columnNames = new JsonArray();
    columns.forEach(columnNames::add);
    fields.add("columns", columnNames);
    fields.addProperty("sources", sources);
    fields.addProperty("sources_sha256", sourcesHash);
    fields.addProperty("complete", complete);
    fields.add("names", json(names));
    fields.add("skipped", json(skipped));
    JsonArray files = new JsonArray();
    for (Shard shard : shards) {
      JsonObject described = new JsonObject();
      described.addProperty("file", shard.file);
      described.addProperty("rows", shard.rows);
      described.addProperty("crc32c", shard.crc32c);
      files.add(described);
    }
    fields.add("shards", files);
    CheckedJson.write(folder.resolve(FILE), fields);
  }

  private static JsonObject json(Map<String, String> texts) {
    JsonObject fields = new JsonObject();
    new TreeMap<>(texts).forEach(fields::addProperty);
    return fields;
  }

  private static JsonObject json(Lines lines) {
    JsonObject fields = new JsonObject();
    fields.addProperty("lines", lines.count);
    fields.addProperty("bytes", lines.bytes);
    fields.addProperty("crc32c", lines.crc32c);
    return fields;
  }

  private static Map<String, String> texts(JsonObject fields) {
    Map<String, String> texts = new TreeMap<>();
    fields.entrySet().forEach(field -> texts.put(field.getKey(), field.getValue().getAsString()));
    return texts;
  }

  private static Lines lines(JsonObject fields) {
    return new Lines(
        fields.get("lines").getAsInt(),
        fields.get("bytes").getAsLong(),
        fields.get("crc32c").getAsString());
  }
}
