package org.clip4j.train.monitor;

import org.jspecify.annotations.Nullable;

/**
 * Says what a step's batch was like.
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
    double textCosine) {}
