package org.clip4j.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Stream;
import org.clip4j.Clip;
import org.clip4j.model.ClipConfig;
import org.clip4j.weights.Checkpoint;
import org.junit.jupiter.api.Test;

/** The front door, with a name in place of a path. */
class ClipByNameTest extends HubFixture {

  private static Map<String, byte[]> files(Path folder) throws IOException {
    Map<String, byte[]> files = new LinkedHashMap<>();
    try (Stream<Path> paths = Files.list(folder)) {
      for (Path path : paths.toList()) {
        files.put(path.getFileName().toString(), Files.readAllBytes(path));
      }
    }
    return files;
  }

  @Test
  void a_model_is_fetched_once_and_gives_the_numbers_of_its_folder() throws IOException {
    Path golden = Path.of("src/test/resources/golden/hf-clip");
    hub.publish("org/model", "main", files(golden));
    float[] named;
    try (Clip clip = Clip.loader("org/model@main").optHub(Hub.of(environment)).load()) {
      named = clip.encodeText("a photo of a cat");
    }
    environment.put("HF_HUB_OFFLINE", "1");
    try (Clip clip = Clip.loader("org/model").optHub(Hub.of(environment)).load();
        Clip folder = Clip.load(golden)) {
      assertThat(clip.encodeText("a photo of a cat"))
          .isEqualTo(named)
          .isEqualTo(folder.encodeText("a photo of a cat"));
    }
  }

  @Test
  void a_file_of_that_name_goes_before_the_hub() throws IOException {
    Path golden = Path.of("src/test/resources/golden/hf-clip");
    environment.put("HF_HUB_OFFLINE", "1");
    try (Checkpoint checkpoint =
        Clip.loader(golden.toString()).optHub(Hub.of(environment)).openCheckpoint()) {
      assertThat(checkpoint.config().embedDim()).isEqualTo(24);
    }
    assertThatThrownBy(() -> Clip.load("no/such/file.safetensors"))
        .isInstanceOf(UncheckedIOException.class)
        .hasMessageContainingAll("no file or folder", "no/such/file.safetensors");
  }

  @Test
  void a_training_checkpoint_loads_by_its_architecture_s_name_or_says_what_differs() {
    String epoch = "src/test/resources/golden/openai-vit/epoch_3.pt";
    assertThatThrownBy(() -> Clip.loader(epoch).optArchitecture("ViT-B-32").load())
        .isInstanceOf(UncheckedIOException.class)
        .hasMessageContainingAll("epoch_3.pt", "shape:", "missing:", "visual.proj");
    assertThatThrownBy(() -> Clip.loader(epoch).optArchitecture("ViT-B-23"))
        .hasMessageContainingAll("ViT-B-23", String.join(", ", ClipConfig.names()));
  }

  @Test
  void images_of_another_size_are_an_option() throws IOException {
    Path golden = Path.of("src/test/resources/golden/openclip-siglip");
    try (Clip clip = Clip.loader(golden).optImageSize(48, 48).load()) {
      assertThat(clip.transform().height()).isEqualTo(48);
      assertThat(clip.model().config().vision().imageWidth()).isEqualTo(48);
      assertThat(clip.logitBias()).isNegative();
      assertThatThrownBy(() -> clip.encodeText("a cat")).hasMessageContaining("token");
    }
  }
}
