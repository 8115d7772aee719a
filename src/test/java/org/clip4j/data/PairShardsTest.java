package org.clip4j.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.Gson;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.clip4j.data.internal.DataDigest;
import org.clip4j.data.internal.loader.LoaderPosition;
import org.clip4j.data.internal.loader.PairBatch;
import org.clip4j.data.internal.loader.PairLoader;
import org.clip4j.data.internal.shards.ShardNames;
import org.clip4j.image.ImageTransform;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Shards as the loader takes them: order, resuming, index, names. */
@Timeout(60)
class PairShardsTest {
  @TempDir Path folder;

  @BeforeEach
  void five_shards() throws IOException {
    int first = 0;
    for (int i = 0; i < 5; i++) {
      int count = 7 + 4 * i;
      TestShards.shard(folder.resolve("s-0" + i + ".tar"), first, count, 9);
      first += count;
    }
  }

  private static final int PAIRS = 7 + 11 + 15 + 19 + 23;
  private static final int BROKEN = PAIRS / 9;

  private PairShards.Builder shards() {
    return Pairs.shards(folder + "/s-{00..04}.tar").optShuffleBuffer(12);
  }

  private static PairLoader.Builder loader(PairFeed pairs, int batchSize) {
    return PairLoader.builder()
        .setPairs(pairs)
        .setTransform(ImageTransform.openai(1, 1))
        .setTokenizer(TestPairs.TOKENIZER)
        .setBatchSize(batchSize)
        .optSeed(4)
        .optMaxSkippedShare(1);
  }

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

  private static int number(PairBatch batch, int row) {
    return (batch.pixels()[3 * row] & 0xFF) | (batch.pixels()[3 * row + 1] & 0xFF) << 8;
  }

  private static List<Integer> numbers(List<PairBatch> batches) {
    return batches.stream()
        .flatMap(batch -> IntStream.range(0, batch.size()).mapToObj(row -> number(batch, row)))
        .toList();
  }

  @Test
  void an_epoch_gives_every_sample_once_with_its_caption() throws Exception {
    try (PairLoader loader = loader(shards().build(), 1).build()) {
      List<List<Integer>> orders = new ArrayList<>();
      for (int epoch = 0; epoch < 3; epoch++) {
        List<PairBatch> batches = take(loader, PAIRS - BROKEN);
        assertThat(batches).extracting(PairBatch::epoch).containsOnly(epoch);
        for (PairBatch batch : batches) {
          assertThat(batch.captions().get(0)).matches("[ab]" + number(batch, 0));
          assertThat(batch.names().get(0))
              .endsWith(String.format(".tar:%05d", number(batch, 0)))
              .startsWith(folder.toString());
          assertThat(batch.indices()).containsExactly(-1);
        }
        List<Integer> order = numbers(batches);
        assertThat(order).doesNotHaveDuplicates().noneMatch(n -> n % 9 == 8);
        orders.add(order);
      }
      assertThat(orders).doesNotHaveDuplicates();
      // Broken samples after the last batch are looked at in the next epoch's turn only.
      assertThat(loader.stats().used()).isEqualTo(3 * (PAIRS - BROKEN));
      assertThat(loader.stats().skipped()).isBetween(3L * BROKEN - 3 * 3, 3L * BROKEN);
    }
  }

  @Test
  void the_buffer_mixes_samples_within_its_reach() throws Exception {
    PairShards inOrder = shards().optShuffleBuffer(1).build();
    try (PairLoader loader = loader(inOrder, 1).build()) {
      List<Integer> order = numbers(take(loader, PAIRS - BROKEN));
      int breaks = 0;
      for (int i = 1; i < order.size(); i++) {
        breaks += order.get(i) < order.get(i - 1) || order.get(i) > order.get(i - 1) + 2 ? 1 : 0;
      }
      assertThat(breaks).isBetween(1, 4); // from shard to shard
      assertThat(order).isNotEqualTo(order.stream().sorted().toList());
    }
    try (PairLoader loader = loader(shards().optShuffleBuffer(1000).build(), 1).build()) {
      // Everything is in the buffer: every order is equally likely.
      int[] firstIn = new int[5];
      for (int epoch = 0; epoch < 100; epoch++) {
        int n = numbers(take(loader, PAIRS - BROKEN)).get(0);
        firstIn[n < 7 ? 0 : n < 18 ? 1 : n < 33 ? 2 : n < 52 ? 3 : 4]++;
      }
      assertThat(firstIn[4]).isBetween(15, 47); // 31 expected, standard deviation 4.6
      assertThat(firstIn[0]).isBetween(1, 25); // 9, 3
    }
  }

