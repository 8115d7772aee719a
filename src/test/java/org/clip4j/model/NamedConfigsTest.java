package org.clip4j.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvFileSource;

class NamedConfigsTest {

  /**
   * Counts are open_clip 3.3.0's, of every architecture of its that is made of towers this library
   * has: all parameters, those of the image tower, tensors in the checkpoint.
   */
  @ParameterizedTest
  @CsvFileSource(resources = "/architectures.csv", numLinesToSkip = 1)
  void has_the_parameters_that_open_clip_counts(String name, long total, long visual, int tensors) {
    ClipConfig config = ClipConfig.named(name);
    List<ParameterSpec> specs = ParameterSpec.of(config);
    assertThat(count(specs, "")).isEqualTo(total);
    assertThat(count(specs, "visual.")).isEqualTo(visual);
    assertThat(specs).hasSize(tensors);
    assertThat(ClipConfigJson.read(ClipConfigJson.write(config))).isEqualTo(config);
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
        .hasSize(94 + 2)
        .allSatisfy(name -> assertThat(ClipConfig.named(name)).isNotNull());
  }

  @Test
  void an_unknown_name_lists_the_known_ones() {
    assertThatThrownBy(() -> ClipConfig.named("ViT-B-23"))
        .hasMessageContaining("ViT-B-23")
        .hasMessageContaining("ViT-B-32");
  }
}
