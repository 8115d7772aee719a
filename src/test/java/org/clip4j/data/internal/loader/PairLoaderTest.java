package org.clip4j.data.internal.loader;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.locks.LockSupport;
import org.clip4j.data.ImageTextPair;
import org.clip4j.data.PairSource;
import org.clip4j.data.Pairs;
import org.clip4j.data.TestPairs;
import org.clip4j.data.shapes.ColouredShapes;
import org.clip4j.image.ImageTransform;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class PairLoaderTest {
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

  private static Set<Integer> indices(List<PairBatch> batches) {
    Set<Integer> indices = new HashSet<>();
    batches.forEach(batch -> Arrays.stream(batch.indices()).forEach(indices::add));
    return indices;
  }

  /** As a disk would: some images take far longer than others. */
  private static PairSource uneven(int count, java.util.function.IntPredicate broken) {
    return TestPairs.numbered(
        count,
        number -> {
          LockSupport.parkNanos(ThreadLocalRandom.current().nextInt(300_000));
          if (broken.test(number)) {
            throw new IOException("image-" + number + " is broken");
          }
          return TestPairs.pixel(number);
        });
  }

  @Test
  void rows_belong_together() throws Exception {
    try (PairLoader loader = TestPairs.loader(TestPairs.numbered(300), 7).build()) {
      for (PairBatch batch : take(loader, 50)) {
        assertThat(batch.size()).isEqualTo(7);
        assertThat(batch.pixels()).hasSize(7 * 3);
        assertThat(batch.tokens().size()).isEqualTo(7);
        for (int row = 0; row < 7; row++) {
          int index = batch.indices()[row];
          assertThat(Arrays.copyOfRange(batch.pixels(), 3 * row, 3 * row + 3))
              .isEqualTo(TestPairs.pixel(index).pixels());
          assertThat(batch.captions().get(row)).matches("[abc]" + index);
          assertThat(batch.tokens().row(row))
              .isEqualTo(batch.captions().get(row).chars().toArray());
        }
      }
    }
  }

  @Test
  void batches_do_not_depend_on_threads_or_timing() throws Exception {
    List<PairBatch> expected;
    try (PairLoader loader =
        TestPairs.loader(TestPairs.broken(101, i -> i % 9 == 0), 8)
            .optSeed(5)
            .optThreads(1)
            .optCacheBytes(0)
            .build()) {
      expected = take(loader, 40);
    }
    for (int threads = 1; threads <= 4; threads += 3) {
      try (PairLoader loader =
          TestPairs.loader(uneven(101, i -> i % 9 == 0), 8)
              .optSeed(5)
              .optThreads(threads)
              .optPrefetch(threads)
              .optCacheBytes(2000)
              .build()) {
        assertSame(take(loader, 40), expected);
      }
    }
    try (PairLoader loader = TestPairs.loader(TestPairs.numbered(101), 8).optSeed(6).build()) {
      assertThat(loader.next().indices()).isNotEqualTo(expected.get(0).indices());
    }
  }

  @Test
  void an_epoch_visits_every_pair_once_in_a_new_order() throws Exception {
    try (PairLoader loader = TestPairs.loader(TestPairs.numbered(60), 10).build()) {
      List<PairBatch> first = take(loader, 6);
      List<PairBatch> second = take(loader, 6);

      assertThat(indices(first)).hasSize(60);
      assertThat(indices(second)).hasSize(60);
      assertThat(first).extracting(PairBatch::epoch).containsOnly(0);
      assertThat(second).extracting(PairBatch::epoch).containsOnly(1);
      assertThat(second).extracting(PairBatch::indexInEpoch).containsExactly(0, 1, 2, 3, 4, 5);
      assertThat(first.get(0).indices()).isNotEqualTo(second.get(0).indices());
      assertThat(first.get(0).indices()).isNotEqualTo(new int[] {0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
    }
  }

  @Test
  void shuffling_is_uniform() throws Exception {
    int[][] times = new int[5][5]; // [position, pair]
    try (PairLoader loader = TestPairs.loader(TestPairs.numbered(5), 5).build()) {
      for (PairBatch batch : take(loader, 2000)) {
        for (int row = 0; row < 5; row++) {
          times[row][batch.indices()[row]]++;
        }
      }
    }
    for (int[] position : times) {
      for (int count : position) {
        assertThat(count).isBetween(310, 490); // 400 expected, standard deviation 18
      }
    }
  }

  /**
   * As examples/peers/train_openclip.py --order clip4j draws it: a change here breaks resumed
   * trainings, and comparisons with other programs in lockstep.
   */
  @Test
  void a_seed_fixes_the_order_of_every_epoch() throws Exception {
    try (PairLoader loader = TestPairs.loader(TestPairs.numbered(12), 12).optSeed(7).build()) {
      assertThat(loader.next().indices()).containsExactly(5, 7, 3, 0, 4, 10, 6, 1, 2, 11, 9, 8);
      assertThat(loader.next().indices()).containsExactly(9, 6, 10, 4, 3, 5, 7, 11, 0, 8, 2, 1);
    }
  }

  @Test
  void every_caption_of_a_pair_is_drawn_over_the_epochs() throws Exception {
    Set<String> drawn = new HashSet<>();
    try (PairLoader loader = TestPairs.loader(TestPairs.numbered(2), 2).build()) {
      take(loader, 60).forEach(batch -> drawn.addAll(batch.captions()));
    }
    assertThat(drawn).containsExactlyInAnyOrder("a0", "b0", "c0", "a1", "b1", "c1");
  }

  @Test
  void a_last_incomplete_batch_is_dropped_and_not_decoded() throws Exception {
    AtomicInteger reads = new AtomicInteger();
    PairSource pairs =
        TestPairs.numbered(
            11,
            number -> {
              reads.incrementAndGet();
              return TestPairs.pixel(number);
            });
    try (PairLoader loader =
        TestPairs.loader(pairs, 4).optPrefetch(1).optThreads(1).optCacheBytes(0).build()) {
      List<PairBatch> batches = take(loader, 2);
      assertThat(batches).allSatisfy(batch -> assertThat(batch.size()).isEqualTo(4));
      assertThat(loader.next().epoch()).isEqualTo(1);
    }
    // 8 of epoch 0, at most 8 of epoch 1 and 8 of epoch 2: never the 9th to 11th.
    assertThat(reads.get()).isLessThanOrEqualTo(24);
  }

  @Test
  void a_set_smaller_than_a_batch_comes_as_one_smaller_batch() throws Exception {
    try (PairLoader loader = TestPairs.loader(TestPairs.broken(6, i -> i == 3), 100).build()) {
      for (int epoch = 0; epoch < 3; epoch++) {
        PairBatch batch = loader.next();
        assertThat(batch.epoch()).isEqualTo(epoch);
        assertThat(batch.indices()).containsExactlyInAnyOrder(0, 1, 2, 4, 5);
        assertThat(batch.pixels()).hasSize(15);
        int done = epoch + 1;
        assertThat(batch.next())
            .isEqualTo(new LoaderPosition(done, 0, 0, 6 * done, 5 * done, done));
      }
    }
  }

  @Test
  void images_that_make_a_set_smaller_than_a_batch_leave_one_smaller_batch() throws Exception {
    try (PairLoader loader = TestPairs.loader(TestPairs.broken(20, i -> i >= 7), 8).build()) {
      assertThat(loader.next().indices()).containsExactlyInAnyOrder(0, 1, 2, 3, 4, 5, 6);
      assertThat(loader.next().epoch()).isEqualTo(1);
    }
  }

  @Test
  void unreadable_images_are_left_out_and_counted_once() throws Exception {
    AtomicInteger failures = new AtomicInteger();
    PairSource pairs =
        TestPairs.broken(
            40,
            i -> {
              boolean broken = i % 10 == 4;
              if (broken) {
                failures.incrementAndGet();
              }
              return broken;
            });
    try (PairLoader loader = TestPairs.loader(pairs, 6).build()) {
      for (int epoch = 0; epoch < 4; epoch++) {
        List<PairBatch> batches = take(loader, 6);
        assertThat(batches).extracting(PairBatch::epoch).containsOnly(epoch);
        assertThat(indices(batches)).hasSize(36).doesNotContain(4, 14, 24, 34);
      }
      assertThat(loader.unreadable().count()).isEqualTo(4);
      assertThat(loader.unreadable().names())
          .containsExactlyInAnyOrder("image-4", "image-14", "image-24", "image-34");
      assertThat(failures.get()).isEqualTo(4);
    }
  }

  @Test
  void an_error_while_one_image_is_decoded_is_that_images_alone() throws Exception {
    PairSource pairs =
        TestPairs.broken(
            12,
            i -> {
              if (i == 5) {
                throw new OutOfMemoryError("Java heap space");
              }
              return false;
            });
    try (PairLoader loader = TestPairs.loader(pairs, 11).build()) {
      assertThat(loader.next().indices()).hasSize(11).doesNotContain(5);
      assertThat(loader.unreadable().names()).containsExactly("image-5");
    }
  }

  @Test
  void names_of_unreadable_images_are_listed_up_to_a_limit() throws Exception {
    try (PairLoader loader = TestPairs.loader(TestPairs.broken(300, i -> i >= 10), 10).build()) {
      loader.next();
      loader.next(); // the first epoch was looked through but for what a last batch would need
      assertThat(loader.unreadable().count()).isBetween(281, 290);
      assertThat(loader.unreadable().names()).hasSize(100);
    }
  }

  @Test
  void no_readable_image_at_all_is_an_error() {
    try (PairLoader loader = TestPairs.loader(TestPairs.broken(9, i -> true), 4).build()) {
      for (int call = 0; call < 2; call++) {
        assertThatThrownBy(loader::next)
            .isInstanceOf(IOException.class)
            .hasMessageContaining("none of the 9 images")
            .hasMessageContaining("is broken");
      }
    }
  }

  @Test
  void a_resumed_loader_continues_with_the_same_batches() throws Exception {
    PairSource pairs = TestPairs.broken(53, i -> i % 8 == 1);
    List<PairBatch> all;
    try (PairLoader loader = TestPairs.loader(pairs, 6).optSeed(3).build()) {
      all = take(loader, 30);
    }
    for (int done = 1; done < 20; done++) {
      try (PairLoader loader = TestPairs.loader(pairs, 6).optSeed(3).build()) {
        loader.start(all.get(done - 1).next());
        assertSame(take(loader, 10), all.subList(done, done + 10));
      }
    }
  }

  @Test
  void starting_at_a_batch_does_not_read_those_before_it() throws Exception {
    List<PairBatch> all;
    try (PairLoader loader = TestPairs.loader(TestPairs.numbered(40), 4).build()) {
      all = take(loader, 20);
    }
    AtomicIntegerArray reads = new AtomicIntegerArray(40);
    PairSource pairs =
        TestPairs.numbered(
            40,
            number -> {
              reads.incrementAndGet(number);
              return TestPairs.pixel(number);
            });
    try (PairLoader loader = TestPairs.loader(pairs, 4).optPrefetch(1).optThreads(1).build()) {
      loader.start(
          all.get(14).next()); // two taken, one prefetched, one being decoded: 5 to 8 of 10
      assertSame(take(loader, 2), all.subList(15, 17));
      for (int skipped : indices(all.subList(10, 14))) {
        assertThat(reads.get(skipped)).isZero();
      }
      assertThatThrownBy(() -> loader.start(LoaderPosition.START))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("already");
    }
  }

  @Test
  void equal_captions_have_equal_ids() throws Exception {
    List<ImageTextPair> pairs = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      pairs.add(
          new ImageTextPair(
              new TestPairs.Numbered(i, TestPairs::pixel), List.of(i % 2 == 0 ? "even" : "odd")));
    }
    try (PairLoader loader = TestPairs.loader(Pairs.of(pairs), 6).build()) {
      PairBatch batch = loader.next();
      for (int a = 0; a < 6; a++) {
        assertThat(batch.captionIds()[a]).isLessThanOrEqualTo(a);
        for (int b = 0; b < 6; b++) {
          assertThat(batch.captionIds()[a] == batch.captionIds()[b])
              .isEqualTo(batch.captions().get(a).equals(batch.captions().get(b)));
        }
      }
    }
  }

  @Test
  void shapes_go_through_the_loader() throws Exception {
    ColouredShapes shapes = ColouredShapes.builder().optImageSize(32).build();
    try (PairLoader loader =
        PairLoader.builder()
            .setPairs(shapes.training(64))
            .setTransform(ImageTransform.openai(32, 32))
            .setTokenizer(TestPairs.TOKENIZER)
            .setBatchSize(32)
            .build()) {
      PairBatch batch = loader.next();
      byte[] planar = Arrays.copyOf(batch.pixels(), 3 * 32 * 32);
      byte[] image = shapes.training(64).get(batch.indices()[0]).image().read().pixels();
      for (int i = 0; i < 32 * 32; i++) {
        assertThat(planar[2 * 32 * 32 + i]).isEqualTo(image[3 * i + 2]);
      }
    }
  }

  @Test
  void options_out_of_range_are_refused() {
    PairSource pairs = TestPairs.numbered(5);
    assertThatThrownBy(() -> PairLoader.builder().setPairs(pairs).build())
        .hasMessageContaining("setTokenizer");
    assertThatThrownBy(() -> TestPairs.loader(Pairs.of(List.of()), 4).build())
        .hasMessageContaining("no pairs");
    assertThatThrownBy(() -> TestPairs.loader(pairs, 0)).hasMessageContaining("batch size");
    assertThatThrownBy(() -> TestPairs.loader(pairs, 1).optThreads(0))
        .hasMessageContaining("threads");
    assertThatThrownBy(() -> TestPairs.loader(pairs, 1).optCacheBytes(-1))
        .hasMessageContaining("-1");
    assertThatThrownBy(
            () ->
                TestPairs.loader(ColouredShapes.create().training(100_000), 50_000)
                    .setTransform(ImageTransform.openai(224, 224))
                    .build())
        .hasMessageContaining("2 GiB")
        .hasMessageContaining("at most 14266");
  }
}
