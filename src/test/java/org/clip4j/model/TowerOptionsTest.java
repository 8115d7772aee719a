package org.clip4j.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** Options of the towers, which the parameters of a model show. */
class TowerOptionsTest {
  private static final int WIDTH = 64;

  private static TextTransformerConfig.Builder text() {
    return TextConfig.builder()
        .setContextLength(8)
        .setVocabSize(50)
        .setWidth(WIDTH)
        .setHeads(2)
        .setLayers(1);
  }

  private static <B extends VisionShape.Setters<B>> B sized(B tower) {
    return tower.setImageSize(32).setPatchSize(8).setWidth(WIDTH).setLayers(1);
  }

  private static Map<String, List<Long>> shapes(VisionConfig vision, TextConfig text) {
    Map<String, List<Long>> shapes = new TreeMap<>();
    for (ParameterSpec spec : ParameterSpec.of(new ClipConfig(WIDTH, vision, text, false))) {
      shapes.put(spec.name(), spec.shape());
    }
    return shapes;
  }

  private static VisionShape shape() {
    return sized(VisionShape.builder()).setHeads(2).build();
  }

  private static Map<String, List<Long>> shapes(VisionConfig vision) {
    return shapes(vision, text().build());
  }

  @Test
  void a_vit_may_lack_its_first_norm() {
    Map<String, List<Long>> expected = shapes(sized(VitConfig.builder()).build());
    assertThat(expected.keySet().removeIf(name -> name.startsWith("visual.ln_pre."))).isTrue();
    assertThat(shapes(sized(VitConfig.builder()).optLnPre(false).build())).isEqualTo(expected);
  }

  @Test
  void a_vit_of_timm_may_lack_its_first_norm_and_have_its_head_outside() {
    Map<String, List<Long>> expected = shapes(new TimmVitConfig(shape(), true, false, false));
    assertThat(expected.keySet().removeIf(name -> name.startsWith("visual.trunk.norm_pre.")))
        .isTrue();
    expected.put("visual.trunk.patch_embed.proj.bias", List.of(64L)); // as timm has it then
    assertThat(shapes(new TimmVitConfig(shape(), false, false, false))).isEqualTo(expected);
    assertThat(expected).containsKey("visual.trunk.head.weight");
    assertThat(shapes(new TimmVitConfig(shape(), true, true, false)))
        .containsEntry("visual.head.proj.weight", List.of(64L, 64L))
        .doesNotContainKey("visual.trunk.head.weight");
  }

  @Test
  void a_perception_encoder_without_class_token_has_a_position_less() {
    assertThat(shapes(new PeConfig(shape(), true)))
        .containsKey("visual.trunk.cls_token")
        .containsEntry("visual.trunk.pos_embed", List.of(1L, 17L, 64L));
    assertThat(shapes(new PeConfig(shape(), false)))
        .doesNotContainKey("visual.trunk.cls_token")
        .containsEntry("visual.trunk.pos_embed", List.of(1L, 16L, 64L));
  }

  @Test
  void a_text_is_projected_by_a_matrix_a_linear_layer_or_not_at_all() {
    VisionConfig vision = sized(VitConfig.builder()).build();
    assertThat(shapes(vision, text().build())).containsEntry("text_projection", List.of(64L, 64L));
    assertThat(shapes(vision, text().optProjection(TextProjection.LINEAR).build()))
        .containsKeys("text_projection.weight", "text_projection.bias")
        .doesNotContainKey("text_projection");
    assertThat(shapes(vision, text().optProjection(TextProjection.NONE).build()).keySet())
        .noneMatch(name -> name.startsWith("text_projection"));
  }
}
