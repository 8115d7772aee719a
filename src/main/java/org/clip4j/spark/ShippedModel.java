package org.clip4j.spark;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.Serializable;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.spark.SparkContext;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.clip4j.Clip;
import org.clip4j.io.IoErrors;
import org.jspecify.annotations.Nullable;

/**
 * A model whose files Spark brings to the executors that ask for them, once to each: those of the
 * model's folder, or a file with what describes it, in pieces that are broadcast.
 */
final class ShippedModel implements Serializable {
  private static final long serialVersionUID = 1;

  /** Bytes of a piece, of which a process holds one at a time in its heap. */
  private static final int PIECE = 32 << 20;

  /** The configuration of a text tower lies this deep where it has a folder of its own. */
  private static final int DEPTH = 3;

  private static final String CONFIG = "config.json";
  private static final String MODULES = "modules.json"; // says which folders make up the model
  private static final String INDEX = ".index.json";
  private static final Pattern BESIDE = Pattern.compile(".*\\.(json|txt|model|md)");
  private static final Pattern SHARD = Pattern.compile(".*\\.(safetensors|bin)");

  private static final Map<List<Object>, ShippedModel> SHIPPED = new HashMap<>();

  private final String id;
  private final Map<String, List<Broadcast<byte[]>>> files; // by their names within the folder
  private final @Nullable String file; // in the folder; null for the folder itself

  private ShippedModel(
      String id, Map<String, List<Broadcast<byte[]>>> files, @Nullable String file) {
    this.id = id;
    this.files = files;
    this.file = file;
  }

  /**
   * Takes a model's files, unless they were taken already.
   *
   * @param model as the driver finds it: a path of its own, or a name of the hub
   */
  static synchronized ShippedModel of(SparkContext spark, String model) {
    try {
      Path found = Clip.loader(model).locate();
      List<Object> key = List.of(spark.applicationId(), state(found));
      ShippedModel shipped = SHIPPED.get(key);
      if (shipped == null) {
        JavaSparkContext context = JavaSparkContext.fromSparkContext(spark);
        Path folder = folder(found);
        Map<String, List<Broadcast<byte[]>>> files = new LinkedHashMap<>();
        for (Path each : filesOf(found)) {
          files.put(folder.relativize(each).toString().replace('\\', '/'), pieces(context, each));
        }
        String name = Files.isDirectory(found) ? null : found.getFileName().toString();
        shipped = new ShippedModel(key.toString(), files, name);
        SHIPPED.put(key, shipped);
      }
      return shipped;
    } catch (IOException e) {
      throw IoErrors.unchecked(e);
    }
  }

  /** Says which files a model is read from, how long they are and of when, to tell another one. */
  static String state(Path model) throws IOException {
    StringBuilder state = new StringBuilder();
    for (Path each : filesOf(model)) {
      state.append(each).append(' ').append(Files.size(each));
      state.append(' ').append(Files.getLastModifiedTime(each)).append('\n');
    }
    return state.toString();
  }

  private static Path folder(Path model) throws IOException {
    Path absolute = model.toAbsolutePath();
    return (Files.isDirectory(model) ? absolute : absolute.getParent()).toRealPath();
  }

  /** Not what else lies there: the checkpoints of a training, or other models beside a file. */
  private static List<Path> filesOf(Path model) throws IOException {
    boolean isFolder = Files.isDirectory(model);
    Path folder = folder(model);
    Path own = model.getFileName();
    boolean hasModules = Files.exists(folder.resolve(MODULES));
    try (Stream<Path> files = Files.walk(folder, isFolder ? DEPTH : 1)) {
      return files
          .filter(Files::isRegularFile)
          .filter(
              file ->
                  isFolder
                      ? hasModules || file.getParent().equals(folder) || file.endsWith(CONFIG)
                      : file.getFileName().equals(own) || isBeside(file, own.toString()))
          .sorted()
          .toList();
    }
  }

  private static boolean isBeside(Path file, String model) {
    String name = file.getFileName().toString();
    return BESIDE.matcher(name).matches() || model.endsWith(INDEX) && SHARD.matcher(name).matches();
  }

  private static List<Broadcast<byte[]>> pieces(JavaSparkContext spark, Path file)
      throws IOException {
    List<Broadcast<byte[]>> pieces = new ArrayList<>();
    try (InputStream in = Files.newInputStream(file)) {
      for (byte[] piece; (piece = in.readNBytes(PIECE)).length > 0; ) {
        pieces.add(spark.broadcast(piece));
      }
    }
    return pieces;
  }

  /** Writes the files to a new folder; returns where in it the model is. */
  Path unpack(Path folder) throws IOException {
    for (Map.Entry<String, List<Broadcast<byte[]>>> each : files.entrySet()) {
      Path target = folder.resolve(each.getKey());
      Files.createDirectories(target.getParent());
      try (OutputStream out = Files.newOutputStream(target)) {
        for (Broadcast<byte[]> piece : each.getValue()) {
          out.write(piece.value());
        }
      }
    }
    return file == null ? folder : folder.resolve(file);
  }

  /** Removes what was unpacked. */
  static void remove(Path folder) throws IOException {
    List<Path> all;
    try (Stream<Path> files = Files.walk(folder)) {
      all = files.sorted(Comparator.reverseOrder()).toList();
    }
    for (Path each : all) {
      Files.delete(each);
    }
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof ShippedModel model && model.id.equals(id);
  }

  @Override
  public int hashCode() {
    return id.hashCode();
  }
}
