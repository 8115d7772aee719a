package org.clip4j.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.clip4j.engine.Precision;
import org.clip4j.engine.internal.HostMemory;
import org.clip4j.weights.Checkpoint;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the golden cases of timm's towers do not reach. */
class TimmPatchTowersTest {
  private static final int PATCHES = 16;
  private static final int EMBED = 20;

  private static ClipModel golden(String name) throws IOException {
    try (Checkpoint checkpoint =
        Checkpoint.open(Path.of("src/test/resources/golden", "openclip-" + name))) {
      return ClipModel.load(checkpoint.config(), checkpoint.parameters());
    }
  }

  private static NDArray pixels(ClipModel model, NDManager manager, int images) {
    Random random = new Random(5);
    int size = model.config().vision().imageHeight();
    return HostMemory.upload(
        manager,
        new Shape(images, 3, size, size),
        (from, memory) -> {
          while (memory.hasRemaining()) {
            memory.put((float) random.nextGaussian());
          }
        });
  }

  private static void assertClose(float[] found, float[] expected, double tolerance) {
    assertThat(found).hasSameSizeAs(expected);
    for (int i = 0; i < found.length; i++) {
      assertThat((double) found[i]).isCloseTo(expected[i], within(tolerance));
    }
  }

  /** So patches take their positions with them, learned and rotary ones. */
  @ParameterizedTest
  @ValueSource(strings = {"eva01", "eva02", "eva02-e", "pe", "pe-tokenless", "timm-gap", "vitamin"})
  void the_order_in_which_patches_are_looked_at_changes_nothing(String name) throws IOException {
    try (ClipModel model = golden(name);
        NDManager call = model.manager().newSubManager()) {
      NDArray pixels = pixels(model, call, 2);
      float[] whole = model.encodePatches(Forward.EVALUATE, pixels, null).toFloatArray();
      assertThat(whole).hasSize(2 * EMBED);
      List<Long> order = new ArrayList<>();
      for (int i = 0; i < 2 * PATCHES; i++) {
        order.add((long) i % PATCHES);
      }
      Collections.shuffle(order.subList(0, PATCHES), new Random(3));
      Collections.shuffle(order.subList(PATCHES, 2 * PATCHES), new Random(4));
      long[] all = order.stream().mapToLong(Long::longValue).toArray();
      NDArray kept = HostMemory.upload(call, new Shape(2, PATCHES), all);
      for (Forward pass : List.of(Forward.EVALUATE, Forward.TRAIN)) {
        assertClose(model.encodePatches(pass, pixels, kept).toFloatArray(), whole, 1e-5);
      }
      NDArray few = HostMemory.upload(call, new Shape(2, 3), new long[] {0, 5, 9, 15, 2, 3});
      assertThat(model.encodePatches(Forward.EVALUATE, pixels, few).toFloatArray())
          .isNotEqualTo(whole);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "eva01",
        "eva02",
        "eva02-e",
        "pe",
        "pe-tokenless",
        "timm-gap",
        "vitamin",
        "relpos",
        "mci-vit"
      })
  void a_trace_ends_in_the_embedding(String name) throws IOException {
    try (ClipModel model = golden(name);
        NDManager call = model.manager().newSubManager()) {
      NDArray pixels = pixels(model, call, 1);
      float[] whole = model.encodePatches(Forward.EVALUATE, pixels, null).toFloatArray();
      Trace trace = model.traceImage(pixels);
      assertClose(trace.embedding().toFloatArray(), whole, 1e-5);
      boolean tokenless = List.of("pe-tokenless", "timm-gap", "vitamin").contains(name);
      int heads = ((VisionTransformerConfig) model.config().vision()).heads();
      int tokens = tokenless ? PATCHES : PATCHES + 1;
      assertThat(trace.attention())
          .hasSize(2)
          .allSatisfy(w -> assertThat(w.getShape()).isEqualTo(new Shape(1, heads, tokens, tokens)));
      if (name.startsWith("pe")) {
        assertThat(trace.poolingAttention().getShape()).isEqualTo(new Shape(1, 8, 1, tokens));
        assertClose(
            trace.poolingAttention().sum(new int[] {-1}).toFloatArray(),
            new float[] {1, 1, 1, 1, 1, 1, 1, 1},
            1e-5);
      }
      assertThat(model.embedPatches(trace.states().get(2)).getShape())
          .isEqualTo(new Shape(PATCHES, EMBED));
    }
  }

  /** Whose hidden states are asked for, so that the last block is computed for all rows. */
  @ParameterizedTest
  @ValueSource(strings = {"eva01", "eva02", "eva02-e", "relpos"})
  void the_last_block_is_the_same_for_one_row_and_for_all(String name) throws IOException {
    try (ClipModel model = golden(name);
        NDManager call = model.manager().newSubManager()) {
      NDArray pixels = pixels(model, call, 2);
      float[] whole = model.encodePatches(Forward.EVALUATE, pixels, null).toFloatArray();
      List<NDArray> states = new ArrayList<>();
      assertClose(
          model.encodeImage(Forward.EVALUATE, pixels, states::add).toFloatArray(), whole, 1e-5);
      assertThat(states).hasSize(3);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "eva02, BF16",
    "eva02-e, BF16",
    "pe, BF16",
    "eva02, FP16",
    "vitamin, BF16",
    "relpos, BF16"
  })
  void prepared_weights_of_a_short_type_give_nearly_the_same(String name, Precision precision)
      throws IOException {
    try (ClipModel model = golden(name);
        NDManager call = model.manager().newSubManager()) {
      NDArray pixels = pixels(model, call, 2);
      Forward pass = Forward.EVALUATE.in(precision);
      float[] plain = model.encodePatches(pass, pixels, null).toFloatArray();
      float[] full = model.encodePatches(Forward.EVALUATE, pixels, null).toFloatArray();
      model.prepareImages(precision);
      assertClose(model.encodePatches(pass, pixels, null).toFloatArray(), plain, 0.05);
      assertClose(plain, full, 0.1);
    }
  }

