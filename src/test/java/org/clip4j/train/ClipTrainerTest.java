package org.clip4j.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.Device;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.clip4j.data.ImageTextPair;
import org.clip4j.data.PairSource;
import org.clip4j.data.Pairs;
import org.clip4j.data.shapes.ColouredShapes;
import org.clip4j.encode.ImageSource;
import org.clip4j.engine.Precision;
import org.clip4j.image.ImageTransform;
import org.clip4j.image.RgbImage;
import org.clip4j.model.ClipConfig;
import org.clip4j.model.ClipModel;
import org.clip4j.model.ParameterSpec;
import org.clip4j.model.ResNetConfig;
import org.clip4j.model.TextConfig;
import org.clip4j.train.monitor.TrainingProgress;
import org.clip4j.train.options.DataOptions;
import org.clip4j.train.options.Freezing;
import org.clip4j.train.options.LearningRateDecay;
import org.clip4j.weights.Checkpoint;
import org.clip4j.weights.Layout;
import org.clip4j.weights.ModelOrigin;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ClipTrainerTest {
  private static final TextConfig TEXT =
      TextConfig.builder()
          .setContextLength(16)
          .setVocabSize(49408)
          .setWidth(32)
          .setHeads(2)
          .setLayers(2)
          .build();
  private static final ClipConfig VIT = SmallTraining.WORDS;
  private static final ClipConfig RESNET =
      new ClipConfig(
          32, ResNetConfig.of(32, 8, List.of(1, 1, 1, 1)).withHeadWidth(32), TEXT, false);
  private static final ColouredShapes SHAPES = ColouredShapes.builder().optImageSize(32).build();

  @TempDir Path folder;

  private static ClipTrainer.Builder trainer(ClipModel model) {
    return ClipTrainer.builder()
        .setModel(model)
        .setPairs(SHAPES.training(64))
        .optBatchSize(16)
        .optSteps(6)
        .optSchedule(schedule -> schedule.optLearningRate(1e-3))
        .optSeed(7);
  }

  private static Map<String, float[]> weights(ClipModel model) {
    Map<String, float[]> weights = new TreeMap<>();
    for (ParameterSpec spec : model.specs()) {
      FloatBuffer values = model.values().read(spec.name());
      float[] copy = new float[values.remaining()];
      values.get(copy);
      weights.put(spec.name(), copy);
    }
    return weights;
  }

  private static Map<String, float[]> trained(ClipConfig config, int decodeThreads, long seed)
      throws IOException {
    try (ClipModel model = ClipModel.create(config, 3)) {
      trainer(model)
          .optData(data -> data.optDecodeThreads(decodeThreads))
          .optSeed(seed)
          .build()
          .train();
      return weights(model);
    }
  }

  private static void assertSame(Map<String, float[]> a, Map<String, float[]> b) {
    assertThat(a.keySet()).isEqualTo(b.keySet());
    a.forEach((name, values) -> assertThat(values).as(name).isEqualTo(b.get(name)));
  }

  @Test
  void one_seed_gives_bit_identical_weights_whatever_the_threads() throws IOException {
    assertSame(trained(VIT, 1, 7), trained(VIT, 3, 7));
    assertSame(trained(RESNET, 1, 7), trained(RESNET, 3, 7));
  }

  @Test
  void another_seed_gives_other_weights() throws IOException {
    assertThat(trained(VIT, 1, 7).get("visual.proj"))
        .isNotEqualTo(trained(VIT, 1, 8).get("visual.proj"));
  }

  @Test
  void the_loss_falls() throws IOException {
    try (ClipModel model = ClipModel.create(VIT, 3)) {
      float[] losses =
          trainer(model)
              .setPairs(SHAPES.training(16))
              .optSteps(80)
              .optData(data -> data.optSpreadDuplicates(true))
              .build()
              .train()
              .losses();
      assertThat(losses[0]).isBetween(2f, 4.5f); // ln 16 = 2.8 by chance
      assertThat(losses[79]).isLessThan(losses[0] / 2);
    }
  }

  private float[] losses(Consumer<DataOptions.Builder> data) throws IOException {
    try (ClipModel model = ClipModel.create(VIT, 3)) {
      return trainer(model).setOutput(folder).optData(data).build().train().losses();
    }
  }

  @Test
  void images_go_through_the_transform_that_is_set_and_saved() throws IOException {
    ImageTransform sigLip = ImageTransform.sigLip(32, 32);
    float[] others = losses(data -> data.optTransform(sigLip));
    try (Checkpoint checkpoint = Checkpoint.open(folder)) {
      assertThat(checkpoint.transform()).isEqualTo(sigLip);
    }
    assertThat(losses(data -> data.optTransform(ImageTransform.openai(32, 32))))
        .isEqualTo(losses(data -> {}))
        .isNotEqualTo(others);
  }

  @Test
  void an_epoch_takes_all_pairs_once_and_the_model_records_what_it_was_made_from()
      throws IOException {
    List<ModelOrigin> origins =
        List.of(
            new ModelOrigin(
                "org/base", "main", "mit", Map.of("model.safetensors", "0".repeat(64))));
    try (ClipModel model = ClipModel.create(VIT, 3)) {
      TrainingResult result =
          ClipTrainer.builder()
              .setModel(model)
              .setPairs(SHAPES.training(64))
              .setOutput(folder)
              .optBatchSize(16)
              .optEpochs(2)
              .optMadeFrom(origins)
              .build()
              .train();
      assertThat(result.steps()).isEqualTo(8);
    }
    try (Checkpoint checkpoint = Checkpoint.open(folder)) {
      assertThat(checkpoint.origins()).startsWith(origins.get(0)).hasSize(2);
    }
  }

  @Test
  void running_statistics_move_once_for_each_micro_batch() throws IOException {
    try (ClipModel model = ClipModel.create(RESNET, 3)) {
      trainer(model).optMicroBatchSize(8).optSteps(1).build().train();
      assertThat(model.values().read("visual.bn1.num_batches_tracked").get(0)).isEqualTo(2);
    }
  }

  @Test
  void a_saved_model_loads_with_the_same_bits() throws IOException {
    try (ClipModel model = ClipModel.create(VIT, 3)) {
      TrainingResult result = trainer(model).setOutput(folder).build().train();
      assertThat(result.output()).isEqualTo(folder);
      try (Checkpoint checkpoint = Checkpoint.open(folder);
          ClipModel loaded = ClipModel.load(checkpoint.config(), checkpoint.parameters())) {
        assertSame(weights(model), weights(loaded));
      }
    }
  }

  @Test
  void cancelling_ends_after_the_step_under_way_and_saves() throws IOException {
    try (ClipModel model = ClipModel.create(VIT, 3)) {
      ClipTrainer[] trainer = new ClipTrainer[1];
      trainer[0] =
          trainer(model)
              .setOutput(folder)
              .optListener(
                  progress -> {
                    if (progress.step() == 2) {
                      trainer[0].cancel();
                    }
                  })
              .build();
      TrainingResult result = trainer[0].train();
      assertThat(result.cancelled()).isTrue();
      assertThat(result.steps()).isEqualTo(2);
      assertThat(Files.exists(folder.resolve("open_clip_model.safetensors"))).isTrue();
    }
  }

  @Test
  void an_interrupted_training_saves_too() throws IOException {
    try (ClipModel model = ClipModel.create(VIT, 3)) {
      TrainingResult result =
          trainer(model)
              .setOutput(folder)
              .optListener(progress -> Thread.currentThread().interrupt())
              .build()
              .train();
      assertThat(Thread.interrupted()).as("still interrupted").isTrue();
      assertThat(result.cancelled()).isTrue();
      assertThat(Files.exists(folder.resolve("open_clip_model.safetensors"))).isTrue();
    }
  }

  @Test
  void what_cannot_be_saved_is_said_before_the_training() {
    try (ClipModel model = ClipModel.create(RESNET, 3)) {
      assertThatThrownBy(
              () -> trainer(model).setOutput(folder).optLayout(Layout.TRANSFORMERS).build())
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void a_resnet_refuses_micro_batches_of_one() {
    try (ClipModel model = ClipModel.create(RESNET, 3)) {
      assertThatThrownBy(() -> trainer(model).optMicroBatchSize(1).build().train())
          .hasMessageContaining("at least 2 images");
    }
  }

  @Test
  void a_vocabulary_that_does_not_fit_the_tokenizer_is_an_error() {
    TextConfig small =
        TextConfig.builder()
            .setContextLength(16)
            .setVocabSize(500)
            .setWidth(32)
            .setHeads(2)
            .setLayers(2)
            .build();
    try (ClipModel model = ClipModel.create(new ClipConfig(32, VIT.vision(), small, false), 3)) {
      assertThatThrownBy(() -> trainer(model).build())
          .hasMessageContaining("500")
          .hasMessageContaining("49407");
    }
  }

  @Test
  void listeners_hear_of_every_step() throws IOException {
    List<TrainingProgress> heard = new ArrayList<>();
    try (ClipModel model = ClipModel.create(VIT, 3)) {
      trainer(model).optListener(heard::add).build().train();
    }
    assertThat(heard).extracting(TrainingProgress::step).containsExactly(1L, 2L, 3L, 4L, 5L, 6L);
    assertThat(heard.get(5).epoch()).isEqualTo(2);
    assertThat(heard.get(0).remaining()).as("one step tells nothing").isNull();
    assertThat(heard.get(5).remaining()).isEqualTo(Duration.ZERO);
    assertThat(heard).allSatisfy(progress -> assertThat(progress.gradientNorm()).isPositive());
  }

  /** Every other image cannot be read. */
  private static PairSource halfUnreadable(int count, boolean all) {
    List<ImageTextPair> pairs = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      ImageTextPair pair = SHAPES.training(count).get(i);
      boolean broken = all || i % 2 == 1;
      pairs.add(
          broken ? new ImageTextPair(new Broken("broken-" + i + ".png"), pair.captions()) : pair);
    }
    return Pairs.of(pairs);
  }

  private record Broken(String name) implements ImageSource {
    @Override
    public RgbImage read() throws IOException {
      throw new IOException(name + " is empty");
    }
  }

  @Test
  void unreadable_images_are_skipped_and_counted() throws IOException {
    try (ClipModel model = ClipModel.create(VIT, 3)) {
      TrainingResult result =
          trainer(model)
              .setPairs(halfUnreadable(64, false))
              .optData(data -> data.optMaxSkippedShare(0.5))
              .build()
              .train();
      assertThat(result.unreadable()).isEqualTo(32);
      assertThat(result.unreadableExamples()).anyMatch(name -> name.contains("broken-"));
      assertThat(result.toString()).contains("32 unreadable images");
    }
  }

  @Test
  void a_run_without_a_readable_image_fails() {
    try (ClipModel model = ClipModel.create(VIT, 3)) {
      assertThatThrownBy(() -> trainer(model).setPairs(halfUnreadable(8, true)).build().train())
          .isInstanceOf(IOException.class)
          .hasMessageContaining("8");
    }
  }

  @Test
  void settings_out_of_range_are_named() {
    assertThatThrownBy(() -> ClipTrainer.builder().optBatchSize(1))
        .hasMessageContaining("batch size")
        .hasMessageContaining("1");
    assertThatThrownBy(
            () ->
                ClipTrainer.builder().optSchedule(schedule -> schedule.optLearningRate(Double.NaN)))
        .hasMessageContaining("learning rate");
    assertThatThrownBy(() -> ClipTrainer.builder().build()).hasMessageContaining("setModel");
  }

  @Test
  void frozen_layer_decayed_averaged_training_on_two_devices_goes_through() throws IOException {
    try (ClipModel model = ClipModel.create(VIT, 3)) {
      Map<String, float[]> before = weights(model);
      Device cpu = Device.cpu();
      TrainingResult result =
          trainer(model)
              .setOutput(folder)
              .optMicroBatchSize(5)
              .optDevices(cpu, cpu)
              .optOptimizer(
                  optimizer ->
                      optimizer
                          .optFreeze(
                              Freezing.imageTower().withLastBlocksUnlocked(1), Freezing.textTower())
                          .optLayerDecay(0.8))
              .optData(data -> data.optPatchDropout(0.5))
              .optPrecision(Precision.BF16)
              .optSchedule(schedule -> schedule.optDecay(LearningRateDecay.constantWithCooldown(3)))
              .optOptimizer(optimizer -> optimizer.optAverageWeights(0.9, false))
              .build()
              .train();
      assertThat(result.steps()).isEqualTo(6);
      Map<String, float[]> after = weights(model);
      assertThat(after.get("token_embedding.weight"))
          .isEqualTo(before.get("token_embedding.weight"));
      assertThat(after.get("visual.conv1.weight")).isEqualTo(before.get("visual.conv1.weight"));
      assertThat(after.get("visual.proj")).isNotEqualTo(before.get("visual.proj"));
    }
  }

  @Test
  void a_training_that_averages_ends_with_the_average() throws IOException {
    Map<String, float[]> slow;
    Map<String, float[]> start;
    try (ClipModel model = ClipModel.create(VIT, 3)) {
      start = weights(model);
      trainer(model)
          .optOptimizer(optimizer -> optimizer.optAverageWeights(0.999, false))
          .build()
          .train();
      slow = weights(model);
    }
    Map<String, float[]> plain = trained(VIT, 1, 7);
    float[] a = start.get("visual.ln_post.bias");
    float[] b = plain.get("visual.ln_post.bias");
    float[] c = slow.get("visual.ln_post.bias");
    double moved = 0;
    double averaged = 0;
    for (int i = 0; i < a.length; i++) {
      moved += Math.abs(b[i] - a[i]);
      averaged += Math.abs(c[i] - a[i]);
    }
    assertThat(averaged).isPositive().isLessThan(0.006 * moved); // at most 6 steps of a thousandth
  }

  @Test
  void steps_that_cannot_be_are_refused_before_the_training() {
    try (ClipModel vit = ClipModel.create(VIT, 3);
        ClipModel resNet = ClipModel.create(RESNET, 3)) {
      assertThatThrownBy(() -> trainer(resNet).optData(data -> data.optPatchDropout(0.5)).build())
          .hasMessageContaining("0.5")
          .hasMessageContaining("ModifiedResNet");
      assertThatThrownBy(() -> trainer(vit).optDevices(Device.gpu(0), Device.cpu()).build())
          .hasMessageContaining("first of the devices");
      assertThatThrownBy(
              () ->
                  trainer(vit)
                      .optOptimizer(
                          optimizer ->
                              optimizer.optFreeze(Freezing.textTower().withLastBlocksUnlocked(3)))
                      .build())
          .hasMessageContaining("3 blocks of a tower of 2");
    }
    assertThatThrownBy(() -> ClipTrainer.builder().optData(data -> data.optPatchDropout(1)))
        .hasMessageContaining("1.0");
    assertThatThrownBy(
            () -> ClipTrainer.builder().optOptimizer(optimizer -> optimizer.optLayerDecay(1.5)))
        .hasMessageContaining("1.5");
  }
}
