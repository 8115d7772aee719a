package org.clip4j.spark;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructField;

/**
 * A row of a table of embeddings.
 *
 * @param id as a text
 * @param vector E values, unit length
 */
record EmbeddingRow(String id, float[] vector) implements Serializable {

  /** Rows compared at once: 512 KB at 512 dimensions, which stay in a core's cache. */
  static final int BLOCK = 256;

  /**
   * Takes the rows of a table that have an embedding, as id and embedding.
   *
   * @throws IllegalArgumentException if it lacks a column, or that is no {@code array<float>}
   */
  static Dataset<Row> select(Dataset<Row> table, String id, String embedding) {
    List<String> columns = List.of(table.columns());
    for (String wanted : List.of(id, embedding)) {
      if (!columns.contains(wanted)) {
        throw new IllegalArgumentException(
            "the table has no column '" + wanted + "'; its columns are " + columns);
      }
    }
    StructField column = table.schema().apply(embedding);
    if (!column.dataType().sameType(DataTypes.createArrayType(DataTypes.FloatType))) {
      throw new IllegalArgumentException(
          "the column '"
              + embedding
              + "' is of type "
              + column.dataType().catalogString()
              + "; embeddings are array<float>");
    }
    return table
        .select(table.col(id).cast("string"), table.col(embedding))
        .filter(table.col(embedding).isNotNull());
  }

  static EmbeddingRow of(Row row) {
    return new EmbeddingRow(row.getString(0), ClassifyEmbeddings.floats(row, 1));
  }

  /** Collects a table that fits the driver, in the order of its ids. */
  static List<EmbeddingRow> collect(Dataset<Row> selected, String what) {
    List<EmbeddingRow> rows =
        selected.orderBy(selected.columns()[0]).collectAsList().stream()
            .map(EmbeddingRow::of)
            .toList();
    if (rows.isEmpty()) {
      throw new IllegalArgumentException("there are no embeddings among " + what);
    }
    return rows;
  }

  static float[][] vectors(List<EmbeddingRow> rows) {
    return rows.stream().map(EmbeddingRow::vector).toArray(float[][]::new);
  }

  /** Cuts a partition's rows into blocks. */
  static Iterable<List<EmbeddingRow>> blocks(Iterator<Row> rows, int dimensions) {
    return () ->
        new Iterator<>() {
          @Override
          public boolean hasNext() {
            return rows.hasNext();
          }

          @Override
          public List<EmbeddingRow> next() {
            if (!rows.hasNext()) {
              throw new NoSuchElementException();
            }
            List<EmbeddingRow> block = new ArrayList<>(BLOCK);
            while (block.size() < BLOCK && rows.hasNext()) {
              EmbeddingRow row = of(rows.next());
              if (row.vector.length != dimensions) {
                throw new IllegalArgumentException(
                    "the embedding of "
                        + row.id
                        + " has "
                        + row.vector.length
                        + " values, and others have "
                        + dimensions
                        + "; they come from different models");
              }
              block.add(row);
            }
            return block;
          }
        };
  }
}
