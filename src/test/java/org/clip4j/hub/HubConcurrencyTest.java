package org.clip4j.hub;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

class HubConcurrencyTest extends HubFixture {
  @Test
  void threads_that_fetch_one_model_share_one_download() throws Exception {
    hub.publish(ID, "main", both());
    ExecutorService threads = Executors.newFixedThreadPool(4);
    try {
      List<Future<HubModel>> fetched = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        Hub own = connect();
        fetched.add(threads.submit(() -> own.fetch(HubId.parse(ID), DownloadListener.SILENT)));
      }
      for (Future<HubModel> model : fetched) {
        assertThat(Files.readAllBytes(model.get().weights())).isEqualTo(WEIGHTS);
      }
    } finally {
      threads.shutdownNow();
    }
    assertThat(hub.count("GET", SHA)).isEqualTo(1);
    assertThat(tree(repo())).noneMatch(name -> name.contains("incomplete") || name.contains("tmp"));
  }

  @RepeatedTest(10)
  void downloads_of_one_file_without_a_lock_do_not_meet() throws Exception {
    String commit = hub.publish(ID, "main", both());
    HubClient client = new HubClient(HubSettings.of(environment), Proxies.NONE, waits::add);
    RemoteFile file =
        new RemoteFile("open_clip_model.safetensors", SHA, 3_000_000, new BlobChecksum(false, SHA));
    Path blob = Files.createDirectories(repo().resolve("blobs")).resolve(SHA);
    Files.write(blob.resolveSibling(SHA + ".incomplete"), new byte[] {WEIGHTS[0]});
    ExecutorService threads = Executors.newFixedThreadPool(4);
    try {
      List<Future<?>> done = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        done.add(
            threads.submit(
                () -> {
                  new BlobDownload(client, HubId.parse(ID), commit, file, bytes -> {}).to(blob);
                  return null;
                }));
      }
      for (Future<?> each : done) {
        each.get();
      }
    } finally {
      threads.shutdownNow();
    }
    assertThat(Files.readAllBytes(blob)).isEqualTo(WEIGHTS);
    assertThat(tree(blob.getParent())).containsExactly(SHA);
  }

  @Test
  void one_who_writes_to_what_was_left_does_no_harm() throws IOException {
    // An older huggingface_hub that appends to ETAG.incomplete under a lock that Java cannot see.
    hub.publish(ID, "main", both());
    Path left = Files.createDirectories(repo().resolve("blobs")).resolve(SHA + ".incomplete");
    Files.write(left, Arrays.copyOf(WEIGHTS, 1_000_000));
    try (FileChannel theirs = FileChannel.open(left, StandardOpenOption.APPEND)) {
      HubModel model =
          connect()
              .fetch(
                  HubId.parse(ID),
                  p -> {
                    if (p.bytesTotal() == WEIGHTS.length && p.bytesDone() < WEIGHTS.length) {
                      assertThat(left).doesNotExist(); // so they cannot publish what both wrote
                      try {
                        theirs.write(ByteBuffer.wrap(WEIGHTS, 1_000_000, 1000));
                      } catch (IOException e) {
                        throw new AssertionError(e);
                      }
                    }
                  });
      assertThat(Files.readAllBytes(model.weights())).isEqualTo(WEIGHTS);
    }
    assertThat(tree(repo().resolve("blobs"))).noneMatch(name -> name.contains("incomplete"));
  }

  @Test
  @Tag("slow")
  void processes_that_fetch_one_model_share_one_download() throws Exception {
    String commit = hub.publish(ID, "main", both());
    List<Process> processes = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      processes.add(start());
    }
    for (Process process : processes) {
      String output = new String(process.getInputStream().readAllBytes());
      assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
      assertThat(output).contains(commit + " " + repo());
      assertThat(process.exitValue()).isZero();
    }
    assertThat(Files.readAllBytes(fetch(ID).weights())).isEqualTo(WEIGHTS);
    assertThat(hub.count("GET", SHA)).isEqualTo(1);
    assertThat(tree(repo())).noneMatch(name -> name.contains("incomplete") || name.contains("tmp"));
  }

  @Test
  @Tag("slow")
  void a_process_that_is_killed_leaves_what_the_next_goes_on_with() throws Exception {
    hub.publish(ID, "main", both());
    hub.fault(
        "GET",
        SHA,
        1,
        e -> {
          FakeHub.cut(e, WEIGHTS, 0, 2_000_000);
          hub.hang();
        });
    Process process = start();
    Path blobs = repo().resolve("blobs");
    for (int i = 0; i < 600 && received(blobs) < 1_000_000; i++) {
      Thread.sleep(50);
    }
    process.destroyForcibly().waitFor();
    long received = received(blobs);
    assertThat(received).isBetween(1_000_000L, 2_000_000L);
    assertThat(Files.readAllBytes(fetch(ID).weights())).isEqualTo(WEIGHTS);
    assertThat(hub.requests)
        .anyMatch(r -> r.path().contains(SHA) && ("bytes=" + received + "-").equals(r.range()));
    assertThat(tree(blobs)).noneMatch(name -> name.contains("incomplete"));
  }

  private static long received(Path blobs) throws IOException {
    if (!Files.isDirectory(blobs)) {
      return 0;
    }
    long bytes = 0;
    for (String name : tree(blobs)) {
      if (name.startsWith(SHA)) {
        bytes += Files.size(blobs.resolve(name));
      }
    }
    return bytes;
  }
}
