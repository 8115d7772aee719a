package org.clip4j.train.internal.step;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.clip4j.data.internal.loader.PairBatch;
import org.clip4j.engine.Precision;
import org.clip4j.loss.Matches;
import org.clip4j.loss.TeacherEmbeddings;
import org.clip4j.model.ClipModel;
import org.clip4j.model.LoraAdapter;
import org.clip4j.model.LoraAdapter.LowRank;
import org.clip4j.model.LoraOptions;
import org.clip4j.model.LoraOptions.Target;
import org.clip4j.train.internal.step.Steps.Way;
import org.clip4j.train.options.OptimizerOptions;
import org.clip4j.weights.LoraCase;
import org.clip4j.weights.PeftAdapter;
import org.clip4j.weights.safetensors.SafeTensors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LoraStepTest {
  private static final LoraOptions HALF =
      LoraOptions.builder().optDropout(0.5).optTargets(Target.values()).build();

  @TempDir Path folder;

  /** The golden tolerances are those of the model's own case. */
  @Test
  void gradients_and_five_steps_are_those_of_peft() throws IOException {
    try (LoraCase golden = new LoraCase();
        ClipModel model = golden.model();
        NDManager manager = model.manager().newSubManager()) {
      model.adapters().attach(golden.adapter("blocks"));
      TrainingStep.freeze(model, List.of());
      AdamW optimizer = new AdamW(manager, model, OptimizerOptions.DEFAULT);
      BatchGradients step =
          new BatchGradients(manager, new Replicas(manager, model, List.of()), Precision.FP32);
      BatchGradients.MicroBatch batch =
          new BatchGradients.MicroBatch(golden.size(), golden::pixels, null, golden::ids, null);
      float[] losses = new float[5];
      for (int i = 0; i < losses.length; i++) {
        try (NDManager scratch = manager.newSubManager()) {
          BatchGradients.Gradients found =
              step.backward(scratch, List.of(batch), Matches.OWN, TeacherEmbeddings.NONE, 1);
          losses[i] = found.loss();
          if (i == 0) {
            assertThat(found.byName()).hasSize(60);
            compare(golden, withValues(model, found.byName()), "grad.", 1e-5, 5e-4);
          }
          optimizer.step(found.byName(), 2e-4, 1);
        }
      }
      LoraCase.assertClose(losses, golden.expected.floats("train.loss"), 5e-5, 0);
      compare(golden, model.adapters().attached().orElseThrow(), "trained.", 5e-5, 1e-4);
    }
  }

  /** An adapter with gradients in place of its matrices, to be written under peft's names. */
  private static LoraAdapter withValues(ClipModel model, Map<String, NDArray> values) {
    LoraAdapter adapter = model.adapters().attached().orElseThrow();
    return new LoraAdapter(
        adapter.options(),
        adapter.maps().stream()
            .map(
                map ->
                    new LowRank(
                        map.parameter(),
                        map.from(),
                        map.outputs(),
                        map.inputs(),
                        map.rank(),
                        map.scale(),
                        values.get(map.key() + ".lora_A").toFloatArray(),
                        values.get(map.key() + ".lora_B").toFloatArray()))
            .toList(),
        null);
  }

  private void compare(LoraCase golden, LoraAdapter found, String prefix, double abs, double rel)
      throws IOException {
    PeftAdapter.write(folder, golden.config(), found);
    try (SafeTensors written = SafeTensors.open(folder.resolve(PeftAdapter.WEIGHTS))) {
      assertThat(written.tensors()).hasSize(60);
      for (String name : written.tensors().keySet()) {
        float[] values = new float[written.arraySize(name)];
        written.copy(name, 0, FloatBuffer.wrap(values));
        LoraCase.assertClose(values, golden.expected.floats(prefix + name), abs, rel);
      }
    }
  }

  /** With B at its first value, zero, no gradient would reach A. */
  private static void attach(ClipModel model, LoraOptions options) {
    LoraAdapter first = LoraAdapter.create(model.config(), options, 1);
    model
        .adapters()
        .attach(
            new LoraAdapter(
                options,
                first.maps().stream()
                    .map(
                        map -> {
                          float[] b = map.b().clone();
                          for (int i = 0; i < b.length; i++) {
                            b[i] = (float) (0.1 * Math.sin(i + map.from()));
                          }
                          return new LowRank(
                              map.parameter(),
                              map.from(),
                              map.outputs(),
                              map.inputs(),
                              map.rank(),
                              map.scale(),
                              map.a(),
                              b);
                        })
                    .toList(),
                null));
    TrainingStep.freeze(model, List.of());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "openclip-vit",
        "openclip-siglip",
        "openclip-timm-vit",
        "openclip-timm-gap",
        "openclip-vitamin",
        "openclip-eva01",
        "openclip-eva02",
        "openclip-eva02-e",
        "openclip-pe",
        "openclip-coca",
        "hf-naflex",
        "openclip-bert-pooler",
        "openclip-mt5",
        "openclip-m2m"
      })
  void micro_batches_give_the_gradients_of_the_whole_batch_dropout_included(String name) {
    try (ClipModel model = Steps.golden(name)) {
      attach(model, HALF);
      PairBatch batch = Steps.batch(model.config(), 23, 5);
      Map<String, float[]> whole = Steps.gradients(model, batch, Way.whole(0.5));
      assertThat(whole.keySet()).allMatch(parameter -> parameter.contains(".lora_"));
      assertThat(whole).hasSize(2 * model.adapters().attached().orElseThrow().maps().size());
      assertThat(whole.values()).allSatisfy(g -> assertThat(g).isNotEqualTo(new float[g.length]));
      Way parts = Way.whole(0.5).microBatches(5);
      Steps.assertClose(Steps.gradients(model, batch, parts), whole, 1e-5, 1e-4);
      Steps.assertClose(Steps.gradients(model, batch, parts.on(2)), whole, 1e-5, 1e-4);
      PairBatch later = Steps.batch(model.config(), 23, 6);
      assertThat(Steps.gradients(model, later, parts)).isNotEqualTo(whole);
    }
  }

  /** Averaged over many draws, what is left out and the gain of the rest cancel out. */
  @Test
  void dropout_leaves_out_its_share() {
    try (ClipModel model = Steps.golden("openclip-vit")) {
      LoraOptions one =
          LoraOptions.builder().optDropout(0.25).optTargets(Target.MLP_OUTPUT).build();
      attach(model, one);
      Map<String, double[]> sums = new TreeMap<>();
      int draws = 200;
      for (int i = 0; i < draws; i++) {
        PairBatch batch = Steps.batch(model.config(), 4, 5);
        PairBatch drawn =
            new PairBatch(
                batch.size(),
                batch.pixels(),
                batch.tokens(),
                batch.captions(),
                batch.captionIds(),
                batch.names(),
                batch.imageIds(),
                batch.indices(),
                i,
                batch.indexInEpoch(),
                null);
        Steps.gradients(model, drawn, Way.whole(0))
            .forEach(
                (name, g) -> {
                  double[] sum = sums.computeIfAbsent(name, n -> new double[g.length]);
                  Arrays.setAll(sum, k -> sum[k] + g[k] / draws);
                });
      }
      attach(model, LoraOptions.builder().optDropout(0).optTargets(Target.MLP_OUTPUT).build());
      Map<String, float[]> plain =
          Steps.gradients(model, Steps.batch(model.config(), 4, 5), Way.whole(0));
      String last = plain.keySet().stream().filter(n -> n.endsWith("lora_B")).toList().get(0);
      double dot = 0;
      double squares = 0;
      for (int k = 0; k < plain.get(last).length; k++) {
        dot += sums.get(last)[k] * plain.get(last)[k];
        squares += (double) plain.get(last)[k] * plain.get(last)[k];
      }
      assertThat(dot / squares).isBetween(0.9, 1.1);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"openclip-vit", "openclip-siglip"})
  void in_bfloat16_an_adapter_gets_float32_gradients_near_those_of_float32(String name) {
    try (ClipModel model = Steps.golden(name)) {
      attach(model, HALF);
      PairBatch batch = Steps.batch(model.config(), 12, 3);
      Map<String, float[]> full = Steps.gradients(model, batch, Way.whole(0));
      for (Way way : List.of(Way.whole(0), Way.whole(0).microBatches(4))) {
        Map<String, float[]> low = Steps.gradients(model, batch, way.in(Precision.BF16));
        assertThat(low.keySet()).isEqualTo(full.keySet());
        assertThat(Steps.distance(low, full)).as(way.toString()).isBetween(1e-5, 0.04);
      }
    }
  }

  /** With A the identity, a column of B's gradient is zero where all of its input was left out. */
  @Test
  void query_key_and_value_leave_out_inputs_of_their_own() {
    try (ClipModel model = Steps.golden("openclip-vit")) {
      LoraOptions options = LoraOptions.builder().optRank(64).optDropout(0.97).build();
      List<LowRank> maps =
          LoraAdapter.create(model.config(), options, 1).maps().stream()
              .map(LoraStepTest::identity)
              .toList();
      model.adapters().attach(new LoraAdapter(options, maps, null));
      TrainingStep.freeze(model, List.of());
      Map<String, float[]> found =
          Steps.gradients(model, Steps.batch(model.config(), 2, 5), Way.whole(0));
      List<List<Boolean>> seen =
          maps.stream()
              .filter(map -> map.parameter().startsWith("visual.transformer.resblocks.0.attn"))
              .map(map -> seen(found.get(map.key() + ".lora_B")))
              .toList();
      assertThat(seen).hasSize(3).doesNotHaveDuplicates();
      assertThat(seen).allSatisfy(columns -> assertThat(columns).contains(true, false));
    }
  }

  private static LowRank identity(LowRank map) {
    float[] a = new float[map.a().length];
    int inputs = Math.toIntExact(map.inputs());
    for (int i = 0; i < Math.min(map.rank(), inputs); i++) {
      a[i * inputs + i] = 1;
    }
    return new LowRank(
        map.parameter(),
        map.from(),
        map.outputs(),
        map.inputs(),
        map.rank(),
        map.scale(),
        a,
        map.b());
  }

  private static List<Boolean> seen(float[] gradient) {
    Boolean[] columns = new Boolean[64];
    Arrays.fill(columns, false);
    for (int i = 0; i < gradient.length; i++) {
      columns[i % 64] |= gradient[i] != 0;
    }
    return List.of(columns);
  }
}
