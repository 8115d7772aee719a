package org.clip4j.train;

import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.clip4j.data.shapes.ColouredShapes;
import org.clip4j.image.Augmentation;
import org.clip4j.model.ClipConfig;
import org.clip4j.model.ClipModel;
import org.clip4j.model.ParameterSource;
import org.clip4j.model.ParameterSpec;
import org.clip4j.model.ResNetConfig;
import org.clip4j.model.TextConfig;
import org.clip4j.model.VitConfig;
import org.clip4j.text.Tokenizer;

/** A training of a few milliseconds a step, with all that is random in one. */
public final class SmallTraining {
  public static final int STEPS = 14;
  private static final TextConfig TEXT =
      TextConfig.builder()
          .setContextLength(8)
          .setVocabSize(128)
          .setWidth(32)
          .setHeads(2)
          .setLayers(1)
          .build();
  public static final ClipConfig VIT =
      new ClipConfig(
          16,
          VitConfig.builder()
              .setImageSize(32)
              .setPatchSize(8)
              .setWidth(64)
              .setLayers(1)
              .optHeadWidth(32)
              .build(),
          TEXT,
          false);
  public static final ClipConfig RESNET =
      new ClipConfig(
          16, ResNetConfig.of(32, 8, List.of(1, 1, 1, 1)).withHeadWidth(32), TEXT, false);

  /** Of OpenAI's tokenizer, for captions in words. */
  public static final ClipConfig WORDS =
      new ClipConfig(
          32,
          VitConfig.builder()
              .setImageSize(32)
              .setPatchSize(8)
              .setWidth(64)
              .setLayers(2)
              .optHeadWidth(32)
              .build(),
          TextConfig.builder()
              .setContextLength(16)
              .setVocabSize(49408)
              .setWidth(32)
              .setHeads(2)
              .setLayers(2)
              .build(),
          false);

  public static final ColouredShapes SHAPES = ColouredShapes.builder().optImageSize(40).build();

  private SmallTraining() {}

  /** Characters as tokens, so that the model needs no large embedding. */
  public static final class Letters implements Tokenizer {
    @Override
    public int contextLength() {
      return TEXT.contextLength();
    }

    @Override
    public int[] encode(String text) {
      int[] ids = text.chars().limit(contextLength() - 1).map(c -> 1 + c % 100).toArray();
      int[] ended = Arrays.copyOf(ids, ids.length + 1);
      ended[ids.length] = 127; // the highest id ends a text
      return ended;
    }
  }

  /** Epochs of three batches. */
  public static ClipTrainer.Builder builder(ClipModel model, Path output) {
    ClipTrainer.Builder builder =
        model.config().vision() instanceof ResNetConfig
            ? ClipTrainer.builder()
            : ClipTrainer.builder().optData(data -> data.optPatchDropout(0.25));
    return builder
        .setModel(model)
        .setPairs(SHAPES.training(50))
        .setOutput(output)
        .optData(
            data ->
                data.optTokenizer(new Letters())
                    .optAugmentation(Augmentation.builder().optFlip(0.5).optScale(0.5, 1).build()))
        .optBatchSize(16)
        .optMicroBatchSize(8)
        .optSteps(STEPS)
        .optSchedule(schedule -> schedule.optLearningRate(1e-3))
        .optOptimizer(optimizer -> optimizer.optMaxGradientNorm(1))
        .optSeed(7);
  }

  public static Map<String, float[]> weights(ClipModel model) {
    return values(model.specs(), model.values());
  }

  public static Map<String, float[]> values(List<ParameterSpec> specs, ParameterSource source) {
    Map<String, float[]> weights = new TreeMap<>();
    for (ParameterSpec spec : specs) {
      FloatBuffer values = source.read(spec.name());
      float[] copy = new float[values.remaining()];
      values.get(copy);
      weights.put(spec.name(), copy);
    }
    return weights;
  }
}
