package org.clip4j.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A network, a disk and a server of files that misbehave. */
class HubFaultsTest extends HubFixture {
  private String commit;

  @BeforeEach
  void publish() {
    commit = hub.publish(ID, "main", transformers(WEIGHTS));
  }

  private Path leave(byte[] partial) throws IOException {
    Files.createDirectories(repo().resolve("blobs"));
    return Files.write(repo().resolve("blobs").resolve(SHA + ".incomplete"), partial);
  }

  private List<String> ranges() {
    return hub.requests.stream()
        .filter(r -> r.path().contains(SHA))
        .map(r -> String.valueOf(r.range()))
        .toList();
  }

  @Test
  void a_cut_connection_is_taken_up_where_it_was_cut() throws IOException {
    hub.fault("GET", SHA, 1, e -> FakeHub.cut(e, WEIGHTS, 0, 1_500_000));
    hub.fault("GET", SHA, 1, e -> FakeHub.cut(e, WEIGHTS, 1_500_000, 1_600_000));
    assertFetched();
    assertThat(ranges()).containsExactly("null", "bytes=1500000-", "bytes=1600000-");
    assertThat(waits).containsExactly(Duration.ofSeconds(1), Duration.ofSeconds(2));
  }

  @Test
  void what_an_earlier_process_left_is_gone_on_with() throws IOException {
    leave(Arrays.copyOf(WEIGHTS, 2_000_000));
    assertFetched();
    assertThat(ranges()).containsExactly("bytes=2000000-");
    assertThat(progress)
        .filteredOn(p -> p.file().equals("model.safetensors"))
        .first()
        .isEqualTo(new DownloadProgress("model.safetensors", 2_000_000, 3_000_000, 1, 2));
  }

  @Test
  void what_a_killed_process_left_is_gone_on_with() throws IOException {
    Files.move(
        leave(Arrays.copyOf(WEIGHTS, 2_000_000)),
        repo().resolve("blobs").resolve(SHA + ".clip4j-0123abcd.incomplete"));
    assertFetched();
    assertThat(ranges()).containsExactly("bytes=2000000-");
  }

  @Test
  void what_recent_python_is_writing_is_left_alone() throws IOException {
    Path theirs = repo().resolve("blobs").resolve(SHA + ".0123abcd.incomplete");
    Files.move(leave(Arrays.copyOf(WEIGHTS, 2_000_000)), theirs);
    fetch(ID);
    assertThat(ranges()).containsExactly("null");
    assertThat(theirs).hasSize(2_000_000);
  }

  @Test
  void what_is_left_and_complete_is_only_checked() throws IOException {
    leave(WEIGHTS);
    assertFetched();
    assertThat(ranges()).isEmpty();
  }

  @Test
  void what_is_left_but_wrong_is_dropped() throws IOException {
    leave(bytes(9, 2_000_000));
    assertFetched();
    assertThat(ranges()).containsExactly("bytes=2000000-", "null");
  }

  @Test
  void what_is_left_but_too_long_is_dropped() throws IOException {
    leave(bytes(9, 3_000_001));
    assertFetched();
    assertThat(ranges()).containsExactly("null");
  }

  @Test
  void a_server_that_ignores_the_range_starts_the_file_again() throws IOException {
    leave(Arrays.copyOf(WEIGHTS, 2_000_000));
    hub.fault("GET", SHA, 1, e -> FakeHub.cut(e, WEIGHTS, 0, WEIGHTS.length));
    assertFetched();
    assertThat(ranges()).containsExactly("bytes=2000000-");
    assertThat(waits).isEmpty();
  }

  @Test
  void a_server_that_refuses_the_range_is_asked_without() throws IOException {
    leave(Arrays.copyOf(WEIGHTS, 2_000_000));
    hub.fault("GET", SHA, 1, e -> FakeHub.refuse(e, 416, null));
    assertFetched();
    assertThat(ranges()).containsExactly("bytes=2000000-", "null");
  }

  @Test
  void a_server_that_sends_another_range_is_asked_without() throws IOException {
    leave(Arrays.copyOf(WEIGHTS, 2_000_000));
    hub.fault("GET", SHA, 1, e -> FakeHub.cut(e, WEIGHTS, 1_000_000, WEIGHTS.length));
    assertFetched();
    assertThat(ranges()).containsExactly("bytes=2000000-", "null");
  }

