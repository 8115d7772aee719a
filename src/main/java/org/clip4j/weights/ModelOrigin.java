package org.clip4j.weights;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.clip4j.io.Checksums;
import org.clip4j.weights.tensors.CheckpointException;

/**
 * Says which checkpoint something was made from, and under which licence that one is. What is
 * written from a checkpoint carries it in its configuration under {@code clip4j.made_from}, which
 * the Python peers ignore.
 *
 * @param name the name on the hub; of another checkpoint that of its folder or file
 * @param revision the commit on the hub; empty of another checkpoint
 * @param licence as the model card names it, such as {@code mit}; empty if nothing names one
 * @param sha256 the SHA-256 of each weights file in hexadecimal digits, by the files' names
 */
public record ModelOrigin(
    String name, String revision, String licence, Map<String, String> sha256) {
  /** A snapshot in the hub's cache: this library's and Python's look alike. */
  private static final Pattern SNAPSHOT =
      Pattern.compile(".*/models--([^/]+?)--([^/]+)/snapshots/([^/]+)(?:/.*)?");

  private static final Pattern DIGEST = Pattern.compile("[0-9a-f]{64}");
  private static final String KEY = "clip4j";
  private static final int BUFFER = 1 << 20;

  /** Copies the map. */
  public ModelOrigin {
    sha256 = Map.copyOf(sha256);
  }

  /**
   * Describes a checkpoint; reads its weights once, unless they lie in the hub's cache, whose files
   * are named by their checksum.
   */
  static ModelOrigin of(Path folder, Path weights, String licence) throws IOException {
    Map<String, String> sha256 = new TreeMap<>();
    for (Path file : files(weights)) {
      sha256.put(file.getFileName().toString(), sha256(file));
    }
    Matcher snapshot = SNAPSHOT.matcher(folder.toAbsolutePath().toString().replace('\\', '/'));
    if (snapshot.matches()) {
      String name = snapshot.group(1) + "/" + snapshot.group(2);
      return new ModelOrigin(name, snapshot.group(3), licence, sha256);
    }
    boolean named = Layout.isWeights(weights.getFileName().toString());
    Path name = (named ? folder : weights).toAbsolutePath().normalize().getFileName();
    return new ModelOrigin(name == null ? "" : name.toString(), "", licence, sha256);
  }

  private static List<Path> files(Path weights) throws IOException {
    if (!weights.toString().endsWith(ShardedTensors.INDEX_ENDING)) {
      return List.of(weights);
    }
    TreeSet<String> shards = new TreeSet<>();
    CheckpointFields map = CheckpointFields.read(weights).object("weight_map");
    for (String tensor : map.json().keySet()) {
      shards.add(map.text(tensor, ""));
    }
    return shards.stream().map(weights::resolveSibling).toList();
  }

  private static String sha256(Path file) throws IOException {
    if (Files.isSymbolicLink(file)) {
      String blob = Files.readSymbolicLink(file).getFileName().toString();
      if (DIGEST.matcher(blob).matches()) {
        return blob;
      }
    }
    MessageDigest digest = Checksums.digest("SHA-256");
    byte[] buffer = new byte[BUFFER];
    try (InputStream in = Files.newInputStream(file)) {
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        digest.update(buffer, 0, n);
      }
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  /** Reads what a configuration says of the checkpoints that it was made from. */
  static List<ModelOrigin> read(CheckpointFields config) throws CheckpointException {
    List<ModelOrigin> origins = new ArrayList<>();
    CheckpointFields own = config.object(KEY);
    if (own.has("made_from") && own.get("made_from") instanceof JsonArray array) {
      for (JsonElement element : array) {
        if (element instanceof JsonObject object) {
          origins.add(read(object));
        }
      }
    }
    return origins;
  }

  private static ModelOrigin read(JsonObject json) throws CheckpointException {
    CheckpointFields fields = CheckpointFields.of(KEY + ".made_from", json);
    Map<String, String> sha256 = new TreeMap<>();
    for (String file : fields.object("sha256").json().keySet()) {
      sha256.put(file, fields.object("sha256").text(file, ""));
    }
    return new ModelOrigin(
        fields.text("name", ""), fields.text("revision", ""), fields.text("license", ""), sha256);
  }

  static void write(JsonObject config, List<ModelOrigin> origins) {
    if (origins.isEmpty()) {
      return;
    }
    JsonArray array = new JsonArray();
    for (ModelOrigin origin : origins) {
      JsonObject json = new JsonObject();
      json.addProperty("name", origin.name);
      json.addProperty("revision", origin.revision);
      json.addProperty("license", origin.licence);
      JsonObject sha256 = new JsonObject();
      new TreeMap<>(origin.sha256).forEach(sha256::addProperty);
      json.add("sha256", sha256);
      array.add(json);
    }
    JsonObject own = new JsonObject();
    own.add("made_from", array);
    config.add(KEY, own);
  }
}
