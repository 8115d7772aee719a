package org.clip4j.eval;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.stream.IntStream;
import org.clip4j.data.ImageTextPair;
import org.clip4j.data.PairSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Recall at k among image-text pairs (R@k), as in Radford et al. 2021, table 13: the share of texts
 * whose own image is among the k images most similar to it, and the share of images that have one
 * of their own texts among the k texts most similar to them.
 *
 * <p>Exact: every image is compared with every text. A wrong candidate that is as similar as the
 * right one counts as more similar, so that a model that gives all the same embedding finds
 * nothing; and so does one that is not a number. Right is the text's own pair alone, also where
 * another pair has the same text or the same image: pairs with equal texts find each other's, and
 * by the rule on ties neither is found. Give such images one pair with several captions.
 *
 * @param images how many
 * @param texts how many
 * @param textToImage recall at 1, 5 and 10
 * @param imageToText recall at 1, 5 and 10
 */
public record Retrieval(int images, int texts, Recall textToImage, Recall imageToText) {
  private static final Logger logger = LoggerFactory.getLogger(Retrieval.class);

  /** Shares in [0, 1]. */
  public record Recall(double at1, double at5, double at10) {
    private static Recall of(int[] ranks) {
      return new Recall(share(ranks, 1), share(ranks, 5), share(ranks, 10));
    }

    private static double share(int[] ranks, int k) {
      return Arrays.stream(ranks).filter(rank -> rank < k).count() / (double) ranks.length;
    }
  }

  /**
   * Measures a model on pairs. Images that cannot be read are left out with a warning.
   *
   * @throws IllegalArgumentException if no image can be read
   */
  public static Retrieval of(Encoder encoder, PairSource pairs) {
    List<ImageTextPair> all = IntStream.range(0, pairs.size()).mapToObj(pairs::get).toList();
    float[][] encoded =
        encoder.encodeImages(
            all.stream().map(ImageTextPair::image).toList(),
            (image, e) -> logger.warn("Left out of the retrieval: {}", e.getMessage()));
    List<float[]> images = new ArrayList<>();
    List<String> captions = new ArrayList<>();
    List<Integer> imageOfText = new ArrayList<>();
    for (int i = 0; i < encoded.length; i++) {
      if (encoded[i] != null) {
        for (String caption : all.get(i).captions()) {
          captions.add(caption);
          imageOfText.add(images.size());
        }
        images.add(encoded[i]);
      }
    }
    return of(
        images.toArray(float[][]::new),
        encoder.encodeTexts(captions),
        imageOfText.stream().mapToInt(i -> i).toArray());
  }

  /**
   * Counts on embeddings.
   *
   * @param images M vectors of E values, unit length
   * @param texts N vectors of E values, unit length
   * @param imageOfText for each text the index of its image; every image has a text
   */
  public static Retrieval of(float[][] images, float[][] texts, int[] imageOfText) {
    if (images.length == 0 || imageOfText.length != texts.length) {
      throw new IllegalArgumentException(
          "retrieval needs at least one image, and for each text its image; found "
              + images.length
              + " images, "
              + texts.length
              + " texts and images named for "
              + imageOfText.length);
    }
    // 1. How similar each text is to its image, and each image to the most similar of its texts.
    float[] own = new float[texts.length];
    float[] best = new float[images.length];
    Arrays.fill(best, Float.NEGATIVE_INFINITY);
    for (int t = 0; t < texts.length; t++) {
      own[t] = Dot.of(texts[t], images[imageOfText[t]]);
      best[imageOfText[t]] = Math.max(best[imageOfText[t]], own[t]);
    }
    // 2. How many wrong ones are not less similar than that.
    int[] textRanks = new int[texts.length];
    AtomicIntegerArray imageRanks = new AtomicIntegerArray(images.length);
    IntStream.range(0, texts.length)
        .parallel()
        .forEach(
            t -> {
              for (int i = 0; i < images.length; i++) {
                if (i == imageOfText[t]) {
                  continue;
                }
                float similarity = Dot.of(texts[t], images[i]);
                if (!(similarity < own[t])) { // so written, NaN counts too
                  textRanks[t]++;
                }
                if (!(similarity < best[i])) {
                  imageRanks.incrementAndGet(i);
                }
              }
            });
    int[] ranks = IntStream.range(0, images.length).map(imageRanks::get).toArray();
    return new Retrieval(images.length, texts.length, Recall.of(textRanks), Recall.of(ranks));
  }

  @Override
  public String toString() {
    return String.format(
        Locale.ROOT,
        "retrieval among %,d images and %,d texts: text to image R@1 %.1f %%, R@5 %.1f %%, R@10 %.1f %%;"
            + " image to text R@1 %.1f %%, R@5 %.1f %%, R@10 %.1f %%",
        images,
        texts,
        100 * textToImage.at1,
        100 * textToImage.at5,
        100 * textToImage.at10,
        100 * imageToText.at1,
        100 * imageToText.at5,
        100 * imageToText.at10);
  }
}