  @Test
  void a_wrong_checksum_is_tried_once_more_and_never_kept() throws IOException {
    byte[] wrong = WEIGHTS.clone();
    wrong[1_234_567] ^= 1;
    hub.fault("GET", SHA, 2, e -> FakeHub.send(e, wrong));
    assertThat(failure(ID)).contains("model.safetensors", "SHA-256 " + SHA, "twice in a row");
    assertThat(tree(repo())).noneMatch(name -> name.contains(SHA) || name.startsWith("refs/"));
    hub.fault("GET", SHA, 1, e -> FakeHub.send(e, wrong));
    assertFetched();
    assertThat(waits).isEmpty();
  }

  @Test
  void a_wrong_git_hash_is_an_error_too() throws IOException {
    byte[] wrong = transformers(WEIGHTS).get("config.json");
    wrong[0] = ' ';
    hub.fault("GET", "/resolve-cache/", 2, e -> FakeHub.send(e, wrong));
    assertThat(failure(ID)).contains("config.json", "git hash ", "twice in a row");
    assertThat(tree(repo())).isEmpty();
  }

  @Test
  void a_body_longer_than_announced_is_cut_off() throws IOException {
    byte[] longer = Arrays.copyOf(WEIGHTS, 50_000_000);
    AtomicBoolean broken = new AtomicBoolean();
    hub.fault(
        "GET",
        SHA,
        2,
        e -> {
          try {
            FakeHub.send(e, longer);
          } catch (IOException broke) {
            broken.set(true);
            throw broke;
          }
        });
    assertThat(failure(ID)).contains("model.safetensors", "twice in a row");
    assertThat(tree(repo())).noneMatch(name -> name.contains(SHA));
    assertThat(progress).allMatch(p -> p.bytesDone() <= WEIGHTS.length);
    assertThat(broken).isTrue();
  }

  @Test
  void a_body_shorter_than_announced_is_not_taken_for_the_file() throws IOException {
    hub.fault(
        "GET",
        SHA,
        9,
        e -> {
          e.sendResponseHeaders(200, 1000);
          e.getResponseBody().write(WEIGHTS, 0, 1000);
        });
    assertThat(failure(ID)).contains("ended after 1000 of 3000000 bytes", "6 times in a row");
    assertThat(blob(WEIGHTS)).doesNotExist();
  }

  @Test
  void a_server_that_ignores_the_range_and_always_cuts_is_given_up() {
    hub.fault("GET", SHA, 99, e -> FakeHub.cut(e, WEIGHTS, 0, 2_000_000));
    assertThat(failure(ID)).contains("model.safetensors of " + ID, "6 times in a row");
    assertThat(ranges()).hasSizeLessThan(10);
  }

  @Test
  void a_body_that_stalls_is_given_up_and_taken_up_again() throws IOException {
    timeout = Duration.ofMillis(500);
    hub.fault(
        "GET",
        SHA,
        1,
        e -> {
          FakeHub.cut(e, WEIGHTS, 0, 1_000_000);
          hub.hang();
        });
    assertFetched();
    assertThat(ranges()).contains("bytes=1000000-");
  }

  @Test
  void a_server_that_does_not_answer_is_given_up() {
    timeout = Duration.ofMillis(100);
    hub.fault("GET", "/api/", 9, e -> hub.hang());
    assertThat(failure(ID))
        .contains(hub.endpoint(), "did not answer within 0.1 s", "HF_HUB_DOWNLOAD_TIMEOUT");
    assertThat(waits)
        .containsExactly(
            Duration.ofSeconds(1),
            Duration.ofSeconds(2),
            Duration.ofSeconds(4),
            Duration.ofSeconds(8),
            Duration.ofSeconds(16));
  }

  @Test
  void a_hub_that_is_not_there_is_an_error() {
    hub.close();
    assertThat(failure(ID)).contains(ID, "no connection to " + hub.endpoint(), "6 times in a row");
  }

