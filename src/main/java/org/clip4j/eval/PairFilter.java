package org.clip4j.eval;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.function.LongConsumer;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.clip4j.data.ImageTextPair;
import org.clip4j.data.PairSource;
import org.clip4j.encode.Encoder;
import org.clip4j.encode.ImageSource;
import org.clip4j.encode.ImageVisitor;
import org.clip4j.eval.internal.Dot;
import org.clip4j.io.IoErrors;
import org.clip4j.io.Limits;
import org.clip4j.io.StagedFiles;
import org.jspecify.annotations.Nullable;

/**
 * Leaves out pairs whose image and text a model finds unlike, before another model is trained on
 * the rest: the CLIP score filter of DataComp (Gadre et al. 2023, arXiv 2304.14108, section 4).
 *
 * <p>A pair's score is the cosine similarity of its image and its caption, the mean over its
 * captions where it has several. In turn are left out: images that cannot be read; of images that
 * are alike all but the pair of the highest score; and of the rest those below a score, or all but
 * a top share. What is left out, and why, is in {@link Result#dropped}.
 *
 * <p>Embeddings of all images are in memory while duplicates are sought.
 */
public final class PairFilter {
  /**
   * Cosine similarity of images with the same pixels, which differ by rounding alone. A small model
   * may find images of a 2 and a 3 as near as 0.9999, so copies that were compressed anew are left
   * to whoever knows the model.
   */
  public static final double DEFAULT_DUPLICATE = 0.999999;

  private static final int CHUNK = 1024;
  private static final Gson GSON = new GsonBuilder().disableHtmlEscaping().create();

  private double topShare = 1;
  private double minScore = -1;
  private double duplicate = DEFAULT_DUPLICATE; // above 1 for no search
  private LongConsumer progress = done -> {};

  private PairFilter() {}

  /**
   * Describes a pair that was left out.
   *
   * @param pair its index in the source
   * @param image its name
   * @param score null if the image cannot be read
   * @param reason in words
   */
  public record Dropped(int pair, String image, @Nullable Float score, String reason) {}

  /**
   * Says what was found.
   *
   * @param kept the pairs to train on, in the order of the source
   * @param keptIndices which pairs of the source these are
   * @param dropped every other pair, in the order of the source
   */
  public record Result(PairSource kept, List<Integer> keptIndices, List<Dropped> dropped) {
    /** Makes the lists unmodifiable. */
    public Result {
      keptIndices = List.copyOf(keptIndices);
      dropped = List.copyOf(dropped);
    }

    /**
     * Writes a JSON object for each pair that was left out, one a line.
     *
     * @param file replaced when all is written
     */
    public void writeLedger(Path file) throws IOException {
      Files.createDirectories(file.toAbsolutePath().getParent());
      StagedFiles.replace(
          file,
          dropped.stream().map(each -> GSON.toJson(each) + "\n").collect(Collectors.joining()));
    }
  }

  /**
   * Starts a filter that leaves out what cannot be read and duplicates; give it a top share, a
   * threshold, or both. Not safe for use by several threads.
   */
  public static PairFilter create() {
    return new PairFilter();
  }

  /**
   * Sets the share of the pairs with the highest scores that stays, of those that are neither
   * unreadable nor duplicates; DataComp's best baseline keeps 0.3.
   *
   * @param share above 0, up to 1, the default
   */
  public PairFilter optTopShare(double share) {
    topShare = Limits.aboveZero("the top share", 1, share);
    return this;
  }

  /**
   * Sets the least score that stays. Which score is good differs from model to model.
   *
   * @param score from -1, the default, to 1
   */
  public PairFilter optMinScore(double score) {
    minScore = Limits.within("the least score, a cosine similarity,", -1, 1, score);
    return this;
  }

  /**
   * Sets the cosine similarity from which two images are one; {@value PairFilter#DEFAULT_DUPLICATE}
   * by default.
   */
  public PairFilter optDuplicate(double cosine) {
    duplicate = Limits.aboveZero("the cosine similarity of duplicates", 1, cosine);
    return this;
  }

  /** Lets duplicates stay. */
  public PairFilter optKeepDuplicates() {
    duplicate = Double.POSITIVE_INFINITY;
    return this;
  }

  /** Sets a listener that receives how many pairs are scored. */
  public PairFilter optProgress(LongConsumer progress) {
    this.progress = Objects.requireNonNull(progress, "progress");
    return this;
  }

