package org.clip4j.train;

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
import org.clip4j.model.ClipModel;
import org.junit.jupiter.api.Test;

class RunSettingsTest {

  @Test
  void every_setting_either_counts_or_is_known_not_to() throws IOException {
    TrainingSettings settings = new TrainingSettings();
    settings.tokenizer = new SmallTraining.Letters();
    settings.pairs = SmallTraining.SHAPES.training(8);
    Map<String, String> counted;
    try (ClipModel model = ClipModel.create(SmallTraining.VIT, 0)) {
      settings.model = model;
      counted = RunSettings.of(settings);
    }
    Set<String> fields =
        Arrays.stream(TrainingSettings.class.getDeclaredFields())
            .filter(field -> !Modifier.isStatic(field.getModifiers()) && !field.isSynthetic())
            .map(Field::getName)
            .collect(Collectors.toCollection(TreeSet::new));
    assertThat(fields).hasSizeGreaterThan(20);
    for (String field : fields) {
      boolean counts =
          counted.keySet().stream().anyMatch(name -> (name + ".").startsWith(field + "."));
      assertThat(counts ^ RunSettings.FREE.contains(field))
          .as("TrainingSettings.%s stands in one of RunSettings.of and RunSettings.FREE", field)
          .isTrue();
    }
    assertThat(fields).containsAll(RunSettings.FREE);
  }

  @Test
  void records_are_compared_by_component() throws IOException {
    TrainingSettings settings = new TrainingSettings();
    settings.pairs = Pairs.of(List.of());
    settings.tokenizer = new SmallTraining.Letters();
    try (ClipModel model = ClipModel.create(SmallTraining.VIT, 0)) {
      settings.model = model;
      assertThat(RunSettings.of(settings))
          .containsEntry("model.vision.width", "64")
          .containsEntry("transform.mean", "[0.48145467, 0.4578275, 0.40821072]")
          .containsEntry("augmentation", "null");
    }
  }

  @Test
  void an_allowed_name_stands_for_what_continues_it_after_a_dot() {
    Map<String, String> then = Map.of("model.width", "1", "modelled", "1", "gone", "1");
    Map<String, String> now = Map.of("model.width", "2", "modelled", "2", "new", "1");
    assertThat(RunSettings.differences(then, now, Set.of("model")))
        .containsExactlyInAnyOrder(
            "modelled: was 1, is 2", "gone: was 1, is not set", "new: was not set, is 1");
  }
}