  @Test
  void batches_do_not_depend_on_threads_and_resume_at_every_batch() throws Exception {
    Path index = folder.resolve("index.jsonl");
    List<PairBatch> expected;
    try (PairLoader loader = loader(shards().build(), 8).optThreads(1).optCacheBytes(0).build()) {
      expected = take(loader, 30);
    }
    assertThat(expected.get(16).epoch()).isEqualTo(2); // 8 batches an epoch
    for (int threads : new int[] {2, 4}) {
      try (PairLoader loader =
          loader(shards().optIndex(index).build(), 8).optThreads(threads).build()) {
        assertSame(take(loader, 30), expected);
      }
    }
    PairShards used = shards().build();
    for (int done = 1; done <= 18; done++) {
      LoaderPosition position =
          new Gson()
              .fromJson(new Gson().toJson(expected.get(done - 1).next()), LoaderPosition.class);
      for (PairShards shards : List.of(shards().build(), shards().optIndex(index).build(), used)) {
        try (PairLoader loader = loader(shards, 8).build()) {
          loader.start(position);
          assertSame(take(loader, 10), expected.subList(done, done + 10));
        }
      }
    }
  }

  @Test
  void an_index_spares_opening_the_shards_passed() throws Exception {
    Path index = folder.resolve("kept/index.jsonl");
    List<PairBatch> all;
    try (PairLoader loader =
        loader(shards().optShuffleBuffer(2).optIndex(index).build(), 4).build()) {
      all = take(loader, 16);
    }
    String first = all.get(0).names().get(0).replaceAll(":[0-9]*$", "");
    assertThat(all.subList(9, 14).stream().flatMap(b -> b.names().stream()))
        .noneMatch(name -> name.startsWith(first));
    byte[] garbage = new byte[(int) Files.size(Path.of(first))];
    Arrays.fill(garbage, (byte) 'x');
    Files.write(Path.of(first), garbage);
    try (PairLoader loader =
        loader(shards().optShuffleBuffer(2).optIndex(index).build(), 4).build()) {
      loader.start(all.get(8).next());
      assertSame(take(loader, 5), all.subList(9, 14));
    }
  }

  @Test
  void samples_are_counted_once_and_the_count_is_kept() throws Exception {
    Path index = folder.resolve("index.jsonl");
    assertThat(shards().optPairs(123).build().pairsPerEpoch()).isEqualTo(123);
    PairShards shards = shards().optIndex(index).build();
    assertThat(shards.pairsPerEpoch()).isEqualTo(PAIRS);
    assertThat(shards.count()).isEqualTo(5);
    String kept = Files.readString(index);
    assertThat(shards().optIndex(index).build().pairsPerEpoch()).isEqualTo(PAIRS);
    assertThat(Files.readString(index)).isEqualTo(kept);

    // A line cut short by a kill, and a shard written anew: both are counted again.
    Files.writeString(index, kept.substring(0, kept.length() - 5));
    TestShards.shard(folder.resolve("s-01.tar"), 500, 40, 9);
    PairShards changed = shards().optIndex(index).build();
    assertThat(changed.pairsPerEpoch()).isEqualTo(PAIRS - 11 + 40);
    assertThat(shards().optIndex(index).build().pairsPerEpoch()).isEqualTo(PAIRS - 11 + 40);
    assertThat(DataDigest.differences(changed.digest(), shards.digest()))
        .singleElement()
        .asString()
        .startsWith("shard sizes");

    Files.writeString(index, "something else");
    assertThatThrownBy(() -> shards().optIndex(index).build())
        .isInstanceOf(IOException.class)
        .hasMessageContaining("index.jsonl is not an index");
    assertThat(Files.readString(index)).isEqualTo("something else");
  }

  @Test
  void damaged_samples_are_in_the_ledger_with_shard_and_key() throws Exception {
    Path ledger = folder.resolve("skipped.jsonl");
    try (PairLoader loader = loader(shards().build(), 4).optLedger(ledger).build()) {
      take(loader, 60);
    }
    List<String> lines = Files.readAllLines(ledger);
    assertThat(lines).hasSize(BROKEN);
    assertThat(lines)
        .allMatch(line -> line.contains("s-{00..04}.tar\"") && line.contains("holds the text"))
        .anyMatch(line -> line.contains("s-01.tar:00008\""));
  }

