package org.clip4j;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.IntPredicate;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;

/** Fits a classifier's thresholds to examples. */
final class Fitting {
  private final List<String> labels;
  private final LabelVectors vectors;
  private final float[][] embeddings;
  private final List<Set<String>> shown;

  /**
   * Checks the examples.
   *
   * @param shown for each embedding the labels that the image shows
   */
  Fitting(
      List<String> labels, LabelVectors vectors, float[][] embeddings, List<Set<String>> shown) {
    this.labels = labels;
    this.vectors = vectors;
    this.embeddings = embeddings;
    this.shown = shown;
    if (embeddings.length != shown.size()) {
      throw new IllegalArgumentException(
          "each example needs its labels; found "
              + embeddings.length
              + " images and the labels of "
              + shown.size());
    }
    shown.forEach(each -> each.forEach(label -> LabelChecks.known(labels, label)));
  }

  List<LabelThreshold> thresholds() {
    double[][] values = new double[embeddings.length][];
    for (int i = 0; i < values.length; i++) {
      values[i] = vectors.probabilities(embeddings[i]);
    }
    List<LabelThreshold> fitted = new ArrayList<>();
    for (int l = 0; l < labels.size(); l++) {
      String label = labels.get(l);
      int column = l;
      BinaryScores scores =
          scores(
              i -> values[i][column], i -> shown.get(i).contains(label), "shows \"" + label + "\"");
      BinaryScores.Detection best = scores.bestF1();
      fitted.add(
          new LabelThreshold(
              label,
              best.threshold(),
              best.precision(),
              best.recall(),
              best.f1(),
              scores.positives(),
              scores.negatives()));
    }
    return List.copyOf(fitted);
  }

  UnknownFit unknown(UnknownRule.Score score, double falseAcceptRate) {
    BinaryScores scores =
        scores(
            i -> vectors.clarity(score, vectors.probabilities(embeddings[i]), embeddings[i]),
            i -> !shown.get(i).isEmpty(),
            "shows one of the labels");
    double threshold = scores.thresholdAt(falseAcceptRate);
    return new UnknownFit(
        new UnknownRule(score, threshold),
        scores.falseAcceptRate(threshold),
        scores.trueAcceptRate(threshold),
        scores.auroc(),
        scores.positives(),
        scores.negatives());
  }

  private BinaryScores scores(IntToDoubleFunction score, IntPredicate positive, String shows) {
    IntStream all = IntStream.range(0, embeddings.length);
    double[] positives = all.filter(positive).mapToDouble(score).toArray();
    all = IntStream.range(0, embeddings.length);
    double[] negatives = all.filter(positive.negate()).mapToDouble(score).toArray();
    if (positives.length == 0 || negatives.length == 0) {
      throw new IllegalArgumentException(
          (positives.length == 0 ? "no example " : "every example ")
              + shows
              + "; a threshold needs at least one that does and one that does not");
    }
    return BinaryScores.of(positives, negatives);
  }
}
