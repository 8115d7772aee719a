package org.clip4j.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPInputStream;
import org.clip4j.image.ImageTransform;
import org.clip4j.model.ClipConfig;
import org.clip4j.weights.tensors.CheckpointException;
import org.clip4j.weights.tensors.TensorFile;
import org.clip4j.weights.tensors.TensorInfo;
import org.clip4j.weights.tensors.TensorType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What open_clip makes of Apple's names, which examples/peers/apple_names.py wrote down. */
class AppleTensorsTest {

  /** A tensor under OpenCLIP's name, and under Apple's, if it is not of zeros. */
  private record Pair(String name, String old, List<Long> shape, List<Long> oldShape) {}

  private static List<Pair> pairs(String model) throws IOException {
    List<Pair> pairs = new ArrayList<>();
    Path file = Path.of("src/test/resources/mobileclip", model + ".txt.gz");
    try (BufferedReader lines =
        new BufferedReader(
            new InputStreamReader(
                new GZIPInputStream(Files.newInputStream(file)), StandardCharsets.UTF_8))) {
      for (String line; (line = lines.readLine()) != null; ) {
        String[] cells = line.split(" ");
        pairs.add(new Pair(cells[0], cells[1], shape(cells[2]), shape(cells[3])));
      }
    }
    return pairs;
  }

  private static List<Long> shape(String text) {
    return text.equals("-")
        ? List.of()
        : Arrays.stream(text.split("x")).map(Long::valueOf).toList();
  }

  /** Tensors whose values tell their name and place. */
  private static TensorFile file(List<Pair> pairs) {
    Map<String, TensorInfo> tensors = new LinkedHashMap<>();
    for (Pair pair : pairs) {
      if (!pair.old.equals("-")) {
        boolean counter = pair.old.endsWith("num_batches_tracked");
        TensorType type = counter ? TensorType.I64 : TensorType.F32;
        tensors.put(pair.old, new TensorInfo(pair.old, type, pair.oldShape));
      }
    }
    return new TensorFile() {
      @Override
      public Path file() {
        return Path.of("mobileclip.pt");
      }

      @Override
      public Map<String, TensorInfo> tensors() {
        return tensors;
      }

      @Override
      public void copy(String name, long from, FloatBuffer target, boolean finite) {
        if (!tensors.containsKey(name)) {
          throw new IllegalArgumentException("no " + name);
        }
        for (long i = from; target.hasRemaining(); i++) {
          target.put(value(name, i));
        }
      }

      @Override
      public long[] longs(String name) {
        return new long[0];
      }

      @Override
      public void close() {}
    };
  }

  private static float value(String name, long index) {
    return (name.hashCode() & 1023) * 1024 + index % 1021;
  }

  @ParameterizedTest
  @CsvSource({"s1, MobileCLIP-S1", "s2, MobileCLIP-S2", "b, MobileCLIP-B"})
  void every_tensor_gets_the_name_and_the_values_that_open_clip_gives_it(
      String model, String architecture) throws IOException {
    List<Pair> pairs = pairs(model);
    TensorFile file = file(pairs);
    assertThat(AppleTensors.isApple(file)).isTrue();
    TensorFile renamed = AppleTensors.of(file);
    assertThat(renamed.tensors().keySet())
        .containsExactlyInAnyOrderElementsOf(pairs.stream().map(Pair::name).toList());
    for (Pair pair : pairs) {
      TensorInfo info = renamed.tensors().get(pair.name);
      assertThat(info.shape()).as(pair.name).isEqualTo(pair.shape);
      FloatBuffer found = FloatBuffer.allocate((int) Math.min(7, info.count() - info.count() / 2));
      long from = info.count() / 2;
      renamed.copyFinite(pair.name, from, found);
      boolean transposed = pair.oldShape.size() == 2 && !pair.shape.equals(pair.oldShape);
      for (int i = 0; i < found.capacity(); i++) {
        long at = from + i;
        long columns = pair.shape.isEmpty() ? 1 : pair.shape.get(pair.shape.size() - 1);
        long source = transposed ? at % columns * pair.shape.get(0) + at / columns : at;
        float expected = pair.old.equals("-") ? 0 : value(pair.old, source);
        assertThat(found.get(i)).as(pair.name).isEqualTo(expected);
      }
    }
    assertThatThrownBy(() -> renamed.copy("visual.none", 0, FloatBuffer.allocate(1)))
        .hasMessage("no visual.none");
    ClipConfig config = AppleTensors.architecture(renamed);
    assertThat(config).isEqualTo(ClipConfig.named(architecture));
    KeyMap.of(Layout.OPENCLIP, config).check(file.file(), renamed.tensors());
    ImageTransform transform = AppleTensors.transform(config.vision());
    assertThat(transform.mean()).containsExactly(0, 0, 0);
    assertThat(transform.std()).containsExactly(1, 1, 1);
    assertThat(transform.interpolation()).isEqualTo(ImageTransform.Interpolation.BILINEAR);
  }

  @Test
  void the_configuration_beside_apple_s_archive_is_not_that_of_transformers(@TempDir Path folder)
      throws IOException {
    Path archive = folder.resolve("model.pt");
    Files.copy(Golden.folder("openai-vit").resolve("model.pt"), archive);
    Files.writeString(folder.resolve("config.json"), "{\"image_cfg\": {}, \"text_cfg\": {}}");
    for (Path path : List.of(folder, archive)) {
      try (Checkpoint opened = Checkpoint.open(path)) {
        assertThat(opened.config().embedDim()).isEqualTo(16);
      }
    }
  }

  @Test
  void a_model_that_open_clip_does_not_have_is_refused() throws IOException {
    List<Pair> pairs = new ArrayList<>(pairs("s1"));
    pairs.removeIf(pair -> pair.old.startsWith("text_encoder.transformer.0."));
    TensorFile renamed = AppleTensors.of(file(pairs));
    assertThatThrownBy(() -> AppleTensors.architecture(renamed))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContainingAll("mobileclip.pt", "MobileCLIP-S1", "MobileCLIP-S0");
  }
}
