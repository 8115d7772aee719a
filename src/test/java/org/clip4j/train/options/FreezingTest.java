package org.clip4j.train.options;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.clip4j.model.ClipConfig;
import org.clip4j.model.ParameterSpec;
import org.clip4j.train.internal.ParameterPlace;
import org.junit.jupiter.api.Test;

class FreezingTest {

  /** Trained parameters, with a block's in one. */
  private static Set<String> trained(String architecture, Freezing freezing) {
    ClipConfig config = ClipConfig.named(architecture);
    return ParameterSpec.of(config).stream()
        .filter(spec -> !spec.buffer() && !freezing.freezes(config, spec.name()))
        .map(spec -> spec.name().replaceAll("(blocks\\.\\d+|layer\\d\\.\\d+)\\..*", "$1"))
        .collect(Collectors.toCollection(TreeSet::new));
  }

  private static Set<String> image(Set<String> names) {
    return names.stream()
        .filter(name -> name.startsWith("visual."))
        .collect(Collectors.toCollection(TreeSet::new));
  }

  private static Set<String> text(Set<String> names) {
    return names.stream()
        .filter(name -> !name.startsWith("visual.") && !name.startsWith("logit_"))
        .collect(Collectors.toCollection(TreeSet::new));
  }

  @Test
  void a_locked_tower_leaves_the_other_and_the_logit_scale() {
    Set<String> trained = trained("ViT-B-32", Freezing.imageTower());
    assertThat(image(trained)).isEmpty();
    assertThat(text(trained)).hasSize(12 + 5).contains("text_projection", "token_embedding.weight");
    assertThat(trained).contains("logit_scale");
    Set<String> images = trained("ViT-B-32", Freezing.textTower());
    assertThat(text(images)).isEmpty();
    assertThat(image(images)).hasSize(12 + 8);
  }

  /** The groups of OpenCLIP's lock(), counted from the end: projection, last block with norm, … */
  @Test
  void last_blocks_unlock_with_all_that_follows_them() {
    Freezing image = Freezing.imageTower();
    assertThat(image(trained("ViT-B-32", image.withLastBlocksUnlocked(0))))
        .containsExactly("visual.proj");
    assertThat(image(trained("ViT-B-32", image.withLastBlocksUnlocked(2))))
        .containsExactly(
            "visual.ln_post.bias",
            "visual.ln_post.weight",
            "visual.proj",
            "visual.transformer.resblocks.10",
            "visual.transformer.resblocks.11");
    assertThat(text(trained("ViT-B-32", Freezing.textTower().withLastBlocksUnlocked(1))))
        .containsExactly(
            "ln_final.bias", "ln_final.weight", "text_projection", "transformer.resblocks.11");
    assertThat(image(trained("RN50", image.withLastBlocksUnlocked(4))))
        .contains("visual.layer3.5", "visual.layer4.0", "visual.attnpool.q_proj.weight")
        .doesNotContain("visual.layer3.4", "visual.conv1.weight");
    assertThat(image(trained("ViT-B-16-SigLIP", image.withLastBlocksUnlocked(1))))
        .contains(
            "visual.trunk.blocks.11", "visual.trunk.attn_pool.latent", "visual.trunk.norm.bias")
        .doesNotContain("visual.trunk.blocks.10", "visual.trunk.pos_embed");
  }

  @Test
  void all_but_the_projections_may_be_frozen() {
    assertThat(trained("ViT-B-32", Freezing.allButProjections()))
        .containsExactly("logit_scale", "text_projection", "visual.proj");
    assertThat(trained("RN50", Freezing.allButProjections()))
        .containsExactly(
            "logit_scale",
            "text_projection",
            "visual.attnpool.c_proj.bias",
            "visual.attnpool.c_proj.weight");
    assertThat(trained("ViT-B-16-SigLIP", Freezing.allButProjections()))
        .containsExactly(
            "logit_bias",
            "logit_scale",
            "text.text_projection.bias",
            "text.text_projection.weight");
    assertThat(trained("convnext_large_d", Freezing.allButProjections()))
        .contains("visual.head.mlp.fc1.bias", "visual.head.mlp.fc2.weight")
        .hasSize(3 + 2);
    assertThat(trained("MobileCLIP2-L-14", Freezing.allButProjections()))
        .contains("visual.trunk.head.bias", "visual.trunk.head.weight")
        .hasSize(4);
  }

  @Test
  void more_blocks_than_there_are_is_an_error() {
    assertThatThrownBy(() -> trained("ViT-B-32", Freezing.imageTower().withLastBlocksUnlocked(13)))
        .hasMessageContaining("13")
        .hasMessageContaining("12");
    assertThatThrownBy(() -> Freezing.imageTower().withLastBlocksUnlocked(-1))
        .hasMessageContaining("-1");
  }

  @Test
  void learning_rates_fall_from_layer_to_layer() {
    assertFactor("ViT-B-32", "visual.proj", 1);
    assertFactor("ViT-B-32", "visual.ln_post.weight", 1);
    assertFactor("ViT-B-32", "logit_scale", 1);
    assertFactor("ViT-B-32", "visual.transformer.resblocks.11.ln_1.bias", 0.5);
    assertFactor("ViT-B-32", "transformer.resblocks.0.mlp.c_fc.weight", Math.pow(0.5, 12));
    assertFactor("ViT-B-32", "token_embedding.weight", Math.pow(0.5, 13));
    assertFactor("ViT-B-32", "visual.ln_pre.weight", Math.pow(0.5, 13));
    assertFactor("RN50", "visual.bn1.weight", Math.pow(0.5, 17));
    assertFactor("RN50", "visual.layer2.0.conv1.weight", Math.pow(0.5, 13)); // the 4th of 16
    assertFactor("convnext_base", "visual.head.proj.weight", 1);
    assertFactor("convnext_base", "visual.trunk.head.norm.bias", 1);
    assertFactor("convnext_base", "visual.trunk.stages.3.blocks.2.gamma", 0.5);
    assertFactor("convnext_base", "visual.trunk.stages.3.downsample.1.bias", 0.125);
    assertFactor("convnext_base", "visual.trunk.stem.0.weight", Math.pow(0.5, 37));
    assertFactor("MobileCLIP-S1", "visual.trunk.head.fc.weight", 1);
    assertFactor("MobileCLIP-S1", "visual.trunk.final_conv.se.fc1.weight", 1);
    assertFactor("MobileCLIP-S1", "visual.trunk.stages.3.blocks.3.mlp.fc1.bias", 0.5);
    assertFactor("MobileCLIP-S1", "visual.trunk.stages.3.pos_emb.pos_enc.bias", Math.pow(0.5, 4));
    assertFactor("MobileCLIP-S1", "visual.trunk.stem.2.identity.bias", Math.pow(0.5, 41));
    assertFactor("ViT-B-16-SigLIP", "visual.trunk.blocks.11.norm1.bias", 0.5);
    assertFactor("ViT-B-16-SigLIP", "visual.trunk.patch_embed.proj.bias", Math.pow(0.5, 13));
    assertFactor("ViT-B-16-SigLIP", "visual.trunk.attn_pool.latent", 1);
  }

  private static void assertFactor(String architecture, String name, double expected) {
    ClipConfig config = ClipConfig.named(architecture);
    assertThat(ParameterSpec.of(config)).extracting(ParameterSpec::name).contains(name);
    assertThat(ParameterPlace.of(config, name).learningRateFactor(0.5))
        .as(name)
        .isCloseTo(expected, within(1e-12));
  }
}
