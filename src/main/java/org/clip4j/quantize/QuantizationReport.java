package org.clip4j.quantize;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Says what weights of 8-bit integers cost, measured on the half of the inputs that they were not
 * calibrated on.
 *
 * @param images how many were compared
 * @param texts how many were compared
 * @param meanImageCosine of an image's embedding and its own in float32, on average
 * @param worstImageCosine the same of the image that differs most
 * @param meanTextCosine of a text's embedding and its own in float32, on average
 * @param worstTextCosine the same of the text that differs most
 * @param agreement the share of images whose best text among all compared is the same, 0 to 1
 * @param recallLoss by how much recall at 1 from image to caption falls, 0 to 1; below 0 where it
 *     rises; null where the images have no captions
 * @param maps how many linear maps are computed by integers
 * @param kept names of maps that stay in float32, since rounding them costs most
 */
public record QuantizationReport(
    int images,
    int texts,
    double meanImageCosine,
    double worstImageCosine,
    double meanTextCosine,
    double worstTextCosine,
    double agreement,
    @Nullable Double recallLoss,
    int maps,
    List<String> kept) {
  /** The mean cosine below which a model fails. */
  public static final double LEAST_COSINE = 0.99;

  /** The agreement below which a model fails. */
  public static final double LEAST_AGREEMENT = 0.98;

  /** The loss of recall above which a model fails. */
  public static final double MOST_RECALL_LOSS = 0.005;

  /** Copies the list. */
  public QuantizationReport {
    kept = List.copyOf(kept);
  }

  /** Returns in words which bars are missed; empty if none is. */
  public List<String> misses() {
    List<String> misses = new ArrayList<>();
    require(misses, "the mean cosine of images", meanImageCosine, LEAST_COSINE);
    require(misses, "the mean cosine of texts", meanTextCosine, LEAST_COSINE);
    require(misses, "the agreement of answers", agreement, LEAST_AGREEMENT);
    if (recallLoss != null && recallLoss > MOST_RECALL_LOSS) {
      misses.add(
          String.format(
              Locale.ROOT,
              "recall at 1 falls by %.4f, more than %s",
              recallLoss,
              MOST_RECALL_LOSS));
    }
    return misses;
  }

  private static void require(List<String> misses, String what, double found, double least) {
    if (!(found >= least)) {
      misses.add(String.format(Locale.ROOT, "%s is %.4f, below %s", what, found, least));
    }
  }
}
