package org.clip4j.spark;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import org.apache.spark.sql.Row;
import org.clip4j.Clip;
import org.clip4j.spark.RowAnswers.Answer;
import org.jspecify.annotations.Nullable;

/**
 * Answers rows by the embeddings of their texts.
 *
 * @param column index of the column
 * @param output makes the answer of an embedding
 */
record EmbedTexts(int column, EmbeddingOutput output) implements RowAnswers.Batch {

  @Override
  public long bytes(Row row) {
    return row.isNullAt(column) ? 0 : 2L * row.getString(column).length();
  }

  @Override
  public List<Answer> answer(@Nullable Clip clip, List<Row> rows) {
    List<String> texts = rows.stream().map(row -> row.getString(column)).toList();
    List<String> there = texts.stream().filter(Objects::nonNull).toList();
    Iterator<float[]> embeddings = List.of(clip.encodeTexts(there)).iterator();
    List<Answer> answers = new ArrayList<>();
    for (String text : texts) {
      answers.add(
          text == null
              ? new Answer(null, "the text is null")
              : new Answer(output.of(embeddings.next()), null));
    }
    return answers;
  }
}
