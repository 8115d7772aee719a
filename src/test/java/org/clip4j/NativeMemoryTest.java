package org.clip4j;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.clip4j.data.LabelledImage;
import org.clip4j.data.shapes.ColouredShapes;
import org.clip4j.engine.Precision;
import org.clip4j.image.ImageTransform;
import org.clip4j.model.ClipConfig;
import org.clip4j.model.ClipModel;
import org.clip4j.model.TextConfig;
import org.clip4j.model.VitConfig;
import org.clip4j.text.Tokenizer;
import org.clip4j.train.ClipTrainer;
import org.clip4j.train.SmallTraining;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Native memory stays flat. On every system the number of arrays that the model's manager holds
 * must not change; on Linux, where /proc tells, the resident memory of the process must not grow.
 * The build gives the tests a heap that is touched at the start, so that what grows is native.
 */
class NativeMemoryTest {
  private static final ClipConfig CONFIG = SmallTraining.WORDS;

  /** Of few tokens, with which steps are short and checkpoints small. */
  private static final ClipConfig SMALL =
      new ClipConfig(
          32,
          CONFIG.vision(),
          TextConfig.builder()
              .setContextLength(16)
              .setVocabSize(100)
              .setWidth(32)
              .setHeads(2)
              .setLayers(2)
              .build(),
          false);

  /** Less than one activation [N, L, D] of each step would add up to. */
  private static final long MOST_GROWTH_MB = 24;

  @Test
  void training_1000_steps_leaves_native_memory_flat() throws IOException {
    int batch = 8;
    int warmUp = 100;
    ColouredShapes shapes = ColouredShapes.builder().optImageSize(32).build();
    long[] resident = new long[2];
    int[] arrays = new int[2];
    try (ClipModel model = ClipModel.create(SMALL, 0)) {
      ClipTrainer.builder()
          .setModel(model)
          .setPairs(shapes.training(256))
          .optData(data -> data.optTokenizer(new OneToken()))
          .optBatchSize(batch)
          .optMicroBatchSize(batch / 2)
          .optSteps(warmUp + 1000)
          .optListener(
              progress -> {
                if (progress.step() == warmUp || progress.step() == progress.totalSteps()) {
                  int when = progress.step() == warmUp ? 0 : 1;
                  resident[when] = residentMb();
                  arrays[when] = model.manager().getManagedArrays().size();
                }
              })
          .build()
          .train();
      assertThat(resident[1] - resident[0]).as("growth in MB").isLessThan(MOST_GROWTH_MB);
      assertThat(arrays[1]).as("arrays of the model's manager").isEqualTo(arrays[0]).isPositive();
    }
  }

  @Test
  void saving_40_checkpoints_leaves_native_memory_flat(@TempDir Path output) throws IOException {
    int warmUp = 10;
    ColouredShapes shapes = ColouredShapes.builder().optImageSize(32).build();
    long[] resident = new long[2];
    int[] arrays = new int[2];
    try (ClipModel model = ClipModel.create(SMALL, 0)) {
      ClipTrainer.builder()
          .setModel(model)
          .setPairs(shapes.training(8))
          .optData(data -> data.optTokenizer(new OneToken()))
          .setOutput(output)
          .optCheckpoints(checkpoints -> checkpoints.optEverySteps(1).optKeepLast(1))
          .optBatchSize(4)
          .optSteps(warmUp + 40)
          .optListener(
              progress -> {
                if (progress.step() == warmUp || progress.step() == progress.totalSteps()) {
                  int when = progress.step() == warmUp ? 0 : 1;
                  resident[when] = residentMb();
                  arrays[when] = model.manager().getManagedArrays().size();
                }
              })
          .build()
          .train();
      assertThat(resident[1] - resident[0]).as("growth in MB").isLessThan(MOST_GROWTH_MB);
      assertThat(arrays[1]).as("arrays of the model's manager").isEqualTo(arrays[0]).isPositive();
    }
  }

  @Test
  void encoding_20000_times_leaves_native_memory_flat() throws IOException {
    List<LabelledImage> images =
        ColouredShapes.builder().optImageSize(32).build().unseenTest(2).subList(0, 24);
    List<String> texts = new ArrayList<>();
    for (int i = 0; i < 24; i++) {
      texts.add("a photo of thing number " + "one ".repeat(i % 9) + i);
    }
    try (Clip clip = Clip.of(ClipModel.create(CONFIG, 0), ImageTransform.openai(32, 32))) {
      encode(clip, images, texts, 2000);
      int arrays = clip.model().manager().getManagedArrays().size();
      long before = residentMb();
      encode(clip, images, texts, 20_000);
      assertThat(residentMb() - before).as("growth in MB").isLessThan(MOST_GROWTH_MB);
      assertThat(clip.model().manager().getManagedArrays()).hasSize(arrays);
    }
  }

  /** Calls of mixed kinds and sizes. */
  private static void encode(Clip clip, List<LabelledImage> images, List<String> texts, int calls)
      throws IOException {
    for (int i = 0; i < calls; i++) {
      int size = i % 97 == 0 ? 24 : 1 + i % 3;
      switch (i % 3) {
        case 0 -> clip.encodeTexts(texts.subList(i % (25 - size), i % (25 - size) + size));
        case 1 -> clip.encodeImage(images.get(i % images.size()).image().read());
        default ->
            clip.encodeImages(
                images.subList(0, size).stream().map(LabelledImage::image).iterator(),
                (index, image, embedding) -> {});
      }
    }
  }

  @Test
  void preparing_weights_again_and_again_leaves_native_memory_flat() {
    ClipConfig wide =
        new ClipConfig(
            32,
            VitConfig.builder()
                .setImageSize(32)
                .setPatchSize(8)
                .setWidth(256)
                .setLayers(2)
                .optHeadWidth(32)
                .build(),
            TextConfig.builder()
                .setContextLength(16)
                .setVocabSize(100)
                .setWidth(256)
                .setHeads(4)
                .setLayers(2)
                .build(),
            false);
    try (ClipModel model = ClipModel.create(wide, 0)) { // 6 MB an encoder, prepared
      prepare(model, 10);
      long before = residentMb();
      prepare(model, 50);
      assertThat(residentMb() - before).as("growth in MB").isLessThan(MOST_GROWTH_MB);
    }
  }

  private static void prepare(ClipModel model, int times) {
    for (int i = 0; i < times; i++) {
      model.prepareImages(Precision.FP32);
      model.prepareTexts(Precision.BF16);
    }
  }

  private static final class OneToken implements Tokenizer {
    @Override
    public int contextLength() {
      return 16;
    }

    @Override
    public int[] encode(String text) {
      return new int[] {Math.floorMod(text.hashCode(), 99), 99};
    }
  }

  /** 0 where the system does not tell. */
  private static long residentMb() {
    Path status = Path.of("/proc/self/status");
    if (!Files.exists(status)) {
      return 0;
    }
    try {
      String line =
          Files.readAllLines(status).stream()
              .filter(l -> l.startsWith("VmRSS"))
              .findFirst()
              .orElseThrow();
      return Long.parseLong(line.replaceAll("[^0-9]", "")) / 1024;
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }
}
