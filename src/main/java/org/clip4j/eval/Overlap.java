package org.clip4j.eval;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.function.LongConsumer;
import java.util.stream.IntStream;
import org.clip4j.data.UnreadableImages;
import org.clip4j.encode.Encoder;
import org.clip4j.encode.ImageSource;
import org.clip4j.eval.internal.Dot;
import org.clip4j.io.Limits;

/**
 * Finds near-duplicates between a training and an evaluation set (Radford et al. 2021, section 5):
 * pairs whose embeddings have at least a given cosine similarity. Exact: every image of one set is
 * compared with every image of the other; only the evaluation set's embeddings are kept in memory.
 *
 * <p>Embeddings say what images show, so images of one kind come close to each other without being
 * copies. Which similarity means a copy depends on the model and the data: look at pairs around the
 * threshold, as the paper's authors did, and at {@link Result#nearest}.
 */
public final class Overlap {
  private static final int CHUNK = 256;

  private double threshold = 0.95;
  private int mostPairs = 1000;
  private LongConsumer progress = done -> {};

  private Overlap() {}

  /**
   * Holds a pair of near-duplicates, by positions in their sets.
   *
   * @param cosine at least the threshold
   */
  public record Pair(int evaluation, int training, float cosine) {}

  /**
   * Says what was found.
   *
   * @param threshold of the cosine similarity
   * @param evaluationImages that could be read
   * @param trainingImages that could be read
   * @param overlapping how many evaluation images have a near-duplicate in the training set
   * @param pairCount how many pairs reach the threshold
   * @param pairs of each overlapping evaluation image its most similar training image, the most
   *     similar first, up to the number asked for
   * @param nearest for each evaluation image the cosine similarity of its most similar training
   *     image; NaN for those that could not be read
   */
  public record Result(
      double threshold,
      int evaluationImages,
      int trainingImages,
      int overlapping,
      long pairCount,
      List<Pair> pairs,
      float[] nearest,
      UnreadableImages unreadableEvaluation,
      UnreadableImages unreadableTraining) {

    /** Copies what is mutable. */
    public Result {
      pairs = List.copyOf(pairs);
      nearest = nearest.clone();
    }

    /** Returns a copy of the similarities. */
    @Override
    public float[] nearest() {
      return nearest.clone();
    }

    /** Tells whether an evaluation image, by its position, has a near-duplicate. */
    public boolean overlaps(int evaluation) {
      return nearest[evaluation] >= threshold;
    }
  }

  /** The best so far of one evaluation image. */
  private static final class Closest {
    float cosine = Float.NEGATIVE_INFINITY;
    int training = -1;
    long reaching;
  }

  /** Starts a search with the defaults. Not safe for use by several threads. */
  public static Overlap create() {
    return new Overlap();
  }

  /** Sets the least cosine similarity of near-duplicates, above 0 and up to 1; 0.95 by default. */
  public Overlap optThreshold(double threshold) {
    this.threshold = Limits.aboveZero("the threshold, a cosine similarity,", 1, threshold);
    return this;
  }

  /** Sets how many pairs to list; all are counted. 1000 by default. */
  public Overlap optMostPairs(int pairs) {
    this.mostPairs = Limits.atLeast("the pairs that are listed", 0, pairs);
    return this;
  }

  /** Sets a listener that receives, now and then, how many images of both sets are done. */
  public Overlap optProgress(LongConsumer progress) {
    this.progress = Objects.requireNonNull(progress, "progress");
    return this;
  }

  /**
   * Searches both sets for near-duplicates.
   *
   * @throws IllegalArgumentException if no image of one of the sets can be read
   */
  public Result find(
      Encoder encoder,
      List<? extends ImageSource> training,
      List<? extends ImageSource> evaluation) {
    LeftOut lost = new LeftOut();
    float[][] kept = new float[evaluation.size()][];
    for (int start = 0; start < kept.length; start += CHUNK) {
      int end = Math.min(start + CHUNK, kept.length);
      float[][] encoded = encoder.encodeImages(evaluation.subList(start, end), lost);
      System.arraycopy(encoded, 0, kept, start, encoded.length);
      progress.accept(end);
    }
    lost.check("the evaluation set", kept.length);
    LeftOut lostTraining = new LeftOut();
    Closest[] nearest = new Closest[kept.length];
    Arrays.setAll(nearest, i -> new Closest());
    for (int start = 0; start < training.size(); start += CHUNK) {
      int end = Math.min(start + CHUNK, training.size());
      float[][] encoded = encoder.encodeImages(training.subList(start, end), lostTraining);
      compare(kept, encoded, start, nearest);
      progress.accept(kept.length + end);
    }
    lostTraining.check("the training set", training.size());
    return result(nearest, kept, training.size(), lost, lostTraining);
  }

  /**
   * Searches among embeddings.
   *
   * @param training vectors of E values, unit length; at least one
   * @param evaluation vectors of E values, unit length; at least one
   */
  public Result find(float[][] training, float[][] evaluation) {
    Closest[] nearest = new Closest[evaluation.length];
    Arrays.setAll(nearest, i -> new Closest());
    compare(evaluation, training, 0, nearest);
    return result(nearest, evaluation, training.length, new LeftOut(), new LeftOut());
  }

  private void compare(float[][] kept, float[][] training, int first, Closest[] nearest) {
    IntStream.range(0, kept.length)
        .parallel()
        .filter(e -> kept[e] != null)
        .forEach(
            e -> {
              Closest own = nearest[e];
              for (int t = 0; t < training.length; t++) {
                if (training[t] == null) {
                  continue;
                }
                float cosine = Dot.of(kept[e], training[t]);
                if (cosine > own.cosine) {
                  own.cosine = cosine;
                  own.training = first + t;
                }
                if (cosine >= threshold) {
                  own.reaching++;
                }
              }
            });
  }

  private Result result(
      Closest[] nearest, float[][] kept, int training, LeftOut lost, LeftOut lostTraining) {
    List<Pair> pairs = new ArrayList<>();
    float[] cosines = new float[kept.length];
    long reaching = 0;
    for (int e = 0; e < kept.length; e++) {
      cosines[e] = kept[e] == null ? Float.NaN : nearest[e].cosine;
      reaching += nearest[e].reaching;
      if (cosines[e] >= threshold) {
        pairs.add(new Pair(e, nearest[e].training, cosines[e]));
      }
    }
    int overlapping = pairs.size();
    pairs.sort((a, b) -> Float.compare(b.cosine, a.cosine));
    return new Result(
        threshold,
        kept.length - lost.count(),
        training - lostTraining.count(),
        overlapping,
        reaching,
        List.copyOf(pairs.subList(0, Math.min(mostPairs, overlapping))),
        cosines,
        lost.unreadable(),
        lostTraining.unreadable());
  }
}
