package org.clip4j.examples;

import static org.apache.spark.sql.functions.col;

import java.util.List;
import org.apache.spark.sql.DataFrameReader;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import picocli.CommandLine.Option;

/** Options that say which rows are read: a table, or a folder of pictures. */
public final class SparkSource {
  @Option(
      names = "--in",
      required = true,
      paramLabel = "TABLE",
      description = "A Parquet table, or with --pictures a folder, on any file system of Spark's.")
  private String in;

  @Option(
      names = "--pictures",
      description = "--in is a folder of picture files, with those of its folders.")
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
    DataFrameReader reader = spark.read();
    Dataset<Row> rows =
        pictures
            ? reader
                .format("binaryFile")
                .option("recursiveFileLookup", true)
                .option("pathGlobFilter", "*.{png,jpg,jpeg,webp,gif,bmp,tif,tiff,PNG,JPG,JPEG}")
                .load(in)
            : reader.parquet(in);
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
    Dataset<Row> source = rows.select(col(id).cast("string").as("id"), col(column).as("input"));
    return partitions > 0 ? source.repartition(partitions) : source;
  }
}
