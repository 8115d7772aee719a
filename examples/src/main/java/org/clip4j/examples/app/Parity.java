package org.clip4j.examples.app;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import org.clip4j.loss.Similarity;
import org.clip4j.model.ClipConfig;
import org.clip4j.model.ClipModel;
import org.clip4j.model.Forward;
import org.clip4j.model.ParameterSpec;
import org.clip4j.weights.Checkpoint;

/**
 * How far two checkpoints of one architecture are apart.
 *
 * @param tensors each parameter's largest difference, in the order of the model
 * @param image largest difference of the unit-length image embeddings of a probe batch
 * @param text the same of the text embeddings
 */
public record Parity(List<Difference> tensors, double image, double text) {
  private static final int PROBES = 4;
  private static final int SHOWN = 10;
  private static final int PIECE = 1 << 20;

  /**
   * Of one parameter.
   *
   * @param name in OpenCLIP's naming
   * @param largest absolute difference of two of its values
   */
  record Difference(String name, double largest) {}

  /** Compares every parameter, then loads both, one after the other, and compares embeddings. */
  public static Parity of(Checkpoint a, Checkpoint b) {
    List<Difference> tensors = new ArrayList<>();
    for (ParameterSpec spec : ParameterSpec.of(a.config())) {
      tensors.add(new Difference(spec.name(), largest(a, spec, b)));
    }
    float[][] ofA = embed(a);
    float[][] ofB = embed(b);
    return new Parity(tensors, largest(ofA[0], ofB[0]), largest(ofA[1], ofB[1]));
  }

  private static double largest(Checkpoint a, ParameterSpec spec, Checkpoint b) {
    double largest = 0;
    for (long from = 0; from < spec.count(); from += PIECE) {
      int count = (int) Math.min(PIECE, spec.count() - from);
      float[] ofA = piece(a, spec.name(), from, count);
      float[] ofB = piece(b, spec.name(), from, count);
      largest = Math.max(largest, largest(ofA, ofB));
    }
    return largest;
  }

  private static float[] piece(Checkpoint checkpoint, String name, long from, int count) {
    float[] values = new float[count];
    checkpoint.parameters().copy(name, from, FloatBuffer.wrap(values));
    return values;
  }

  /** A NaN counts as infinitely far from anything but a NaN. */
  private static double largest(float[] a, float[] b) {
    double largest = 0;
    for (int i = 0; i < a.length; i++) {
      double difference = Math.abs((double) a[i] - b[i]);
      boolean same = Float.floatToIntBits(a[i]) == Float.floatToIntBits(b[i]);
      largest = same ? largest : Math.max(largest, Double.isNaN(difference) ? 1 / 0.0 : difference);
    }
    return largest;
  }

  /**
   * Embeddings of random pixels and of random token ids that end as texts do, the same each time.
   */
  private static float[][] embed(Checkpoint checkpoint) {
    ClipConfig config = checkpoint.config();
    Random random = new Random(0);
    try (ClipModel model = ClipModel.load(config, checkpoint.parameters());
        NDManager call = model.manager().newSubManager()) {
      Similarity similarity = new Similarity(call);
      int height = config.vision().imageHeight();
      int width = config.vision().imageWidth();
      FloatBuffer pixels = FloatBuffer.allocate(PROBES * 3 * height * width);
      while (pixels.hasRemaining()) {
        pixels.put((float) random.nextGaussian());
      }
      Shape shape = new Shape(PROBES, 3, height, width);
      NDArray images = call.create(pixels.flip(), shape);
      int length = config.text().contextLength();
      long[] ids = new long[PROBES * length];
      int last = config.text().vocabSize() - 1;
      for (int row = 0; row < PROBES; row++) {
        int end = (row + 1) * length / PROBES - 1;
        for (int i = 0; i < end; i++) {
          ids[row * length + i] = random.nextInt(last);
        }
        ids[row * length + end] = last;
      }
      NDArray texts = call.create(ids, new Shape(PROBES, length));
      return new float[][] {
        similarity.normalize(model.encodeImage(Forward.EVALUATE, images)).toFloatArray(),
        similarity.normalize(model.encodeText(Forward.EVALUATE, texts)).toFloatArray()
      };
    }
  }

  /** Whether nothing differs at all. */
  public boolean isExact() {
    return image == 0 && text == 0 && tensors.stream().allMatch(t -> t.largest == 0);
  }

  @Override
  public String toString() {
    List<Difference> differing =
        tensors.stream()
            .filter(t -> t.largest > 0)
            .sorted(Comparator.comparingDouble(Difference::largest).reversed())
            .toList();
    StringBuilder text = new StringBuilder();
    text.append(
        String.format(
            Locale.ROOT, "%d tensors, %d of them differ%n", tensors.size(), differing.size()));
    differing.stream()
        .limit(SHOWN)
        .forEach(t -> text.append(String.format(Locale.ROOT, "  %.2e  %s%n", t.largest, t.name)));
    if (differing.size() > SHOWN) {
      text.append(
          String.format(Locale.ROOT, "  and %d more, each by less%n", differing.size() - SHOWN));
    }
    text.append(
        String.format(
            Locale.ROOT,
            "Embeddings of %d probes differ by at most %.2e (images) and %.2e (texts)",
            PROBES,
            image,
            this.text));
    return text.toString();
  }
}
