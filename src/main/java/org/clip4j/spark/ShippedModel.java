package org.clip4j.spark;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.Serializable;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.spark.SparkContext;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.clip4j.Clip;
import org.clip4j.io.IoErrors;
import org.jspecify.annotations.Nullable;

/**
 * A model whose files Spark brings to the executors that ask for them, once to each: the files that
 * lie in the model's folder, in pieces that are broadcast.
 */
final class ShippedModel implements Serializable {
  private static final long serialVersionUID = 1;

  /** Bytes of a piece, of which a process holds one at a time in its heap. */
  private static final int PIECE = 32 << 20;

  private static final Map<List<Object>, ShippedModel> SHIPPED = new HashMap<>();

  private final String id;
  private final Map<String, List<Broadcast<byte[]>>> files;
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
      Path found = Clip.loader(model).locate().toAbsolutePath();
      boolean isFolder = Files.isDirectory(found);
      Path folder = isFolder ? found : found.getParent();
      List<Object> key = new ArrayList<>(List.of(spark.applicationId(), found));
      Map<String, List<Broadcast<byte[]>>> files = new LinkedHashMap<>();
      for (Path each : filesIn(folder)) {
        key.add(
            each.getFileName() + " " + Files.size(each) + " " + Files.getLastModifiedTime(each));
      }
      ShippedModel shipped = SHIPPED.get(key);
      if (shipped == null) {
        JavaSparkContext context = JavaSparkContext.fromSparkContext(spark);
        for (Path each : filesIn(folder)) {
          files.put(each.getFileName().toString(), pieces(context, each));
        }
        String name = isFolder ? null : found.getFileName().toString();
        shipped = new ShippedModel(key.toString(), files, name);
        SHIPPED.put(key, shipped);
      }
      return shipped;
    } catch (IOException e) {
      throw IoErrors.unchecked(e);
    }
  }

  private static List<Path> filesIn(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.filter(Files::isRegularFile).sorted().toList();
    }
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
      try (OutputStream out = Files.newOutputStream(folder.resolve(each.getKey()))) {
        for (Broadcast<byte[]> piece : each.getValue()) {
          out.write(piece.value());
        }
      }
    }
    return file == null ? folder : folder.resolve(file);
  }

  /** Removes what was unpacked. */
  void remove(Path folder) throws IOException {
    for (String name : files.keySet()) {
      Files.deleteIfExists(folder.resolve(name));
    }
    Files.deleteIfExists(folder);
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
