package org.clip4j.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.clip4j.image.ImageTransform.Interpolation;
import org.clip4j.image.ImageTransform.ResizeMode;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/**
 * The pixels that open_clip's validation transform makes of encoded images, case by case. Lossless
 * files must agree on every value; of lossy ones the mean difference may be one level, as decoders
 * may round differently.
 */
class PreprocessGoldenTest {

  private static final Path FOLDER = Path.of(System.getProperty("golden.dir"), "preprocess");
  private static final String SQUASH = "squash:";

  private record Levels(int height, int width, byte[] values) {}

  @TestFactory
  Stream<DynamicTest> every_image_gives_the_pixels_of_open_clip() throws IOException {
    Map<String, Levels> expected = expected();
    assertThat(expected).isNotEmpty();
    return expected.entrySet().stream()
        .map(e -> DynamicTest.dynamicTest(e.getKey(), () -> compare(e.getKey(), e.getValue())));
  }

  @TestFactory
  Stream<DynamicTest> every_damaged_file_gives_an_error_that_names_it() throws IOException {
    TreeSet<Path> files = files(FOLDER.resolve("bad"));
    assertThat(files).isNotEmpty();
    return files.stream()
        .map(
            file ->
                DynamicTest.dynamicTest(
                    file.getFileName().toString(),
                    () ->
                        assertThatThrownBy(() -> ImageDecoder.decode(file))
                            .isInstanceOf(ImageFormatException.class)
                            .hasMessageContaining(file.getFileName().toString())));
  }

  @Test
  void every_file_has_an_expectation_and_every_expectation_a_file() throws IOException {
    TreeSet<String> images =
        files(FOLDER).stream()
            .map(file -> file.getFileName().toString())
            .filter(name -> !name.equals("case.json") && !name.equals("expected.safetensors"))
            .collect(Collectors.toCollection(TreeSet::new));
    TreeSet<String> keys = new TreeSet<>(expected().keySet());
    assertThat(keys)
        .filteredOn(key -> !key.startsWith(SQUASH))
        .containsExactlyInAnyOrderElementsOf(images);
    assertThat(keys)
        .filteredOn(key -> key.startsWith(SQUASH))
        .allMatch(key -> images.contains(key.substring(SQUASH.length())));
  }

  @Test
  void mean_and_deviation_of_the_case_are_the_defaults() throws IOException {
    JsonObject about =
        JsonParser.parseString(Files.readString(FOLDER.resolve("case.json"))).getAsJsonObject();
    ImageTransform transform = ImageTransform.openai(224, 224);
    assertThat(transform.mean()).containsExactly(floats(about.getAsJsonArray("mean")));
    assertThat(transform.std()).containsExactly(floats(about.getAsJsonArray("std")));
  }

  private static void compare(String key, Levels expected) throws IOException {
    boolean squash = key.startsWith(SQUASH);
    Path file = FOLDER.resolve(squash ? key.substring(SQUASH.length()) : key);
    ImageTransform transform =
        new ImageTransform(
            expected.height(),
            expected.width(),
            new float[3],
            new float[] {1, 1, 1},
            Interpolation.BICUBIC,
            squash ? ResizeMode.SQUASH : ResizeMode.SHORTEST);
    // open_clip leaves images as they are stored, whatever their EXIF data say.
    RgbImage stored = ImageDecoder.defaults().withExifOrientation(false).read(file);
    byte[] actual = transform.apply(stored);
    assertThat(actual).hasSameSizeAs(expected.values());
    if (isLossy(Files.readAllBytes(file))) {
      double difference = 0;
      for (int i = 0; i < actual.length; i++) {
        difference += Math.abs((actual[i] & 0xFF) - (expected.values()[i] & 0xFF));
      }
      assertThat(difference / actual.length).as("mean difference in levels").isLessThanOrEqualTo(1);
    } else {
      // Not containsExactly: its message would print both arrays.
      assertThat(Arrays.mismatch(actual, expected.values()))
          .as("first value that differs")
          .isEqualTo(-1);
    }
  }

  /** JPEG, and WebP with a VP8 chunk; by content, so that a misnamed file is not let off. */
  private static boolean isLossy(byte[] data) {
    String start = new String(data, 0, Math.min(data.length, 64), StandardCharsets.ISO_8859_1);
    return start.startsWith("\u00ff\u00d8")
        || start.startsWith("RIFF") && start.contains("VP8 ") && !start.contains("VP8L");
  }

  private static TreeSet<Path> files(Path folder) throws IOException {
    try (Stream<Path> list = Files.list(folder)) {
      return list.filter(Files::isRegularFile).collect(Collectors.toCollection(TreeSet::new));
    }
  }

  private static Map<String, Levels> expected() throws IOException {
    ByteBuffer file =
        ByteBuffer.wrap(Files.readAllBytes(FOLDER.resolve("expected.safetensors")))
            .order(ByteOrder.LITTLE_ENDIAN);
    int length = (int) file.getLong();
    String header = new String(file.array(), 8, length, StandardCharsets.UTF_8);
    Map<String, Levels> levels = new TreeMap<>();
    for (Map.Entry<String, JsonElement> e :
        JsonParser.parseString(header).getAsJsonObject().entrySet()) {
      if (e.getKey().equals("__metadata__")) {
        continue;
      }
      JsonObject tensor = e.getValue().getAsJsonObject();
      assertThat(tensor.get("dtype").getAsString()).isEqualTo("U8");
      JsonArray shape = tensor.getAsJsonArray("shape");
      JsonArray range = tensor.getAsJsonArray("data_offsets");
      byte[] values =
          Arrays.copyOfRange(
              file.array(),
              8 + length + range.get(0).getAsInt(),
              8 + length + range.get(1).getAsInt());
      levels.put(e.getKey(), new Levels(shape.get(1).getAsInt(), shape.get(2).getAsInt(), values));
    }
    return levels;
  }

  private static float[] floats(JsonArray array) {
    float[] values = new float[array.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = array.get(i).getAsFloat();
    }
    return values;
  }
}
