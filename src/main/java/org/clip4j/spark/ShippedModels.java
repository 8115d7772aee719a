package org.clip4j.spark;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import java.util.zip.Deflater;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.apache.spark.SparkContext;
import org.clip4j.Clip;
import org.clip4j.engine.Precision;
import org.clip4j.io.IoErrors;

/**
 * Models whose files Spark brings to the executors, once to each: as an archive of the files that
 * lie in the model's folder.
 */
final class ShippedModels {
  private static final Map<List<Object>, String> ARCHIVES = new HashMap<>();

  private ShippedModels() {}

  /**
   * Has a model's files brought to the executors, unless they were already.
   *
   * @param model as the driver finds it: a path of its own, or a name of the hub
   */
  static synchronized ModelSource ship(
      SparkContext spark, String model, Precision precision, boolean texts) {
    try {
      Path found = Clip.loader(model).locate().toAbsolutePath();
      boolean isFolder = Files.isDirectory(found);
      Path folder = isFolder ? found : found.getParent();
      List<Object> key = List.of(spark.applicationId(), folder, modified(folder));
      String archive = ARCHIVES.get(key);
      if (archive == null) {
        archive = "clip4j-model-" + ARCHIVES.size();
        spark.addArchive(zip(folder, archive).toUri() + "#" + archive);
        ARCHIVES.put(key, archive);
      }
      String file = isFolder ? null : found.getFileName().toString();
      return new ModelSource(model, archive, file, precision, texts);
    } catch (IOException e) {
      throw IoErrors.unchecked(e);
    }
  }

  private static long modified(Path folder) throws IOException {
    long latest = 0;
    for (Path file : files(folder)) {
      latest = Math.max(latest, Files.getLastModifiedTime(file).toMillis());
    }
    return latest;
  }

  private static List<Path> files(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.filter(Files::isRegularFile).sorted().toList();
    }
  }

  /** Without compressing, which weights do not yield to. */
  private static Path zip(Path folder, String name) throws IOException {
    Path zip = Files.createTempDirectory("clip4j-spark").resolve(name + ".zip");
    zip.toFile().deleteOnExit();
    try (OutputStream file = Files.newOutputStream(zip);
        ZipOutputStream out = new ZipOutputStream(file)) {
      out.setLevel(Deflater.NO_COMPRESSION);
      for (Path each : files(folder)) {
        out.putNextEntry(new ZipEntry(each.getFileName().toString()));
        Files.copy(each, out);
        out.closeEntry();
      }
    }
    return zip;
  }
}
