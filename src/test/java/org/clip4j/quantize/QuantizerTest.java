package org.clip4j.quantize;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.clip4j.Clip;
import org.clip4j.encode.ImageSource;
import org.clip4j.engine.Precision;
import org.clip4j.image.RgbImage;
import org.clip4j.io.SeededRandom;
import org.clip4j.weights.Checkpoint;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class QuantizerTest {
  private static final Path GOLDEN = Path.of("src/test/resources/golden/hf-clip");

  private static List<ImageSource> images(int count) {
    List<ImageSource> images = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      SeededRandom random = new SeededRandom(i);
      byte[] levels = new byte[40 * 40 * 3];
      for (int v = 0; v < levels.length; v++) {
        levels[v] = (byte) (128 + 90 * Math.sin(v * (i + 1) / 900.0) + random.nextDouble() * 30);
      }
      images.add(ImageSource.of(new RgbImage(40, 40, levels)));
    }
    return images;
  }

  private static List<String> texts(int count) {
    return IntStream.range(0, count).mapToObj(i -> "a photo of " + i + " dogs").toList();
  }

  @Test
  void a_checkpoint_of_integers_loads_and_gives_nearly_the_same_embeddings(@TempDir Path folder)
      throws IOException {
    QuantizationReport report;
    try (Checkpoint checkpoint = Checkpoint.open(GOLDEN)) {
      report =
          Quantizer.of(checkpoint).setPairs(images(24), texts(24)).optForce(true).write(folder);
    }
    assertThat(report.images()).isEqualTo(12);
    assertThat(report.meanImageCosine()).isBetween(0.99, 0.9999999);
    assertThat(report.meanTextCosine()).isBetween(0.99, 0.9999999);
    assertThat(report.recallLoss()).isNotNull();
    assertThat(folder.resolve("quantization.json")).content().contains("meanImageCosine");
    try (Checkpoint written = Checkpoint.open(folder)) {
      assertThat(written.inputLevels()).hasSize(report.maps());
      assertThat(Files.size(written.weights()))
          .isLessThan(Files.size(GOLDEN.resolve("model.safetensors")));
    }
    try (Clip exact = Clip.load(GOLDEN);
        Clip rounded = Clip.load(folder);
        Clip floats = Clip.loader(folder).optPrepared(false).load()) {
      for (String text : texts(3)) {
        float[] expected = exact.encodeText(text);
        assertThat(Clip.cosine(expected, rounded.encodeText(text))).isGreaterThan(0.99f);
        // The weights alone are rounded where nothing is prepared.
        assertThat(Clip.cosine(expected, floats.encodeText(text))).isGreaterThan(0.999f);
      }
    }
    assertThatThrownBy(() -> Clip.loader(folder).optPrecision(Precision.BF16).load())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("8-bit integers")
        .hasMessageContaining("leave the precision out");
    try (Checkpoint written = Checkpoint.open(folder)) {
      assertThatThrownBy(() -> Quantizer.of(written)).hasMessageContaining("take the original");
    }
  }
}
