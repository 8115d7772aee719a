package org.clip4j.spark;

import java.nio.file.Path;
import java.util.List;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.StructType;

/** A small Spark in this process, and what the tests give it. */
final class LocalSpark {
  static final Path GOLDEN = Path.of("src/test/resources/golden");
  static final Path MODEL = GOLDEN.resolve("hf-clip");

  private LocalSpark() {}

  /** The one of this process. */
  static SparkSession session() {
    return SparkSession.builder()
        .master("local[2]")
        .appName("clip4j tests")
        .config("spark.ui.enabled", false)
        .config("spark.sql.shuffle.partitions", 2)
        .config("spark.default.parallelism", 2)
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.sql.warehouse.dir", Path.of("target/spark-warehouse").toUri().toString())
        .config("spark.task.maxFailures", 1)
        .getOrCreate();
  }

  static Dataset<Row> table(StructType schema, List<Row> rows) {
    return session().createDataFrame(rows, schema);
  }

  /** An array column. */
  static float[] floats(Row row, String column) {
    return row.isNullAt(row.fieldIndex(column))
        ? null
        : EmbeddingRow.floats(row, row.fieldIndex(column), column);
  }
}
