package org.clip4j.weights;

import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.clip4j.image.ImageTransform;
import org.clip4j.model.ClipConfig;
import org.clip4j.model.ParameterSource;
import org.clip4j.model.ParameterSpec;
import org.clip4j.model.TokenizerOptions;
import org.clip4j.text.Tokenizer;
import org.clip4j.weights.tensors.TensorType;

/**
 * Sums checkpoints of one architecture, each with its weight, as one more model: the interpolation
 * between a model and its fine-tuned self (WiSE-FT, Wortsman et al. 2022, arXiv 2109.01903), or the
 * mean of several runs from one start (model soups, Wortsman et al. 2022, arXiv 2203.05482).
 *
 * <p>Nothing is held in memory: each value is read from the files when it is asked for, summed in
 * double precision and rounded once. A checkpoint whose share is 0 is not read, so that alpha 0
 * gives the base's values and alpha 1 the tuned ones', bit by bit. BatchNorm's statistics are
 * averaged like weights, and its counters rounded to whole numbers.
 *
 * <p>As safe for use by several threads as the checkpoints, which stay the caller's to close, after
 * the last use of this.
 */
public final class WeightAverage {
  private static final int CHUNK = 1 << 16; // floats

  private final List<Checkpoint> checkpoints;
  private final double[] shares;
  private final List<Map<String, ParameterSpec>> specs;

  private WeightAverage(List<Checkpoint> checkpoints, double[] shares) {
    this.checkpoints = List.copyOf(checkpoints);
    this.shares = shares;
    specs =
        this.checkpoints.stream()
            .map(
                each ->
                    ParameterSpec.of(each.config()).stream()
                        .collect(Collectors.toMap(ParameterSpec::name, spec -> spec)))
            .toList();
    checkAlike(this.checkpoints);
  }

  /**
   * Interpolates: (1 - alpha) times the base plus alpha times the tuned model.
   *
   * @param alpha from 0, the base, to 1, the tuned model
   * @throws IllegalArgumentException if alpha is outside [0, 1], or the models are not of one
   *     architecture and transform; the message names both files and what differs
   */
  public static WeightAverage between(Checkpoint base, Checkpoint tuned, double alpha) {
    if (!(alpha >= 0 && alpha <= 1)) {
      throw new IllegalArgumentException(
          "alpha must lie in [0, 1], from the base to the tuned model, found "
              + alpha
              + "; to go beyond one of them, ask for extrapolation");
    }
    return extrapolated(base, tuned, alpha);
  }

  /**
   * Makes a model as {@link #between} does, for any alpha: below 0 or above 1 it goes beyond one of
   * the two models along the line through them.
   *
   * @param alpha finite
   */
  public static WeightAverage extrapolated(Checkpoint base, Checkpoint tuned, double alpha) {
    if (!Double.isFinite(alpha)) {
      throw new IllegalArgumentException("alpha must be finite, found " + alpha);
    }
    return new WeightAverage(List.of(base, tuned), new double[] {1 - alpha, alpha});
  }

  /**
   * Averages models with equal shares, a uniform soup.
   *
   * @param checkpoints at least one
   * @throws IllegalArgumentException if there is none, or they are not of one architecture and
   *     transform; the message names the files and what differs
   */
  public static WeightAverage uniform(List<Checkpoint> checkpoints) {
    if (checkpoints.isEmpty()) {
      throw new IllegalArgumentException("there is no model to average; name at least one");
    }
    double[] shares = new double[checkpoints.size()];
    Arrays.fill(shares, 1.0 / shares.length);
    return new WeightAverage(checkpoints, shares);
  }

  /** Returns the architecture, the first checkpoint's. */
  public ClipConfig config() {
    return checkpoints.get(0).config();
  }

  /** Returns the transform that all of the checkpoints have. */
  public ImageTransform transform() {
    return checkpoints.get(0).transform();
  }

  /**
   * Opens the first checkpoint's tokenizer.
   *
   * @return the caller's to close; empty where {@link Checkpoint#tokenizer} finds none
   */
  public Optional<Tokenizer> tokenizer() throws IOException {
    return checkpoints.get(0).tokenizer();
  }

