package org.clip4j.train.internal.step;

import ai.djl.Device;
import ai.djl.ndarray.NDManager;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.clip4j.data.internal.loader.PairBatch;
import org.clip4j.engine.Precision;
import org.clip4j.image.ImageTransform;
import org.clip4j.loss.Matches;
import org.clip4j.loss.TeacherEmbeddings;
import org.clip4j.model.ClipConfig;
import org.clip4j.model.ClipModel;
import org.clip4j.model.EncoderConfig;
import org.clip4j.model.SigLipConfig;
import org.clip4j.model.VisionTransformerConfig;
import org.clip4j.text.TokenBatch;
import org.clip4j.weights.Checkpoint;

/** Single training steps of the golden models on random pairs. */
final class Steps {
  private Steps() {}

  static ClipModel golden(String name) {
    try (Checkpoint checkpoint =
        Checkpoint.open(Path.of("src/test/resources/golden").resolve(name))) {
      return ClipModel.load(checkpoint.config(), checkpoint.parameters());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Noise with texts of different lengths; some captions and some images occur twice. */
  static PairBatch batch(ClipConfig config, int n, long seed) {
    Random random = new Random(seed);
    byte[] pixels = new byte[n * transform(config).bytes()];
    random.nextBytes(pixels);
    if (transform(config).resizeMode() == ImageTransform.ResizeMode.PATCHES) {
      for (int i = 0; i < n; i++) { // rows and columns, as many as there may be or fewer
        ByteBuffer.wrap(pixels, (i + 1) * transform(config).bytes() - 4, 4)
            .putShort((short) (1 + i % 3))
            .putShort((short) (2 + i % 2));
      }
    }
    int context = config.text().contextLength();
    int vocab = config.text().vocabSize();
    List<int[]> rows = new ArrayList<>();
    int[] captions = new int[n];
    int[] images = new int[n];
    for (int i = 0; i < n; i++) {
      int[] ids = random.ints(3 + random.nextInt(context - 3), 1, vocab - 1).toArray();
      ids[ids.length - 1] = vocab - 1;
      captions[i] = i % 5 == 4 ? i - 3 : i;
      images[i] = i % 7 == 6 ? i - 2 : i;
      rows.add(captions[i] == i ? ids : rows.get(captions[i]));
    }
    return new PairBatch(
        n,
        pixels,
        TokenBatch.of(rows, config.text() instanceof EncoderConfig text ? text.padId() : 0),
        Collections.nCopies(n, "noise"),
        captions,
        Collections.nCopies(n, "noise"),
        images,
        new int[n],
        0,
        (int) seed,
        null);
  }

  private static ImageTransform transform(ClipConfig config) {
    int size = config.vision().imageHeight();
    return config.vision() instanceof SigLipConfig tower && tower.naFlex()
        ? ImageTransform.naFlex(tower.patchSize(), tower.patches())
        : ImageTransform.openai(size, size);
  }

  /** How a step is made. */
  record Way(int microBatch, double patchDropout, Precision precision, int devices) {
    static Way whole(double patchDropout) {
      return new Way(Integer.MAX_VALUE, patchDropout, Precision.FP32, 1);
    }

    Way microBatches(int size) {
      return new Way(size, patchDropout, precision, devices);
    }

    Way on(int cpus) {
      return new Way(microBatch, patchDropout, precision, cpus);
    }

    Way in(Precision other) {
      return new Way(microBatch, patchDropout, other, devices);
    }
  }

  /** Steps of one model. */
  static final class Runner implements AutoCloseable {
    final NDManager manager;
    final Replicas replicas;
    private final MicroBatches parts;
    private final BatchGradients step;
    private NDManager last;

    Runner(ClipModel model, Way way) {
      manager = model.manager().newSubManager();
      last = manager.newSubManager();
      replicas = new Replicas(manager, model, Collections.nCopies(way.devices - 1, Device.cpu()));
      ClipConfig config = model.config();
      boolean drops = transform(config).resizeMode() != ImageTransform.ResizeMode.PATCHES;
      PatchDropout dropout =
          way.patchDropout > 0 && drops && config.vision() instanceof VisionTransformerConfig vision
              ? new PatchDropout(way.patchDropout, vision.patches(), 11)
              : null;
      parts =
          new MicroBatches(
              manager,
              transform(config),
              way.microBatch,
              config,
              dropout,
              model.adapters().attached().map(adapter -> new AdapterDropout(5)).orElse(null));
      step = new BatchGradients(manager, replicas, way.precision);
    }

    /** The gradients live until the next call. */
    BatchGradients.Gradients backward(PairBatch batch, double lossScale) {
      last.close();
      last = manager.newSubManager();
      return step.backward(
          last,
          parts.of(batch, replicas.models().size()),
          Matches.of(batch.captionIds(), batch.imageIds()),
          TeacherEmbeddings.NONE,
          lossScale);
    }

    @Override
    public void close() {
      replicas.close();
      manager.close();
    }
  }

  static Map<String, float[]> gradients(ClipModel model, PairBatch batch, Way way) {
    try (Runner runner = new Runner(model, way)) {
      Map<String, float[]> gradients = new TreeMap<>();
      runner
          .backward(batch, 1)
          .byName()
          .forEach((name, gradient) -> gradients.put(name, gradient.toFloatArray()));
      return gradients;
    }
  }

  static Map<String, float[]> weights(ClipModel model) {
    Map<String, float[]> weights = new TreeMap<>();
    model.parameters().forEach((name, array) -> weights.put(name, array.toFloatArray()));
    return weights;
  }

  /** |a - b| is at most abs + rel * |b| everywhere. */
  static void assertClose(
      Map<String, float[]> found, Map<String, float[]> expected, double abs, double rel) {
    if (!found.keySet().equals(expected.keySet())) {
      throw new AssertionError("expected " + expected.keySet() + ", found " + found.keySet());
    }
    expected.forEach(
        (name, values) -> {
          for (int i = 0; i < values.length; i++) {
            double a = found.get(name)[i];
            double b = values[i];
            if (!(Math.abs(a - b) <= abs + rel * Math.abs(b))) {
              throw new AssertionError(name + "[" + i + "]: expected " + b + ", found " + a);
            }
          }
        });
  }

  /** The L2 norm of all differences over the norm of all gradients. */
  static double distance(Map<String, float[]> found, Map<String, float[]> expected) {
    double difference = 0;
    double norm = 0;
    for (String name : expected.keySet()) {
      for (int i = 0; i < expected.get(name).length; i++) {
        double b = expected.get(name)[i];
        difference += Math.pow(found.get(name)[i] - b, 2);
        norm += b * b;
      }
    }
    return Math.sqrt(difference / norm);
  }
}
