package org.clip4j.train.internal.plan;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.clip4j.data.Pairs;
import org.clip4j.model.ClipConfig;
import org.clip4j.model.ClipModel;
import org.clip4j.model.LoraOptions;
import org.clip4j.train.SmallTraining;
import org.clip4j.train.options.DataOptions;
import org.clip4j.train.options.Teacher;
import org.junit.jupiter.api.Test;

class NamedSettingsTest {

  /** What {@link NamedSettings#of} has under another name, or cannot write. */
  private static final Set<String> ELSEWHERE =
      Set.of("pairs", "output", "epochs", "steps", "listeners", "adapter", "madeFrom", "workers");

  private static TrainingPlan plan(ClipModel model) {
    TrainingPlan plan = new TrainingPlan();
    plan.model = model;
    plan.pairs = SmallTraining.SHAPES.training(8);
    plan.data = DataOptions.builder().optTokenizer(new SmallTraining.Letters()).build();
    return plan;
  }

  @Test
  void every_setting_has_a_name() throws IOException {
    Map<String, String> named;
    try (ClipModel model = ClipModel.create(SmallTraining.VIT, 0)) {
      TrainingPlan plan = plan(model);
      plan.lora = LoraOptions.DEFAULT;
      plan.teacher =
          Teacher.of(model, plan.resolved().data.transform(), new SmallTraining.Letters());
      named = NamedSettings.of(plan.resolved());
    }
    Set<String> fields =
        Arrays.stream(TrainingPlan.class.getDeclaredFields())
            .filter(field -> !Modifier.isStatic(field.getModifiers()) && !field.isSynthetic())
            .map(Field::getName)
            .collect(Collectors.toCollection(TreeSet::new));
    assertThat(fields).hasSizeGreaterThan(15).containsAll(ELSEWHERE);
    for (String field : fields) {
      assertThat(isNamed(named, field) ^ ELSEWHERE.contains(field))
          .as("TrainingPlan.%s stands in one of NamedSettings.of and ELSEWHERE", field)
          .isTrue();
    }
    assertThat(NamedSettings.FREE).allMatch(name -> isNamed(named, name));
  }

  private static boolean isNamed(Map<String, String> named, String field) {
    return named.keySet().stream().anyMatch(name -> (name + ".").startsWith(field + "."));
  }

  @Test
  void records_are_written_by_component_and_defaults_as_what_they_come_to() throws IOException {
    try (ClipModel model = ClipModel.create(SmallTraining.VIT, 0)) {
      TrainingPlan plan = plan(model);
      plan.pairs = Pairs.of(List.of());
      assertThat(NamedSettings.of(plan.resolved()))
          .containsEntry("model.vision.width", "64")
          .containsEntry("data.transform.mean", "[0.48145467, 0.4578275, 0.40821072]")
          .containsEntry("data.augmentation", "null")
          .containsEntry("data.patchDropout", "0.0")
          .containsEntry("optimizer.weightDecay", "0.2")
          .containsEntry("optimizer.freezings", "[]")
          .containsEntry("totalSteps", "30")
          .containsEntry("schedule.warmupSteps", "1")
          .containsEntry("microBatchSize", "128")
          .containsEntry("checkpoints.keepLast", "3")
          .containsEntry("evaluation.evaluations", "0");
    }
  }

  @Test
  void an_adapter_is_trained_in_micro_batches_of_a_third_unless_batch_norms_see_them()
      throws IOException {
    assertThat(microBatch(SmallTraining.VIT, 32, 0, LoraOptions.DEFAULT)).isEqualTo(16);
    assertThat(microBatch(SmallTraining.VIT, 130, 0, LoraOptions.DEFAULT)).isEqualTo(65);
    assertThat(microBatch(SmallTraining.VIT, 6, 0, LoraOptions.DEFAULT)).isEqualTo(6);
    assertThat(microBatch(SmallTraining.VIT, 32, 32, LoraOptions.DEFAULT)).isEqualTo(32);
    assertThat(microBatch(SmallTraining.VIT, 32, 0, null)).isEqualTo(32);
    assertThat(microBatch(SmallTraining.RESNET, 32, 0, LoraOptions.DEFAULT)).isEqualTo(32);
  }

  private static int microBatch(ClipConfig config, int batch, int micro, LoraOptions lora)
      throws IOException {
    try (ClipModel model = ClipModel.create(config, 0)) {
      TrainingPlan plan = plan(model);
      plan.batchSize = batch;
      plan.microBatchSize = micro;
      plan.lora = lora;
      return plan.resolved().microBatchSize;
    }
  }
}
