package org.clip4j.spark;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.spark.sql.Row;
import org.clip4j.Clip;
import org.clip4j.encode.ImageSource;
import org.clip4j.encode.ImageVisitor;
import org.clip4j.io.IoErrors;
import org.clip4j.spark.RowAnswers.Answer;
import org.jspecify.annotations.Nullable;

/**
 * Answers rows by the embeddings of their images.
 *
 * @param images says where they are
 * @param output makes the answer of an embedding
 */
record EmbedImages(ImageColumn images, EmbeddingOutput output) implements RowAnswers.Batch {

  @Override
  public long bytes(Row row) {
    return images.bytes(row);
  }

  @Override
  public List<Answer> answer(@Nullable Clip clip, List<Row> rows) {
    Answer[] answers = new Answer[rows.size()];
    Arrays.fill(answers, new Answer(null, "the image is null"));
    List<ImageSource> sources = new ArrayList<>();
    List<Integer> places = new ArrayList<>();
    for (int i = 0; i < answers.length; i++) {
      ImageSource image = images.image(rows.get(i));
      if (image != null) {
        sources.add(image);
        places.add(i);
      }
    }
    clip.encodeImages(
        sources.iterator(),
        new ImageVisitor() {
          @Override
          public void embedding(long index, ImageSource image, float[] embedding) {
            answers[places.get((int) index)] = new Answer(output.of(embedding), null);
          }

          @Override
          public void unreadable(long index, ImageSource image, IOException error) {
            answers[places.get((int) index)] = new Answer(null, IoErrors.message(error));
          }
        });
    return List.of(answers);
  }
}
