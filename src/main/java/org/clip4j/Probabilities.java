package org.clip4j;

/** Says how a {@link ZeroShotClassifier} makes probabilities of cosine similarities. */
public enum Probabilities {
  /**
   * The softmax of all labels' scaled cosines (Radford et al. 2021, section 3.1): they sum to 1, as
   * if the image showed just one of the labels. What CLIP models are trained for.
   */
  SOFTMAX,

  /**
   * The logistic function of scale times cosine plus bias, for each label by itself (Zhai et al.
   * 2023, "Sigmoid Loss for Language Image Pre-Training"): the probability that image and label
   * belong together. What SigLIP models are trained for; other models have no bias, and by
   * themselves their scaled cosines say yes to nearly everything.
   */
  SIGMOID,

  /**
   * The softmax of a label's scaled cosine and that of the background prompt that fits the image
   * best, for each label by itself: whether the label says more of the image than "a photo" does.
   * For models whose cosines are not calibrated.
   */
  BACKGROUND
}
