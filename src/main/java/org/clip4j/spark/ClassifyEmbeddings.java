package org.clip4j.spark;

import java.util.List;
import org.apache.spark.sql.Row;
import org.clip4j.Clip;
import org.clip4j.io.IoErrors;
import org.clip4j.spark.RowAnswers.Answer;
import org.jspecify.annotations.Nullable;

/**
 * Answers rows by their images' embeddings.
 *
 * @param column index of the column
 */
record ClassifyEmbeddings(int column, LabelOutput output) implements RowAnswers.Batch {

  @Override
  public long bytes(Row row) {
    return row.isNullAt(column) ? 0 : 4L * row.getSeq(column).size();
  }

  @Override
  public List<Answer> answer(@Nullable Clip clip, List<Row> rows) {
    return rows.stream().map(this::answer).toList();
  }

  private Answer answer(Row row) {
    if (row.isNullAt(column)) {
      return new Answer(null, "the embedding is null");
    }
    try {
      return new Answer(output.of(finite(EmbeddingRow.floats(row, column, "the embedding"))), null);
    } catch (IllegalArgumentException e) {
      return new Answer(null, IoErrors.message(e));
    }
  }

  private static float[] finite(float[] embedding) {
    for (float value : embedding) {
      if (!Float.isFinite(value)) {
        throw new IllegalArgumentException("the embedding has the value " + value);
      }
    }
    return embedding;
  }
}
