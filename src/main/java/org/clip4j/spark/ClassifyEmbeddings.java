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
      return new Answer(output.of(floats(row, column)), null);
    } catch (IllegalArgumentException e) {
      return new Answer(null, IoErrors.message(e));
    }
  }

  /** Reads an {@code array<float>}. */
  static float[] floats(Row row, int column) {
    List<Float> values = row.getList(column);
    float[] floats = new float[values.size()];
    for (int i = 0; i < floats.length; i++) {
      floats[i] = values.get(i);
    }
    return floats;
  }
}
