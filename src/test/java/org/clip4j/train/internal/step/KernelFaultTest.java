package org.clip4j.train.internal.step;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import org.clip4j.engine.internal.Faults;
import org.clip4j.engine.internal.KernelProof;
import org.clip4j.model.ClipModel;
import org.clip4j.train.SmallTraining;
import org.clip4j.train.monitor.TrainingDivergedException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Native kernels that are wrong are noticed and replaced, and what a model computes stays right.
 */
class KernelFaultTest {
  private static final Path GOLDEN = Path.of("src/test/resources/golden");

  @ParameterizedTest
  @CsvSource({
    "LAST_BLOCK, hf-clip",
    "NOT_A_NUMBER, hf-clip",
    "SINGLE_ELEMENT, hf-clip",
    "UNINITIALISED, hf-clip",
    "LAST_BLOCK, openclip-vit-quickgelu",
    "LAST_BLOCK, openclip-siglip",
    "SINGLE_ELEMENT, openclip-rn",
    "UNINITIALISED, openclip-rn",
    "LAST_BLOCK, openclip-convnext",
    "UNINITIALISED, openclip-convnext",
    "LAST_BLOCK, openclip-vitamin"
  })
  void features_are_right_where_packed_products_are_wrong(Faults fault, String name)
      throws Exception {
    fault.during(
        () -> {
          try (GoldenCase golden = new GoldenCase(GOLDEN.resolve(name), GOLDEN.resolve(name))) {
            golden.preparedFeatures();
          }
          assertThat(Faults.results())
              .filteredOn(result -> !result.kernel().startsWith("GELU"))
              .isNotEmpty()
              .noneMatch(KernelProof.Result::holds);
        });
  }

  @ParameterizedTest
  @EnumSource(value = Faults.class, mode = EnumSource.Mode.EXCLUDE, names = "MANY_IMAGES")
  void training_is_right_where_convolutions_are_wrong(Faults fault) throws Exception {
    trainsRightly(fault, "openclip-rn", "convolution");
  }

  /** Their results do not lie flat in memory, where SINGLE_ELEMENT would change one. */
  @ParameterizedTest
  @EnumSource(
      value = Faults.class,
      mode = EnumSource.Mode.EXCLUDE,
      names = {"MANY_IMAGES", "SINGLE_ELEMENT"})
  void training_is_right_where_depthwise_convolutions_are_wrong(Faults fault) throws Exception {
    trainsRightly(fault, "openclip-convnext", "depthwise convolution");
  }

  private static void trainsRightly(Faults fault, String name, String kernel) throws Exception {
    Path folder = GOLDEN.resolve(name);
    fault.during(
        () -> {
          GoldenModelTest.checkTraining(folder, folder);
          assertThat(Faults.results())
              .filteredOn(result -> result.kernel().startsWith(kernel))
              .isNotEmpty()
              .noneMatch(KernelProof.Result::holds);
        });
  }

  @Test
  void a_kernel_that_fails_after_its_proof_is_told_from_a_learning_rate(@TempDir Path folder)
      throws Exception {
    Faults.MANY_IMAGES.during(
        () -> {
          try (ClipModel model = ClipModel.create(SmallTraining.RESNET, 1)) {
            assertThatThrownBy(() -> SmallTraining.builder(model, folder).build().train())
                .isInstanceOf(TrainingDivergedException.class)
                .hasMessageContaining("became NaN at step 1")
                .hasMessageContaining("finite in plain float32 arithmetic")
                .hasMessageContaining("Doctor")
                .hasMessageNotContaining("lower learning rate");
          }
        });
  }
}
