package org.clip4j.data.internal.loader;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.Gson;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.clip4j.data.PairSource;
import org.clip4j.data.TestPairs;
import org.clip4j.image.Augmentation;
import org.clip4j.image.ImageTransform;
import org.clip4j.image.RgbImage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Damaged pairs, their ledger and their limit; counts; augmentation; resuming. */
@Timeout(60)
class LoaderAccountingTest {
  private static final Augmentation ALL =
      Augmentation.builder()
          .optScale(0.3, 1)
          .optFlip(0.5)
          .optColorJitter(0.4, 0.4, 0.4, 0.1, 0.8)
          .optGrayscale(0.2)
          .build();

  @TempDir Path folder;

  private static List<PairBatch> take(PairLoader loader, int count) throws Exception {
    List<PairBatch> batches = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      batches.add(loader.next());
    }
    return batches;
  }

  private static void assertSame(List<PairBatch> actual, List<PairBatch> expected) {
    assertThat(actual)
        .usingRecursiveFieldByFieldElementComparator()
        .containsExactlyElementsOf(expected);
  }

  /** Images of some pixels, every eighth broken. */
  private static PairSource pictures(int count) {
    return TestPairs.numbered(
        count,
        number -> {
          if (number % 8 == 1) {
            throw new IOException("image-" + number + " is broken");
          }
          byte[] pixels = new byte[3 * 12 * 9];
          new Random(number).nextBytes(pixels);
          return new RgbImage(12, 9, pixels);
        });
  }

  private static PairLoader.Builder augmented(PairSource pairs, int batchSize) {
    return TestPairs.loader(pairs, batchSize)
        .setTransform(ImageTransform.openai(8, 8))
        .optAugmentation(ALL)
        .optSeed(11);
  }

  @Test
  void augmented_batches_do_not_depend_on_threads_cache_or_start() throws Exception {
    List<PairBatch> expected;
    try (PairLoader loader = augmented(pictures(45), 6).optThreads(1).optCacheBytes(0).build()) {
      expected = take(loader, 24);
    }
    for (int threads : new int[] {2, 4}) {
      try (PairLoader loader =
          augmented(pictures(45), 6).optThreads(threads).optCacheBytes(6000).build()) {
        assertSame(take(loader, 24), expected);
        assertThat(loader.cachedBytes()).isBetween(4000L, 6000L);
      }
    }
    for (int done = 1; done <= 12; done++) { // two epochs
      LoaderPosition position = expected.get(done - 1).next();
      try (PairLoader loader = augmented(pictures(45), 6).optThreads(1 + done % 3).build()) {
        loader.start(new Gson().fromJson(new Gson().toJson(position), LoaderPosition.class));
        assertSame(take(loader, 8), expected.subList(done, done + 8));
      }
    }
  }

  @Test
  void every_epoch_sees_another_view() throws Exception {
    PairSource one = TestPairs.numbered(1, number -> pictures(1).get(0).image().read());
    Set<List<Byte>> views = new HashSet<>();
    try (PairLoader loader = augmented(one, 1).build()) {
      for (PairBatch batch : take(loader, 20)) {
        List<Byte> view = new ArrayList<>();
        for (byte level : batch.pixels()) {
          view.add(level);
        }
        views.add(view);
      }
    }
    assertThat(views).hasSizeGreaterThan(15);
  }

  @Test
  void counts_add_up_at_every_batch_whatever_the_threads() throws Exception {
    for (int size : new int[] {40, 41, 45, 47, 48, 5}) {
      List<LoaderPosition> first = null;
      for (int threads : new int[] {1, 2, 4}) {
        try (PairLoader loader =
            TestPairs.loader(TestPairs.broken(size, i -> i % 5 == 3), 8)
                .optThreads(threads)
                .build()) {
          List<LoaderPosition> positions = new ArrayList<>();
          long used = 0;
          for (int i = 0; i < 20; i++) {
            PairBatch batch = loader.next();
            used += batch.size();
            LoaderPosition position = batch.next();
            positions.add(position);
            assertThat(position.used()).isEqualTo(used);
            assertThat(position.read()).isEqualTo(position.used() + position.skipped());
            LoaderStats stats = loader.stats();
            assertThat(List.of(stats.read(), stats.used(), stats.skipped()))
                .isEqualTo(List.of(position.read(), position.used(), position.skipped()));
          }
          int broken = (size + 1) / 5;
          if (size % 8 == 0 && (size - broken) % 8 == 0) { // nothing is left over
            long epochs = positions.get(19).epoch();
            assertThat(positions.get(19).skipped())
                .isBetween(broken * epochs, broken * (epochs + 1));
          }
          first = first == null ? positions : first;
          assertThat(positions).isEqualTo(first);
        }
      }
    }
  }

  @Test
  void the_last_pairs_of_an_epoch_may_be_damaged() throws Exception {
    // 16 pairs in batches of 4, 4 of them damaged: always 3 batches, wherever the damage lies.
    try (PairLoader loader = TestPairs.loader(TestPairs.broken(16, i -> i < 4), 4).build()) {
      for (int epoch = 0; epoch < 50; epoch++) {
        assertThat(take(loader, 3)).extracting(PairBatch::epoch).containsOnly(epoch);
      }
      PairBatch next = loader.next();
      // Damaged last pairs that no batch could use are not looked at.
      assertThat(next.next().skipped()).isBetween(50 * 2L, 51 * 4L);
      assertThat(next.next().used()).isEqualTo(50 * 12 + 4);
    }
  }

  private List<JsonObject> ledger(Path file) throws IOException {
    List<JsonObject> lines = new ArrayList<>();
    for (String line : Files.readAllLines(file)) {
      lines.add(JsonParser.parseString(line).getAsJsonObject());
    }
    return lines;
  }

  private static List<String> samples(List<JsonObject> ledger) {
    return ledger.stream().map(line -> line.get("sample").getAsString()).toList();
  }

  @Test
  void the_ledger_lists_each_damaged_pair_once_over_epochs_and_resumptions() throws Exception {
    Path file = folder.resolve("run/skipped.jsonl");
    PairSource pairs = TestPairs.broken(40, i -> i % 10 == 4);
    String[] expected = {"image-4", "image-14", "image-24", "image-34"};
    LoaderPosition middle;
    try (PairLoader loader = TestPairs.loader(pairs, 6).optLedger(file).build()) {
      middle = loader.next().next();
      take(loader, 20);
    }
    List<JsonObject> lines = ledger(file);
    assertThat(samples(lines)).containsExactlyInAnyOrder(expected);
    assertThat(lines)
        .allSatisfy(
            line -> {
              assertThat(line.get("source").getAsString()).isEqualTo("pairs");
              assertThat(line.get("reason").getAsString())
                  .isEqualTo(line.get("sample").getAsString() + " is broken");
            });

    // A process that was killed while it wrote the last line, resumed.
    String text = Files.readString(file);
    Files.writeString(file, text.substring(0, text.length() - 9));
    try (PairLoader loader = TestPairs.loader(pairs, 6).optLedger(file).build()) {
      loader.start(middle);
      take(loader, 30);
      assertThat(loader.unreadable().count()).isEqualTo(4);
    }
    assertThat(samples(ledger(file))).containsExactlyInAnyOrder(expected);

    // A new run does not go by what an earlier one found.
    try (PairLoader loader =
        TestPairs.loader(TestPairs.broken(40, i -> i == 7), 6).optLedger(file).build()) {
      take(loader, 13);
    }
    assertThat(samples(ledger(file))).containsExactly("image-7");
  }

  @Test
  void a_resumed_loader_goes_by_the_ledger_even_if_the_images_were_repaired() throws Exception {
    Path file = folder.resolve("skipped.jsonl");
    List<PairBatch> all;
    try (PairLoader loader =
        TestPairs.loader(TestPairs.broken(30, i -> i % 10 == 4), 6).optLedger(file).build()) {
      all = take(loader, 20);
    }
    try (PairLoader loader = TestPairs.loader(TestPairs.numbered(30), 6).optLedger(file).build()) {
      loader.start(all.get(5).next());
      assertSame(take(loader, 10), all.subList(6, 16));
    }
  }

  @Test
  void a_file_that_is_no_ledger_is_not_touched() throws Exception {
    Path file = folder.resolve("notes.txt");
    Files.writeString(file, "{\"id\":1,\"sample\":\"a\",\"reason\":\"b\"}\nmy notes\n");
    try (PairLoader loader = TestPairs.loader(TestPairs.numbered(9), 3).optLedger(file).build()) {
      loader.start(new LoaderPosition(0, 1, 3, 3, 3, 0));
      assertThatThrownBy(loader::next)
          .isInstanceOf(IOException.class)
          .hasMessageContaining("notes.txt line 2");
    }
    assertThat(Files.readString(file)).endsWith("my notes\n");
  }

  @ParameterizedTest
  @CsvSource({
    // pairs, one in so many broken, share, fails
    "100, 100, 0.01, false",
    "100, 50, 0.01, true",
    "100, 50, 0.02, false",
    "50, 50, 0.01, true",
    "4000, 101, 0.01, false",
    "4000, 90, 0.01, true",
    "4000, 90, 0.02, false",
    "1000, 100, 0.01, false", // just the share, epoch after epoch
    "20000, 10, 0.01, true",
    "20, 2, 0, true",
    "20, 2, 1, false",
  })
  void too_large_a_share_of_damaged_pairs_ends_the_run(
      int pairs, int oneIn, double share, boolean fails) throws Exception {
    String failure = null;
    for (int threads : new int[] {1, 4}) {
      try (PairLoader loader =
          TestPairs.loader(TestPairs.broken(pairs, i -> i % oneIn == oneIn / 2), 10)
              .optThreads(threads)
              .optMaxSkippedShare(share)
              .build()) {
        String message = "";
        try {
          take(loader, 3 * pairs / 10);
        } catch (IOException e) {
          message = e.getMessage();
        }
        assertThat(message.isEmpty()).isEqualTo(!fails);
        if (fails) {
          assertThat(message).contains("is broken").contains("share to be skipped");
          assertThat(message.split("is broken")).hasSizeLessThanOrEqualTo(4);
        }
        failure = failure == null ? message : failure;
        assertThat(message).isEqualTo(failure);
      }
    }
  }

  @Test
  void a_source_that_is_all_damaged_fails_long_before_its_end() throws Exception {
    AtomicInteger reads = new AtomicInteger();
    PairSource pairs =
        TestPairs.broken(
            100_000,
            i -> {
              reads.incrementAndGet();
              return true;
            });
    try (PairLoader loader = TestPairs.loader(pairs, 10).optMaxSkippedShare(0.01).build()) {
      assertThatThrownBy(loader::next).hasMessageContaining("29 of the 29 pairs");
    }
    assertThat(reads.get()).isLessThan(100);
  }

  @Test
  void the_limit_counts_the_pairs_before_the_position() throws Exception {
    PairSource pairs = TestPairs.broken(4000, i -> i % 90 == 45);
    List<String> failures = new ArrayList<>();
    List<LoaderPosition> positions = new ArrayList<>();
    for (int start = 0; start < 60; start += 15) {
      try (PairLoader loader = TestPairs.loader(pairs, 10).optMaxSkippedShare(0.01).build()) {
        if (start > 0) {
          loader.start(positions.get(start - 1));
        }
        while (true) {
          positions.add(loader.next().next());
        }
      } catch (IOException e) {
        failures.add(e.getMessage().replaceAll("; the first reasons.*", ""));
      }
    }
    assertThat(failures).hasSize(4).containsOnly(failures.get(0));
  }

  @Test
  void the_share_of_time_spent_waiting_is_measured() throws Exception {
    AtomicInteger pauseMillis = new AtomicInteger(5);
    PairSource slow =
        TestPairs.numbered(
            20,
            number -> {
              try {
                Thread.sleep(pauseMillis.get());
              } catch (InterruptedException e) {
                throw new IOException(e);
              }
              return TestPairs.pixel(number);
            });
    try (PairLoader loader = TestPairs.loader(slow, 5).optThreads(1).optCacheBytes(0).build()) {
      assertThat(loader.stats().waited()).isZero();
      take(loader, 8);
      LoaderStats starved = loader.stats();
      assertThat(starved.waited().dividedBy(4)).isGreaterThan(starved.elapsed().dividedBy(5));
      assertThat(starved.waited()).isGreaterThan(Duration.ofMillis(100));

      pauseMillis.set(0);
      Thread.sleep(100); // the consumer is busy
      take(loader, 2);
      LoaderStats later = loader.stats();
      Duration elapsed = later.elapsed().minus(starved.elapsed());
      assertThat(elapsed).isGreaterThan(Duration.ofMillis(99));
      assertThat(later.waited().minus(starved.waited())).isLessThan(elapsed.dividedBy(2));
    }
  }

  @Test
  void positions_are_refused_if_their_counts_are_wrong() {
    assertThatThrownBy(() -> new LoaderPosition(0, 0, 0, 3, 1, 1)).hasMessageContaining("3 pairs");
    assertThatThrownBy(() -> new LoaderPosition(0, 0, -1, 0, 0, 0)).hasMessageContaining("-1");
  }

  @Test
  void a_ledger_that_cannot_be_written_ends_nothing() throws Exception {
    Path file = folder.resolve("folder");
    Files.createDirectories(file);
    try (PairLoader loader = TestPairs.loader(TestPairs.numbered(4), 2).optLedger(file).build()) {
      assertThat(loader.next().size()).isEqualTo(2);
    }
  }
}
