package org.clip4j.eval;

import java.util.ArrayList;
import java.util.List;
import java.util.function.LongConsumer;
import java.util.stream.IntStream;
import org.clip4j.data.LabelledImage;
import org.clip4j.data.LabelledImages;
import org.clip4j.data.UnreadableImages;
import org.clip4j.encode.Encoder;

/**
 * What classifiers answer on a set of images of any size: images are read and encoded a few at a
 * time, once for all classifiers, and only the answers are kept.
 */
final class Answers {

  /** Images in memory at once. */
  private static final int CHUNK = 256;

  private final int classes;
  private final int[] positions; // in the set, of those that could be read
  private final int[] labels;
  private final int[][] answers; // [classifier][image]
  private final boolean[][] amongFive;
  private final UnreadableImages unreadable;

  private Answers(int classes, List<Entry> entries, int classifiers, UnreadableImages unreadable) {
    this.classes = classes;
    this.unreadable = unreadable;
    positions = entries.stream().flatMapToInt(entry -> IntStream.of(entry.positions)).toArray();
    labels = entries.stream().flatMapToInt(entry -> IntStream.of(entry.labels)).toArray();
    answers = new int[classifiers][labels.length];
    amongFive = new boolean[classifiers][labels.length];
    int at = 0;
    for (Entry entry : entries) {
      for (int i = 0; i < entry.labels.length; i++, at++) {
        for (int k = 0; k < classifiers; k++) {
          answers[k][at] = entry.answers[k][i];
          amongFive[k][at] = entry.ranks[k][i] < 5;
        }
      }
    }
  }

  /** Of one chunk, those images that could be read. */
  private record Entry(int[] positions, int[] labels, int[][] answers, int[][] ranks) {}

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
    LeftOut leftOut = new LeftOut();
    List<Entry> entries = new ArrayList<>();
    for (int start = 0; start < images.size(); start += CHUNK) {
      int end = Math.min(start + CHUNK, images.size());
      List<LabelledImage> chunk = IntStream.range(start, end).mapToObj(images::get).toList();
      float[][] encoded =
          encoder.encodeImages(chunk.stream().map(LabelledImage::image).toList(), leftOut);
      int first = start;
      int[] read = IntStream.range(0, encoded.length).filter(i -> encoded[i] != null).toArray();
      int[] labels = IntStream.of(read).map(i -> classOf[chunk.get(i).label()]).toArray();
      int[][] answers = new int[classifiers.size()][read.length];
      int[][] ranks = new int[classifiers.size()][read.length];
      float[][] last = new float[read.length][];
      IntStream.range(0, read.length)
          .parallel()
          .forEach(
              i -> {
                for (int k = 0; k < classifiers.size(); k++) {
                  float[] scores = classifiers.get(k).scores(encoded[read[i]]);
                  ranks[k][i] = rank(scores, labels[i]);
                  answers[k][i] = answer(scores, labels[i]);
                  last[i] = scores;
                }
              });
      int[] positions = IntStream.of(read).map(i -> first + i).toArray();
      for (int i = 0; i < read.length; i++) {
        listener.scores(positions[i], labels[i], last[i]);
      }
      entries.add(new Entry(positions, labels, answers, ranks));
      progress.accept(end);
    }
    leftOut.check(images.name(), images.size());
    return new Answers(classes, entries, classifiers.size(), leftOut.unreadable());
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
    return labels.length;
  }

  int[] labels() {
    return labels;
  }

  /** Of each image read, in order. */
  int[] answers(int classifier) {
    return answers[classifier];
  }

  /** Whether each image of the set is answered rightly; those that could not be read are not. */
  boolean[] correct(int classifier, int size) {
    boolean[] correct = new boolean[size];
    for (int i = 0; i < labels.length; i++) {
      correct[positions[i]] = answers[classifier][i] == labels[i];
    }
    return correct;
  }

  UnreadableImages unreadable() {
    return unreadable;
  }

  /** The measures of each classifier. */
  List<ClassMetrics> metrics(Bootstrap bootstrap) {
    return ClassMetrics.of(classes, labels, answers, amongFive, bootstrap);
  }
}
