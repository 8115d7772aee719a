package org.clip4j.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.clip4j.image.ImageTransform;
import org.clip4j.model.ClipConfig;
import org.clip4j.model.ParameterSource;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a save replaces and leaves, also where it fails. */
class CheckpointSavingTest {
  @TempDir Path folder;

  @Test
  void a_checkpoint_can_replace_the_one_it_is_read_from() throws IOException {
    Path path = CheckpointTest.saved(folder, Layout.TRANSFORMERS, CheckpointTest.TINY);
    Map<String, List<Object>> before = CheckpointTest.contents(path.resolve("model.safetensors"));
    try (Checkpoint checkpoint = Checkpoint.open(path)) {
      Checkpoint.save(
          path,
          Layout.TRANSFORMERS,
          CheckpointTest.TINY,
          checkpoint.transform(),
          checkpoint.parameters());
    }
    assertThat(CheckpointTest.contents(path.resolve("model.safetensors"))).isEqualTo(before);
  }

  @ParameterizedTest
  @CsvSource({"OPENCLIP", "TRANSFORMERS"})
  void a_save_that_fails_halfway_leaves_the_old_checkpoint_and_nothing_else(Layout layout)
      throws IOException {
    Path path = CheckpointTest.saved(folder, layout, CheckpointTest.TINY);
    Map<String, List<Object>> before = CheckpointTest.contents(path.resolve(layout.weightsFile()));
    TreeSet<String> files = CheckpointTest.names(path);
    ClipConfig other = new ClipConfig(10, CheckpointTest.VISION, CheckpointTest.TEXT, true);
    ParameterSource failing =
        name -> {
          if (name.equals("ln_final.weight")) {
            throw new IllegalStateException("power cut");
          }
          return CheckpointTest.numbered(other).read(name);
        };
    assertThatThrownBy(
            () -> Checkpoint.save(path, layout, other, CheckpointTest.openai(other), failing))
        .hasMessage("power cut");
    assertThat(CheckpointTest.names(path)).isEqualTo(files);
    assertThat(CheckpointTest.contents(path.resolve(layout.weightsFile()))).isEqualTo(before);
    try (Checkpoint checkpoint = Checkpoint.open(path)) {
      assertThat(checkpoint.config()).isEqualTo(CheckpointTest.TINY);
    }
  }

  @Test
  void a_new_configuration_never_stands_beside_old_weights() throws IOException {
    Path path = CheckpointTest.saved(folder, Layout.TRANSFORMERS, CheckpointTest.TINY);
    String config = Files.readString(path.resolve("config.json"));
    Files.delete(path.resolve("model.safetensors"));
    Files.createDirectories(path.resolve("model.safetensors/x")); // no file can take its place
    ClipConfig other = new ClipConfig(10, CheckpointTest.VISION, CheckpointTest.TEXT, true);

    assertThatThrownBy(
            () ->
                Checkpoint.save(
                    path,
                    Layout.TRANSFORMERS,
                    other,
                    CheckpointTest.openai(other),
                    CheckpointTest.numbered(other)))
        .isInstanceOf(IOException.class);
    assertThat(path.resolve("config.json")).hasContent(config);
  }

  @Test
  void the_newer_of_two_processor_files_counts_and_is_replaced() throws IOException {
    Path path = CheckpointTest.saved(folder, Layout.TRANSFORMERS, CheckpointTest.TINY);
    Files.writeString(
        path.resolve("processor_config.json"),
        """
        {"image_processor": {"image_processor_type": "CLIPImageProcessor", "size": SIZE,
          "crop_size": SIZE, "image_mean": [0.5, 0.5, 0.5], "image_std": [0.25, 0.25, 0.25],
          "resample": 2}}
        """
            .replace("SIZE", String.valueOf(CheckpointTest.VISION.imageHeight())));
    try (Checkpoint checkpoint = Checkpoint.open(path)) {
      assertThat(checkpoint.transform().std()).containsExactly(0.25f, 0.25f, 0.25f);
      assertThat(checkpoint.transform().interpolation())
          .isEqualTo(ImageTransform.Interpolation.BILINEAR);
    }
    CheckpointTest.saved(folder, Layout.TRANSFORMERS, CheckpointTest.TINY);
    try (Checkpoint checkpoint = Checkpoint.open(path)) {
      assertThat(checkpoint.transform()).isEqualTo(CheckpointTest.openai(CheckpointTest.TINY));
    }
    Files.writeString(path.resolve("processor_config.json"), "{\"processor_class\": \"X\"}");
    try (Checkpoint checkpoint = Checkpoint.open(path)) {
      assertThat(checkpoint.transform()).isEqualTo(CheckpointTest.openai(CheckpointTest.TINY));
    }
  }
}
