package org.clip4j.spark;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
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
    Dataset<Row> rows =
        table
            .select(table.col(id).cast("string"), table.col(embedding))
            .filter(table.col(embedding).isNotNull())
            .orderBy(table.col(id));
    Iterator<Row> all = rows.toLocalIterator();
    if (!all.hasNext()) {
      throw new IllegalArgumentException("the table has no embeddings in its column " + embedding);
    }
    Row row = all.next();
    float[] first = ClassifyEmbeddings.floats(row, 1);
    try (EmbeddingWriter writer =
        EmbeddingWriter.into(folder).setDimensions(first.length).setColumns(id).open()) {
      writer.resume(0, i -> List.of());
      writer.add(first, List.of(row.getString(0)));
      while (all.hasNext()) {
        row = all.next();
        writer.add(ClassifyEmbeddings.floats(row, 1), List.of(row.getString(0)));
      }
      writer.finish();
      return writer.rows();
    }
  }
}
