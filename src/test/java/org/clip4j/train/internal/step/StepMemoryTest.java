package org.clip4j.train.internal.step;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.clip4j.data.internal.loader.PairBatch;
import org.clip4j.model.ClipConfig;
import org.clip4j.model.ClipModel;
import org.clip4j.model.TextConfig;
import org.clip4j.model.VitConfig;
import org.clip4j.testing.ChildJvm;
import org.clip4j.train.internal.step.Steps.Way;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * A batch of any size takes the memory of one micro-batch. Each size runs in a process of its own,
 * whose largest resident memory Linux tells; elsewhere the steps run unmeasured.
 */
class StepMemoryTest {
  private static final int MICRO_BATCH = 64;
  private static final int LARGE = 4096;
  private static final ClipConfig CONFIG =
      new ClipConfig(
          16,
          VitConfig.builder()
              .setImageSize(32)
              .setPatchSize(4)
              .setWidth(64)
              .setLayers(3)
              .optHeadWidth(32)
              .build(),
          TextConfig.builder()
              .setContextLength(16)
              .setVocabSize(500)
              .setWidth(32)
              .setHeads(2)
              .setLayers(2)
              .build(),
          false);

  /** Prints the largest resident memory in kB after steps of a batch size. */
  public static void main(String[] args) throws IOException {
    int size = Integer.parseInt(args[0]);
    try (ClipModel model = ClipModel.create(CONFIG, 1)) {
      model.setTrainable(true);
      Way way = Way.whole(0).microBatches(MICRO_BATCH);
      PairBatch batch = Steps.batch(model.config(), size, 1);
      try (Steps.Runner runner = new Steps.Runner(model, way)) {
        for (int pairs = 0; pairs < LARGE; pairs += size) {
          runner.backward(batch, 1);
        }
      }
    }
    Path status = Path.of("/proc/self/status");
    String peak =
        !Files.exists(status)
            ? "0"
            : Files.readAllLines(status).stream()
                .filter(line -> line.startsWith("VmHWM"))
                .findFirst()
                .orElseThrow()
                .replaceAll("[^0-9]", "");
    System.out.println("peak " + peak);
  }

  private static long peakBytes(int batchSize) throws IOException, InterruptedException {
    List<String> options =
        List.of(
            "-Xms128m",
            "-Xmx128m",
            "-XX:+AlwaysPreTouch",
            "-Dai.djl.offline=true",
            "-Dai.djl.pytorch.num_threads=1");
    String output =
        ChildJvm.output(ChildJvm.of(options, StepMemoryTest.class, Integer.toString(batchSize)))
            .strip();
    return 1024 * Long.parseLong(output.substring(output.lastIndexOf("peak ") + 5));
  }

  /**
   * Beside a fifth more than the small batch: the embeddings of both towers and their gradients.
   */
  @Test
  @Tag("slow")
  void batch_4096_takes_at_most_a_fifth_more_than_batch_64() throws Exception {
    long small = peakBytes(MICRO_BATCH);
    long embeddings = 4L * LARGE * CONFIG.embedDim() * Float.BYTES;
    long large = peakBytes(LARGE);
    assertThat(large).isLessThanOrEqualTo((long) (1.2 * small) + embeddings);
  }
}
