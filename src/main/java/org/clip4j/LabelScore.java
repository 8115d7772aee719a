package org.clip4j;

/**
 * Says how well a label fits an image.
 *
 * @param label as the classifier was given it
 * @param probability in [0, 1], made as the classifier's {@link Probabilities} say
 * @param cosine similarity of the image and the label's prompts, in [-1, 1]
 */
public record LabelScore(String label, double probability, double cosine) {}
