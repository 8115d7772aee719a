package org.clip4j.quantize;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.clip4j.Clip;
import org.clip4j.encode.ImageSource;
import org.clip4j.engine.Precision;
import org.clip4j.engine.internal.Faults;
import org.clip4j.engine.internal.KernelProof;
import org.clip4j.image.RgbImage;
import org.clip4j.io.SeededRandom;
import org.clip4j.weights.Checkpoint;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

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

  @TempDir private static Path folder;
  private static QuantizationReport report;
  private static final List<String> steps = new ArrayList<>();

  @BeforeAll
  static void quantize() throws IOException {
    try (Checkpoint checkpoint = Checkpoint.open(GOLDEN)) {
      report =
          Quantizer.of(checkpoint)
              .setPairs(images(24), texts(24))
              .optForce(true)
              .optProgress(steps::add)
              .write(folder);
    }
  }

  @Test
  void the_report_measures_what_did_not_calibrate() {
    assertThat(report.images()).isEqualTo(12);
    assertThat(steps).startsWith("encoding in float32").endsWith("writing");
    assertThat(report.texts()).isEqualTo(12);
    assertThat(report.meanImageCosine()).isBetween(0.99, 0.9999999);
    assertThat(report.meanTextCosine()).isBetween(0.99, 0.9999999);
    assertThat(report.worstImageCosine()).isLessThanOrEqualTo(report.meanImageCosine());
    assertThat(report.recallLoss()).isNotNull();
    assertThat(folder.resolve("quantization.json")).content().contains("meanImageCosine");
  }

  @Test
  void a_checkpoint_of_integers_gives_nearly_the_embeddings_of_its_original() throws IOException {
    try (Checkpoint written = Checkpoint.open(folder)) {
      assertThat(written.inputLevels()).hasSize(report.maps());
      assertThat(written.quantizedWeights()).contains("token_embedding.weight");
      assertThat(Files.size(written.weights()))
          .isLessThan(Files.size(GOLDEN.resolve("model.safetensors")));
      assertThatThrownBy(() -> Quantizer.of(written)).hasMessageContaining("take the original");
    }
    try (Clip exact = Clip.load(GOLDEN);
        Clip rounded = Clip.load(folder);
        Clip floats = Clip.loader(folder).optPrepared(false).load()) {
      for (String text : texts(3)) {
        float[] expected = exact.encodeText(text);
        assertThat(Clip.cosine(expected, rounded.encodeText(text))).isBetween(0.99, 0.9999999);
        // The weights alone are rounded where nothing is prepared.
        assertThat(Clip.cosine(expected, floats.encodeText(text))).isGreaterThan(0.999);
      }
    }
  }

  /** The numbers do not depend on whether the processor multiplies integers. */
  @ParameterizedTest
  @EnumSource(
      value = Faults.class,
      names = {"LAST_BLOCK", "NOT_A_NUMBER", "SINGLE_ELEMENT"})
  void embeddings_stay_where_products_of_integers_are_wrong(Faults fault) throws Exception {
    float[] text;
    float[] image;
    try (Clip clip = Clip.load(folder)) {
      text = clip.encodeText("a photo of a cat");
      image = clip.encodeImage(images(1).get(0));
    }
    fault.during(
        () -> {
          try (Clip clip = Clip.load(folder)) {
            assertThat(clip.encodeText("a photo of a cat")).containsExactly(text, within(1e-3f));
            assertThat(clip.encodeImage(images(1).get(0))).containsExactly(image, within(1e-3f));
          }
          assertThat(Faults.results())
              .filteredOn(result -> result.kernel().contains("8-bit integers"))
              .isNotEmpty()
              .noneMatch(KernelProof.Result::holds);
        });
  }

  @Test
  void a_loader_refuses_what_integers_are_not_computed_in() {
    assertThatThrownBy(() -> Clip.loader(folder).optPrecision(Precision.BF16).load())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("8-bit integers")
        .hasMessageContaining("leave the precision out");
  }

  @Test
  void too_few_inputs_are_refused(@TempDir Path other) throws IOException {
    try (Checkpoint checkpoint = Checkpoint.open(GOLDEN)) {
      Quantizer quantizer = Quantizer.of(checkpoint).setImages(images(1)).setTexts(texts(5));
      assertThatThrownBy(() -> quantizer.write(other))
          .hasMessageContaining("two images")
          .hasMessageContaining("found 1 and 5");
      assertThatThrownBy(() -> quantizer.setPairs(images(2), texts(3)))
          .hasMessageContaining("2 images need as many captions, found 3");
      assertThatThrownBy(() -> quantizer.optSmoothing(1.5)).hasMessageContaining("found 1.5");
    }
    assertThat(other).isEmptyDirectory();
  }

  @Test
  void a_report_names_the_bars_that_are_missed() {
    QuantizationReport bad =
        new QuantizationReport(10, 10, 0.98, 0.9, 0.995, 0.99, 0.9, 0.01, 8, List.of());
    assertThat(bad.misses())
        .containsExactly(
            "the mean cosine of images is 0.9800, below 0.99",
            "the agreement of answers is 0.9000, below 0.98",
            "recall at 1 falls by 0.0100, more than 0.005");
    assertThat(new QuantizationReport(10, 10, 1, 1, 1, 1, 1, null, 8, List.of()).misses())
        .isEmpty();
  }
}
