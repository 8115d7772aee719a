package org.clip4j.eval;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.function.DoubleConsumer;
import java.util.stream.IntStream;
import org.clip4j.engine.internal.HostMemory;
import org.clip4j.engine.internal.Libtorch;
import org.clip4j.engine.internal.TorchScript;
import org.clip4j.engine.internal.TorchScript.Mode;
import org.clip4j.eval.internal.Dot;

/**
 * How many wrong candidates are not less similar than the right one, for M images and N texts of E
 * values, counted up to {@link #MOST}.
 *
 * <p>Similar means {@link Dot}'s number, so that equal vectors tie wherever they stand. A matrix
 * product gives other last bits, which also depend on a vector's place; so blocks of similarities
 * are computed by it, and what lies within the rounding of both of the right one's is computed
 * again. A block's maxima tell which rows and columns can matter at all, mostly few. Memory: two
 * blocks of vectors and one of similarities, whatever M and N.
 */
final class RetrievalRanks {
  /** Where counting ends: R@10 is the last that is asked for. */
  static final int MOST = 10;

  private static final String SOURCE =
      """
      def block(self, memory: Tensor, texts: Tensor, images: Tensor) -> Tuple[Tensor, Tensor, Tensor]:
        T = torch.size(texts, 0)
        I = torch.size(images, 0)
        s = torch.view(torch.slice(memory, 0, 0, T * I), [T, I])
        s = torch.matmul(texts, torch.t(images), out=s)
        return (s, torch.amax(s, [1]), torch.amax(s, [0]))
      """;

  private final EmbeddingRows images;
  private final EmbeddingRows texts;
  private final int[] imageOfText;
  private final int width;
  private final int imageRows; // of a block
  private final int textRows;
  private final float[] own; // similarity of each text to its image
  private final float[] best; // similarity of each image to the most similar of its texts
  private final float slack; // by how much a product may differ from Dot's

  /** Of each text, and of each image by its best text; from 0 to {@link #MOST}. */
  final int[] textRanks;

  final int[] imageRanks;

  /**
   * Counts.
   *
   * @param imageRows images compared at once
   * @param textRows texts compared at once; the images are read anew for each such block
   * @param progress is told the share that is done, from 0 to 1
   */
  RetrievalRanks(
      EmbeddingRows images,
      EmbeddingRows texts,
      int[] imageOfText,
      int imageRows,
      int textRows,
      DoubleConsumer progress) {
    this.images = images;
    this.texts = texts;
    this.imageOfText = imageOfText;
    this.imageRows = imageRows;
    this.textRows = textRows;
    width = images.width();
    own = new float[texts.count()];
    best = new float[images.count()];
    textRanks = new int[own.length];
    imageRanks = new int[best.length];
    Arrays.fill(best, Float.NEGATIVE_INFINITY);
    float lengths = compareOwn();
    // Each of the two sums is within width * 2^-24 of the exact one, relative to both lengths.
    slack = 2 * (width + 2) * 0x1p-24f * lengths;
    try (NDManager manager = Libtorch.newManager(Device.cpu())) {
      count(TorchScript.compile(manager, SOURCE), manager, progress);
    }
  }

  /**
   * Similarities of what belongs together.
   *
   * @return the length of the longest image times that of the longest text
   */
  private float compareOwn() {
    float[] image = new float[width];
    int held = -1;
    float longestImage = 0;
    float longestText = 0;
    Block block = new Block(texts, textRows);
    for (int from = 0; from < own.length; from += textRows) {
      block.load(from);
      for (int i = 0; i < block.count; i++) {
        int t = from + i;
        if (imageOfText[t] != held) { // captions of an image mostly stand together
          held = imageOfText[t];
          images.copy(held, FloatBuffer.wrap(image));
          longestImage = longer(longestImage, Dot.of(image, image));
        }
        int at = i * width;
        own[t] = Dot.of(block.values, at, image, 0, width);
        best[held] = Math.max(best[held], own[t]);
        longestText = longer(longestText, Dot.of(block.values, at, block.values, at, width));
      }
    }
    return (float) Math.sqrt(longestImage) * (float) Math.sqrt(longestText);
  }