  /**
   * Scores all pairs and leaves out some.
   *
   * @param encoder of the model that scores
   * @throws IllegalArgumentException if there are no pairs, or none is left
   */
  public Result run(Encoder encoder, PairSource pairs) {
    int size = pairs.size();
    float[] scores = new float[size];
    float[][] images = new float[size][];
    Map<Integer, String> unreadable = new LinkedHashMap<>();
    for (int start = 0; start < size; start += CHUNK) {
      int from = start;
      int end = Math.min(size, start + CHUNK);
      List<ImageTextPair> chunk = IntStream.range(start, end).mapToObj(pairs::get).toList();
      encoder.encodeImages(
          chunk.stream().map(ImageTextPair::image).iterator(),
          new ImageVisitor() {
            @Override
            public void embedding(long index, ImageSource image, float[] embedding) {
              images[from + (int) index] = embedding;
            }

            @Override
            public void unreadable(long index, ImageSource image, IOException error) {
              unreadable.put(from + (int) index, IoErrors.message(error));
            }
          });
      float[][] texts =
          encoder.encodeTexts(chunk.stream().flatMap(pair -> pair.captions().stream()).toList());
      int text = 0;
      for (int i = start; i < end; i++) {
        int captions = chunk.get(i - start).captions().size();
        double sum = 0;
        for (int c = 0; c < captions; c++, text++) {
          sum += images[i] == null ? 0 : Dot.of(images[i], texts[text]);
        }
        scores[i] = (float) (sum / captions);
        if (duplicate > 1 && images[i] != null) {
          images[i] = new float[0]; // not needed again
        }
      }
      progress.accept(end);
    }
    return select(pairs, scores, images, unreadable);
  }

  /**
   * Leaves out pairs by scores that are known.
   *
   * @param images their embeddings; null for one that cannot be read
   * @param unreadable why, by the pairs' indices
   */
  Result select(
      PairSource pairs, float[] scores, float[][] images, Map<Integer, String> unreadable) {
    if (pairs.size() == 0) {
      throw new IllegalArgumentException(pairs.name() + " holds no pairs to filter");
    }
    String[] reasons = new String[scores.length];
    unreadable.forEach((pair, reason) -> reasons[pair] = reason);
    int[] order =
        IntStream.range(0, scores.length)
            .filter(i -> reasons[i] == null)
            .boxed()
            .sorted(Comparator.comparingDouble((Integer i) -> -scores[i])) // stable
            .mapToInt(i -> i)
            .toArray();
    if (duplicate <= 1) {
      markDuplicates(pairs, order, images, reasons);
    }
    int[] left = Arrays.stream(order).filter(i -> reasons[i] == null).toArray();
    int most = (int) Math.round(topShare * left.length);
    for (int rank = 0; rank < left.length; rank++) {
      if (scores[left[rank]] < minScore) {
        reasons[left[rank]] = words("score %.4f is below %s", scores[left[rank]], minScore);
      } else if (rank >= most) {
        reasons[left[rank]] =
            words(
                "score %.4f is not among the highest %s of all, which end at %.4f",
                scores[left[rank]], share(topShare), scores[left[Math.max(0, most - 1)]]);
      }
    }
    List<Integer> kept = new ArrayList<>();
    List<Dropped> dropped = new ArrayList<>();
    for (int i = 0; i < reasons.length; i++) {
      if (reasons[i] == null) {
        kept.add(i);
      } else {
        Float score = unreadable.containsKey(i) ? null : scores[i];
        dropped.add(new Dropped(i, pairs.get(i).image().name(), score, reasons[i]));
      }
    }
    if (kept.isEmpty()) {
      throw new IllegalArgumentException(
          "none of the "
              + pairs.size()
              + " pairs of "
              + pairs.name()
              + " is left, the first because: "
              + dropped.get(0).reason
              + "; keep more");
    }
    return new Result(pairs.select(kept), kept, dropped);
  }

  private static String words(String format, Object... values) {
    return String.format(Locale.ROOT, format, values);
  }

  private static String share(double share) {
    return words("%.4g %%", 100 * share);
  }

  /**
   * Goes from the highest score down; an image that is like one that was kept is left out. Two unit
   * vectors a and b of cosine c are sqrt(2 - 2 c) apart, and so are their sums along any direction
   * at most: only images that are that near along one direction are compared.
   *
   * @param order by score
   */
  private void markDuplicates(PairSource pairs, int[] order, float[][] images, String[] reasons) {
    double reach = Math.sqrt(2 - 2 * duplicate) + 1e-5;
    Map<Integer, Double> along = new LinkedHashMap<>();
    for (int i : order) {
      double sum = 0;
      for (int d = 0; d < images[i].length; d++) {
        sum += (d * 0x9E3779B9 < 0 ? -1 : 1) * images[i][d]; // signs without a pattern
      }
      along.put(i, sum / Math.sqrt(images[i].length));
    }
    TreeMap<Double, List<Integer>> kept = new TreeMap<>();
    for (int i : order) {
      double at = along.get(i);
      Integer twin = null;
      for (List<Integer> near : kept.subMap(at - reach, true, at + reach, true).values()) {
        for (int other : near) {
          if (twin == null && Dot.of(images[i], images[other]) >= duplicate) {
            twin = other;
          }
        }
      }
      if (twin == null) {
        kept.computeIfAbsent(at, key -> new ArrayList<>()).add(i);
      } else {
        reasons[i] =
            words(
                "duplicate of pair %d, %s, which scores higher (cosine of the images %.6f)",
                twin, pairs.get(twin).image().name(), Dot.of(images[i], images[twin]));
      }
    }
  }
}
