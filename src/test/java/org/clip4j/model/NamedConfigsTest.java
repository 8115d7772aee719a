package org.clip4j.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NamedConfigsTest {

  /**
   * Counts are open_clip 3.3.0's: all parameters, those of the image tower, tensors in the
   * checkpoint.
   */
  @ParameterizedTest
  @CsvSource({
    "ViT-S-32, 63085825, 22641792, 302",
    "ViT-B-32, 151277313, 87849216, 302",
    "ViT-B-32-quickgelu, 151277313, 87849216, 302",
    "ViT-B-16, 149620737, 86192640, 302",
    "ViT-L-14, 427616513, 303966208, 446",
    "RN50-quickgelu, 102007137, 38316896, 489",
  })
  void has_the_parameters_that_open_clip_counts(String name, long total, long visual, int tensors) {
    List<ParameterSpec> specs = ParameterSpec.of(ClipConfig.named(name));
    assertThat(count(specs, "")).isEqualTo(total);
    assertThat(count(specs, "visual.")).isEqualTo(visual);
    assertThat(specs).hasSize(tensors);
  }

  private static long count(List<ParameterSpec> specs, String prefix) {
    return specs.stream()
        .filter(spec -> !spec.buffer() && spec.name().startsWith(prefix))
        .mapToLong(ParameterSpec::count)
        .sum();
  }

  @Test
  void every_name_gives_an_architecture() {
    assertThat(ClipConfig.names())
        .isNotEmpty()
        .allSatisfy(name -> assertThat(ClipConfig.named(name)).isNotNull());
  }

  @Test
  void an_unknown_name_lists_the_known_ones() {
    assertThatThrownBy(() -> ClipConfig.named("ViT-B-23"))
        .hasMessageContaining("ViT-B-23")
        .hasMessageContaining("ViT-B-32");
  }
}
