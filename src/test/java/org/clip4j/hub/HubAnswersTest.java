package org.clip4j.hub;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import com.sun.net.httpserver.HttpExchange;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A hub whose answers make no sense or mean harm, and a cache with links that lead out of it. */
class HubAnswersTest extends HubFixture {
  private String commit;

  @BeforeEach
  void publish() {
    commit = hub.publish(ID, "main", transformers(WEIGHTS));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "<html></html>",
        "[]",
        "null",
        "{",
        "{} {}",
        "{'siblings': []}",
        "{'sha': 7, 'siblings': []}",
        "{'sha': '../../../../evil', 'siblings': []}",
        "{'sha': '0123456789012345678901234567890123456789'}",
        "{'sha': '0123456789012345678901234567890123456789', 'siblings': {}}",
        "{'sha': '0123456789012345678901234567890123456789', 'siblings': [3]}",
        "{'sha': '0123456789012345678901234567890123456789', 'siblings': [{'rfilename': 3}]}",
        "{'sha': '0123456789012345678901234567890123456789', 'siblings': [{'rfilename': 'a',"
            + " 'size': -1}]}",
        "{'sha': '0123456789012345678901234567890123456789', 'siblings': [{'rfilename': 'a',"
            + " 'size': []}]}",
        "{'sha': '0123456789012345678901234567890123456789', 'siblings': [{'rfilename': 'a',"
            + " 'size': 1, 'lfs': {'size': 2}}]}",
        "{'sha': '0123456789012345678901234567890123456789', 'siblings': [{'rfilename': 'a'},"
            + " {'rfilename': 'a'}]}",
      })
  void a_listing_that_makes_no_sense_is_an_error(String json) throws IOException {
    hub.fault("GET", "/api/", 1, e -> FakeHub.send(e, text(json.replace('\'', '"'))));
    assertThat(failure(ID)).contains("listing of " + ID);
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void a_deeply_nested_listing_is_an_error() {
    hub.fault("GET", "/api/", 1, e -> FakeHub.send(e, text("[".repeat(1_000_000))));
    assertThat(failure(ID)).contains("listing of " + ID, "not valid JSON");
  }

  @Test
  void a_listing_without_end_is_cut_off() {
    hub.fault(
        "GET",
        "/api/",
        1,
        e -> {
          e.sendResponseHeaders(200, 0);
          byte[] spaces = new byte[1 << 20];
          while (true) {
            e.getResponseBody().write(spaces);
          }
        });
    assertThat(failure(ID)).contains("more than " + HubClient.MAX_LISTING_BYTES + " bytes");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "../x",
        "a/../../x",
        "/etc/x",
        "a//x",
        "./x",
        "a\\..\\x",
        "C:\\x",
        "C:x",
        "a/C:/x",
        "\\\\host\\share",
        "a\u0000b",
        "..\u002e/x",
        ".. /x",
        "...",
        "\uff0e\uff0e/x",
        "\uff0e\uff0e\uff0fx",
        "a/",
        "",
      })
  void a_name_that_leads_out_of_its_folder_is_an_error(String name) throws IOException {
    JsonObject file = new JsonObject();
    file.addProperty("rfilename", name);
    JsonObject listing = hub.listing(ID, "main");
    listing.getAsJsonArray("siblings").add(file);
    hub.fault("GET", "/api/", 1, e -> FakeHub.json(e, listing));
    assertThat(failure(ID)).contains("written outside its folder", "Nothing was downloaded");
    assertThat(folder).isEmptyDirectory();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "../x.safetensors",
        "/x.safetensors",
        "a/x.safetensors",
        "x.bin",
        "",
        "C:.safetensors"
      })
  void an_index_does_not_lead_out_of_its_folder_nor_to_pickles(String shard) throws IOException {
    JsonObject map = new JsonObject();
    map.addProperty("tensor", shard);
    JsonObject index = new JsonObject();
    index.add("weight_map", map);
    hub.publish(
        ID,
        "main",
        Map.of("config.json", text("{}"), "model.safetensors.index.json", text(index.toString())));
    assertThat(failure(ID)).contains("model.safetensors.index.json names the ");
    assertThat(tree(folder)).noneMatch(name -> name.endsWith("x.safetensors"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{}",
        "{\"weight_map\": []}",
        "{\"weight_map\": {}}",
        "{\"weight_map\": {\"a\": 1}}",
        "{\"weight_map\": {\"a\": \"not-listed.safetensors\"}}",
        "no"
      })
  void an_index_that_makes_no_sense_is_an_error(String index) {
    hub.publish(
        ID, "main", Map.of("config.json", text("{}"), "model.safetensors.index.json", text(index)));
    assertThat(failure(ID)).containsAnyOf("model.safetensors.index.json", "lacks the shard");
  }

  private void describeAs(String told, String etag, Integer size) {
    hub.fault(
        "HEAD",
        "model.safetensors",
        1,
        (HttpExchange e) -> {
          if (told != null) {
            e.getResponseHeaders().set("X-Repo-Commit", told);
          }
          if (etag != null) {
            e.getResponseHeaders().set("X-Linked-Etag", etag);
          }
          if (size != null) {
            e.getResponseHeaders().set("X-Linked-Size", size.toString());
          }
          FakeHub.redirect(e, 302, hub.cdnEndpoint() + "/" + SHA);
        });
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "\"../../../evil-etag\"",
        "\"/evil-etag-abs\"",
        "\"evil\\\\..\\\\etag\"",
        "W/\"..\"",
        "\"\"",
        "\"con\"",
        "\"0123456789.incomplete\""
      })
  void an_etag_that_is_no_hash_is_an_error(String etag) throws IOException {
    describeAs(commit, etag, 3_000_000);
    assertThat(failure(ID)).contains("model.safetensors of " + ID, "gives the etag");
    assertThat(tree(folder)).noneMatch(name -> name.contains("evil"));
  }

  @Test
  void an_answer_that_contradicts_the_listing_is_an_error() {
    describeAs(null, SHA, 3_000_000);
    assertThat(failure(ID)).contains("lacks X-Repo-Commit");
    describeAs("../" + commit, SHA, 3_000_000);
    assertThat(failure(ID)).contains("40 hexadecimal digits");
    describeAs("0".repeat(40), SHA, 3_000_000);
    assertThat(failure(ID)).contains("0".repeat(40), commit);
    describeAs(commit, null, 3_000_000);
    assertThat(failure(ID)).contains("neither X-Linked-Etag nor ETag");
    describeAs(commit, "1".repeat(64), 3_000_000);
    assertThat(failure(ID)).contains("1".repeat(64), SHA);
    describeAs(commit, SHA, 3_000_001);
    assertThat(failure(ID)).contains("3000001", "3000000");
    assertThat(hub.count("GET", SHA)).isZero();
  }

  @Test
  void a_compressed_answer_is_refused() {
    hub.fault(
        "GET",
        SHA,
        1,
        e -> {
          e.getResponseHeaders().set("Content-Encoding", "gzip");
          FakeHub.send(e, WEIGHTS);
        });
    assertThat(failure(ID)).contains("as gzip, which was not asked for");
  }

  // ---- links out of the cache ----

  @ParameterizedTest
  @ValueSource(strings = {"", "blobs", "snapshots", "snapshots/COMMIT", "refs", ".no_exist"})
  void a_link_out_of_the_cache_is_never_written_through(String link) throws IOException {
    Path outside = Files.createDirectory(folder.resolve("outside"));
    Path at = repo().resolve(link.replace("COMMIT", commit));
    Files.createDirectories(at.getParent());
    Files.createSymbolicLink(at, outside);
    if (link.equals("refs") || link.equals(".no_exist")) {
      fetch(ID); // the model is there all the same
      fetch(ID + "@" + commit);
    } else {
      assertThat(failure(ID)).contains(at.toString(), "leads out of the cache");
    }
    assertThat(outside).isEmptyDirectory();
  }

  @Test
  void files_that_are_links_are_replaced_and_not_followed() throws IOException {
    Path outside = folder.resolve("outside");
    Files.createDirectories(repo().resolve("blobs"));
    Files.createDirectories(repo().resolve("snapshots").resolve(commit));
    Path locks = Files.createDirectories(cache.resolve(".locks").resolve(repo().getFileName()));
    Files.createSymbolicLink(repo().resolve("blobs").resolve(SHA), outside);
    Files.createSymbolicLink(repo().resolve("blobs").resolve(SHA + ".incomplete"), outside);
    Files.createSymbolicLink(locks.resolve(SHA + ".lock"), outside);
    Files.createSymbolicLink(
        repo().resolve("snapshots").resolve(commit).resolve("model.safetensors"), outside);
    assertThat(Files.readAllBytes(fetch(ID).weights())).isEqualTo(WEIGHTS);
    assertThat(outside).doesNotExist();
  }

  @Test
  void the_cache_itself_may_be_a_link() throws IOException {
    Path elsewhere = Files.createDirectory(folder.resolve("elsewhere"));
    Files.createSymbolicLink(cache, elsewhere);
    assertThat(Files.readAllBytes(fetch(ID).weights())).isEqualTo(WEIGHTS);
    assertThat(tree(elsewhere)).isNotEmpty();
  }
}
