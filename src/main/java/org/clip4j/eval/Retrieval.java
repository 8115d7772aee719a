package org.clip4j.eval;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.DoubleConsumer;
import java.util.stream.IntStream;
import org.clip4j.data.ImageTextPair;
import org.clip4j.data.PairSource;
import org.clip4j.encode.Encoder;
import org.clip4j.io.Limits;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Measures recall at k among image-text pairs (R@k), as in Radford et al. 2021, table 13: the share
 * of texts whose own image is among the k images most similar to it, and the share of images that
 * have one of their own texts among the k texts most similar to them.
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
  /** Compared at once: 16 MB of similarities, which stay in the processor's last cache. */
  private static final int IMAGE_ROWS = 1024;

  private static final int TEXT_ROWS = 4096;

  private static final Logger logger = LoggerFactory.getLogger(Retrieval.class);

  /** Holds recall as shares in [0, 1]. */
  public record Recall(double at1, double at5, double at10) {
    private static Recall of(int[] ranks) {
      return new Recall(share(ranks, 1), share(ranks, 5), share(ranks, 10));
    }

    private static double share(int[] ranks, int k) {
      return Arrays.stream(ranks).filter(rank -> rank < k).count() / (double) ranks.length;
    }
  }

  /**
   * Holds pairs as embeddings, without those whose images cannot be read. Arrays are not copied.
   */
  public static final class Encoded {
    private final float[][] images;
    private final int[] pairs;
    private final float[][] texts;
    private final List<String> captions;
    private final int[] imageOfText;

    private Encoded(
        float[][] images, int[] pairs, float[][] texts, List<String> captions, int[] imageOfText) {
      this.images = images;
      this.pairs = pairs;
      this.texts = texts;
      this.captions = List.copyOf(captions);
      this.imageOfText = imageOfText;
    }

    /** Returns M vectors, unit length. */
    public float[][] images() {
      return images;
    }

    /** Returns for each image the index of its pair. */
    public int[] pairs() {
      return pairs;
    }

    /** Returns N vectors, unit length. */
    public float[][] texts() {
      return texts;
    }

    /** Returns what the texts' vectors are of. */
    public List<String> captions() {
      return captions;
    }

    /** Returns for each text the index of its image. */
    public int[] imageOfText() {
      return imageOfText;
    }

    /** Counts the recall of these embeddings. */
    public Retrieval measure() {
      return of(images, texts, imageOfText);
    }
  }

  /**
   * Measures a model on pairs. Images that cannot be read are left out with a warning.
   *
   * @throws IllegalArgumentException if no image can be read
   */
  public static Retrieval of(Encoder encoder, PairSource pairs) {
    return of(encoder, pairs, Integer.MAX_VALUE);
  }

  /**
   * Measures as {@link #of(Encoder, PairSource)} does, with the first captions of each image only:
   * some of COCO's have six or seven, and published numbers go by five.
   *
   * @param captionsPerImage at most, at least 1
   */
  public static Retrieval of(Encoder encoder, PairSource pairs, int captionsPerImage) {
    return encode(encoder, pairs, captionsPerImage).measure();
  }

  /**
   * Encodes the pairs as the first step of {@link #of(Encoder, PairSource, int)}, for those who
   * look at more.
   */
  public static Encoded encode(Encoder encoder, PairSource pairs, int captionsPerImage) {
    Limits.atLeast("captions of an image", 1, captionsPerImage);
    List<ImageTextPair> all = IntStream.range(0, pairs.size()).mapToObj(pairs::get).toList();
    LeftOut leftOut = new LeftOut();
    float[][] encoded =
        encoder.encodeImages(all.stream().map(ImageTextPair::image).toList(), leftOut);
    leftOut.check(pairs.name(), all.size());
    leftOut.warn(logger, "the retrieval");
    List<float[]> images = new ArrayList<>();
    List<String> captions = new ArrayList<>();
    List<Integer> imageOfText = new ArrayList<>();
    List<Integer> read = new ArrayList<>();
    for (int i = 0; i < encoded.length; i++) {
      if (encoded[i] != null) {
        List<String> own = all.get(i).captions();
        for (String caption : own.subList(0, Math.min(own.size(), captionsPerImage))) {
          captions.add(caption);
          imageOfText.add(images.size());
        }
        images.add(encoded[i]);
        read.add(i);
      }
    }
    return new Encoded(
        images.toArray(float[][]::new),
        read.stream().mapToInt(i -> i).toArray(),
        encoder.encodeTexts(captions),
        captions,
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
    return of(EmbeddingRows.of(images), EmbeddingRows.of(texts), imageOfText, share -> {});
  }

  /**
   * Counts on embeddings that may be too many for the heap: they are read in blocks, and no more
   * than a few blocks are held.
   *
   * @param images M vectors of E values, unit length
   * @param texts N vectors of E values, unit length
   * @param imageOfText for each text the index of its image; every image has a text
   * @param progress is told the share that is done, from 0 to 1
   * @throws IllegalArgumentException if a text's image or an image's text is missing
   */
  public static Retrieval of(
      EmbeddingRows images, EmbeddingRows texts, int[] imageOfText, DoubleConsumer progress) {
    check(images, texts, imageOfText);
    RetrievalRanks ranks =
        new RetrievalRanks(images, texts, imageOfText, IMAGE_ROWS, TEXT_ROWS, progress);
    return new Retrieval(
        images.count(), texts.count(), Recall.of(ranks.textRanks), Recall.of(ranks.imageRanks));
  }

  private static void check(EmbeddingRows images, EmbeddingRows texts, int[] imageOfText) {
    if (images.count() == 0 || imageOfText.length != texts.count()) {
      throw new IllegalArgumentException(
          "retrieval needs at least one image, and for each text its image; found "
              + images.count()
              + " images, "
              + texts.count()
              + " texts and images named for "
              + imageOfText.length);
    }
    boolean[] described = new boolean[images.count()];
    for (int t = 0; t < imageOfText.length; t++) {
      if (imageOfText[t] < 0 || imageOfText[t] >= described.length) {
        throw new IllegalArgumentException(
            "text "
                + t
                + " belongs to image "
                + imageOfText[t]
                + ", and the images are 0 to "
                + (described.length - 1)
                + "; leave out texts without an image");
      }
      described[imageOfText[t]] = true;
    }
    for (int i = 0; i < described.length; i++) {
      if (!described[i]) {
        throw new IllegalArgumentException(
            "image " + i + " has no text; leave out images without one");
      }
    }
    if (images.width() != texts.width()) {
      throw new IllegalArgumentException(
          "images have "
              + images.width()
              + " values and texts "
              + texts.width()
              + "; they come from different models");
    }
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
