package org.clip4j.spark;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.storage.StorageLevel;
import org.clip4j.search.EmbeddingWriter;

/** Takes tables of embeddings to where one machine searches them. */
public final class EmbeddingTable {
  private EmbeddingTable() {}

  /**
   * Writes a table's embeddings to a folder that {@link org.clip4j.search.Embeddings} opens, and
   * from which a {@link org.clip4j.search.lucene.LuceneIndex} takes them, in the order of their
   * ids. The driver holds one partition at a time.
   *
   * @param id the column of names
   * @param embedding the column of embeddings, {@code array<float>}; rows without one are left out
   * @param folder new, or empty
   * @return how many there are
   * @throws IOException if the folder cannot be written, or holds something already
   */
  public static long writeFolder(Dataset<Row> table, String id, String embedding, Path folder)
      throws IOException {
    EmbeddingRow.select(table, id, embedding); // says what is missing
    Dataset<Row> narrow =
        table.select(EmbeddingRow.column(table, id), EmbeddingRow.column(table, embedding));
    narrow.persist(StorageLevel.MEMORY_AND_DISK()); // sorting goes through them twice
    try {
      Dataset<Row> sorted = narrow.orderBy(EmbeddingRow.column(narrow, id));
      return write(EmbeddingRow.select(sorted, id, embedding).toLocalIterator(), id, folder);
    } finally {
      narrow.unpersist();
    }
  }

  private static long write(Iterator<Row> rows, String id, Path folder) throws IOException {
    if (!rows.hasNext()) {
      throw new IllegalArgumentException("the table has no embeddings");
    }
    EmbeddingRow first = EmbeddingRow.of(rows.next());
    int dimensions = first.vector().length;
    try (EmbeddingWriter writer =
        EmbeddingWriter.into(folder).setDimensions(dimensions).setColumns(id).open()) {
      writer.resume(0, i -> List.of());
      writer.add(first.vector(), List.of(first.id()));
      while (rows.hasNext()) {
        EmbeddingRow row = EmbeddingRow.of(rows.next()).requireLength(dimensions);
        writer.add(row.vector(), List.of(row.id()));
      }
      writer.finish();
      return writer.rows();
    }
  }
}
