package org.clip4j.eval;

import java.util.Arrays;
import java.util.List;
import java.util.function.LongConsumer;
import java.util.stream.IntStream;
import org.clip4j.data.LabelledImage;
import org.clip4j.data.LabelledImages;
import org.clip4j.encode.Encoder;

/**
 * What classifiers answer on a set of images of any size: images are read and encoded a few at a
 * time, once for all classifiers, and only the answers are kept.
 */
final class Answers {

  /** Images in memory at once. */
  private static final int CHUNK = 256;

  private final int classes;
  private final List<EmbeddingClassifier> classifiers;
  private final int[] positions; // in the set, of those that could be read
  private final int[] labels;
  private final int[][] answers; // [classifier][image]
  private final boolean[][] amongFive;
  private final LeftOut leftOut = new LeftOut();
  private int count; // of the images that could be read

  private Answers(int classes, List<EmbeddingClassifier> classifiers, int images) {
    this.classes = classes;
    this.classifiers = classifiers;
    positions = new int[images];
    labels = new int[images];
    answers = new int[classifiers.size()][images];
    amongFive = new boolean[classifiers.size()][images];
  }

  /**
   * Reads, encodes and classifies.
   *
   * @param classOf for each label of the images its class
   * @param classes how many there are
   * @param progress told how many images are done, now and then
   * @param listener told the last classifier's scores
   * @throws IllegalArgumentException if no image can be read
   */
  static Answers of(
      Encoder encoder,
      LabelledImages images,
      int[] classOf,
      int classes,
      List<EmbeddingClassifier> classifiers,
      LongConsumer progress,
      ZeroShotEvaluation.Listener listener) {
    Answers all = new Answers(classes, classifiers, images.size());
    for (int start = 0; start < images.size(); start += CHUNK) {
      int end = Math.min(start + CHUNK, images.size());
      List<LabelledImage> chunk = IntStream.range(start, end).mapToObj(images::get).toList();
      float[][] encoded =
          encoder.encodeImages(chunk.stream().map(LabelledImage::image).toList(), all.leftOut);
      int[] labels = chunk.stream().mapToInt(image -> classOf[image.label()]).toArray();
      all.add(start, encoded, labels, listener);
      progress.accept(end);
    }
    all.leftOut.check(images.name(), images.size());
    return all;
  }

  /** Classifies images that have been encoded. */
  static Answers of(
      float[][] encoded, int[] labels, int classes, List<EmbeddingClassifier> classifiers) {
    Answers all = new Answers(classes, classifiers, encoded.length);
    all.add(0, encoded, labels, (image, label, scores) -> {});
    return all;
  }

  /**
   * Classifies the next images.
   *
   * @param first the position of the first in the set
   * @param encoded null for those that could not be read
   */
  private void add(
      int first, float[][] encoded, int[] labelOf, ZeroShotEvaluation.Listener listener) {
    int from = count;
    for (int i = 0; i < encoded.length; i++) {
      if (encoded[i] != null) {
        positions[count] = first + i;
        labels[count++] = labelOf[i];
      }
    }
    float[][] last = new float[count - from][];
    IntStream.range(from, count)
        .parallel()
        .forEach(
            at -> {
              for (int k = 0; k < answers.length; k++) {
                float[] scores = classifiers.get(k).scores(encoded[positions[at] - first]);
                amongFive[k][at] = rank(scores, labels[at]) < 5;
                answers[k][at] = answer(scores, labels[at]);
                last[at - from] = scores;
              }
            });
    for (int at = from; at < count; at++) {
      listener.scores(positions[at], labels[at], last[at - from]);
    }
  }

  /** How many classes fit as well as the label's or better. */
  static int rank(float[] scores, int label) {
    int rank = 0;
    for (int c = 0; c < scores.length; c++) {
      if (c != label && !(scores[c] < scores[label])) { // so written, NaN counts too
        rank++;
      }
    }
    return rank;
  }

  /** The class that fits best; of equal ones a wrong one, as {@link #rank} counts them. */
  static int answer(float[] scores, int label) {
    int best = -1;
    for (int c = 0; c < scores.length; c++) {
      if (c != label
          && (best < 0 || Float.compare(scores[c], scores[best]) > 0)) { // NaN is largest
        best = c;
      }
    }
    return best >= 0 && !(scores[best] < scores[label]) ? best : label;
  }

  /** How many images could be read. */
  int images() {
    return count;
  }

  /** Whether each image of the set is answered rightly; those that could not be read are not. */
  boolean[] correct(int classifier) {
    boolean[] correct = new boolean[positions.length];
    for (int i = 0; i < count; i++) {
      correct[positions[i]] = answers[classifier][i] == labels[i];
    }
    return correct;
  }

  LeftOut leftOut() {
    return leftOut;
  }

  /** The measures of each classifier. */
  List<ClassMetrics> metrics(Bootstrap bootstrap) {
    return ClassMetrics.of(classes, labels(), answers, amongFive, bootstrap);
  }

  /** Of one classifier: top-1, top-5 and the mean of the classes' own top-1 shares. */
  double[] shares() {
    int[] once = new int[count];
    Arrays.fill(once, 1);
    return ClassMetrics.statistics(classes, labels(), answers, amongFive, once);
  }

  /** By how much the share of right answers grows from one classifier to another. */
  Interval gain(int from, int to, Bootstrap bootstrap) {
    return ClassMetrics.gain(labels(), answers[from], answers[to], bootstrap);
  }

  private int[] labels() {
    return Arrays.copyOf(labels, count);
  }
}
