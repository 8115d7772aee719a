package org.clip4j.weights;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.clip4j.Clip;
import org.clip4j.weights.tensors.TensorType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ModelOriginTest {
  @TempDir Path temp;

  private static Path copied(String golden, Path to) throws IOException {
    Files.createDirectories(to);
    try (Stream<Path> files = Files.list(Golden.folder(golden))) {
      for (Path file : files.toList()) {
        Files.copy(file, to.resolve(file.getFileName().toString()));
      }
    }
    return to;
  }

  private static String sha256(Path file) throws Exception {
    byte[] digest = MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file));
    return HexFormat.of().formatHex(digest);
  }

  private static List<ModelOrigin> origins(Path folder) throws IOException {
    try (Checkpoint checkpoint = Checkpoint.open(folder)) {
      return checkpoint.origins();
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '>',
      value = {
        "---\\nlicense: mit\\ntags:\\n- vision\\n---\\n# Card > mit",
        "---\\r\\nlanguage: en\\r\\nlicense: \"apache-2.0\" # all of it\\r\\n---\\r\\n > apache-2.0",
        "---\\nlicense:\\n- mit\\n- cc-by-4.0\\n---\\n > mit, cc-by-4.0",
        "---\\nlicense: [mit, openrail]\\n---\\n > mit, openrail",
        "---\\nlicense: other\\nlicense_name: apple-amlr\\nlicense_link: https://a.org/L\\n---\\n >"
            + " apple-amlr, https://a.org/L",
        "---\\nlicense: other\\n---\\n > other",
        "---\\nmodel-index:\\n- license: no\\n  license: no\\n---\\n > ''",
        "# Card\\nlicense: mit > ''",
        "---\\nlicense: mit > ''",
        "'' > ''",
      })
  void a_model_card_names_its_licence(String card, String licence) throws IOException {
    String text = card.replace("\\n", "\n").replace("\\r", "\r");
    Files.writeString(temp.resolve("README.md"), text);
    assertThat(ModelCard.licence(temp)).isEqualTo(licence);
  }

  @Test
  void a_card_of_any_size_and_bytes_is_no_fault() throws IOException {
    byte[] bytes = new byte[1 << 20];
    new java.util.Random(0).nextBytes(bytes);
    Files.write(temp.resolve("README.md"), bytes);
    assertThat(ModelCard.licence(temp)).isEmpty();
    Files.writeString(temp.resolve("README.md"), "---\nlicense: " + "x".repeat(999) + "\n---\n");
    assertThat(ModelCard.licence(temp)).hasSize(201);
  }

  @Test
  void what_is_made_from_a_model_of_the_hub_says_so_through_every_step() throws Exception {
    Path folder = temp.resolve("models--org--name/snapshots/abc123");
    copied("hf-clip", folder);
    Files.writeString(folder.resolve("README.md"), "---\nlicense: mit\n---\n");
    String sha256 = sha256(folder.resolve("model.safetensors"));
    ModelOrigin hub =
        new ModelOrigin("org/name", "abc123", "mit", Map.of("model.safetensors", sha256));
    assertThat(origins(folder)).containsExactly(hub);

    Path saved = temp.resolve("saved");
    try (Clip clip = Clip.load(folder)) {
      clip.save(saved, Layout.OPENCLIP);
    }
    String savedSum = sha256(saved.resolve("open_clip_model.safetensors"));
    ModelOrigin own =
        new ModelOrigin("saved", "", "mit", Map.of("open_clip_model.safetensors", savedSum));
    assertThat(origins(saved)).containsExactly(hub, own);

    Path averaged = temp.resolve("averaged");
    try (Checkpoint a = Checkpoint.open(folder);
        Checkpoint b = Checkpoint.open(saved)) {
      WeightAverage.between(a, b, 0.5).write(averaged, Layout.TRANSFORMERS, TensorType.F32);
    }
    assertThat(origins(averaged)).startsWith(hub, own).hasSize(3);
    JsonObject config =
        JsonParser.parseString(Files.readString(averaged.resolve("config.json"))).getAsJsonObject();
    assertThat(config.getAsJsonObject("clip4j").getAsJsonArray("made_from").get(0))
        .hasToString(
            "{\"name\":\"org/name\",\"revision\":\"abc123\",\"license\":\"mit\",\"sha256\":{\"model.safetensors\":\""
                + sha256
                + "\"}}");
  }

  @Test
  void the_hub_names_a_blob_by_its_checksum() throws IOException {
    String digest = "ab".repeat(32);
    Path folder = copied("hf-clip", temp.resolve("models--org--name/snapshots/abc123"));
    Path weights = folder.resolve("model.safetensors");
    Path blob = temp.resolve(digest);
    Files.move(weights, blob);
    Files.createSymbolicLink(weights, blob);
    assertThat(origins(folder).get(0).sha256()).containsValue(digest);
  }

  @Test
  void every_shard_has_its_checksum() throws Exception {
    Path folder = Golden.folder("hf-clip-bf16-sharded");
    Map<String, String> sums = origins(folder).get(0).sha256();
    assertThat(sums.size()).isGreaterThan(1);
    for (Map.Entry<String, String> shard : sums.entrySet()) {
      assertThat(shard.getValue()).isEqualTo(sha256(folder.resolve(shard.getKey())));
    }
  }
}