  @Test
  void a_tower_of_relative_positions_looks_at_all_patches() throws IOException {
    try (ClipModel model = golden("relpos");
        NDManager call = model.manager().newSubManager()) {
      NDArray kept = HostMemory.upload(call, new Shape(1, 3), new long[] {0, 5, 9});
      NDArray pixels = pixels(model, call, 1);
      assertThatThrownBy(() -> model.encodePatches(Forward.TRAIN, pixels, kept))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContainingAll("relative positions", "all patches");
      assertThatThrownBy(
              () -> ((VisionTransformerConfig) model.config().vision()).withPatchDropout(0.5))
          .hasMessageContainingAll("vision_cfg.patch_dropout", "0.5", "all patches");
    }
  }

  @Test
  void rotary_positions_of_another_image_size_are_stretched_over_the_same_grid() {
    EvaConfig eva = (EvaConfig) ClipConfig.named("EVA02-L-14").vision();
    assertThat(eva.withImageSize(336, 336)).isEqualTo(ClipConfig.named("EVA02-L-14-336").vision());
    PeConfig pe = (PeConfig) ClipConfig.named("PE-Core-L-14-336").vision();
    assertThat(((PeConfig) pe.withImageSize(448, 224)).rotaryGrid()).isEqualTo(24);
  }

  @Test
  void a_tower_whose_heads_cannot_be_turned_is_refused() {
    VisionShape.Builder shape = VisionShape.builder().setImageSize(32).setPatchSize(8).setLayers(2);
    VisionShape eva = shape.setWidth(48).setHeads(8).build();
    assertThatThrownBy(() -> new EvaConfig(eva, EvaConfig.Generation.EVA02))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll("vision_cfg.heads", "8", "6", "multiple of 4");
    assertThat(new EvaConfig(eva, EvaConfig.Generation.EVA01).heads()).isEqualTo(8);
    VisionShape pe = shape.setWidth(36).setHeads(3).build();
    assertThatThrownBy(() -> new PeConfig(pe, true))
        .hasMessageContainingAll("vision_cfg.width", "36", "8");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "eva02_base_patch16_clip_224 | map | null | timm_pool | timm EVA",
        "eva_giant_patch14_224 | token | 'linear' | timm_proj | timm EVA",
        "vit_pe_core_base_patch16_224 | token | null | timm_pool | Perception Encoder",
        "vit_pe_core_base_patch16_224 | map | 'none' | timm_proj | Perception Encoder",
        "vit_base_patch16_224 | '' | 'linear', 'timm_proj_bias': true | timm_proj_bias | timm ViT",
        "vit_base_patch16_224 | avg | 'linear' | timm_pool | timm ViT"
      })
  void another_pooling_or_projection_than_open_clip_s_is_refused(
      String tower, String pool, String proj, String wrong, String family) {
    JsonObject json =
        JsonParser.parseString(
                "{'embed_dim': 20, 'text_cfg': {}, 'vision_cfg': {'image_size': 224,"
                    + " 'timm_model_name': '"
                    + tower
                    + "', 'timm_pool': '"
                    + pool
                    + "', 'timm_proj': "
                    + proj
                    + "}}")
            .getAsJsonObject();
    assertThatThrownBy(() -> ClipConfigJson.read(json))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll("vision_cfg." + wrong + " is", family);
  }

  /** As in timm, where they pool by the mean, whether it is asked for or not. */
  @ParameterizedTest
  @CsvSource({"vit_medium_patch16_gap_256, 256", "vitamin_small_224, 224"})
  void a_tower_that_pools_by_the_mean_may_be_told_so(String tower, int size) {
    String form =
        "{'embed_dim': 20, 'text_cfg': {}, 'vision_cfg': {'image_size': %d, 'timm_model_name':"
            + " '%s', 'timm_pool': '%s'}}";
    ClipConfig own =
        ClipConfigJson.read(
            JsonParser.parseString(form.formatted(size, tower, "")).getAsJsonObject());
    assertThat(
            ClipConfigJson.read(
                JsonParser.parseString(form.formatted(size, tower, "avg")).getAsJsonObject()))
        .isEqualTo(own);
  }

  /** A new model's weights, so that what the peer divides by depth is divided. */
  @Test
  void the_maps_that_end_a_branch_start_smaller_in_deeper_blocks() {
    ClipConfig config =
        new ClipConfig(
            EMBED,
            new EvaConfig(
                VisionShape.builder()
                    .setImageSize(32)
                    .setPatchSize(8)
                    .setLayers(2)
                    .setWidth(192)
                    .setHeads(3)
                    .build(),
                EvaConfig.Generation.EVA02),
            ClipConfig.named("EVA02-B-16").text(),
            false);
    for (ParameterSpec spec : ParameterSpec.of(config)) {
      if (spec.name().endsWith("1.mlp.fc2.weight") || spec.name().endsWith("1.attn.proj.weight")) {
        assertThat(spec.init().value()).isCloseTo(0.01, within(1e-9));
      }
      if (spec.name().endsWith("0.mlp.fc1_g.weight")) {
        assertThat(spec.init().value()).isEqualTo(0.02);
      }
    }
  }
}
