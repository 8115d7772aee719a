package org.clip4j.hub;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class HubTest extends HubFixture {

  @Test
  void a_model_is_laid_out_as_huggingface_hub_does_it() throws IOException {
    String commit = hub.publish(ID, "main", both());
    HubModel model = fetch(ID);

    assertThat(model.repo()).isEqualTo(ID);
    assertThat(model.commit()).isEqualTo(commit);
    assertThat(model.folder()).isEqualTo(repo().resolve("snapshots").resolve(commit));
    assertThat(model.weights()).isEqualTo(model.folder().resolve("open_clip_model.safetensors"));
    assertThat(Files.readAllBytes(model.weights())).isEqualTo(WEIGHTS);

    String config = FakeHub.gitHash(both().get("open_clip_config.json"));
    String card = FakeHub.gitHash(both().get("README.md"));
    String text = FakeHub.gitHash(both().get("config.json")); // of the text tower, it may be
    String merges = FakeHub.gitHash(both().get("merges.txt"));
    String weights = FakeHub.sha256(WEIGHTS);
    assertThat(tree(repo()))
        .filteredOn(name -> !name.startsWith(".no_exist/"))
        .containsExactlyInAnyOrder(
            "blobs/" + config,
            "blobs/" + text,
            "blobs/" + merges,
            "blobs/" + weights,
            "refs/main",
            "snapshots/" + commit + "/config.json",
            "snapshots/" + commit + "/open_clip_config.json",
            "snapshots/" + commit + "/open_clip_model.safetensors",
            "snapshots/" + commit + "/merges.txt",
            "blobs/" + card,
            "snapshots/" + commit + "/README.md");
    assertThat(Files.readString(repo().resolve("refs/main"))).isEqualTo(commit);
    assertThat(Files.readSymbolicLink(model.weights())).isEqualTo(Path.of("../../blobs", weights));
    assertThat(tree(cache.resolve(".locks")))
        .containsExactlyInAnyOrder(
            "models--laion--CLIP-test/" + config + ".lock",
            "models--laion--CLIP-test/" + text + ".lock",
            "models--laion--CLIP-test/" + merges + ".lock",
            "models--laion--CLIP-test/" + card + ".lock",
            "models--laion--CLIP-test/" + weights + ".lock");
    assertThat(tree(repo().resolve(".no_exist").resolve(commit)))
        .contains("tokenizer.json", "vocab.json", "pytorch_model.bin")
        .doesNotContain("config.json", "model.safetensors", "merges.txt");
  }

  @Test
  void a_text_model_comes_with_its_modules_in_folders() throws IOException {
    Map<String, byte[]> files = transformers(WEIGHTS);
    files.put("modules.json", text("[]"));
    files.put("1_Pooling/config.json", text("{}"));
    files.put("2_Dense/config.json", text("{\"bias\": false}"));
    files.put("2_Dense/pytorch_model.bin", bytes(5, 60));
    String commit = hub.publish(ID, "main", files);
    HubModel model = fetch(ID);
    for (Map.Entry<String, byte[]> file : files.entrySet()) {
      assertThat(Files.readAllBytes(model.folder().resolve(file.getKey())))
          .isEqualTo(file.getValue());
    }
    Path dense = model.folder().resolve("2_Dense/config.json");
    assertThat(Files.readSymbolicLink(dense))
        .isEqualTo(Path.of("../../../blobs", FakeHub.gitHash(files.get("2_Dense/config.json"))));
    assertThat(tree(repo().resolve(".no_exist").resolve(commit)))
        .contains("2_Dense/model.safetensors");
    hub.requests.clear();
    assertThat(fetch(ID + "@" + commit).folder()).isEqualTo(model.folder());
    assertThat(hub.requests).isEmpty();
  }

  @Test
  void what_is_cached_is_not_downloaded_again() throws IOException {
    hub.publish(ID, "main", both());
    HubModel first = fetch(ID);
    hub.requests.clear();
    assertThat(fetch(ID)).isEqualTo(first);
    assertThat(hub.requests).hasSize(1);
    assertThat(hub.requests.get(0).path())
        .isEqualTo("/api/models/" + ID + "/revision/main?blobs=true");
  }

  @Test
  void a_new_commit_shares_the_files_that_are_the_same() throws IOException {
    hub.publish(ID, "main", both());
    fetch(ID);
    Map<String, byte[]> changed = both();
    changed.put("open_clip_config.json", text("{\"model_cfg\": {\"embed_dim\": 1}}"));
    String commit = hub.publish(ID, "main", changed);
    hub.requests.clear();
    HubModel model = fetch(ID);
    assertThat(model.commit()).isEqualTo(commit);
    assertThat(Files.readString(repo().resolve("refs/main"))).isEqualTo(commit);
    assertThat(Files.readAllBytes(model.weights())).isEqualTo(WEIGHTS);
    assertThat(hub.count("GET", FakeHub.sha256(WEIGHTS))).isZero();
  }

  @Test
  void a_revision_may_be_a_tag_with_slashes_or_a_commit() throws IOException {
    String commit = hub.publish(ID, "release/v1", both());
    assertThat(fetch(ID + "@release/v1").commit()).isEqualTo(commit);
    assertThat(Files.readString(repo().resolve("refs/release/v1"))).isEqualTo(commit);
    assertThat(hub.count("GET", "/revision/release%2Fv1")).isEqualTo(1);
    assertThat(fetch(ID + "@" + commit).commit()).isEqualTo(commit);
    assertThat(tree(repo().resolve("refs"))).containsExactly("release/v1");
  }

  @Test
  void a_commit_that_is_complete_needs_no_question() throws IOException {
    String commit = hub.publish(ID, "main", both());
    HubModel model = fetch(ID + "@" + commit);
    hub.requests.clear();
    assertThat(fetch(ID + "@" + commit)).isEqualTo(model);
    assertThat(hub.requests).isEmpty();
  }

  @Test
  void a_commit_that_another_fetched_in_part_is_completed() throws IOException {
    String commit = hub.publish(ID, "main", both());
    HubModel model = fetch(ID + "@" + commit);
    Files.delete(model.folder().resolve("merges.txt"));
    fetch(ID + "@" + commit);
    assertThat(model.folder().resolve("merges.txt")).hasContent("a b");
  }

  @Test
  void offline_a_complete_cache_touches_no_network() throws IOException {
    hub.publish(ID, "main", both());
    HubModel model = fetch(ID);
    hub.requests.clear();
    for (String variable : List.of("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "DJL_OFFLINE")) {
      environment.put(variable, "true");
      assertThat(fetch(ID)).isEqualTo(model);
      environment.remove(variable);
    }
    assertThat(hub.requests).isEmpty();
  }

  @Test
  void offline_an_incomplete_cache_says_what_is_missing_and_how_to_get_it() throws IOException {
    environment.put("HF_HUB_OFFLINE", "1");
    assertThat(failure(ID))
        .contains(
            ID, cache.toString(), "nothing of it is there", "HF_HUB_OFFLINE", "Fetch it once");
    environment.remove("HF_HUB_OFFLINE");
    hub.publish(ID, "main", both());
    Files.delete(fetch(ID).weights());
    environment.put("HF_HUB_OFFLINE", "1");
    assertThat(failure(ID))
        .contains(
            "lacks open_clip_model.safetensors",
            "it holds README.md, config.json, merges.txt, open_clip_config.json");
    assertThat(failure(ID + "@other")).contains(ID + "@other", "nothing of it is there");
    assertThat(hub.count("GET", "other")).isZero();
  }

  @Test
  void offline_the_other_layout_serves_if_it_is_the_one_that_is_there() throws IOException {
    String commit = hub.publish(ID, "main", both());
    Map<String, byte[]> files = both();
    Path snapshot = repo().resolve("snapshots").resolve(commit);
    Files.createDirectories(snapshot);
    for (String name : List.of("config.json", "model.safetensors", "open_clip_config.json")) {
      Files.write(snapshot.resolve(name), files.get(name));
    }
    Files.createDirectories(repo().resolve("refs"));
    Files.writeString(repo().resolve("refs/main"), commit);
    environment.put("DJL_OFFLINE", "true");
    assertThat(fetch(ID).weights()).isEqualTo(snapshot.resolve("model.safetensors"));
    environment.remove("DJL_OFFLINE");
    assertThat(fetch(ID).weights()).isEqualTo(snapshot.resolve("open_clip_model.safetensors"));
  }

  @Test
  void shards_come_with_their_index() throws IOException {
    Map<String, byte[]> files = new TreeMap<>();
    files.put("config.json", text("{}"));
    files.put("a.safetensors", bytes(5, 1000));
    files.put("b.safetensors", bytes(6, 2000));
    files.put("unused.safetensors", bytes(7, 2000));
    files.put(
        "model.safetensors.index.json",
        text(
            "{\"weight_map\": {\"x\": \"b.safetensors\", \"y\": \"a.safetensors\", \"z\": \"b.safetensors\"}}"));
    hub.publish(ID, "main", files);
    HubModel model = fetch(ID);
    assertThat(model.weights().getFileName()).hasToString("model.safetensors.index.json");
    assertThat(tree(model.folder()))
        .containsExactly(
            "a.safetensors", "b.safetensors", "config.json", "model.safetensors.index.json");
    assertThat(progress.get(progress.size() - 1))
        .isEqualTo(new DownloadProgress("b.safetensors", 2000, 2000, 4, 4));

    environment.put("HF_HUB_OFFLINE", "1");
    assertThat(fetch(ID)).isEqualTo(model);
    Files.delete(model.folder().resolve("b.safetensors"));
    assertThat(failure(ID)).contains("lacks b.safetensors");
  }

  @Test
  void a_repository_without_a_model_is_told_by_what_it_holds() {
    hub.publish(ID, "main", Map.of("config.json", text("{}"), "flax_model.msgpack", text("x")));
    assertThat(failure(ID))
        .contains(ID, "lacks model.safetensors", "it holds config.json, flax_model.msgpack");
  }

  @Test
  void progress_counts_bytes_and_files() throws IOException {
    hub.publish(ID, "main", both());
    fetch(ID);
    assertThat(progress.get(0).file()).isEqualTo("open_clip_config.json");
    List<DownloadProgress> ofWeights =
        progress.stream().filter(p -> p.file().equals("open_clip_model.safetensors")).toList();
    assertThat(ofWeights).hasSizeBetween(5, 20);
    assertThat(ofWeights).extracting(DownloadProgress::bytesDone).isSorted();
    assertThat(ofWeights).allMatch(p -> p.bytesTotal() == 3_000_000 && p.filesTotal() == 5);
    assertThat(ofWeights.get(ofWeights.size() - 1))
        .isEqualTo(new DownloadProgress("open_clip_model.safetensors", 3_000_000, 3_000_000, 5, 5));
    progress.clear();
    fetch(ID);
    assertThat(progress).isEmpty();
  }

  @Test
  void an_empty_file_is_a_file() throws IOException {
    Map<String, byte[]> files = transformers(bytes(1, 10));
    files.put("merges.txt", new byte[0]);
    hub.publish(ID, "main", files);
    assertThat(fetch(ID).folder().resolve("merges.txt")).isEmptyFile();
  }

  @Test
  void without_links_the_files_themselves_lie_in_the_snapshot() throws IOException {
    environment.put("HF_HUB_DISABLE_SYMLINKS", "1");
    hub.publish(ID, "main", both());
    HubModel model = fetch(ID);
    assertThat(Files.isSymbolicLink(model.weights())).isFalse();
    assertThat(Files.readAllBytes(model.weights())).isEqualTo(WEIGHTS);
    assertThat(repo().resolve("blobs")).isEmptyDirectory();
    hub.requests.clear();
    fetch(ID);
    assertThat(hub.requests).hasSize(1);
  }

  @Test
  void content_that_others_hold_is_copied_where_there_are_no_links() throws IOException {
    hub.publish(ID, "main", both());
    HubModel model = fetch(ID);
    Files.delete(model.weights());
    environment.put("HF_HUB_DISABLE_SYMLINKS", "1");
    fetch(ID);
    assertThat(Files.isSymbolicLink(model.weights())).isFalse();
    assertThat(Files.readAllBytes(blob(WEIGHTS))).isEqualTo(WEIGHTS);
    assertThat(Files.readAllBytes(model.weights())).isEqualTo(WEIGHTS);
  }

  @Test
  void a_cached_file_of_another_size_is_replaced() throws IOException {
    hub.publish(ID, "main", both());
    HubModel model = fetch(ID);
    Files.write(blob(WEIGHTS), bytes(1, 1000));
    fetch(ID);
    assertThat(Files.readAllBytes(model.weights())).isEqualTo(WEIGHTS);
  }

  @Test
  void a_damaged_reference_is_written_anew() throws IOException {
    String commit = hub.publish(ID, "main", both());
    fetch(ID);
    Files.writeString(repo().resolve("refs/main"), "../../../etc");
    environment.put("HF_HUB_OFFLINE", "1");
    assertThat(failure(ID)).contains("refs", "main", "40 hexadecimal digits");
    environment.remove("HF_HUB_OFFLINE");
    fetch(ID);
    assertThat(repo().resolve("refs/main")).hasContent(commit);
  }

  @Test
  void a_hub_that_does_not_answer_leaves_a_cached_model_in_use() throws IOException {
    hub.publish(ID, "main", both());
    HubModel model = fetch(ID);
    hub.fault("GET", "/api/", 1, e -> FakeHub.refuse(e, 503, null));
    assertThat(fetch(ID)).isEqualTo(model);
    hub.fault("GET", "/api/", 1, e -> FakeHub.refuse(e, 401, "RepoNotFound"));
    assertThat(fetch(ID)).isEqualTo(model);
    hub.fault("GET", "/api/", 1, e -> FakeHub.send(e, text("<html>Log in to the hotel</html>")));
    assertThat(fetch(ID)).isEqualTo(model);
    hub.close();
    assertThat(fetch(ID)).isEqualTo(model);
    assertThat(waits).isEmpty();
  }

  @Test
  void the_token_is_sent_to_the_hub_only() throws IOException {
    environment.put("HF_TOKEN", TOKEN);
    hub.publish(ID, "main", both());
    fetch(ID);
    assertThat(hub.requests)
        .anyMatch(r -> r.host().startsWith("localhost"))
        .allMatch(
            r ->
                r.host().startsWith("localhost")
                    ? r.authorization() == null
                    : r.authorization().equals("Bearer " + TOKEN));
  }
}
