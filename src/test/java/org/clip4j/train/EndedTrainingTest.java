package org.clip4j.train;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.clip4j.testing.ChildJvm;
import org.clip4j.train.EndingProcess.Way;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Real processes that end amid a step, none of which may die of a segmentation fault: without
 * {@link EndOfProcess} a quarter of them do.
 */
@EnabledOnOs({OS.LINUX, OS.MAC})
class EndedTrainingTest {
  @TempDir Path folder;

  @ParameterizedTest
  @EnumSource
  void a_process_that_ends_amid_a_step_does_not_crash(Way way) throws Exception {
    end(way);
  }

  /** {@code -Dclip4j.endings=N} sets the number, by default 500. */
  @Test
  @Tag("slow")
  void hundreds_of_processes_end_amid_a_step_without_one_crash() throws Exception {
    int endings = Integer.getInteger("clip4j.endings", 500);
    Way[] ways = Way.values();
    for (int i = 0; i < endings; i++) {
      end(ways[i % ways.length]);
    }
  }

  private void end(Way way) throws IOException, InterruptedException {
    List<String> options =
        List.of(
            "-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:ErrorFile=" + folder.resolve("crash.log"));
    Process process =
        ChildJvm.of(options, EndingProcess.class, way.name()).directory(folder.toFile()).start();
    List<String> said = new ArrayList<>();
    try (BufferedReader out = process.inputReader(StandardCharsets.UTF_8)) {
      for (String line = out.readLine(); line != null; line = out.readLine()) {
        said.add(line);
        if (line.equals("now")) {
          process.toHandle().destroy(); // unlike the process it leaves the output open
        }
      }
    }
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).as("%s: %s", way, said).isEqualTo(way.status);
  }
}
