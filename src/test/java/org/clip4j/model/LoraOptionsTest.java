package org.clip4j.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.clip4j.model.ClipModel.Tower;
import org.clip4j.model.LoraAdapter.LowRank;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the options of an adapter make of it. */
class LoraOptionsTest {
  private static List<LowRank> maps(LoraOptions options) {
    return LoraAdapter.create(ClipConfig.named("ViT-B-32"), options, 1).maps();
  }

  @ParameterizedTest
  @CsvSource({"6, 4, true, 3", "6, 4, false, 1.5", "1, 16, true, 0.25"})
  void alpha_is_divided_by_the_rank_or_by_its_root(
      double alpha, int rank, boolean stabilized, double scale) {
    LoraOptions options =
        LoraOptions.builder()
            .optAlpha(alpha)
            .optRank(rank)
            .optRankStabilized(stabilized)
            .optLayers(0)
            .build();
    assertThat(maps(options)).isNotEmpty().allMatch(map -> map.scale() == scale);
  }

  @Test
  void only_the_towers_and_layers_that_are_named_are_adapted() {
    LoraOptions images = LoraOptions.builder().optTowers(Tower.IMAGES).optLayers(3).build();
    assertThat(maps(images))
        .hasSize(3) // query, key and value
        .allMatch(map -> map.parameter().startsWith("visual.transformer.resblocks.3."));
    LoraOptions texts = LoraOptions.builder().optTowers(Tower.TEXTS).build();
    assertThat(maps(texts))
        .hasSize(36)
        .allMatch(map -> map.parameter().startsWith("transformer.resblocks."));
  }
}