  /** Returns the averaged parameters and buffers, under the names of {@link #config()}. */
  public ParameterSource parameters() {
    return new ParameterSource() {
      @Override
      public FloatBuffer read(String name) {
        ParameterSpec spec = specs.get(0).get(name);
        if (spec == null) {
          throw new IllegalArgumentException("the averaged model has no '" + name + "'");
        }
        FloatBuffer values = FloatBuffer.allocate(Math.toIntExact(spec.count()));
        copy(name, 0, values);
        return values.flip();
      }

      @Override
      public void copy(String name, long from, FloatBuffer target) {
        boolean counter = name.endsWith(".num_batches_tracked");
        double[] sums = new double[Math.min(CHUNK, target.remaining())];
        FloatBuffer part = FloatBuffer.allocate(sums.length);
        for (long at = from; target.hasRemaining(); at += part.limit()) {
          part.limit(Math.min(sums.length, target.remaining()));
          Arrays.fill(sums, -0.0); // the one number that leaves every other as it is
          for (int i = 0; i < shares.length; i++) {
            if (shares[i] != 0) {
              part.rewind();
              checkpoints.get(i).parameters().copy(nameIn(i, name), at, part);
              for (int k = 0; k < part.limit(); k++) {
                sums[k] += shares[i] * part.get(k);
              }
            }
          }
          for (int k = 0; k < part.limit(); k++) {
            target.put((float) (counter ? Math.rint(sums[k]) : sums[k]));
          }
        }
      }
    };
  }

  /** The text tower's names may have a prefix in one checkpoint and none in another. */
  private String nameIn(int checkpoint, String name) {
    Set<String> own = specs.get(checkpoint).keySet();
    if (own.contains(name)) {
      return name;
    }
    return own.contains("text." + name) ? "text." + name : name.substring("text.".length());
  }

  /**
   * Writes the averaged model, tensor by tensor, with the first checkpoint's tokenizer.
   *
   * @param folder is created if it does not exist
   * @param type F32, F16 or BF16
   */
  public void write(Path folder, Layout layout, TensorType type) throws IOException {
    try (Tokenizer tokenizer = tokenizer().orElse(null)) {
      CheckpointWriter.of(config(), transform(), parameters())
          .optType(type)
          .optTokenizer(tokenizer)
          .optMadeFrom(origins())
          .write(folder, layout);
    }
  }

  private List<ModelOrigin> origins() throws IOException {
    Set<ModelOrigin> origins = new LinkedHashSet<>();
    for (Checkpoint checkpoint : checkpoints) {
      origins.addAll(checkpoint.origins());
    }
    return List.copyOf(origins);
  }

  private static void checkAlike(List<Checkpoint> checkpoints) {
    Checkpoint first = checkpoints.get(0);
    for (Checkpoint each : checkpoints) {
      if (!each.inputLevels().isEmpty()) {
        throw new IllegalArgumentException(
            each.weights()
                + " holds weights of 8-bit integers, which are not averaged; average the models"
                + " that they were made of, then quantize the average");
      }
      List<String> differences = differences(first, each);
      if (!differences.isEmpty()) {
        throw new IllegalArgumentException(
            first.weights()
                + " and "
                + each.weights()
                + " cannot be averaged, which takes one architecture and one image transform; they"
                + " differ in:\n"
                + "  "
                + String.join("\n  ", differences));
      }
    }
  }

  private static List<String> differences(Checkpoint one, Checkpoint other) {
    List<String> found = ConfigDifferences.of(one.config(), other.config());
    TokenizerOptions a = one.config().text().tokenizer();
    TokenizerOptions b = other.config().text().tokenizer();
    if (!a.equals(b)) {
      found.add("tokenizer: " + a + " and " + b);
    }
    if (!one.transform().equals(other.transform())) {
      ConfigDifferences.collect(
          "preprocess_cfg",
          TransformJson.writeOpenClip(one.transform()),
          TransformJson.writeOpenClip(other.transform()),
          found);
    }
    return found;
  }
}
