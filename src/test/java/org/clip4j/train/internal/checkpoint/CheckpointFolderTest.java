package org.clip4j.train.internal.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.clip4j.data.internal.loader.LoaderPosition;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The folder of checkpoints, with a text in place of tensors. */
class CheckpointFolderTest {
  @TempDir Path output;
  private Path folder;

  @BeforeEach
  void name() {
    folder = output.resolve("checkpoints");
  }

  private static RunState state(long step) {
    JsonObject parts = new JsonObject();
    parts.addProperty("scale", 65536.5);
    return new RunState(
        step,
        step * 16,
        Duration.ofMillis(123_456_789_012_345L),
        new LoaderPosition(1, 2, 33, 20, 16, 4),
        Map.of("name", "<\"ü\">"),
        Map.of("pairs", "50"),
        Map.of(),
        parts);
  }

  private static void contents(Path temporary) throws IOException {
    Files.writeString(temporary.resolve("model"), "weights");
    Files.writeString(temporary.resolve("state"), "moments");
  }

  private CheckpointFolder open(int keepLast) throws IOException {
    return CheckpointFolder.open(output, keepLast);
  }

  private void write(long... steps) throws IOException {
    try (CheckpointFolder checkpoints = open(9)) {
      for (long step : steps) {
        checkpoints.write(state(step), CheckpointFolderTest::contents);
      }
    }
  }

  private List<String> names() throws IOException {
    try (Stream<Path> list = Files.list(folder)) {
      return list.map(path -> path.getFileName().toString())
          .filter(name -> !name.equals(".lock"))
          .sorted()
          .toList();
    }
  }

  private long latest() throws IOException {
    try (CheckpointFolder checkpoints = open(9)) {
      return checkpoints.latest().orElseThrow().state().step();
    }
  }

  @Test
  void a_state_is_read_as_it_was_written() throws IOException {
    write(7);
    try (CheckpointFolder checkpoints = open(9)) {
      StepCheckpoint latest = checkpoints.latest().orElseThrow();
      assertThat(latest.state()).isEqualTo(state(7));
      assertThat(latest.folder()).isEqualTo(folder.resolve("step-000007"));
    }
  }

  @Test
  void an_empty_folder_has_none() throws IOException {
    assertThat(CheckpointFolder.steps(output)).isEmpty();
    try (CheckpointFolder checkpoints = open(1)) {
      assertThat(checkpoints.latest()).isEmpty();
    }
  }

  @Test
  void steps_are_ordered_as_numbers() throws IOException {
    write(999_999, 1_000_000, 5);
    assertThat(CheckpointFolder.steps(output)).containsExactly(5L, 999_999L, 1_000_000L);
    assertThat(latest()).isEqualTo(1_000_000);
  }

  @Test
  void any_changed_byte_is_noticed_and_the_one_before_taken() throws IOException {
    write(1);
    for (String name : List.of("run.json", "model", "state")) {
      write(2);
      Path file = folder.resolve("step-000002").resolve(name);
      byte[] bytes = Files.readAllBytes(file);
      for (int at = 0; at < bytes.length; at++) {
        byte[] changed = bytes.clone();
        changed[at] ^= 4;
        Files.write(file, changed);
        if (!isHarmless(name, bytes, changed)) {
          assertThatThrownBy(() -> StepCheckpoint.open(file.getParent()))
              .as("byte %d of %s", at, name)
              .isInstanceOf(IOException.class)
              .hasMessageContaining("step-000002");
        }
      }
      for (int length = 0; length < bytes.length - 1; length++) { // the last is a line's end
        Files.write(file, Arrays.copyOf(bytes, length));
        assertThatThrownBy(() -> StepCheckpoint.open(file.getParent()))
            .as("%d bytes of %s", length, name)
            .isInstanceOf(IOException.class);
      }
      assertThat(latest()).isEqualTo(1);
    }
    write(2);
    Files.delete(folder.resolve("step-000002/model"));
    assertThat(latest()).isEqualTo(1);
    assertThat(names())
        .containsExactly(
            "step-000001",
            "step-000002.damaged",
            "step-000002.damaged1",
            "step-000002.damaged2",
            "step-000002.damaged3");
  }

  /** Another white space between JSON's tokens says the same. */
  private static boolean isHarmless(String name, byte[] before, byte[] after) {
    try {
      return name.equals("run.json")
          && JsonParser.parseString(new String(before))
              .equals(JsonParser.parseString(new String(after)));
    } catch (JsonParseException e) {
      return false;
    }
  }

  @Test
  void where_all_are_damaged_it_is_an_error() throws IOException {
    write(1, 2);
    Files.writeString(folder.resolve("step-000001/state"), "other");
    Files.writeString(folder.resolve("step-000002/run.json"), "{}");
    assertThatThrownBy(this::latest)
        .isInstanceOf(IOException.class)
        .hasMessageContaining("no checkpoint in " + folder + " is whole")
        .hasMessageContaining("step-000002");
    assertThat(names()).containsExactly("step-000001", "step-000002");
  }

  @Test
  void a_checkpoint_of_a_newer_library_is_not_taken_for_damaged() throws IOException {
    write(1, 2);
    Path file = folder.resolve("step-000002/run.json");
    JsonObject json = RunFiles.readJson(file);
    json.getAsJsonObject("run").addProperty("format", 3);
    json.addProperty("checksum", RunFiles.fingerprint(json.get("run").toString()));
    Files.writeString(file, json.toString());
    assertThatThrownBy(this::latest)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("format 3");
  }

