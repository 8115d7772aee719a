package org.clip4j.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.clip4j.data.internal.DataDigest;
import org.clip4j.data.internal.loader.PairBatch;
import org.clip4j.data.internal.loader.PairLoader;
import org.clip4j.encode.ImageSource;
import org.clip4j.image.ImageTransform;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Timeout(60)
class PairMixtureTest {
  @TempDir Path folder;

  private record Named(String name, PairSource pairs) implements PairSource {
    @Override
    public int size() {
      return pairs.size();
    }

    @Override
    public ImageTextPair get(int index) {
      ImageTextPair pair = pairs.get(index);
      ImageSource image = pair.image();
      return new ImageTextPair(
          new ImageSource() {
            @Override
            public String name() {
              return name + "/" + image.name();
            }

            @Override
            public org.clip4j.image.RgbImage read() throws IOException {
              return image.read();
            }
          },
          pair.captions());
    }
  }

  private static PairSource named(String name, int count) {
    return new Named(name, TestPairs.numbered(count));
  }

  private static PairLoader.Builder loader(PairFeed pairs, int batchSize) {
    return PairLoader.builder()
        .setPairs(pairs)
        .setTransform(ImageTransform.openai(1, 1))
        .setTokenizer(TestPairs.TOKENIZER)
        .setBatchSize(batchSize)
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

  private static Map<String, Integer> times(List<PairBatch> batches) {
    Map<String, Integer> times = new TreeMap<>();
    batches.forEach(batch -> batch.names().forEach(name -> times.merge(name, 1, Integer::sum)));
    return times;
  }

  private static int of(Map<String, Integer> times, String name) {
    return times.entrySet().stream()
        .filter(entry -> entry.getKey().startsWith(name + "/"))
        .mapToInt(Map.Entry::getValue)
        .sum();
  }

  @Test
  void every_epoch_has_the_exact_shares_and_passes_are_even() throws Exception {
    PairMixture mixture =
        Pairs.mixture()
            .add(named("a", 100), 3)
            .add(named("b", 40), 2)
            .add(named("c", 10), 5)
            .optPairsPerEpoch(120)
            .build();
    assertThat(mixture.pairsPerEpoch()).isEqualTo(120);
    List<Set<String>> partsOfA = new ArrayList<>();
    try (PairLoader loader = loader(mixture, 10).build()) {
      for (int epoch = 0; epoch < 4; epoch++) {
        List<PairBatch> batches = take(loader, 12);
        assertThat(batches).extracting(PairBatch::epoch).containsOnly(epoch);
        Map<String, Integer> times = times(batches);
        assertThat(List.of(of(times, "a"), of(times, "b"), of(times, "c")))
            .containsExactly(36, 24, 60);
        Set<String> a = new HashSet<>();
        times.forEach(
            (name, count) -> {
              assertThat(count).isEqualTo(name.startsWith("c/") ? 6 : 1);
              if (name.startsWith("a/")) {
                a.add(name);
              }
            });
        partsOfA.add(a);
      }
    }
    assertThat(partsOfA).doesNotHaveDuplicates(); // another part each epoch
  }

  @Test
  void shares_are_spread_over_the_epoch() throws Exception {
    PairMixture mixture =
        Pairs.mixture().add(named("a", 500), 0.8).add(named("b", 500), 0.2).build();
    try (PairLoader loader = loader(mixture, 100).build()) {
      for (PairBatch batch : take(loader, 50)) {
        // 20 expected in each batch, standard deviation 4 less the correction for no replacement
        assertThat(of(times(List.of(batch)), "b")).isBetween(5, 36);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "10, '1,1,1', '4,3,3'",
    "7, '0.5,0.25,0.25', '3,2,2'",
    "1, '1,5', '0,1'",
    "1000, '1,999', '1,999'",
    "100, '0.001,1', '0,100'",
    "3, '1,1,1,1,1', '1,1,1,0,0'",
  })
  void quotas_are_exact_to_one(long pairs, String weights, String expected) throws IOException {
    PairMixture.Builder mixture = Pairs.mixture().optPairsPerEpoch(pairs);
    for (String weight : weights.split(",")) {
      mixture.add(named("x", 5), Double.parseDouble(weight));
    }
    StringBuilder quotas = new StringBuilder();
    for (long quota : mixture.build().quotas()) {
      quotas.append(quotas.length() > 0 ? "," : "").append(quota);
    }
    assertThat(quotas).hasToString(expected);
  }

  private PairMixture mixed() throws IOException {
    for (int i = 0; i < 3; i++) {
      TestShards.shard(folder.resolve(i + ".tar"), 20 * i, 20, 7);
    }
    return Pairs.mixture()
        .add(named("a", 15), 2)
        .add(Pairs.shards(folder.toString()).optShuffleBuffer(6).build(), 1)
        .add(new Named("broken", TestPairs.broken(30, i -> i % 6 == 2)), 1)
        .build();
  }

  @Test
  void mixed_batches_do_not_depend_on_threads_and_resume_at_every_batch() throws Exception {
    Path ledger = folder.resolve("skipped.jsonl");
    List<PairBatch> expected;
    try (PairLoader loader =
        loader(mixed(), 8).optThreads(1).optCacheBytes(0).optLedger(ledger).build()) {
      expected = take(loader, 36);
    }
    assertThat(expected.get(25).epoch()).isGreaterThanOrEqualTo(2);
    for (int threads : new int[] {2, 4}) {
      try (PairLoader loader = loader(mixed(), 8).optThreads(threads).build()) {
        assertSame(take(loader, 36), expected);
      }
    }
    for (int done = 1; done <= 26; done++) {
      try (PairLoader loader = loader(mixed(), 8).build()) {
        loader.start(expected.get(done - 1).next());
        assertSame(take(loader, 8), expected.subList(done, done + 8));
      }
    }
    assertThat(Files.readAllLines(ledger))
        .doesNotHaveDuplicates()
        .anyMatch(line -> line.contains("\"source\":\"broken\""))
        .anyMatch(line -> line.contains("\"source\":\"" + folder + "\""));
  }

  @Test
  void a_pair_that_comes_again_in_an_epoch_draws_its_caption_anew() throws Exception {
    PairMixture mixture = Pairs.mixture().add(named("a", 1), 1).optPairsPerEpoch(30).build();
    try (PairLoader loader = loader(mixture, 30).build()) {
      PairBatch batch = loader.next();
      assertThat(batch.imageIds()).containsOnly(0);
      assertThat(new HashSet<>(batch.captions())).containsExactlyInAnyOrder("a0", "b0", "c0");
    }
  }

  @Test
  void one_feed_s_pairs_are_not_taken_for_another_s() throws Exception {
    Map<Integer, Set<String>> seen = new HashMap<>();
    PairMixture mixture =
        Pairs.mixture()
            .add(new Named("bad", TestPairs.broken(10, i -> true)), 1)
            .add(named("good", 10), 1)
            .build();
    try (PairLoader loader = loader(mixture, 5).build()) {
      for (PairBatch batch : take(loader, 6)) {
        seen.computeIfAbsent(batch.epoch(), e -> new HashSet<>()).addAll(batch.names());
        assertThat(batch.names()).allMatch(name -> name.startsWith("good/"));
      }
      assertThat(loader.unreadable().count()).isLessThanOrEqualTo(10);
    }
    assertThat(seen.get(0)).hasSize(10);
  }

  @Test
  void a_digest_names_the_feed_that_changed() throws Exception {
    Map<String, String> before =
        Pairs.mixture().add(named("a", 5), 1).add(named("b", 6), 2).build().digest();
    assertThat(
            DataDigest.differences(
                Pairs.mixture().add(named("a", 5), 1).add(named("b", 6), 3).build().digest(),
                before))
        .containsExactly("feed 2: weight: was 2.0, is 3.0");
  }

  @Test
  void what_cannot_be_mixed_is_refused() throws Exception {
    assertThatThrownBy(() -> Pairs.mixture().build()).hasMessageContaining("add(");
    assertThatThrownBy(() -> Pairs.mixture().add(named("a", 5), 0)).hasMessageContaining("0.0");
    assertThatThrownBy(() -> Pairs.mixture().add(named("a", 0), 1))
        .hasMessageContaining("no pairs");
    PairMixture inner = Pairs.mixture().add(named("a", 5), 1).build();
    assertThatThrownBy(() -> Pairs.mixture().add(inner, 1)).hasMessageContaining("feeds in");
    Path empty =
        Files.write(folder.resolve("none.tar"), TestShards.tar(Map.of("x.md", new byte[3])));
    PairMixture mixture =
        Pairs.mixture().add(Pairs.shards(List.of(empty)).build(), 1).optPairsPerEpoch(10).build();
    try (PairLoader loader = loader(mixture, 5).build()) {
      assertThatThrownBy(loader::next).hasMessageContaining("none.tar has no pairs to mix");
    }
  }
}
