package org.clip4j.spark;

import java.util.List;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.clip4j.ZeroShotAnswer;
import org.clip4j.ZeroShotClassifier;

/**
 * Makes the answer of an embedding, as {@link ClipZeroShot} puts it out.
 *
 * @param topK labels with their scores
 */
record LabelOutput(ZeroShotClassifier classifier, int topK) implements EmbeddingOutput {

  @Override
  public Object of(float[] embedding) {
    ZeroShotAnswer answer = classifier.answer(embedding);
    List<Row> top =
        answer.top(topK).stream()
            .map(score -> RowFactory.create(score.label(), score.probability(), score.cosine()))
            .toList();
    Double clarity = answer.unknownCheck() == null ? null : answer.unknownCheck().score();
    return RowFactory.create(
        answer.labels().toArray(String[]::new),
        top.toArray(Row[]::new),
        answer.isUnknown(),
        clarity);
  }
}
