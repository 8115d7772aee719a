package org.clip4j.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.clip4j.model.ClipModel;
import org.clip4j.model.LoraAdapter;
import org.clip4j.model.LoraOptions;
import org.clip4j.model.LoraOptions.Target;
import org.clip4j.model.ParameterSpec;
import org.clip4j.weights.PeftAdapter;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LoraTrainingTest {
  private static final LoraOptions OPTIONS =
      LoraOptions.builder().optRank(3).optTargets(Target.values()).build();

  @TempDir Path folder;

  private record Outcome(LoraAdapter adapter, float[] losses, Map<String, FloatBuffer> base) {}

  private static Outcome train(
      long modelSeed, Path output, long stopAfter, UnaryOperator<ClipTrainer.Builder> options)
      throws IOException {
    try (ClipModel model = ClipModel.create(SmallTraining.VIT, modelSeed)) {
      ClipTrainer[] trainer = new ClipTrainer[1];
      trainer[0] =
          options
              .apply(SmallTraining.builder(model, output).optLora(OPTIONS))
              .optListener(
                  progress -> {
                    if (progress.step() == stopAfter) {
                      trainer[0].cancel();
                    }
                  })
              .build();
      float[] losses = trainer[0].train().losses();
      return new Outcome(model.adapters().attached().orElseThrow(), losses, base(model));
    }
  }

  private static Map<String, FloatBuffer> base(ClipModel model) {
    Map<String, FloatBuffer> values = new TreeMap<>();
    for (ParameterSpec spec : ParameterSpec.of(model.config())) {
      FloatBuffer view = model.values().read(spec.name());
      values.put(spec.name(), FloatBuffer.allocate(view.remaining()).put(view).flip());
    }
    return values;
  }

  private static void assertSame(LoraAdapter found, LoraAdapter expected) {
    assertThat(found.base()).isEqualTo(expected.base());
    assertThat(found.maps()).hasSameSizeAs(expected.maps());
    for (int i = 0; i < found.maps().size(); i++) {
      assertThat(found.maps().get(i).key()).isEqualTo(expected.maps().get(i).key());
      assertThat(found.maps().get(i).a()).isEqualTo(expected.maps().get(i).a());
      assertThat(found.maps().get(i).b()).isEqualTo(expected.maps().get(i).b());
    }
  }

  @Test
  void the_adapter_alone_is_trained_and_saved() throws IOException {
    Outcome found =
        train(3, folder, -1, b -> b.optCheckpoints(c -> c.optEverySteps(7)).optDevices());
    try (ClipModel untouched = ClipModel.create(SmallTraining.VIT, 3)) {
      assertThat(found.base).isEqualTo(base(untouched));
      LoraAdapter first = LoraAdapter.create(SmallTraining.VIT, OPTIONS, 7);
      assertThat(found.adapter.maps())
          .allSatisfy(
              map -> {
                assertThat(map.b()).isNotEqualTo(new float[map.b().length]);
                assertThat(first.maps()).noneMatch(m -> Arrays.equals(m.a(), map.a()));
              });
      assertSame(PeftAdapter.read(folder, SmallTraining.VIT), found.adapter);
      untouched.adapters().merge(PeftAdapter.read(folder, SmallTraining.VIT));
    }
    try (Stream<Path> files = Files.list(folder.resolve("checkpoints/step-000007"))) {
      assertThat(files.map(file -> file.getFileName().toString()))
          .containsExactlyInAnyOrder(
              "adapter_config.json", "adapter_model.safetensors", "run.json", "state.safetensors");
    }
    assertThat(folder.resolve("open_clip_config.json")).doesNotExist();
  }

  @Test
  void a_resumed_training_ends_with_the_same_bits() throws IOException {
    UnaryOperator<ClipTrainer.Builder> averaged =
        b -> b.optOptimizer(o -> o.optAverageWeights(0.9, true));
    UnaryOperator<ClipTrainer.Builder> resumed =
        b -> averaged.apply(b).optCheckpoints(c -> c.optEverySteps(100).optResume(true));
    Outcome whole = train(3, null, -1, averaged);
    train(3, folder, 5, resumed);
    Outcome last = train(3, folder, -1, resumed);
    assertSame(last.adapter, whole.adapter);
    assertThat(last.losses).isEqualTo(whole.losses);
  }

  @Test
  void a_training_of_another_base_or_adapter_is_not_resumed() throws IOException {
    UnaryOperator<ClipTrainer.Builder> resumed =
        b -> b.optCheckpoints(c -> c.optEverySteps(100).optResume(true));
    train(3, folder, 5, resumed);
    assertThatThrownBy(() -> train(4, folder, -1, resumed))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("step-000005")
        .hasMessageContaining("trained on other weights");
    assertThatThrownBy(
            () -> train(3, folder, -1, b -> resumed.apply(b).optLora(LoraOptions.DEFAULT)))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("lora");
  }

  @Test
  void a_trained_adapter_is_trained_further() throws IOException {
    LoraAdapter once = train(3, null, 4, b -> b).adapter;
    Outcome twice = train(3, null, 4, b -> b.optLora(once));
    assertThat(twice.adapter.options()).isEqualTo(OPTIONS);
    assertThat(twice.losses[0]).isNotEqualTo(train(3, null, 1, b -> b).losses[0]);
    try (ClipModel model = ClipModel.create(SmallTraining.VIT, 3)) {
      model.adapters().attach(once);
      assertThatThrownBy(() -> SmallTraining.builder(model, null).build())
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("an adapter is attached");
      assertThat(model.parameters()).hasSize(model.specs().size());
      assertSame(model.adapters().detach().orElseThrow(), once);
      assertThat(model.parameters().keySet())
          .containsExactlyElementsOf(
              ParameterSpec.of(model.config()).stream().map(ParameterSpec::name).toList());
    }
    assertThat(List.of(once.parameterCount())).containsExactly(parameters());
  }

  /** Rank 3 on every map of one block of 64 and one of 32 dimensions. */
  private static long parameters() {
    long image = 3 * (4 * (64 + 64) + 2 * (64 + 256));
    long text = 3 * (4 * (32 + 32) + 2 * (32 + 128));
    return image + text;
  }
}
