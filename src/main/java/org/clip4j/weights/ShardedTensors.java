package org.clip4j.weights;

import com.google.gson.JsonParseException;
import com.google.gson.Strictness;
import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import com.google.gson.stream.MalformedJsonException;
import java.io.EOFException;
import java.io.IOException;
import java.io.Reader;
import java.nio.FloatBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.clip4j.io.IoErrors;
import org.clip4j.weights.tensors.CheckpointException;
import org.clip4j.weights.tensors.TensorFile;
import org.clip4j.weights.tensors.TensorInfo;

/**
 * A set of files that hold one model together, listed by an index beside them: {@code
 * model.safetensors.index.json} or {@code pytorch_model.bin.index.json}, as transformers writes
 * them. The index and the shards must agree on every tensor.
 *
 * <p>The names of the shards come from the index and are not trusted: each must be a plain name of
 * a file in the index's own folder. The file may be a symbolic link, as in the hub's cache.
 */
final class ShardedTensors implements TensorFile {
  static final String INDEX_ENDING = ".index.json";

  private static final long MAX_INDEX_BYTES = 8L << 20;
  private static final int MAX_SHARDS = 1000;
  private static final int MAX_TENSORS = 100_000; // as in one file

  /** What one message lists before it counts the rest. */
  private static final int MAX_LISTED = 100;

  private static final Pattern SHARD_NAME = Pattern.compile("[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}");

  private final Path index;
  private final Map<String, TensorFile> shardOf;
  private final Map<String, TensorInfo> tensors;
  private final List<TensorFile> shards;

  private ShardedTensors(
      Path index,
      Map<String, TensorFile> shardOf,
      Map<String, TensorInfo> tensors,
      List<TensorFile> shards) {
    this.index = index;
    this.shardOf = shardOf;
    this.tensors = Collections.unmodifiableMap(tensors);
    this.shards = shards;
  }

  /**
   * Opens an index and all its shards.
   *
   * @throws CheckpointException if a shard is missing or damaged, or the index and the shards
   *     disagree; it lists all disagreements
   */
  static ShardedTensors open(Path index) throws IOException {
    List<String> problems = new ArrayList<>();
    Map<String, String> weightMap = new IndexReader(index, problems).read();
    Set<String> names = new LinkedHashSet<>(weightMap.values());
    if (names.size() > MAX_SHARDS) {
      throw new CheckpointException(
          index + " names " + names.size() + " shards; at most " + MAX_SHARDS + " are read");
    }
    Map<String, Path> files = new LinkedHashMap<>();
    for (String name : names) {
      Path file = shardFile(index, name, problems);
      if (file != null) {
        files.put(name, file);
      }
    }
    if (files.size() < names.size()) {
      throw disagreement(index, problems);
    }
    List<TensorFile> shards = new ArrayList<>();
    try {
      Map<String, TensorFile> shardOf = new LinkedHashMap<>();
      Map<String, TensorInfo> tensors = new LinkedHashMap<>();
      int count = 0;
      for (Map.Entry<String, Path> file : files.entrySet()) {
        TensorFile shard = TensorFiles.open(file.getValue());
        shards.add(shard);
        for (TensorInfo info : shard.tensors().values()) {
          String wanted = weightMap.get(info.name());
          if (!file.getKey().equals(wanted)) {
            problems.add(
                file.getKey()
                    + " holds "
                    + IoErrors.quote(info.name())
                    + ", which the index "
                    + (wanted == null ? "does not list" : "expects in " + wanted));
          } else {
            shardOf.put(info.name(), shard);
            tensors.put(info.name(), info);
          }
        }
        requireTensors(count += shard.tensors().size(), index);
      }
      for (Map.Entry<String, String> entry : weightMap.entrySet()) {
        if (!tensors.containsKey(entry.getKey())) {
          problems.add(entry.getValue() + " lacks " + IoErrors.quote(entry.getKey()));
        }
      }
      if (!problems.isEmpty()) {
        throw disagreement(index, problems);
      }
      return new ShardedTensors(index, shardOf, tensors, shards);
    } catch (IOException | RuntimeException | Error e) {
      closeAll(shards);
      throw e;
    }
  }

