package org.clip4j.examples;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.count;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.sha2;
import static org.apache.spark.sql.functions.udf;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.util.List;
import java.util.Locale;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Observation;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SaveMode;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.api.java.UDF1;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.util.SerializableConfiguration;
import org.clip4j.spark.ClipTransformer;

/**
 * A Parquet table of embeddings: {@code id}, {@code sha256} of what was embedded, {@code
 * embedding}, {@code error} where there is none, and {@code model}. A row is new unless the table
 * has its id with the same checksum.
 */
final class EmbeddedTable {
  private static final List<String> COLUMNS =
      List.of("id", "sha256", "embedding", "error", "model");

  private final SparkSession spark;
  private final String path;

  EmbeddedTable(SparkSession spark, String path) {
    this.spark = spark;
    this.path = new Path(path).toString(); // without a slash at the end
  }

  /**
   * What a run did.
   *
   * @param read rows of the source
   * @param known that the table has already
   * @param embedded that were added
   * @param skipped that were added with a reason in place of an embedding
   */
  record Summary(long read, long known, long embedded, long skipped) {
    @Override
    public String toString() {
      return String.format(
          Locale.ROOT,
          "%,d rows read: %,d embedded, %,d skipped (see the column error), %,d there already",
          read,
          embedded,
          skipped,
          known);
    }
  }

  /**
   * Adds what is new.
   *
   * @param source with the columns {@code id} and {@code input}
   * @param embedder reads {@code input}
   * @param texts whether that is texts
   */
  Summary add(Dataset<Row> source, ClipTransformer<?> embedder, boolean texts, String model)
      throws IOException {
    requireUnique(source);
    Observation read = new Observation("read");
    Observation added = new Observation("added");
    Dataset<Row> rows =
        source
            .withColumn("sha256", checksum(source, texts))
            .observe(read, count(lit(1)).as("rows"));
    Dataset<Row> known = isThere() ? known(model) : null;
    Dataset<Row> fresh =
        known == null
            ? rows
            : rows.join(
                known.select(col("id").as("known_id"), col("sha256").as("known_sha256")),
                col("id")
                    .eqNullSafe(col("known_id"))
                    .and(col("sha256").eqNullSafe(col("known_sha256"))),
                "left_anti");
    Dataset<Row> embedded =
        embedder
            .transform(fresh)
            .select(
                col("id"), col("sha256"), col("embedding"), col("error"), lit(model).as("model"))
            .observe(added, count(lit(1)).as("rows"), count(col("embedding")).as("embedded"));
    if (known == null) {
      embedded.write().mode(SaveMode.Append).parquet(path);
    } else {
      replace(known, embedded);
    }
    long all = SparkOptions.value(read, "rows");
    long fewer = SparkOptions.value(added, "rows");
    long good = SparkOptions.value(added, "embedded");
    return new Summary(all, all - fewer, good, fewer - good);
  }

  /** Of the content, also where the input is a path; null where that cannot be read. */
  private Column checksum(Dataset<Row> source, boolean texts) {
    Column input = col("input");
    DataType type = source.schema().apply("input").dataType();
    if (type instanceof StructType struct) {
      boolean isImage = List.of(struct.fieldNames()).contains("data");
      return sha2(input.getField(isImage ? "data" : "content"), 256);
    }
    if (texts || !type.equals(DataTypes.StringType)) {
      return sha2(input.cast("binary"), 256);
    }
    UDF1<String, byte[]> content =
        new FileContent(new SerializableConfiguration(spark.sessionState().newHadoopConf()));
    return sha2(udf(content, DataTypes.BinaryType).apply(input), 256);
  }

  /** Reads files on the executors. */
  private record FileContent(SerializableConfiguration files) implements UDF1<String, byte[]> {
    @Override
    public byte[] call(String name) {
      if (name == null) {
        return null;
      }
      try {
        byte[] content = read(new Path(name));
        return content != null || name.indexOf('%') < 0
            ? content
            : read(new Path(URI.create(name))); // as input_file_name() writes it
      } catch (IllegalArgumentException e) {
        return null; // the embedder says why
      }
    }

    private byte[] read(Path path) {
      try (InputStream in = path.getFileSystem(files.value()).open(path)) {
        return in.readAllBytes();
      } catch (IOException e) {
        return null; // the embedder says why
      }
    }
  }

  private void requireUnique(Dataset<Row> source) {
    List<Row> repeated =
        source.groupBy("id").count().filter("count > 1 or id is null").limit(3).collectAsList();
    if (!repeated.isEmpty()) {
      throw new IllegalArgumentException(
          "the ids of rows must be there and differ; these stand for several or none, with their"
              + " counts: "
              + repeated
              + ". Name another column with --id");
    }
  }

  private boolean isThere() throws IOException {
    FileSystem files = fileSystem();
    Path whole = new Path(path + ".whole");
    if (files.exists(new Path(whole, "_SUCCESS"))) { // a run was ended before it took the place
      files.delete(new Path(path), true);
      rename(files, whole);
    }
    return SparkOptions.holdsFiles(files, new Path(path));
  }

  private void rename(FileSystem files, Path whole) throws IOException {
    if (!files.rename(whole, new Path(path))) {
      throw new IOException(whole + " cannot be renamed to " + path + "; it is the whole table");
    }
  }

  private FileSystem fileSystem() throws IOException {
    return new Path(path).getFileSystem(spark.sparkContext().hadoopConfiguration());
  }

  private Dataset<Row> known(String model) {
    Dataset<Row> known = SparkSource.parquet(spark.read(), path);
    List<String> columns = List.of(known.columns());
    if (!columns.containsAll(COLUMNS)) {
      throw new IllegalArgumentException(
          path
              + " is another table, with the columns "
              + columns
              + " and not "
              + COLUMNS
              + "; give another --out");
    }
    List<Row> models = known.select("model").distinct().limit(3).collectAsList();
    if (models.stream().anyMatch(row -> !model.equals(row.getString(0)))) {
      throw new IllegalArgumentException(
          path
              + " holds embeddings of "
              + models
              + ", which cannot be compared with those of "
              + model
              + "; give another --out");
    }
    return known;
  }

  /** A row whose content has changed takes the place of the one before. */
  private void replace(Dataset<Row> known, Dataset<Row> embedded) throws IOException {
    FileSystem files = fileSystem();
    Path next = new Path(path + ".next");
    files.delete(next, true);
    embedded.write().parquet(next.toString());
    Dataset<Row> added = spark.read().parquet(next.toString());
    boolean changes = !known.join(added, "id").isEmpty();
    if (!changes) {
      added.write().mode(SaveMode.Append).parquet(path);
      files.delete(next, true);
      return;
    }
    Path whole = new Path(path + ".whole");
    files.delete(whole, true);
    Column same = known.col("id").equalTo(added.col("id"));
    known.join(added, same, "left_anti").unionByName(added).write().parquet(whole.toString());
    files.delete(new Path(path), true);
    rename(files, whole);
    files.delete(next, true);
  }
}
