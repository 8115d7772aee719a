package org.clip4j.spark;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import org.apache.spark.sql.Column;
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

  /** Returns a column of a table, whatever it is called: a dot in its name is no field. */
  static Column column(Dataset<?> table, String name) {
    return table.col("`" + name.replace("`", "``") + "`");
  }

  /**
   * Takes the rows of a table that have an embedding, as id, embedding and others.
   *
   * @param others columns that are taken as texts
   * @throws IllegalArgumentException if it lacks a column, or that is no {@code array<float>}
   */
  static Dataset<Row> select(Dataset<Row> table, String id, String embedding, String... others) {
    List<String> columns = List.of(table.columns());
    List<String> wanted = new ArrayList<>(List.of(id, embedding));
    wanted.addAll(List.of(others));
    for (String each : wanted) {
      if (!columns.contains(each)) {
        throw new IllegalArgumentException(
            "the table has no column '" + each + "'; its columns are " + columns);
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
    List<Column> taken = new ArrayList<>();
    taken.add(column(table, id).cast("string").as("id"));
    taken.add(column(table, embedding).as("embedding"));
    for (String other : others) {
      taken.add(column(table, other).cast("string").as(other));
    }
    return table.filter(column(table, embedding).isNotNull()).select(taken.toArray(Column[]::new));
  }

  /**
   * Takes a row of what was selected.
   *
   * @throws IllegalArgumentException if it has no id, or not all values
   */
  static EmbeddingRow of(Row row) {
    String id = row.getString(0);
    if (id == null) {
      throw new IllegalArgumentException(
          "a row has an embedding and no id; leave out rows whose id is null");
    }
    return new EmbeddingRow(id, floats(row, 1, "the embedding of " + id));
  }

  /**
   * Reads an {@code array<float>}.
   *
   * @param what says in messages whose
   */
  static float[] floats(Row row, int column, String what) {
    List<Float> values = row.getList(column);
    float[] floats = new float[values.size()];
    for (int i = 0; i < floats.length; i++) {
      Float value = values.get(i);
      if (value == null) {
        throw new IllegalArgumentException(what + " has a null at position " + i);
      }
      floats[i] = value;
    }
    return floats;
  }

  /** Checks that it can be compared with others. */
  EmbeddingRow requireLength(int dimensions) {
    if (vector.length != dimensions) {
      throw new IllegalArgumentException(
          "the embedding of "
              + id
              + " has "
              + vector.length
              + " values, and others have "
              + dimensions
              + "; they come from different models");
    }
    return this;
  }

  /** Collects a table that fits the driver, in the order of its ids. */
  static List<EmbeddingRow> collect(Dataset<Row> selected, String what) {
    List<EmbeddingRow> rows = // sorted here: Spark would compute the table twice
        selected.collectAsList().stream()
            .map(EmbeddingRow::of)
            .sorted(Comparator.comparing(EmbeddingRow::id))
            .toList();
    if (rows.isEmpty()) {
      throw new IllegalArgumentException("there are no embeddings among " + what);
    }
    rows.forEach(row -> row.requireLength(rows.get(0).vector.length));
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
              block.add(of(rows.next()).requireLength(dimensions));
            }
            return block;
          }
        };
  }
}
