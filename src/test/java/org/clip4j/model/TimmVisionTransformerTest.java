package org.clip4j.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.nio.FloatBuffer;
import java.util.Random;
import org.clip4j.engine.internal.HostMemory;
import org.junit.jupiter.api.Test;

class TimmVisionTransformerTest {
  private static final int WIDTH = 48;
  private static final int EMBED = 20;
  private static final TextConfig TEXT =
      TextConfig.builder()
          .setContextLength(8)
          .setVocabSize(50)
          .setWidth(16)
          .setHeads(2)
          .setLayers(1)
          .build();
  private static final TimmVitConfig TOWER =
      new TimmVitConfig(
          VisionShape.builder()
              .setImageSize(32)
              .setPatchSize(8)
              .setWidth(WIDTH)
              .setLayers(2)
              .setHeads(3)
              .optMlpRatio(2.5)
              .build(),
          true,
          false,
          false);

  private static JsonObject json(String projection) {
    return JsonParser.parseString(
            "{'embed_dim': 20, 'text_cfg': {}, 'vision_cfg': {'image_size': 32,"
                + " 'timm_model_name': 'vit_small_reference_clip', 'timm_pool': 'token'"
                + projection
                + "}}")
        .getAsJsonObject();
  }

  /** OpenCLIP takes a missing {@code timm_proj} for {@code linear}, a layer outside the trunk. */
  @Test
  void a_head_in_the_trunk_is_asked_for_by_null() {
    ClipConfig config = ClipConfigJson.read(json(", 'timm_proj': null"));
    assertThat(config.vision()).isEqualTo(TOWER);
    assertThat(ClipConfigJson.write(config).getAsJsonObject("vision_cfg").get("timm_proj"))
        .isEqualTo(JsonNull.INSTANCE);
    for (String other : new String[] {"", ", 'timm_proj': 'linear'", ", 'timm_proj': 'none'"}) {
      assertThatThrownBy(() -> ClipConfigJson.read(json(other)))
          .hasMessageContainingAll("vision_cfg.timm_proj", "timm ViT", "\"token\"", "null");
    }
  }

  /** Patches keep their positions, so their order is of no account. */
  @Test
  void a_stem_of_convolutions_gives_patches_that_can_be_chosen() {
    TimmVitConfig hybrid =
        new TimmVitConfig(
            TOWER.shape().toBuilder().setImageSize(64).setPatchSize(16).build(), true, false, true);
    try (ClipModel model = ClipModel.create(new ClipConfig(EMBED, hybrid, TEXT, false), 4);
        NDManager call = model.manager().newSubManager()) {
      Random random = new Random(2);
      NDArray pixels =
          HostMemory.upload(call, new Shape(1, 3, 64, 64), (from, memory) -> fill(memory, random));
      long[] order = {15, 3, 2, 1, 0, 4, 5, 6, 7, 8, 9, 10, 11, 14, 13, 12};
      NDArray all = HostMemory.upload(call, new Shape(1, 16), order);
      NDArray some = HostMemory.upload(call, new Shape(1, 3), new long[] {0, 5, 9});
      float[] expected = model.encodePatches(Forward.EVALUATE, pixels, null).toFloatArray();
      float[] found = model.encodePatches(Forward.EVALUATE, pixels, all).toFloatArray();
      float[] fewer = model.encodePatches(Forward.EVALUATE, pixels, some).toFloatArray();
      for (int i = 0; i < expected.length; i++) {
        assertThat((double) found[i]).isCloseTo(expected[i], within(2e-6));
      }
      assertThat(fewer).isNotEqualTo(expected);
    }
    assertThatThrownBy(() -> new TimmVitConfig(TOWER.shape(), true, false, true))
        .hasMessageContainingAll("vision_cfg.patch_size", "8", "16 pixels");
  }

  /** Whole images and some of their patches. */
  @Test
  void it_computes_what_the_plain_tower_does_with_the_same_weights() {
    VitConfig plain =
        VitConfig.builder()
            .setImageSize(32)
            .setPatchSize(8)
            .setWidth(WIDTH)
            .setLayers(2)
            .optHeadWidth(16)
            .optMlpRatio(2.5)
            .build();
    try (ClipModel timm = ClipModel.create(new ClipConfig(EMBED, TOWER, TEXT, false), 4);
        ClipModel vit =
            ClipModel.load(
                new ClipConfig(EMBED, plain, TEXT, false), name -> renamed(timm.values(), name));
        NDManager call = timm.manager().newSubManager()) {
      Random random = new Random(2);
      NDArray pixels =
          HostMemory.upload(call, new Shape(2, 3, 32, 32), (from, memory) -> fill(memory, random));
      NDArray kept = HostMemory.upload(call, new Shape(2, 3), new long[] {0, 5, 9, 15, 2, 3});
      for (NDArray patches : new NDArray[] {null, kept}) {
        float[] found = timm.encodePatches(Forward.EVALUATE, pixels, patches).toFloatArray();
        float[] expected = vit.encodePatches(Forward.EVALUATE, pixels, patches).toFloatArray();
        assertThat(found).hasSize(2 * EMBED);
        for (int i = 0; i < found.length; i++) {
          assertThat((double) found[i]).isCloseTo(expected[i], within(2e-6));
        }
        assertThat(found).isNotEqualTo(new float[2 * EMBED]);
      }
    }
  }

  private static void fill(FloatBuffer memory, Random random) {
    while (memory.hasRemaining()) {
      memory.put((float) random.nextGaussian());
    }
  }

  /** The head's bias starts as 0, and the plain tower has none. */
  private static FloatBuffer renamed(ParameterSource timm, String name) {
    if (name.equals("visual.proj")) {
      return transposed(timm.read("visual.trunk.head.weight"));
    }
    return timm.read(
        name.replace("visual.class_embedding", "visual.trunk.cls_token")
            .replace("visual.positional_embedding", "visual.trunk.pos_embed")
            .replace("visual.conv1.", "visual.trunk.patch_embed.proj.")
            .replace("visual.ln_pre.", "visual.trunk.norm_pre.")
            .replace("visual.ln_post.", "visual.trunk.norm.")
            .replaceFirst(
                "^visual.transformer.resblocks.(\\d)\\.ln_", "visual.trunk.blocks.$1.norm")
            .replaceFirst("^visual.transformer.resblocks.", "visual.trunk.blocks.")
            .replaceFirst("^(visual.trunk.*attn)\\.in_proj_", "$1.qkv.")
            .replaceFirst("^(visual.trunk.*attn)\\.out_proj", "$1.proj")
            .replaceFirst("^(visual.trunk.*)c_fc", "$1fc1")
            .replaceFirst("^(visual.trunk.*)c_proj", "$1fc2"));
  }

  private static FloatBuffer transposed(FloatBuffer head) {
    FloatBuffer values = FloatBuffer.allocate(WIDTH * EMBED);
    for (int in = 0; in < WIDTH; in++) {
      for (int out = 0; out < EMBED; out++) {
        values.put(head.get(head.position() + out * WIDTH + in));
      }
    }
    return values.flip();
  }
}