  private static float longer(float longest, float square) {
    return square > longest && square < Float.POSITIVE_INFINITY ? square : longest;
  }

  private void count(TorchScript kernels, NDManager manager, DoubleConsumer progress) {
    double all = (double) texts.count() * images.count();
    Block textBlock = new Block(texts, textRows);
    Block imageBlock = new Block(images, imageRows);
    NDArray memory = manager.zeros(new Shape((long) textBlock.most * imageBlock.most));
    for (int t = 0; t < texts.count(); t += textRows) {
      textBlock.load(t);
      try (NDManager rows = manager.newSubManager()) {
        NDArray someTexts = textBlock.upload(rows);
        for (int i = 0; i < images.count(); i += imageRows) {
          imageBlock.load(i);
          try (NDManager call = rows.newSubManager()) {
            NDArray someImages = imageBlock.upload(call);
            NDList found =
                kernels.callForAll(Mode.INFERENCE, "block", memory, someTexts, someImages);
            found.attach(call);
            look(textBlock, imageBlock, found);
          }
          progress.accept(
              ((double) t * images.count() + (double) textBlock.count * (i + imageBlock.count))
                  / all);
        }
      }
    }
  }

  private void look(Block textBlock, Block imageBlock, NDList found) {
    FloatBuffer all = HostMemory.view(found.get(0));
    count(
        textBlock,
        imageBlock.count,
        textRanks,
        own,
        HostMemory.view(found.get(1)),
        (row, column) ->
            isRival(all, textBlock, row, imageBlock, column, own[textBlock.from + row]));
    count(
        imageBlock,
        textBlock.count,
        imageRanks,
        best,
        HostMemory.view(found.get(2)),
        (column, row) ->
            isRival(all, textBlock, row, imageBlock, column, best[imageBlock.from + column]));
  }

  /** Tells whether a candidate that does not belong is not less similar than what does. */
  @FunctionalInterface
  private interface Rivalry {
    boolean test(int mine, int candidate);
  }

  /** Raises the ranks of some vectors by their rivals in the other block. */
  private void count(
      Block mine,
      int candidates,
      int[] ranks,
      float[] right,
      FloatBuffer highest,
      Rivalry rivalry) {
    IntStream.range(0, mine.count)
        .parallel()
        .forEach(
            i -> {
              int at = mine.from + i;
              // So written here and below, what is not a number counts as more similar.
              boolean matters = !(highest.get(i) < right[at] - slack);
              for (int c = 0; matters && c < candidates && ranks[at] < MOST; c++) {
                ranks[at] += rivalry.test(i, c) ? 1 : 0;
              }
            });
  }

  private boolean isRival(
      FloatBuffer similarities,
      Block textBlock,
      int row,
      Block imageBlock,
      int column,
      float right) {
    float similarity = similarities.get(row * imageBlock.count + column);
    if (similarity < right - slack
        || imageOfText[textBlock.from + row] == imageBlock.from + column) {
      return false;
    }
    return similarity > right + slack
        || !(Dot.of(textBlock.values, row * width, imageBlock.values, column * width, width)
            < right);
  }

  /** Some of the vectors, one after the other. */
  private final class Block {
    private final EmbeddingRows rows;
    private final int most;
    private final float[] values;
    private int from;
    private int count;

    Block(EmbeddingRows rows, int most) {
      this.rows = rows;
      this.most = Math.min(most, rows.count());
      values = new float[this.most * width];
    }

    void load(int from) {
      this.from = from;
      count = Math.min(most, rows.count() - from);
      rows.copy(from, all());
    }

    FloatBuffer all() {
      return FloatBuffer.wrap(values, 0, count * width);
    }

    NDArray upload(NDManager manager) {
      return HostMemory.upload(manager, new Shape(count, width), all());
    }
  }
}
