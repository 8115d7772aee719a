package org.clip4j.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.clip4j.image.ImageTransform;
import org.clip4j.model.ClipConfig;
import org.clip4j.model.ParameterSource;
import org.clip4j.model.ParameterSpec;
import org.clip4j.model.ResNetConfig;
import org.clip4j.model.TextConfig;
import org.clip4j.model.VitConfig;
import org.clip4j.weights.tensors.TensorType;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class WeightAverageTest {
  private static final TextConfig TEXT =
      TextConfig.builder()
          .setContextLength(7)
          .setVocabSize(30)
          .setWidth(8)
          .setHeads(2)
          .setLayers(1)
          .build();

  @TempDir Path folder;
  private final List<Checkpoint> opened = new ArrayList<>();

  @AfterEach
  void close() throws IOException {
    for (Checkpoint each : opened) {
      each.close();
    }
  }

  private static ClipConfig tiny(int layers) {
    VitConfig vision =
        VitConfig.builder()
            .setImageSize(16)
            .setPatchSize(8)
            .setWidth(12)
            .setLayers(layers)
            .optHeadWidth(4)
            .build();
    return new ClipConfig(6, vision, TEXT, false);
  }

  private static float value(int seed, int index) {
    return (float) Math.sin(1 + seed * 1.7 + index * 0.37);
  }

  /** Values follow from the seed, whatever the parameters are called. */
  private static ParameterSource values(ClipConfig config, int seed) {
    Map<String, ParameterSpec> specs = new HashMap<>();
    ParameterSpec.of(config).forEach(spec -> specs.put(spec.name(), spec));
    return name -> {
      FloatBuffer values = FloatBuffer.allocate((int) specs.get(name).count());
      int start = name.replaceFirst("^text\\.", "").hashCode() % 1000;
      boolean counter = name.endsWith("num_batches_tracked");
      for (int i = 0; i < values.capacity(); i++) {
        values.put(i, counter ? 10 + seed : value(seed, start + i));
      }
      return values;
    };
  }

  private Checkpoint saved(String name, ClipConfig config, int seed, Layout layout)
      throws IOException {
    Path path = folder.resolve(name);
    ImageTransform transform =
        ImageTransform.openai(config.vision().imageHeight(), config.vision().imageWidth());
    Checkpoint.save(path, layout, config, transform, values(config, seed));
    return open(path);
  }

  private Checkpoint open(Path path) throws IOException {
    Checkpoint checkpoint = Checkpoint.open(path);
    opened.add(checkpoint);
    return checkpoint;
  }

  private static float[] all(ClipConfig config, ParameterSource source) {
    List<Float> values = new ArrayList<>();
    for (ParameterSpec spec : ParameterSpec.of(config)) {
      FloatBuffer buffer = source.read(spec.name());
      while (buffer.hasRemaining()) {
        values.add(buffer.get());
      }
    }
    float[] array = new float[values.size()];
    for (int i = 0; i < array.length; i++) {
      array[i] = values.get(i);
    }
    return array;
  }

  @ParameterizedTest
  @EnumSource(Layout.class)
  void an_interpolated_model_is_the_weighted_sum_whatever_the_layouts(Layout tunedLayout)
      throws IOException {
    ClipConfig config = tiny(2);
    Checkpoint base = saved("base", config, 1, Layout.TRANSFORMERS);
    // OpenCLIP may have the text tower under a prefix, and save what the training changed.
    ClipConfig prefixed = tunedLayout == Layout.OPENCLIP ? config.withCustomText(true) : config;
    Checkpoint tuned = saved("tuned", prefixed, 2, tunedLayout);
    Path out = folder.resolve("average");
    WeightAverage.between(base, tuned, 0.3).write(out, Layout.OPENCLIP, TensorType.F32);

    float[] one = all(config, values(config, 1));
    float[] other = all(config, values(config, 2));
    float[] found = all(config, open(out).parameters());
    assertThat(found).hasSameSizeAs(one);
    for (int i = 0; i < found.length; i++) {
      float expected = 0.7f * one[i] + 0.3f * other[i];
      assertThat(found[i]).isCloseTo(expected, within(2e-7f));
    }
  }

  @Test
  void the_ends_of_the_line_are_the_two_models_bit_by_bit() throws IOException {
    ClipConfig config = tiny(1);
    Checkpoint base = saved("base", config, 1, Layout.OPENCLIP);
    Checkpoint tuned = saved("tuned", config, 2, Layout.OPENCLIP);
    assertThat(all(config, WeightAverage.between(base, tuned, 0).parameters()))
        .containsExactly(all(config, base.parameters()));
    assertThat(all(config, WeightAverage.between(base, tuned, 1).parameters()))
        .containsExactly(all(config, tuned.parameters()));
    assertThat(all(config, WeightAverage.uniform(List.of(base, base, base)).parameters()))
        .containsExactly(all(config, base.parameters()));
  }

  @Test
  void any_part_of_a_tensor_can_be_copied_alone() throws IOException {
    ClipConfig config = tiny(1);
    Checkpoint base = saved("base", config, 1, Layout.TRANSFORMERS);
    Checkpoint tuned = saved("tuned", config, 2, Layout.OPENCLIP);
    ParameterSource average = WeightAverage.between(base, tuned, 0.5).parameters();
    FloatBuffer whole = average.read("visual.conv1.weight");
    FloatBuffer part = FloatBuffer.allocate(20).position(3);
    average.copy("visual.conv1.weight", 100, part);
    assertThat(part.hasRemaining()).isFalse();
    assertThat(part.slice(3, 17)).isEqualTo(whole.slice(100, 17));
  }

  @Test
  void counters_of_batch_norm_stay_whole_numbers() throws IOException {
    ResNetConfig vision = new ResNetConfig(32, 32, 8, List.of(1, 1, 1, 1), 64);
    ClipConfig config = new ClipConfig(6, vision, TEXT, false);
    Checkpoint base = saved("base", config, 1, Layout.OPENCLIP);
    Checkpoint tuned = saved("tuned", config, 4, Layout.OPENCLIP);
    Path out = folder.resolve("average");
    WeightAverage.between(base, tuned, 0.9).write(out, Layout.OPENCLIP, TensorType.F32);
    assertThat(open(out).parameters().read("visual.bn1.num_batches_tracked").get()).isEqualTo(14);
  }

  @ParameterizedTest
  @ValueSource(doubles = {-0.1, 1.000001, Double.NaN, Double.POSITIVE_INFINITY})
  void an_alpha_outside_the_line_is_refused_unless_asked_for(double alpha) throws IOException {
    ClipConfig config = tiny(1);
    Checkpoint base = saved("base", config, 1, Layout.OPENCLIP);
    Checkpoint tuned = saved("tuned", config, 2, Layout.OPENCLIP);
    assertThatThrownBy(() -> WeightAverage.between(base, tuned, alpha))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("[0, 1]")
        .hasMessageContaining(String.valueOf(alpha));
    if (Double.isFinite(alpha)) {
      float[] beyond = all(config, WeightAverage.extrapolated(base, tuned, alpha).parameters());
      float one = base.parameters().read("logit_scale").get();
      float other = tuned.parameters().read("logit_scale").get();
      assertThat(beyond).isNotEmpty();
      assertThat(
              WeightAverage.extrapolated(base, tuned, alpha).parameters().read("logit_scale").get())
          .isCloseTo((float) ((1 - alpha) * one + alpha * other), within(1e-6f));
    } else {
      assertThatThrownBy(() -> WeightAverage.extrapolated(base, tuned, alpha))
          .hasMessageContaining("finite");
    }
  }

  @Test
  void two_architectures_are_refused_with_both_files_and_every_difference() throws IOException {
    Checkpoint base = saved("base", tiny(1), 1, Layout.OPENCLIP);
    ClipConfig config = tiny(2);
    ClipConfig other = new ClipConfig(6, config.vision(), TEXT, true);
    Checkpoint tuned = saved("tuned", other, 2, Layout.TRANSFORMERS);
    assertThatThrownBy(() -> WeightAverage.uniform(List.of(base, tuned)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(base.weights().toString())
        .hasMessageContaining(tuned.weights().toString())
        .hasMessageContaining("vision_cfg.layers: 1 and 2")
        .hasMessageContaining("quick_gelu");
  }

  @Test
  void how_a_model_was_trained_is_no_difference() throws IOException {
    ClipConfig config = tiny(1);
    Checkpoint base = saved("base", config, 1, Layout.OPENCLIP);
    Checkpoint tuned = saved("tuned", config.withPatchDropout(0.5), 2, Layout.OPENCLIP);
    assertThat(WeightAverage.uniform(List.of(base, tuned)).config()).isEqualTo(base.config());
  }

  @Test
  void another_mean_of_the_images_is_a_difference() throws IOException {
    ClipConfig config = tiny(1);
    Checkpoint base = saved("base", config, 1, Layout.OPENCLIP);
    Path path = folder.resolve("tuned");
    ImageTransform usual = ImageTransform.openai(16, 16);
    ImageTransform half =
        new ImageTransform(
            16,
            16,
            new float[] {0.5f, 0.5f, 0.5f},
            usual.std(),
            usual.interpolation(),
            usual.resizeMode());
    Checkpoint.save(path, Layout.OPENCLIP, config, half, values(config, 2));
    Checkpoint tuned = open(path);
    assertThatThrownBy(() -> WeightAverage.between(base, tuned, 0.5))
        .hasMessageContaining("preprocess_cfg.mean: [0.481454")
        .hasMessageContaining(" and [0.5,0.5,0.5]");
  }

  @Test
  void no_models_are_refused() {
    assertThatThrownBy(() -> WeightAverage.uniform(List.of()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("no model");
    assertThatThrownBy(() -> GreedySoup.of(List.of(), average -> 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("no model");
  }

  @Test
  void a_greedy_soup_keeps_what_does_not_lower_the_score() throws IOException {
    ClipConfig config = tiny(1);
    List<Checkpoint> runs = new ArrayList<>();
    for (int seed : new int[] {1, 2, 3, 4}) {
      runs.add(saved("run" + seed, config, seed, Layout.OPENCLIP));
    }
    float[] scale = new float[4];
    for (int i = 0; i < 4; i++) {
      scale[i] = runs.get(i).parameters().read("logit_scale").get();
    }
    // The best mean is the nearest to that of the runs 0 and 2.
    double wanted = (scale[0] + scale[2]) / 2.0;
    GreedySoup soup =
        GreedySoup.of(
            runs, average -> -Math.abs(average.parameters().read("logit_scale").get() - wanted));
    // The same in plain arithmetic.
    List<Integer> order = new ArrayList<>(List.of(0, 1, 2, 3));
    order.sort(Comparator.comparingDouble(i -> Math.abs(scale[i] - wanted)));
    List<Integer> members = new ArrayList<>(order.subList(0, 1));
    for (int next : order.subList(1, 4)) {
      List<Integer> with = new ArrayList<>(members);
      with.add(next);
      if (off(scale, with, wanted) <= off(scale, members, wanted)) {
        members = with;
      }
    }
    assertThat(soup.members()).isEqualTo(members).hasSizeBetween(2, 3);
    assertThat(soup.score()).isCloseTo(-off(scale, members, wanted), within(1e-6));
    assertThat(soup.trials()).hasSize(7);
    assertThat(soup.average().parameters().read("logit_scale").get())
        .isCloseTo(
            (float) members.stream().mapToDouble(i -> scale[i]).average().orElseThrow(),
            within(1e-6f));
  }

  private static double off(float[] scale, List<Integer> members, double wanted) {
    return Math.abs(members.stream().mapToDouble(i -> scale[i]).average().orElseThrow() - wanted);
  }
}