  @Test
  void an_interrupt_keeps_what_was_received() throws Exception {
    AtomicReference<Throwable> thrown = new AtomicReference<>();
    AtomicBoolean flag = new AtomicBoolean();
    Thread[] fetching = new Thread[1];
    hub.fault(
        "GET",
        SHA,
        1,
        e -> {
          FakeHub.cut(e, WEIGHTS, 0, 1_000_000);
          hub.hang();
        });
    Hub connected = connect();
    fetching[0] =
        new Thread(
            () -> {
              try {
                connected.fetch(
                    HubId.parse(ID),
                    p -> {
                      if (p.bytesDone() > 700_000) {
                        fetching[0].interrupt();
                      }
                    });
              } catch (IOException e) {
                thrown.set(e);
                flag.set(Thread.currentThread().isInterrupted());
              }
            });
    fetching[0].start();
    fetching[0].join(10_000);
    assertThat(thrown.get())
        .isInstanceOf(HubException.class)
        .hasMessageContaining("fetching " + ID + " was interrupted");
    assertThat(flag).isTrue();
    assertThat(Files.size(repo().resolve("blobs").resolve(SHA + ".incomplete")))
        .isBetween(700_000L, 1_000_000L);
    assertFetched();
    assertThat(ranges().get(1)).startsWith("bytes=");
  }

  @Test
  void a_listener_that_throws_ends_the_download_and_loses_nothing() throws IOException {
    assertThatThrownBy(
            () ->
                connect()
                    .fetch(
                        HubId.parse(ID),
                        p -> {
                          if (p.bytesDone() > 1_000_000) {
                            throw new IllegalStateException("stop");
                          }
                        }))
        .isInstanceOf(IllegalStateException.class);
    assertThat(Files.size(repo().resolve("blobs").resolve(SHA + ".incomplete")))
        .isGreaterThan(1_000_000);
    assertFetched();
  }

  @Test
  void a_disk_that_is_too_small_is_told_before_anything_is_written() throws IOException {
    long huge = 1L << 55;
    JsonObject listing = hub.listing(ID, "main");
    listing
        .getAsJsonArray("siblings")
        .forEach(
            file -> {
              JsonObject entry = file.getAsJsonObject();
              if (entry.has("lfs")) {
                entry.addProperty("size", huge);
                entry.getAsJsonObject("lfs").addProperty("size", huge);
              }
            });
    hub.fault("GET", "/api/", 1, e -> FakeHub.json(e, listing));
    hub.fault(
        "HEAD",
        "model.safetensors",
        1,
        e -> {
          e.getResponseHeaders().set("X-Repo-Commit", commit);
          e.getResponseHeaders().set("X-Linked-Etag", SHA);
          e.getResponseHeaders().set("X-Linked-Size", String.valueOf(huge));
          FakeHub.redirect(e, 302, hub.cdnEndpoint() + "/" + SHA);
        });
    assertThat(failure(ID))
        .contains("model.safetensors", huge + " bytes more", "free", "HF_HUB_CACHE");
    assertThat(tree(repo())).noneMatch(name -> name.contains(SHA));
  }

  /** A byte every 20 ms would take 16 hours for the file, and never be too late. */
  @Test
  void a_server_that_trickles_is_given_up() throws IOException {
    timeout = Duration.ofMillis(200);
    hub.publish(ID, "main", transformers(bytes(7, 50_000)));
    hub.fault(
        "GET",
        FakeHub.sha256(bytes(7, 50_000)),
        9,
        exchange -> {
          exchange.sendResponseHeaders(200, 50_000);
          for (int i = 0; i < 500; i++) {
            exchange.getResponseBody().write(0);
            exchange.getResponseBody().flush();
            try {
              Thread.sleep(20);
            } catch (InterruptedException e) {
              return;
            }
          }
        });
    assertThat(failure(ID))
        .contains("model.safetensors", "less than 1024 a second", "2 times in a row");
    assertThat(waits).hasSize(1);
  }

  @Test
  void a_host_that_does_not_resolve_is_tried_once_more() {
    environment.put("HF_ENDPOINT", "http://no-such-host.invalid");
    assertThat(failure(ID)).contains("the host's name is unknown", "2 times in a row");
    assertThat(waits).containsExactly(Duration.ofSeconds(1));
  }
}
