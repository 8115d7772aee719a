package org.clip4j.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.clip4j.Clip;
import org.clip4j.io.IoErrors;
import org.clip4j.model.ClipConfig;
import org.clip4j.segment.ClipSegmenter;
import org.clip4j.weights.Checkpoint;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

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
  void a_segmenter_is_fetched_from_the_hub_that_is_given() throws IOException {
    Path golden = Path.of("src/test/resources/golden/hf-clipseg");
    Path image = Path.of("src/test/resources/golden/preprocess/rgb.png");
    hub.publish("org/segmenter", "main", files(golden));
    try (ClipSegmenter named =
            ClipSegmenter.loader("org/segmenter").optHub(Hub.of(environment)).load();
        ClipSegmenter folder = ClipSegmenter.load(golden)) {
      assertThat(named.segment(image, "a cat").get(0).logits())
          .isEqualTo(folder.segment(image, "a cat").get(0).logits());
    }
  }

  @Test
  void a_listener_hears_of_each_file_until_it_is_there() throws IOException {
    Path golden = Path.of("src/test/resources/golden/hf-clip");
    hub.publish("org/model", "main", files(golden));
    Clip.loader("org/model")
        .optHub(Hub.of(environment))
        .optDownloadListener(progress::add)
        .load()
        .close();
    assertThat(progress)
        .extracting(DownloadProgress::file)
        .contains("config.json", "model.safetensors");
    DownloadProgress last = progress.get(progress.size() - 1);
    assertThat(last.bytesDone()).isEqualTo(Files.size(golden.resolve(last.file())));
    assertThat(last.filesDone()).isEqualTo(last.filesTotal());
  }

  @Test
  void bare_weights_load_for_an_architecture_that_is_named() throws IOException {
    Path golden = Path.of("src/test/resources/golden/openclip-vit");
    Map<String, byte[]> files = files(golden);
    files.remove("open_clip_config.json");
    hub.publish("org/bare", "main", files);
    assertThat(IoErrors.message(catchThrowable(() -> load("org/bare"))))
        .contains("lacks open_clip_config.json", "for an architecture that you name");
    ClipConfig config;
    try (Checkpoint checkpoint = Checkpoint.open(golden)) {
      config = checkpoint.config();
    }
    for (String offline : List.of("0", "1")) {
      environment.put("HF_HUB_OFFLINE", offline);
      try (Checkpoint named =
          Clip.loader("org/bare")
              .optHub(Hub.of(environment))
              .optArchitecture(config)
              .openCheckpoint()) {
        assertThat(named.config()).isEqualTo(config);
      }
    }
  }

  @Test
  void the_one_archive_that_long_clip_is_published_as_is_fetched() throws IOException {
    Path archive = Path.of("src/test/resources/golden/long-clip/model.pt");
    hub.publish("org/long", "main", Map.of("longclip-B.pt", Files.readAllBytes(archive)));
    for (String offline : List.of("0", "1")) {
      environment.put("HF_HUB_OFFLINE", offline);
      try (Checkpoint named =
          Clip.loader("org/long").optHub(Hub.of(environment)).openCheckpoint()) {
        assertThat(named.config().text().contextLength()).isEqualTo(248);
      }
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

  /** Any request would be seen, and any wait for a host noticed. */
  private String refused(ThrowingCallable load) {
    long start = System.nanoTime();
    String message = IoErrors.message(catchThrowable(load));
    assertThat(hub.requests).isEmpty();
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(10));
    return message;
  }

  private Clip load(String name) {
    return Clip.loader(name).optHub(Hub.of(environment)).load();
  }

  @Test
  void a_path_is_never_asked_of_the_hub() throws IOException {
    hub.publish("org/name", "main", files(Path.of("src/test/resources/golden/hf-clip")));
    Path path = Path.of("org", "name");
    assertThat(refused(() -> Clip.loader(path).optHub(Hub.of(environment)).load()))
        .contains(path.toAbsolutePath().toString(), "no file or folder");
    assertThat(refused(() -> Clip.loader(path).optHub(Hub.of(environment)).openCheckpoint()))
        .contains(path.toAbsolutePath().toString());
    assertThat(refused(() -> Checkpoint.open(path))).contains("no checkpoint there");
    load("org/name").close(); // the name is one
    assertThat(hub.requests).isNotEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "./org/name",
        "../name",
        "/org/name",
        "C:\\models\\name",
        "models\\name",
        "~/name",
        "a/b/c",
        "org/name/",
        "run/epoch_30.pt",
        "src/name",
        "name.safetensors",
        "org/config.json"
      })
  void a_name_that_looks_like_a_file_is_not_asked_of_the_hub(String name) {
    assertThat(refused(() -> load(name))).contains("no file or folder");
  }

  @Test
  void a_misspelt_name_is_answered_with_what_was_looked_for_and_the_nearest() throws IOException {
    assertThat(refused(() -> load("vit-b-32")))
        .contains(
            "vit-b-32", "no file or folder", "organisation/name", "did you mean \"ViT-B-32\"");
    assertThat(refused(() -> load("ViT-B-23"))).contains("did you mean \"ViT-B-32\"");
    assertThat(refused(() -> load("nomodel")))
        .contains("no model \"nomodel\"", Path.of("nomodel").toAbsolutePath().toString());
    assertThat(refused(() -> load("nomodel@main"))).contains("no model \"nomodel\"");
    assertThat(refused(() -> load("clip-vit-base-patch23")))
        .contains("openai/clip-vit-base-patch32");
    assertThat(refused(() -> load("ViT-B-32"))).contains("architecture", "no weights");
    assertThat(refused(() -> load("ViT-B-32/openai"))).contains("architecture", "no weights");
    assertThat(refused(() -> load("src/test/resources/golden/hf-clop")))
        .contains("did you mean \"hf-clip\"");
    assertThat(refused(() -> load(""))).contains("no model \"\"");
    assertThat(refused(() -> load("src/mein"))).contains("\"main\"", "src/mein@main");
    assertThat(refused(() -> Clip.loader("x").optArchitecture("vit-b-32")))
        .contains("did you mean \"ViT-B-32\"");
  }

  @Test
  void a_name_that_the_hub_does_not_know_comes_back_with_the_nearest() {
    assertThatThrownBy(() -> load("openai/clip-vit-base-patch23"))
        .hasMessageContaining("did you mean \"openai/clip-vit-base-patch32\"");
    environment.put("HF_HUB_OFFLINE", "1");
    assertThatThrownBy(() -> load("openai/clip-vit-base-patch23"))
        .hasMessageContaining("did you mean \"openai/clip-vit-base-patch32\"");
  }

  @Test
  void an_interrupted_load_says_so_and_keeps_the_flag() throws IOException {
    Path golden = Path.of("src/test/resources/golden/hf-clip");
    hub.publish("org/model", "main", files(golden));
    for (ThrowingCallable load :
        List.<ThrowingCallable>of(
            () -> Clip.load(golden), () -> load("org/model"), () -> load("org/none"))) {
      Thread.currentThread().interrupt();
      Throwable thrown = catchThrowable(load);
      boolean kept = Thread.interrupted();
      assertThat(kept).isTrue();
      assertThat(thrown)
          .isInstanceOf(UncheckedIOException.class)
          .hasMessageContaining("interrupted");
    }
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
