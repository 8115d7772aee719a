package org.clip4j.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import org.clip4j.Clip;
import org.clip4j.image.ImageTransform;
import org.clip4j.model.ClipConfig;
import org.clip4j.model.ClipModel;
import org.clip4j.model.SigLipConfig;
import org.clip4j.model.TextConfig;
import org.clip4j.model.TextPooling;
import org.clip4j.model.TextProjection;
import org.clip4j.model.VisionShape;
import org.clip4j.weights.Layout;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NaFlexTrainingTest {
  private static final ClipConfig CONFIG =
      new ClipConfig(
          32,
          new SigLipConfig(
              VisionShape.builder()
                  .setImageSize(32)
                  .setPatchSize(8)
                  .setWidth(32)
                  .setLayers(1)
                  .setHeads(2)
                  .optTanhGelu(true)
                  .build(),
              true),
          TextConfig.builder()
              .setContextLength(8)
              .setVocabSize(128)
              .setWidth(32)
              .setHeads(2)
              .setLayers(1)
              .optCausal(false)
              .optPooling(TextPooling.LAST)
              .optProjection(TextProjection.LINEAR)
              .optTanhGelu(true)
              .optNormEpsilon(1e-6)
              .build(),
          false,
          true,
          Math.log(10),
          -10.0);

  @TempDir private Path folder;

  private Map<String, float[]> train(int microBatch, Path output) throws IOException {
    try (ClipModel model = ClipModel.create(CONFIG, 5)) {
      SmallTraining.builder(model, output)
          .optData(data -> data.optTransform(ImageTransform.naFlex(8, 20)).optPatchDropout(0))
          .optLayout(Layout.TRANSFORMERS)
          .optMicroBatchSize(microBatch)
          .optSteps(4)
          .build()
          .train();
      return SmallTraining.weights(model);
    }
  }

  @Test
  void micro_batches_of_images_of_their_own_shapes_train_as_the_whole_batch_does()
      throws IOException {
    Map<String, float[]> whole = train(16, folder.resolve("whole"));
    Map<String, float[]> parts = train(5, folder.resolve("parts"));
    for (Map.Entry<String, float[]> parameter : whole.entrySet()) {
      float[] found = parts.get(parameter.getKey());
      for (int i = 0; i < found.length; i++) {
        assertThat(found[i])
            .as(parameter.getKey())
            .isCloseTo(parameter.getValue()[i], within(1e-4f));
      }
    }
    Path saved = folder.resolve("whole");
    try (Clip clip = Clip.loader(saved).optImagesOnly().load()) {
      assertThat(clip.transform()).isEqualTo(ImageTransform.naFlex(8, 20));
    }
  }

  @Test
  void a_layout_that_cannot_hold_the_model_is_refused_before_the_training() {
    try (ClipModel model = ClipModel.create(CONFIG, 5)) {
      assertThatThrownBy(
              () ->
                  SmallTraining.builder(model, folder)
                      .optData(data -> data.optPatchDropout(0))
                      .build())
          .hasMessageContaining("OpenCLIP has no NaFlex tower");
    }
  }
}
