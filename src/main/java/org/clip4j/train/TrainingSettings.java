package org.clip4j.train;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.clip4j.data.PairLoader;
import org.clip4j.data.PairSource;
import org.clip4j.eval.Evaluation;
import org.clip4j.image.Augmentation;
import org.clip4j.image.ImageTransform;
import org.clip4j.model.ClipModel;
import org.clip4j.model.VisionConfig;
import org.clip4j.text.ClipTokenizer;
import org.clip4j.text.Tokenizer;
import org.clip4j.weights.Layout;

/** What a training was asked for; {@link ClipTrainer.Builder} explains each. */
final class TrainingSettings implements Cloneable {
  ClipModel model;
  PairSource pairs;
  Path output;
  Layout layout = Layout.OPENCLIP;
  ImageTransform transform;
  Augmentation augmentation;
  double maxSkippedShare = 0.01;
  Tokenizer tokenizer;
  int batchSize = 128;
  int microBatchSize; // 0: the batch size
  int epochs = 30;
  long steps;
  double learningRate = 5e-4;
  double weightDecay = 0.2;
  double maxGradientNorm;
  long warmupSteps = -1;
  long seed;
  boolean maskDuplicateCaptions;
  int decodeThreads;
  long imageCacheBytes = Runtime.getRuntime().maxMemory() / 4;
  List<TrainingListener> listeners = new ArrayList<>();
  List<Evaluation> evaluations = new ArrayList<>();
  long evaluateEverySteps; // 0: once an epoch
  String bestBy; // null: none is best
  int patience; // 0: never stops early
  int metricsEverySteps = 1;

  TrainingSettings copy() {
    try {
      TrainingSettings copy = (TrainingSettings) super.clone();
      copy.listeners = List.copyOf(listeners);
      copy.evaluations = List.copyOf(evaluations);
      return copy;
    } catch (CloneNotSupportedException e) {
      throw new AssertionError(e);
    }
  }

  /** What images become the model's input by. */
  ImageTransform transform() {
    VisionConfig vision = model.config().vision();
    return transform != null
        ? transform
        : ImageTransform.openai(vision.imageHeight(), vision.imageWidth());
  }

  Tokenizer tokenizer() {
    return tokenizer != null
        ? tokenizer
        : ClipTokenizer.create(model.config().text().contextLength());
  }

  int microBatchSize() {
    return microBatchSize > 0 ? microBatchSize : batchSize;
  }

  long totalSteps() {
    return steps > 0 ? steps : (long) epochs * Math.max(1, pairs.size() / batchSize);
  }

  long warmupSteps(long totalSteps) {
    return warmupSteps >= 0 ? Math.min(warmupSteps, totalSteps - 1) : totalSteps / 20;
  }

  /** For people to read. */
  Map<String, String> described() {
    Map<String, String> described = new LinkedHashMap<>();
    described.put("model", model.config() + ", " + model.parameterCount() + " parameters");
    described.put("pairs", pairs.name() + ", " + pairs.size());
    described.put("steps", totalSteps() + ", of which warm-up " + warmupSteps(totalSteps()));
    described.put("batch size", batchSize + ", in micro-batches of " + microBatchSize());
    described.put("learning rate", "" + learningRate);
    described.put("weight decay", "" + weightDecay);
    described.put("gradient norm limit", maxGradientNorm > 0 ? "" + maxGradientNorm : "none");
    described.put("equal captions masked", maskDuplicateCaptions ? "yes" : "no");
    described.put("augmentation", augmentation == null ? "none" : augmentation.toString());
    described.put("image size", transform().height() + " x " + transform().width());
    described.put("seed", "" + seed);
    described.put("best by", bestBy == null ? "–" : bestBy);
    described.put("patience", patience > 0 ? patience + " evaluations" : "–");
    return described;
  }

  long evaluateEverySteps() {
    return evaluateEverySteps > 0 ? evaluateEverySteps : Math.max(1, pairs.size() / batchSize);
  }

  AdamW.Hyperparameters hyperparameters() {
    return new AdamW.Hyperparameters(0.9, 0.98, 1e-6, weightDecay, maxGradientNorm);
  }

  PairLoader loader() {
    PairLoader.Builder loader =
        PairLoader.builder()
            .setPairs(pairs)
            .setTransform(transform())
            .setTokenizer(tokenizer())
            .setBatchSize(batchSize)
            .optSeed(seed)
            .optCacheBytes(imageCacheBytes)
            .optMaxSkippedShare(maxSkippedShare);
    if (augmentation != null) {
      loader.optAugmentation(augmentation);
    }
    if (output != null) {
      loader.optLedger(output.resolve("skipped.jsonl"));
    }
    if (decodeThreads > 0) {
      loader.optThreads(decodeThreads);
    }
    return loader.build();
  }
}