  @Test
  void a_manifest_names_no_file_elsewhere() throws IOException {
    write(1);
    Path file = folder.resolve("step-000001/run.json");
    JsonObject json = RunFiles.readJson(file);
    json.getAsJsonObject("run").getAsJsonObject("files").addProperty("../x", "1");
    json.addProperty("checksum", RunFiles.fingerprint(json.get("run").toString()));
    Files.writeString(file, json.toString());
    assertThatThrownBy(() -> StepCheckpoint.open(file.getParent()))
        .hasMessageContaining("elsewhere: ../x");
  }

  @Test
  void what_was_never_completed_is_not_seen_and_goes() throws IOException {
    write(1);
    Files.createDirectories(folder.resolve(".step-000002.tmp"));
    contents(folder.resolve(".step-000002.tmp"));
    Files.writeString(folder.resolve(".best.json.tmp"), "{");
    Files.createDirectories(folder.resolve("notes"));
    assertThat(latest()).isEqualTo(1);
    assertThat(names()).containsExactly("notes", "step-000001");
  }

  @Test
  void a_failure_at_any_point_leaves_what_was_there() throws IOException {
    write(1, 2);
    Map<String, String> before = files();
    try (CheckpointFolder checkpoints = open(1)) {
      for (int written = 0; written <= 2; written++) {
        int limit = written;
        assertThatThrownBy(() -> checkpoints.write(state(3), path -> fillUp(path, limit)))
            .hasMessage("No space left on device");
        assertThat(files()).isEqualTo(before);
      }
      assertThatThrownBy(
              () ->
                  checkpoints.write(
                      state(3),
                      path -> {
                        throw new IllegalArgumentException("too large for F16");
                      }))
          .isInstanceOf(IllegalArgumentException.class);
      assertThat(files()).isEqualTo(before);
      checkpoints.write(state(3), CheckpointFolderTest::contents);
    }
    assertThat(names()).containsExactly("step-000003");
  }

  private static void fillUp(Path path, int limit) throws IOException {
    for (int i = 0; i < limit; i++) {
      Files.writeString(path.resolve("file" + i), "some");
    }
    throw new IOException("No space left on device");
  }

  private Map<String, String> files() throws IOException {
    Map<String, String> files = new TreeMap<>();
    try (Stream<Path> all = Files.walk(folder)) {
      for (Path file : all.filter(Files::isRegularFile).toList()) {
        files.put(folder.relativize(file).toString(), Files.readString(file));
      }
    }
    return files;
  }

  @Test
  void the_best_is_kept_besides_the_last() throws IOException {
    try (CheckpointFolder checkpoints = open(2)) {
      for (long step = 1; step <= 6; step++) {
        checkpoints.write(state(step), CheckpointFolderTest::contents);
        if (step == 2 || step == 5) {
          checkpoints.keepAsBest(new CheckpointFolder.Best(step, "R@1", step / 7.0));
        }
        if (step == 4) {
          assertThat(names()).contains("step-000002", "step-000003", "step-000004");
        }
      }
      assertThat(checkpoints.best()).contains(new CheckpointFolder.Best(5, "R@1", 5 / 7.0));
      assertThat(names()).containsExactly("best.json", "step-000005", "step-000006");
      checkpoints.write(state(7), CheckpointFolderTest::contents);
      checkpoints.write(state(8), CheckpointFolderTest::contents);
      assertThatThrownBy(() -> checkpoints.keepAsBest(new CheckpointFolder.Best(3, "R@1", 1)))
          .hasMessageContaining("step-000003");
    }
    assertThat(names()).containsExactly("best.json", "step-000005", "step-000007", "step-000008");
  }

  @Test
  void a_damaged_note_of_the_best_deletes_nothing() throws IOException {
    write(1, 2, 3);
    Files.writeString(folder.resolve("best.json"), "{\"step\": -1}");
    try (CheckpointFolder checkpoints = open(1)) {
      checkpoints.write(state(4), CheckpointFolderTest::contents);
      assertThatThrownBy(checkpoints::best).hasMessageContaining("best.json");
    }
    assertThat(CheckpointFolder.steps(output)).hasSize(4);
  }

  @Test
  void a_folder_is_held_by_one() throws IOException {
    try (CheckpointFolder checkpoints = open(1)) {
      assertThatThrownBy(() -> open(1))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("in use by another training");
      assertThat(checkpoints.latest()).isEmpty();
    }
    open(1).close();
  }

  @Test
  void a_state_is_read_as_it_was_written_and_one_with_a_wrong_position_is_refused() {
    JsonObject json = state(3).toJson();
    assertThat(RunState.fromJson(json)).isEqualTo(state(3));
    JsonObject position = json.getAsJsonObject("position");
    position.addProperty("offset", 12.5);
    assertThatThrownBy(() -> RunState.fromJson(json))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("offset must be a whole number");
    position.remove("offset");
    assertThatThrownBy(() -> RunState.fromJson(json))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("offset");
  }

  @Test
  void an_allowed_name_stands_for_what_continues_it_after_a_dot() {
    Map<String, String> then = Map.of("model.width", "1", "modelled", "1", "gone", "1");
    Map<String, String> now = Map.of("model.width", "2", "modelled", "2", "new", "1");
    assertThat(RunState.differences(then, now, Set.of("model")))
        .containsExactlyInAnyOrder(
            "modelled: was 1, is 2", "gone: was 1, is not set", "new: was not set, is 1");
  }
}
