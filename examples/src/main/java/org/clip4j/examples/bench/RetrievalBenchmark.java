package org.clip4j.examples.bench;

import java.io.IOException;
import java.util.Locale;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import org.clip4j.eval.EmbeddingRows;
import org.clip4j.eval.Retrieval;
import org.clip4j.examples.options.Range;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Counts retrieval among generated embeddings, and prints what it took. */
@Command(
    name = "retrieval",
    mixinStandardHelpOptions = true,
    description = {
      "Generates images and captions as unit vectors, counts recall both ways, and prints seconds and peak resident memory as"
          + " JSON."
    })
public final class RetrievalBenchmark implements Callable<Integer> {
  @Option(names = "--images", defaultValue = "20000", description = "How many.")
  @Range(min = 1)
  private int images;

  @Option(names = "--captions", defaultValue = "5", description = "Of each image.")
  @Range(min = 1)
  private int captions;

  @Option(names = "--width", defaultValue = "512", description = "Values of a vector.")
  @Range(min = 1)
  private int width;

  @Option(
      names = "--noise",
      defaultValue = "5",
      description = "Length of what tells a caption from its image, whose own length is 1.")
  @Range(min = 0)
  private double noise;

  @Override
  public Integer call() throws IOException {
    float[] imageRows = new float[Math.multiplyExact(images, width)];
    IntStream.range(0, images)
        .parallel()
        .forEach(i -> fill(imageRows, i * width, new Random(i), null, 0));
    float[] textRows = new float[Math.multiplyExact(Math.multiplyExact(images, captions), width)];
    int[] imageOfText = IntStream.range(0, images * captions).map(t -> t / captions).toArray();
    IntStream.range(0, imageOfText.length)
        .parallel()
        .forEach(
            t -> fill(textRows, t * width, new Random(-1 - t), imageRows, imageOfText[t] * width));
    long start = System.nanoTime();
    long[] said = {start};
    Retrieval retrieval =
        Retrieval.of(
            EmbeddingRows.of(imageRows, width),
            EmbeddingRows.of(textRows, width),
            imageOfText,
            share -> {
              if (System.nanoTime() - said[0] > 10_000_000_000L) {
                said[0] = System.nanoTime();
                System.err.printf(Locale.ROOT, "%.0f %%%n", 100 * share);
              }
            });
    double seconds = (System.nanoTime() - start) / 1e9;
    System.out.println(retrieval);
    System.out.printf(
        Locale.ROOT,
        "{\"images\": %d, \"texts\": %d, \"width\": %d, \"seconds\": %.1f, \"gflops\": %.0f, \"peak_mib\": %d}%n",
        images,
        imageOfText.length,
        width,
        seconds,
        2e-9 * images * imageOfText.length * width / seconds,
        LoadBenchmark.peakMebibytes());
    return 0;
  }

  /** A random direction, or one beside a vector {@code near}. */
  private void fill(float[] rows, int at, Random random, float[] near, int nearAt) {
    double perValue = near == null ? 1 : noise / Math.sqrt(width);
    double square = 0;
    for (int e = 0; e < width; e++) {
      double value = perValue * random.nextGaussian() + (near == null ? 0 : near[nearAt + e]);
      rows[at + e] = (float) value;
      square += value * value;
    }
    float length = (float) Math.sqrt(square);
    for (int e = 0; e < width; e++) {
      rows[at + e] /= length;
    }
  }
}
