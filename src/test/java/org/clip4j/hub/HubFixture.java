package org.clip4j.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.clip4j.testing.ChildJvm;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** A hub, an empty cache and an environment that leads to both. */
abstract class HubFixture {
  static final String ID = "laion/CLIP-test";
  static final byte[] WEIGHTS = bytes(1, 3_000_000);
  static final String SHA = FakeHub.sha256(WEIGHTS);
  static final String TOKEN = "hf_thisIsTheSecretToken";

  @TempDir Path folder;

  final Map<String, String> environment = new HashMap<>();
  final List<Duration> waits = new ArrayList<>();
  final List<DownloadProgress> progress = new ArrayList<>();
  Duration timeout = Duration.ofSeconds(10);
  FakeHub hub;
  Path cache;

  @BeforeEach
  void startHub() throws IOException {
    hub = new FakeHub();
    cache = folder.resolve("hub");
    environment.put("HF_HOME", folder.toString());
    environment.put("HF_ENDPOINT", hub.endpoint());
  }

  @AfterEach
  void stopHub() {
    hub.close();
  }

  static byte[] bytes(int seed, int length) {
    byte[] bytes = new byte[length];
    new Random(seed).nextBytes(bytes);
    return bytes;
  }

  static byte[] text(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  /** A repository with both layouts, as laion's are. */
  static Map<String, byte[]> both() {
    Map<String, byte[]> files = new LinkedHashMap<>();
    files.put("README.md", text("# CLIP"));
    files.put("config.json", text("{\"model_type\": \"clip\"}"));
    files.put("model.safetensors", bytes(2, 500));
    files.put("merges.txt", text("a b\n"));
    files.put("onnx/model.onnx", bytes(3, 50));
    files.put("open_clip_config.json", text("{\"model_cfg\": {}}"));
    files.put("open_clip_model.safetensors", WEIGHTS);
    files.put("open_clip_pytorch_model.bin", bytes(4, 70));
    files.put("empty.txt", new byte[0]);
    return files;
  }

  static Map<String, byte[]> transformers(byte[] weights) {
    Map<String, byte[]> files = new LinkedHashMap<>();
    files.put("config.json", text("{\"model_type\": \"clip\"}"));
    files.put("model.safetensors", weights);
    return files;
  }

  Hub connect() {
    HubSettings s = HubSettings.of(environment);
    return new Hub(
        new HubSettings(
            s.cache(), s.endpoint(), s.token(), s.offline(), s.symlinks(), timeout, timeout),
        Proxies.of(environment),
        waits::add);
  }

  HubModel fetch(String id) throws IOException {
    return connect().fetch(HubId.parse(id), progress::add);
  }

  /** Fetches a repository of the two files that {@link #transformers} gives for the weights. */
  final void assertFetched() throws IOException {
    assertThat(Files.readAllBytes(fetch(ID).weights())).isEqualTo(WEIGHTS);
    assertThat(tree(repo().resolve("blobs")))
        .containsExactlyInAnyOrder(SHA, FakeHub.gitHash(transformers(WEIGHTS).get("config.json")));
  }

  /** Fetches in a process of its own, by the environment. */
  final Process start() throws IOException {
    ProcessBuilder builder = ChildJvm.of(List.of(), HubProcess.class, "fetch", ID);
    builder.environment().keySet().removeIf(name -> name.startsWith("HF_"));
    builder.environment().putAll(environment);
    return builder.start();
  }

  /** Fetches what cannot be had; the message never holds the token. */
  String failure(String id) {
    Throwable thrown = catchThrowable(() -> fetch(id));
    assertThat(thrown).isInstanceOf(HubException.class);
    for (Throwable cause = thrown; cause != null; cause = cause.getCause()) {
      assertThat(cause.toString()).doesNotContain(TOKEN);
    }
    return thrown.getMessage();
  }

  Path repo() {
    return cache.resolve("models--" + ID.replace("/", "--"));
  }

  Path blob(byte[] content) {
    return repo().resolve("blobs").resolve(FakeHub.sha256(content));
  }

  /** All files below a folder, by relative path. */
  static Set<String> tree(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      return files
          .filter(file -> !Files.isDirectory(file))
          .map(file -> folder.relativize(file).toString().replace('\\', '/'))
          .collect(Collectors.toCollection(TreeSet::new));
    }
  }
}
