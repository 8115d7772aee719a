package org.clip4j.data.internal.loader;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.clip4j.data.PairSource;
import org.clip4j.data.TestPairs;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The loader as an owner of threads and memory; {@link PairLoaderTest} is about what it gives. */
@Timeout(30)
class PairLoaderThreadsTest {

  private static List<PairBatch> take(PairLoader loader, int count) throws Exception {
    List<PairBatch> batches = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      batches.add(loader.next());
    }
    return batches;
  }

  @Test
  void an_unexpected_failure_reaches_the_consumer_after_the_batches_before_it() throws Exception {
    AtomicInteger order = new AtomicInteger();
    PairSource pairs =
        TestPairs.numbered(
            40,
            number -> {
              if (order.getAndIncrement() == 25) {
                throw new ArithmeticException("boom");
              }
              return TestPairs.pixel(number);
            });
    try (PairLoader loader = TestPairs.loader(pairs, 10).optThreads(1).build()) {
      take(loader, 2);
      assertThatThrownBy(loader::next)
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("image-")
          .hasMessageContaining("boom")
          .hasRootCauseInstanceOf(ArithmeticException.class);
    }
  }

  @Test
  void an_error_in_a_decoder_reaches_the_consumer() {
    PairSource pairs =
        TestPairs.numbered(
            4,
            number -> {
              throw new NoClassDefFoundError("deep");
            });
    try (PairLoader loader = TestPairs.loader(pairs, 2).build()) {
      assertThatThrownBy(loader::next).isInstanceOf(NoClassDefFoundError.class);
    }
  }

  @Test
  void cached_images_are_read_once() throws Exception {
    AtomicInteger reads = new AtomicInteger();
    PairSource pairs =
        TestPairs.numbered(
            20,
            number -> {
              reads.incrementAndGet();
              return TestPairs.pixel(number);
            });
    try (PairLoader loader = TestPairs.loader(pairs, 5).build()) {
      take(loader, 40);
      assertThat(reads.get()).isEqualTo(20);
      assertThat(loader.cachedBytes()).isPositive();
    }
  }

  @Test
  void the_cache_keeps_to_its_budget() throws Exception {
    for (long budget : new long[] {0, 500, 1500}) {
      try (PairLoader loader =
          TestPairs.loader(TestPairs.numbered(30), 5).optCacheBytes(budget).build()) {
        take(loader, 30);
        assertThat(loader.cachedBytes()).isBetween(Math.max(0, budget - 100), budget);
      }
    }
  }

  @Test
  void no_more_than_the_prefetched_batches_are_made_ahead() throws Exception {
    AtomicInteger reads = new AtomicInteger();
    CountDownLatch most = new CountDownLatch(3 * 10 + 4);
    PairSource pairs =
        TestPairs.numbered(
            1000,
            number -> {
              reads.incrementAndGet();
              most.countDown();
              return TestPairs.pixel(number);
            });
    try (PairLoader loader =
        TestPairs.loader(pairs, 10).optPrefetch(2).optThreads(1).optCacheBytes(0).build()) {
      loader.next();
      most.await(); // the batch taken, two ahead, and the four images ahead of those
      assertThat(loader.next().indexInEpoch()).isEqualTo(1);
      // One more batch may begin now; nothing beyond it.
      assertThat(reads.get()).isLessThanOrEqualTo(4 * 10 + 5);
    }
  }

  @Test
  void closing_wakes_a_waiting_consumer_and_stops_the_threads() throws Exception {
    CountDownLatch reading = new CountDownLatch(1);
    CountDownLatch never = new CountDownLatch(1);
    Set<Thread> workers = java.util.concurrent.ConcurrentHashMap.newKeySet();
    PairSource pairs =
        TestPairs.numbered(
            4,
            number -> {
              workers.add(Thread.currentThread());
              reading.countDown();
              try {
                never.await();
              } catch (InterruptedException e) {
                throw new IOException("interrupted", e);
              }
              return TestPairs.pixel(number);
            });
    PairLoader loader = TestPairs.loader(pairs, 2).optThreads(2).build();
    AtomicReference<Throwable> thrown = new AtomicReference<>();
    Thread consumer =
        new Thread(
            () -> {
              try {
                loader.next();
              } catch (Throwable e) {
                thrown.set(e);
              }
            });
    consumer.start();
    reading.await();

    loader.close();
    loader.close();

    consumer.join();
    assertThat(thrown.get())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("closed");
    for (Thread worker : workers) {
      assertThat(worker.isDaemon()).isTrue();
      assertThat(worker.getName()).isEqualTo("clip4j-decoder");
      worker.join();
    }
    for (Thread thread : Thread.getAllStackTraces().keySet()) {
      if (thread.getName().equals("clip4j-loader")) {
        thread.join(); // none is left waiting, this test's or another's
      }
    }
    assertThat(loader.unreadable().count()).isZero();
    assertThatThrownBy(loader::next).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> loader.start(LoaderPosition.START)).hasMessageContaining("closed");
  }

  @Test
  void an_interrupted_consumer_may_go_on() throws Exception {
    CountDownLatch gate = new CountDownLatch(1);
    PairSource pairs =
        TestPairs.numbered(
            8,
            number -> {
              try {
                gate.await();
              } catch (InterruptedException e) {
                throw new IOException("interrupted", e);
              }
              return TestPairs.pixel(number);
            });
    try (PairLoader loader = TestPairs.loader(pairs, 4).build()) {
      Thread.currentThread().interrupt();
      assertThatThrownBy(loader::next).isInstanceOf(InterruptedException.class);
      gate.countDown();
      assertThat(loader.next().indexInEpoch()).isZero();
      assertThat(loader.next().indexInEpoch()).isEqualTo(1);
    }
  }
}
