package org.clip4j.train;

import java.util.HashMap;
import java.util.Map;
import org.clip4j.data.internal.loader.PairBatch;
import org.jspecify.annotations.Nullable;

/**
 * What a step's batch was like.
 *
 * @param size pairs, N
 * @param duplicateCaptions the share of pairs whose caption another pair of the batch has too, in
 *     [0, 1]
 * @param commonCaption the most frequent caption, if any stands more than once, else null
 * @param commonCaptionCount how often it stands
 * @param chanceLoss the loss of a model that tells no pair from another: ln N for the contrastive
 *     loss; NaN for the sigmoid loss
 * @param imageCosine mean cosine similarity of two different images' embeddings; NaN at steps at
 *     which it was not measured
 * @param textCosine as {@code imageCosine}, of two captions' embeddings
 */
public record BatchStatistics(
    int size,
    double duplicateCaptions,
    @Nullable String commonCaption,
    int commonCaptionCount,
    double chanceLoss,
    double imageCosine,
    double textCosine) {

  static BatchStatistics of(PairBatch batch, boolean sigmoid, TrainingStep.Cosines cosines) {
    Map<Integer, Integer> counts = new HashMap<>();
    for (int id : batch.captionIds()) {
      counts.merge(id, 1, Integer::sum);
    }
    int duplicates = 0;
    int common = 0; // the row where the most frequent caption stands first
    for (int row = 0; row < batch.size(); row++) {
      int count = counts.get(batch.captionIds()[row]);
      duplicates += count > 1 ? 1 : 0;
      common = count > counts.get(batch.captionIds()[common]) ? row : common;
    }
    int commonCount = counts.get(batch.captionIds()[common]);
    return new BatchStatistics(
        batch.size(),
        duplicates / (double) batch.size(),
        commonCount > 1 ? batch.captions().get(common) : null,
        commonCount,
        sigmoid ? Double.NaN : Math.log(batch.size()),
        cosines.image(),
        cosines.text());
  }
}
