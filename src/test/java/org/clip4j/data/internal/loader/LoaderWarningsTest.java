package org.clip4j.data.internal.loader;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.lang.reflect.Field;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.clip4j.data.PairSource;
import org.clip4j.data.PairTable;
import org.clip4j.data.Pairs;
import org.clip4j.data.TestPairs;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.spi.LocationAwareLogger;

/** What a loader says in the log, and what it leaves to its exceptions. */
@Timeout(60)
class LoaderWarningsTest {
  /** What is logged meanwhile, with the level that this class lowers for all else. */
  private static String logOf(Callable<?> work) throws Exception {
    Logger logger = LoggerFactory.getLogger(PairLoader.class);
    Field level = logger.getClass().getDeclaredField("currentLogLevel");
    level.setAccessible(true);
    int levelBefore = level.getInt(logger);
    level.setInt(logger, LocationAwareLogger.WARN_INT);
    PrintStream before = System.err;
    ByteArrayOutputStream log = new ByteArrayOutputStream();
    System.setErr(new PrintStream(log, true, StandardCharsets.UTF_8));
    try {
      work.call();
    } finally {
      System.setErr(before);
      level.setInt(logger, levelBefore);
    }
    return log.toString(StandardCharsets.UTF_8);
  }

  @Test
  void a_wrong_image_root_is_one_failure_and_no_warnings(@TempDir Path folder) throws Exception {
    StringBuilder rows = new StringBuilder("file,caption\n");
    for (int i = 0; i < 1000; i++) {
      rows.append("img").append(i).append(".png,c\n");
    }
    Path table = Files.writeString(folder.resolve("t.csv"), rows);
    PairTable pairs =
        Pairs.table(table)
            .setColumns("file", "caption")
            .optImageRoot(folder.resolve("wrong"))
            .build();
    String log =
        logOf(
            () -> {
              try (PairLoader loader =
                  TestPairs.loader(pairs, 10).optMaxSkippedShare(0.01).build()) {
                assertThatThrownBy(loader::next)
                    .isInstanceOf(IOException.class)
                    .hasMessageContainingAll(
                        "11 of the 11",
                        "of 1000",
                        "wrong",
                        "img",
                        "does not exist",
                        "(the image root)");
              }
              return null;
            });
    assertThat(log).doesNotContain("img");
  }

  @Test
  void damaged_pairs_among_whole_ones_are_warned_of_as_they_are_found() throws Exception {
    PairSource pairs = TestPairs.broken(20, i -> i % 5 == 0);
    String log =
        logOf(
            () -> {
              try (PairLoader loader = TestPairs.loader(pairs, 5).optMaxSkippedShare(1).build()) {
                for (int batch = 0; batch < 12; batch++) {
                  loader.next();
                }
                return null;
              }
            });
    assertThat(log.lines().filter(line -> line.contains("A pair is left out"))).hasSize(4);
  }

  @Test
  void a_batch_size_beyond_the_pairs_is_told_with_both_numbers() throws Exception {
    PairSource pairs = TestPairs.numbered(20);
    String log =
        logOf(
            () -> {
              try (PairLoader loader = TestPairs.loader(pairs, 5000).build()) {
                loader.next();
                return loader.next();
              }
            });
    assertThat(log).containsOnlyOnce("batch size is 5000").contains("20 pairs");
  }
}
