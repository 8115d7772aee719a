package org.clip4j.hub;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.TreeSet;
import org.clip4j.io.JsonFile;

/** The names in a {@code *.index.json}, which anyone may have written. */
final class WeightsIndex {
  /** The index of a model with tens of thousands of tensors. */
  private static final int MAX_BYTES = 8 << 20;

  private WeightsIndex() {}

  /**
   * Reads the names of the shards, each once, sorted.
   *
   * @param suffix that each must have, so that an index of safetensors never leads to pickles
   */
  static List<String> shards(Path index, String suffix) throws IOException {
    String where = index.toString();
    JsonObject json = JsonFile.read(index, MAX_BYTES, HubException::unavailable);
    if (!(json.get("weight_map") instanceof JsonObject map)) {
      throw new HubException(where + " has no weight_map, which says what shard a tensor is in");
    }
    TreeSet<String> shards = new TreeSet<>();
    for (JsonElement shard : map.asMap().values()) {
      if (!(shard instanceof JsonPrimitive name) || !name.isString()) {
        throw new HubException(where + " has a weight_map whose values are not all file names");
      }
      if (shards.add(RepoPaths.checkPlain(name.getAsString(), where))
          && !name.getAsString().endsWith(suffix)) {
        throw new HubException(
            where
                + " names the shard "
                + RepoPaths.quote(name.getAsString())
                + ", which does not end in "
                + suffix);
      }
    }
    if (shards.isEmpty()) {
      throw new HubException(where + " names no shards");
    }
    return List.copyOf(shards);
  }
}