  /** The file of a shard; null, and a problem, where the name or the file will not do. */
  private static Path shardFile(Path index, String name, List<String> problems) {
    if (!SHARD_NAME.matcher(name).matches() || name.endsWith(INDEX_ENDING)) {
      problems.add(
          IoErrors.quote(name)
              + " is no name of a shard; allowed are up to 200 letters, digits, _, . and -");
      return null;
    }
    Path file = index.toAbsolutePath().resolveSibling(name);
    if (!Files.isRegularFile(file)) {
      problems.add(file + " is missing; download it too");
      return null;
    }
    return file;
  }

  private static void requireTensors(int count, Path index) throws CheckpointException {
    if (count > MAX_TENSORS) {
      throw new CheckpointException(
          index + " and its shards have more than " + MAX_TENSORS + " tensors");
    }
  }

  private static CheckpointException disagreement(Path index, List<String> problems) {
    int listed = Math.min(problems.size(), MAX_LISTED);
    return new CheckpointException(
        index
            + " and its shards do not fit together:\n  "
            + String.join("\n  ", problems.subList(0, listed))
            + (listed < problems.size() ? "\n  and " + (problems.size() - listed) + " more" : ""));
  }

  /** Reads an index as a stream, so that nothing of it but the map is held. */
  private record IndexReader(Path index, List<String> problems) {
    Map<String, String> read() throws IOException {
      long bytes = Files.size(index);
      if (bytes > MAX_INDEX_BYTES) {
        throw new CheckpointException(
            index + " has " + bytes + " bytes; an index has at most " + MAX_INDEX_BYTES);
      }
      Map<String, String> weightMap = null;
      try (Reader text = Files.newBufferedReader(index)) {
        JsonReader json = new JsonReader(text);
        json.setStrictness(Strictness.STRICT);
        json.beginObject();
        while (json.hasNext()) {
          if (!json.nextName().equals("weight_map")) {
            json.skipValue();
          } else if (weightMap == null) {
            weightMap = readMap(json);
          } else {
            throw new CheckpointException(index + " has weight_map twice");
          }
        }
        json.endObject();
        if (json.peek() != JsonToken.END_DOCUMENT) {
          throw new CheckpointException(index + " goes on after the closing '}'");
        }
      } catch (MalformedJsonException
          | EOFException
          | CharacterCodingException
          | JsonParseException
          | IllegalStateException e) {
        throw new CheckpointException(
            index + " is not a JSON object with a weight_map of texts: " + IoErrors.message(e), e);
      }
      if (weightMap == null || weightMap.isEmpty()) {
        throw new CheckpointException(
            index + " has no weight_map, which says in which file each tensor is");
      }
      return weightMap;
    }

    private Map<String, String> readMap(JsonReader json) throws IOException {
      Map<String, String> map = new LinkedHashMap<>();
      json.beginObject();
      while (json.hasNext()) {
        String name = json.nextName();
        if (json.peek() != JsonToken.STRING) {
          throw new CheckpointException(
              index
                  + " has a "
                  + json.peek()
                  + " for "
                  + IoErrors.quote(name)
                  + ", expected the name of a file");
        }
        if (map.put(name, json.nextString()) != null) {
          problems.add(IoErrors.quote(name) + " is in the index twice");
        }
        requireTensors(map.size(), index);
      }
      json.endObject();
      return map;
    }
  }

  @Override
  public Path file() {
    return index;
  }

  @Override
  public Map<String, TensorInfo> tensors() {
    return tensors;
  }

  @Override
  public void copy(String name, long from, FloatBuffer target, boolean finite) {
    shard(name).copy(name, from, target, finite);
  }

  @Override
  public long[] longs(String name) {
    return shard(name).longs(name);
  }

  private TensorFile shard(String name) {
    TensorFile shard = shardOf.get(name);
    if (shard == null) {
      throw new IllegalArgumentException(index + " has no tensor '" + name + "'");
    }
    return shard;
  }

  @Override
  public void close() throws IOException {
    closeAll(shards);
  }

  private static void closeAll(List<TensorFile> shards) throws IOException {
    IOException first = null;
    for (TensorFile shard : shards) {
      try {
        shard.close();
      } catch (IOException e) {
        first = first == null ? e : first;
      }
    }
    if (first != null) {
      throw first;
    }
  }
}
