package org.clip4j.examples;

import static org.apache.spark.sql.functions.col;

import java.util.List;
import java.util.stream.Collectors;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.DataFrameReader;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import picocli.CommandLine.Option;

/** Options that say which rows are read: a table, or a folder of pictures. */
public final class SparkSource {
  private static final List<String> ENDINGS =
      List.of("bmp", "gif", "jpeg", "jpg", "png", "tif", "tiff", "webp");

  @Option(
      names = "--in",
      required = true,
      paramLabel = "TABLE",
      description = "A Parquet table, or with --pictures a folder, on any file system of Spark's.")
  private String in;

  @Option(
      names = "--pictures",
      description =
          "--in is a folder of picture files, with those of its folders; names that begin with _"
              + " or . are left out.")
  private boolean pictures;

  @Option(
      names = "--column",
      defaultValue = "content",
      paramLabel = "COLUMN",
      description = "What is read: the content of pictures, their paths, image structs, or texts.")
  private String column;

  @Option(
      names = "--id",
      defaultValue = "path",
      paramLabel = "COLUMN",
      description = "The column that tells rows apart.")
  private String id;

  @Option(
      names = "--partitions",
      defaultValue = "0",
      paramLabel = "N",
      description = "Cuts the rows into so many tasks (as they lie).")
  private int partitions;

  /** The rows with the columns {@code id} and {@code input}. */
  Dataset<Row> read(SparkSession spark) {
    Dataset<Row> rows = pictures ? pictures(spark.read()) : parquet(spark.read(), in);
    List<String> columns = List.of(rows.columns());
    for (String wanted : List.of(id, column)) {
      if (!columns.contains(wanted)) {
        throw new IllegalArgumentException(
            in
                + " has no column '"
                + wanted
                + "'; name one of "
                + columns
                + " with "
                + (wanted.equals(column) ? "--column" : "--id"));
      }
    }
    Dataset<Row> source = rows.select(named(id).cast("string").as("id"), named(column).as("input"));
    return partitions > 0 ? source.repartition(partitions) : source;
  }

  private static Column named(String column) {
    return col("`" + column.replace("`", "``") + "`"); // a dot in its name is no field
  }

  private Dataset<Row> pictures(DataFrameReader reader) {
    Dataset<Row> files =
        reader
            .format("binaryFile")
            .option("recursiveFileLookup", true)
            .option("pathGlobFilter", anyCase(ENDINGS))
            .load(in);
    if (files.select("path").isEmpty()) {
      throw new IllegalArgumentException(
          in
              + " holds no picture files ("
              + String.join(", ", ENDINGS)
              + "; Spark leaves out names that begin with _ or .); a table is read without"
              + " --pictures");
    }
    return files;
  }

  /** A pattern of file names: of png, {@code *.{[pP][nN][gG]}}. */
  private static String anyCase(List<String> endings) {
    return endings.stream()
        .map(
            ending ->
                ending
                    .chars()
                    .mapToObj(c -> "[" + (char) c + (char) (c - 32) + "]")
                    .collect(Collectors.joining()))
        .collect(Collectors.joining(",", "*.{", "}"));
  }

  /** A Parquet table; what Spark says of anything else does not name the way out. */
  static Dataset<Row> parquet(DataFrameReader reader, String path) {
    try {
      return reader.parquet(path);
    } catch (Exception e) { // also checked ones, which Spark does not declare
      throw new IllegalArgumentException(
          path
              + " is no Parquet table: "
              + SparkOptions.reason(e)
              + ". A folder of picture files is read with --pictures; write other tables as Parquet"
              + " first");
    }
  }
}