  @Test
  void too_many_damaged_samples_end_the_first_epoch() throws Exception {
    try (PairLoader loader = loader(shards().build(), 8).optMaxSkippedShare(0.05).build()) {
      take(loader, 8);
      assertThatThrownBy(loader::next)
          .isInstanceOf(IOException.class)
          .hasMessageContaining("more than 5 %")
          .hasMessageContaining(".tar:");
    }
  }

  @Test
  void a_truncated_shard_costs_one_damaged_pair_with_its_name() throws Exception {
    Path shard = folder.resolve("s-04.tar");
    byte[] whole = Files.readAllBytes(shard);
    Files.write(shard, Arrays.copyOf(whole, whole.length / 2));
    Path ledger = folder.resolve("skipped.jsonl");
    try (PairLoader loader = loader(shards().build(), 1).optLedger(ledger).build()) {
      Map<Integer, Integer> times = new HashMap<>();
      for (PairBatch batch = loader.next(); batch.epoch() < 2; batch = loader.next()) {
        times.merge(number(batch, 0), 1, Integer::sum);
      }
      assertThat(times.values()).containsOnly(2);
      assertThat(times.keySet()).containsAll(List.of(0, 51, 54)).doesNotContain(70, 74);
    }
    assertThat(Files.readAllLines(ledger))
        .filteredOn(line -> line.contains("\"sample\":\"" + shard + "\""))
        .singleElement()
        .asString()
        .containsAnyOf("cut off", "ends within");
  }

  @Test
  void patterns_name_shards_as_a_shell_does() {
    assertThat(ShardNames.expand("a-{008..011}.tar"))
        .containsExactly("a-008.tar", "a-009.tar", "a-010.tar", "a-011.tar");
    assertThat(ShardNames.expand("{x,y}/{0..1}.tar"))
        .containsExactly("x/0.tar", "x/1.tar", "y/0.tar", "y/1.tar");
    assertThat(ShardNames.expand("plain.tar")).containsExactly("plain.tar");
    assertThatThrownBy(() -> ShardNames.expand("{5..3}.tar")).hasMessageContaining("counts down");
    assertThatThrownBy(() -> ShardNames.expand("{0..999999999}.tar"))
        .hasMessageContaining("more than");
    assertThatThrownBy(() -> ShardNames.expand("{0..9999}{0..9999}.tar"))
        .hasMessageContaining("more than");
  }

  @Test
  void shards_are_found_in_folders_and_missing_ones_are_named() throws IOException {
    Files.writeString(folder.resolve("notes.txt"), "no shard");
    assertThat(Pairs.shards(folder.toString()).build().count()).isEqualTo(5);
    assertThat(Pairs.shards(List.of(folder.resolve("s-03.tar"))).build().pairsPerEpoch())
        .isEqualTo(19);
    assertThatThrownBy(() -> Pairs.shards(folder + "/s-{00..05}.tar").build())
        .isInstanceOf(IOException.class)
        .hasMessageContaining("s-05.tar")
        .hasMessageContaining("no such shard");
    assertThatThrownBy(
            () -> Pairs.shards(Collections.nCopies(2, folder.resolve("s-00.tar"))).build())
        .hasMessageContaining("twice");
    Path compressed = Files.write(folder.resolve("x.tar.gz"), new byte[9]);
    assertThatThrownBy(() -> Pairs.shards(List.of(compressed)).build())
        .hasMessageContaining("x.tar.gz is compressed");
    Path empty = Files.createDirectories(folder.resolve("empty"));
    assertThatThrownBy(() -> Pairs.shards(List.of(empty)).build())
        .hasMessageContaining("holds no .tar");
  }

  @Test
  void shards_without_a_sample_are_an_error() throws Exception {
    Map<String, byte[]> none = new LinkedHashMap<>();
    none.put("README.md", TestShards.text("nothing here"));
    Path shard = Files.write(folder.resolve("none.tar"), TestShards.tar(none));
    try (PairLoader loader = loader(Pairs.shards(List.of(shard)).build(), 8).build()) {
      assertThatThrownBy(loader::next)
          .isInstanceOf(IOException.class)
          .hasMessageContaining("none.tar")
          .hasMessageContaining("no pairs");
    }
  }
}
