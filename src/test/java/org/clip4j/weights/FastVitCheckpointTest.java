package org.clip4j.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import org.clip4j.engine.Precision;
import org.clip4j.model.ClipModel;
import org.clip4j.model.FastVitConfig;
import org.clip4j.model.Forward;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the golden cases of FastViT do not reach. */
class FastVitCheckpointTest {

  private static float[] embed(ClipModel model) {
    try (NDManager call = model.manager().newSubManager()) {
      NDArray pixels = call.arange(3f * 96 * 96).mul(0.7f).sin().reshape(new Shape(1, 3, 96, 96));
      return model.encodeImage(Forward.EVALUATE, pixels).toFloatArray();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"openclip-fastvit", "openclip-fastvit-large"})
  void folded_branches_give_the_features_of_the_branches(String name) throws IOException {
    try (Checkpoint branched = Checkpoint.open(Golden.folder(name));
        Checkpoint folded = Checkpoint.open(Golden.folder(name + "-folded"));
        ClipModel first = ClipModel.load(branched.config(), branched.parameters());
        ClipModel second = ClipModel.load(folded.config(), folded.parameters())) {
      assertThat(((FastVitConfig) branched.config().vision()).folded()).isFalse();
      assertThat(((FastVitConfig) folded.config().vision()).folded()).isTrue();
      float[] expected = embed(first);
      assertThat(embed(second)).containsExactly(expected, within(2e-5f));
      first.prepareImages(Precision.FP32);
      second.prepareImages(Precision.FP32);
      assertThat(embed(first)).containsExactly(expected, within(2e-5f));
      assertThat(embed(second)).containsExactly(expected, within(2e-5f));
    }
  }

  @Test
  void a_tower_whose_branches_are_folded_is_not_trained_but_its_texts_are() throws IOException {
    try (Checkpoint folded = Checkpoint.open(Golden.folder("openclip-fastvit-folded"));
        ClipModel model = ClipModel.load(folded.config(), folded.parameters())) {
      assertThatThrownBy(() -> model.setTrainable(true))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContainingAll("folded", "reparam_conv", "checkpoint with branches");
      model.setTrainable(spec -> spec.name().startsWith("text."));
      assertThat(embed(model)).doesNotContain(Float.NaN);
    }
  }

  @Test
  void a_folded_model_is_written_and_read_again(@TempDir Path folder) throws IOException {
    try (Checkpoint folded = Checkpoint.open(Golden.folder("openclip-fastvit-folded"))) {
      Checkpoint.save(
          folder, Layout.OPENCLIP, folded.config(), folded.transform(), folded.parameters());
      try (Checkpoint again = Checkpoint.open(folder)) {
        assertThat(again.config()).isEqualTo(folded.config());
        assertThat(again.tensors().keySet()).isEqualTo(folded.tensors().keySet());
      }
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "openclip-fastvit",
        "openclip-fastvit-folded",
        "openclip-convnext",
        "openclip-swin",
        "openclip-vitamin"
      })
  void a_model_for_inference_alone_frees_what_it_lays_out(String name) throws IOException {
    try (Checkpoint checkpoint = Checkpoint.open(Golden.folder(name));
        ClipModel whole = ClipModel.load(checkpoint.config(), checkpoint.parameters());
        ClipModel lean =
            ClipModel.loadForInference(
                checkpoint.config(),
                checkpoint.parameters(),
                Device.cpu(),
                EnumSet.allOf(ClipModel.Tower.class))) {
      int size = checkpoint.config().vision().imageHeight();
      lean.prepareImages(Precision.FP32);
      try (NDManager call = lean.manager().newSubManager()) {
        NDArray pixels = call.ones(new Shape(2, 3, size, size));
        float[] expected = whole.encodeImage(Forward.EVALUATE, pixels).toFloatArray();
        assertThat(lean.encodeImage(Forward.EVALUATE, pixels).toFloatArray())
            .containsExactly(expected, within(2e-5f));
      }
    }
  }

  @Test
  void hidden_states_are_those_of_the_stem_and_of_each_block() throws IOException {
    try (Checkpoint checkpoint = Checkpoint.open(Golden.folder("openclip-fastvit"));
        ClipModel model = ClipModel.load(checkpoint.config(), checkpoint.parameters());
        NDManager call = model.manager().newSubManager()) {
      List<Shape> states = new ArrayList<>();
      NDArray pixels = call.ones(new Shape(1, 3, 96, 96));
      model.encodeImage(Forward.EVALUATE, pixels, state -> states.add(state.getShape()));
      assertThat(states)
          .containsExactly(
              new Shape(1, 8, 24, 24),
              new Shape(1, 8, 24, 24),
              new Shape(1, 16, 12, 12),
              new Shape(1, 32, 6, 6),
              new Shape(1, 32, 6, 6),
              new Shape(1, 32, 3, 3));
      assertThat(model.traceImage(pixels).states()).hasSize(6);
    }
  }
}
