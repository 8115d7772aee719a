package org.clip4j.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.clip4j.testing.Bounds;
import org.clip4j.weights.tensors.CheckpointException;
import org.clip4j.weights.tensors.TensorFile;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class ShardedTensorsTest {
  private static final String FIRST = "model-00001-of-00002.safetensors";
  private static final String SECOND = "model-00002-of-00002.safetensors";

  @TempDir Path folder;
  private Path index;

  @BeforeEach
  void copy() throws IOException {
    try (Stream<Path> files = Files.list(Archives.file("sharded-safetensors"))) {
      for (Path file : files.toList()) {
        Files.copy(file, folder.resolve(file.getFileName()));
      }
    }
    index = folder.resolve("model.safetensors.index.json");
  }

  private void edit(String from, String to) throws IOException {
    String text = Files.readString(index);
    assertThat(text).contains(from);
    Files.writeString(index, text.replace(from, to));
  }

  private void assertRefused(String... parts) {
    assertThatThrownBy(() -> TensorFiles.open(index).close())
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining(index.toString())
        .hasMessageContainingAll(parts);
  }

  @ParameterizedTest
  @CsvSource({
    "sharded-safetensors/model.safetensors.index.json",
    "sharded-bin/pytorch_model.bin.index.json"
  })
  void the_shards_of_an_index_are_one_file(String name) throws IOException {
    try (TensorFile found = TensorFiles.open(Archives.file(name));
        TensorFile expected = TensorFiles.open(Archives.file("sharded.safetensors"))) {
      Archives.assertSame(found, expected);
      assertThat(found.file()).isEqualTo(Archives.file(name));
      assertThat(found.under("layer.2").tensors()).containsOnlyKeys("weight");
      assertThat(found.under("layer.2").floats("weight")).isEqualTo(found.floats("layer.2.weight"));
      assertThatThrownBy(() -> found.floats("no")).hasMessageContainingAll(name, "'no'");
      assertThatThrownBy(() -> found.copy("layer.1.weight", 0, FloatBuffer.allocate(5)))
          .hasMessageContainingAll("layer.1.weight", "[2, 2]", "4 values", "5 from 0");
    }
  }

  @Test
  void every_disagreement_is_in_one_error() throws IOException {
    edit("\"layer.0.weight\": \"" + FIRST, "\"layer.0.weight\": \"" + SECOND);
    edit("\"layer.2.weight\"", "\"layer.9.weight\"");
    edit("\"weight_map\": {", "\"weight_map\": {\"layer.3.weight\": \"" + SECOND + "\",");
    assertRefused(
        FIRST + " holds 'layer.0.weight', which the index expects in " + SECOND,
        FIRST + " holds 'layer.2.weight', which the index does not list",
        SECOND + " lacks 'layer.0.weight'",
        FIRST + " lacks 'layer.9.weight'",
        "'layer.3.weight' is in the index twice");
  }

  @Test
  void a_tensor_in_two_shards_is_refused() throws IOException {
    Files.copy(folder.resolve(FIRST), folder.resolve(SECOND), StandardCopyOption.REPLACE_EXISTING);
    assertRefused(SECOND + " holds 'layer.0.weight', which the index expects in " + FIRST);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "../x.safetensors",
        "..",
        ".",
        "",
        ".hidden",
        "/etc/passwd",
        "sub/x.safetensors",
        "sub\\\\x.safetensors",
        "C:x.safetensors",
        "x\\u0000.safetensors",
        "x\\n.safetensors",
        "-x",
        "model.safetensors.index.json"
      })
  void a_shard_is_a_plain_name_in_the_same_folder(String name) throws IOException {
    Files.createDirectory(folder.resolve("sub"));
    Files.copy(folder.resolve(SECOND), folder.resolve("sub/x.safetensors"));
    edit(SECOND, name);
    assertRefused("is no name of a shard");
  }

  @Test
  void shards_that_are_missing_are_all_named() throws IOException {
    Files.delete(folder.resolve(FIRST));
    Files.delete(folder.resolve(SECOND));
    Files.createDirectory(folder.resolve(SECOND));
    assertRefused(FIRST + " is missing", SECOND + " is missing");
  }

  @Test
  void shards_may_be_links_as_in_the_hub_s_cache() throws IOException {
    Path blobs = Files.createDirectory(folder.resolve("blobs"));
    Path snapshot = Files.createDirectory(folder.resolve("snapshot"));
    for (String name : List.of(FIRST, SECOND, index.getFileName().toString())) {
      Files.move(folder.resolve(name), blobs.resolve("hash-" + name));
      Files.createSymbolicLink(snapshot.resolve(name), Path.of("../blobs/hash-" + name));
    }
    try (TensorFile found = TensorFiles.open(snapshot.resolve(index.getFileName()))) {
      assertThat(found.tensors()).hasSize(4);
    }
  }

  static Stream<Map.Entry<String, String>> damaged_indexes() {
    return Map.ofEntries(
        Map.entry("", "JSON"),
        Map.entry("[]", "JSON"),
        Map.entry("{}", "no weight_map"),
        Map.entry("{\"weight_map\": {}}", "no weight_map"),
        Map.entry("{\"weight_map\": []}", "JSON"),
        Map.entry("{\"weight_map\": {\"a\": 3}}", "NUMBER"),
        Map.entry("{\"weight_map\": {\"a\": null}}", "NULL"),
        Map.entry("{\"weight_map\": {\"a\": \"b\"}", "JSON"),
        Map.entry("{\"weight_map\": {\"a\": \"b\"}}x", "JSON"),
        Map.entry("{\"weight_map\": {\"a\": \"b\"}, \"weight_map\": {}}", "twice"),
        Map.entry("{\"a\":" + "[".repeat(1_000_000), "JSON"))
        .entrySet()
        .stream();
  }

  @ParameterizedTest
  @MethodSource("damaged_indexes")
  void a_damaged_index_is_refused(Map.Entry<String, String> test) throws IOException {
    Files.writeString(index, test.getKey());
    assertRefused(test.getValue());
  }

  @Test
  void an_index_of_another_size_than_any_real_one_is_not_read() throws IOException {
    Files.writeString(index, " ".repeat((8 << 20) + 1));
    assertRefused("8388609 bytes");
  }

  @Test
  void the_largest_hostile_index_is_refused_in_bounded_time_and_memory() throws IOException {
    StringBuilder text = new StringBuilder("{\"weight_map\": {");
    for (int i = 0; text.length() < 8_000_000; i++) {
      text.append("\"" + i + "\":\"" + i + "\",");
    }
    Files.writeString(index, text);
    assertThat(Bounds.run(() -> TensorFiles.open(index).close()))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("more than 100000 tensors");
    Files.writeString(index, "{\"a\": [" + "{},".repeat(2_700_000) + "0]}");
    assertThat(Bounds.run(() -> TensorFiles.open(index).close()))
        .hasMessageContaining("no weight_map");
  }
}
