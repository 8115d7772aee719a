package org.clip4j.weights.safetensors;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.clip4j.testing.Bounds;
import org.clip4j.weights.Archives;
import org.clip4j.weights.Golden;
import org.clip4j.weights.internal.Numbers;
import org.clip4j.weights.safetensors.SafeTensorsWriter.Entry;
import org.clip4j.weights.tensors.CheckpointException;
import org.clip4j.weights.tensors.TensorType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

@Timeout(60)
class SafeTensorsTest {
  @TempDir Path folder;

  /** A file of a header and data, with the header's true length unless another is claimed. */
  private Path file(Long claimed, byte[] header, int dataBytes) throws IOException {
    ByteBuffer bytes =
        ByteBuffer.allocate(8 + header.length + dataBytes).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putLong(claimed == null ? header.length : claimed).put(header);
    return Files.write(folder.resolve("x.safetensors"), bytes.array());
  }

  private Path file(String header, int dataBytes) throws IOException {
    return file(null, header.getBytes(UTF_8), dataBytes);
  }

  private static String tensor(String dtype, String shape, String offsets) {
    return "{\"dtype\":\"" + dtype + "\",\"shape\":" + shape + ",\"data_offsets\":" + offsets + "}";
  }

  private void assertRefused(Path file, String... parts) {
    assertThatThrownBy(() -> SafeTensors.open(file).close())
        .isInstanceOf(CheckpointException.class)
        .hasMessageStartingWith(file + " is not a valid safetensors file")
        .satisfies(
            e -> assertThat(List.of(parts)).allSatisfy(p -> assertThat(e).hasMessageContaining(p)));
  }

  static Stream<List<String>> damaged_headers() {
    String good = tensor("F32", "[2]", "[0,8]");
    return Stream.of(
        List.of("[1]", "'{'"),
        List.of(" {}", "'{'"),
        List.of("{ ", "not a JSON object"),
        List.of("{\"a\":" + good, "not a JSON object"),
        List.of("{\"a\":" + good + "}x", "not a JSON object"),
        List.of("{\"a\":" + good + "}{}", "not a JSON object"),
        List.of("{'a':" + good + "}", "not a JSON object"),
        List.of("{\"a\":" + good + ",}", "not a JSON object"),
        List.of("{\"a\":" + good + ",\"a\":" + good + "}", "'a' is there twice"),
        List.of("{\"a\":" + good + ",\"\\u0061\":" + good + "}", "'a' is there twice"),
        List.of("{\"a\":3}", "'a'", "BEGIN_OBJECT"),
        List.of("{\"a\":{}}", "'a' lacks"),
        List.of("{\"a\":{\"dtype\":\"F32\",\"shape\":[2]}}", "'a' lacks"),
        List.of("{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\"}}", "dtype twice"),
        List.of("{\"a\":{\"type\":\"F32\"}}", "unknown field 'type'"),
        List.of("{\"a\":" + tensor("F23", "[2]", "[0,8]") + "}", "'a'", "'F23'", "BF16"),
        List.of("{\"a\":" + tensor("f32", "[2]", "[0,8]") + "}", "'f32'"),
        List.of("{\"a\":{\"dtype\":32}}", "'a'", "NUMBER"),
        List.of("{\"a\":" + tensor("F32", "2", "[0,8]") + "}", "'a'", "shape"),
        List.of("{\"a\":" + tensor("F32", "[-2]", "[0,8]") + "}", "'a'", "'-2'"),
        List.of("{\"a\":" + tensor("F32", "[2.0]", "[0,8]") + "}", "'2.0'"),
        List.of("{\"a\":" + tensor("F32", "[2e0]", "[0,8]") + "}", "'2e0'"),
        List.of("{\"a\":" + tensor("F32", "[\"2\"]", "[0,8]") + "}", "STRING"),
        List.of("{\"a\":" + tensor("F32", "[9223372036854775808]", "[0,8]") + "}", "'a'"),
        List.of("{\"a\":" + tensor("F32", "[99999999999999999999]", "[0,8]") + "}", "'a'"),
        List.of("{\"a\":" + tensor("F32", "[4294967296,4294967296]", "[0,8]") + "}", "overflow"),
        List.of("{\"a\":" + tensor("F32", "[4611686018427387904]", "[0,8]") + "}", "overflow"),
        List.of("{\"a\":" + tensor("F32", "[" + "1,".repeat(64) + "2]", "[0,8]") + "}", "64"),
        List.of("{\"a\":" + tensor("F32", "[3]", "[0,8]") + "}", "'a'", "12 bytes"),
        List.of("{\"a\":" + tensor("F32", "[2]", "[8,0]") + "}", "'a'", "[8, 0]"),
        List.of("{\"a\":" + tensor("F32", "[2]", "[0]") + "}", "1 data_offsets"),
        List.of("{\"a\":" + tensor("F32", "[2]", "[0,8,16]") + "}", "more than 2"),
        List.of("{\"a\":" + tensor("F32", "[2]", "[4,12]") + "}", "'a'", "a hole"),
        List.of(
            "{\"a\":" + good + ",\"b\":" + tensor("F32", "[1]", "[4,8]") + "}", "'b'", "overlap"),
        List.of("{\"a\":" + good + ",\"b\":" + good + "}", "overlap"),
        List.of(
            "{\"a\":" + tensor("F32", "[1]", "[0,4]") + ",\"b\":" + tensor("U8", "[1]", "[5,6]"),
            "not a JSON object"),
        List.of("{\"a\":" + tensor("F32", "[1]", "[0,4]") + "}", "4 bytes but 8 follow"),
        List.of("{\"a\":" + tensor("F32", "[4]", "[0,16]") + "}", "'a'", "ends at byte 16"),
        List.of("{\"a\":" + tensor("U8", "[1000000000000]", "[0,1000000000000]") + "}", "'a'"),
        List.of("{}", "8 follow"),
        List.of("{\"__metadata__\":3}", "not a JSON object"),
        List.of("{\"__metadata__\":{\"a\":3},\"a\":" + good + "}", "__metadata__", "NUMBER"),
        List.of("{\"__metadata__\":{\"a\":\"\",\"a\":\"\"},\"a\":" + good + "}", "'a' twice"),
        List.of("{\"__metadata__\":{},\"__metadata__\":{},\"a\":" + good + "}", "twice"),
        List.of("{\"a\":" + "[".repeat(5000), "'a'"),
        List.of("{\"a\":{\"shape\":" + "[".repeat(5000), "'a'"));
  }

  @ParameterizedTest
  @MethodSource("damaged_headers")
  void a_damaged_header_is_refused_with_the_file_and_the_reason(List<String> test)
      throws IOException {
    Path file = file(test.get(0), 8);
    assertRefused(file, test.subList(1, test.size()).toArray(String[]::new));
  }

  @ParameterizedTest
  @CsvSource({"-1", "9223372036854775807", "100000001", "100000000", "31", "30", "1", "0"})
  void a_claimed_header_length_allocates_nothing(long claimed) throws IOException {
    assertRefused(file(claimed, "{}".getBytes(UTF_8), 28));
  }

  @Test
  void text_that_is_not_utf_8_is_refused() throws IOException {
    byte[] header = ("{\"\u00e9\":" + tensor("F32", "[2]", "[0,8]") + "}").getBytes(ISO_8859_1);
    assertRefused(file(null, header, 8), "not a JSON object");
  }

  @Test
  void any_cut_of_a_file_is_refused() throws IOException {
    byte[] whole = Files.readAllBytes(write("whole", Map.of("a", new float[] {1, 2, 3})));
    for (int length = 0; length < whole.length; length++) {
      assertRefused(Files.write(folder.resolve("cut"), Arrays.copyOf(whole, length)));
    }
  }

  @Test
  void random_damage_to_a_header_never_gives_anything_but_a_file_or_an_error() throws IOException {
    byte[] whole =
        Files.readAllBytes(Golden.folder("openclip-vit").resolve("expected.safetensors"));
    int header = (int) ByteBuffer.wrap(whole).order(ByteOrder.LITTLE_ENDIAN).getLong(0);
    Random random = new Random(7);
    int refused = 0;
    for (int i = 0; i < 300; i++) {
      byte[] damaged = whole.clone();
      for (int j = 0; j < 2; j++) {
        damaged[random.nextInt(8 + header)] = (byte) random.nextInt(256);
      }
      Path file = Files.write(folder.resolve("damaged"), damaged);
      try (SafeTensors tensors = SafeTensors.open(file)) {
        tensors.tensors().keySet().forEach(tensors::bytes);
      } catch (CheckpointException e) {
        refused++;
      }
    }
    assertThat(refused).isBetween(100, 300);
  }

  /** Headers of the largest size, each byte of which is to cost as much as it can. */
  static Stream<List<String>> large_headers() {
    String wide = tensor("F32", "[0" + ",1".repeat(63) + "]", "[0,0]");
    return Stream.of(
        List.of("{" + repeated("\"%d\":" + tensor("F32", "[0]", "[0,0]") + ","), "100000 tensors"),
        List.of("{" + repeated("\"%d\":" + wide + ","), "not a JSON object"),
        List.of("{\"__metadata__\":{" + repeated("\"%d\":\"\","), "100000 texts"),
        List.of("{\"__metadata__\":{\"a\":\"" + repeated("xxxxxxxx") + "\"}}", "8 follow"),
        List.of("{\"__metadata__\":{\"a\":\"\u20ac" + repeated("xxxxxxxx") + "\"}}", "8 follow"),
        List.of("{\"a\":{\"shape\":[" + repeated("0") + "]}}", "not a JSON object"),
        List.of("{\"a\":" + repeated("["), "'a'"),
        List.of(repeated("{\"a\":"), "'a'"));
  }

  private static String repeated(String part) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; text.length() < SafeTensorsHeader.MAX_HEADER_BYTES - 2000; i++) {
      text.append(part.replace("%d", Integer.toString(i)));
    }
    return text.toString();
  }

  @ParameterizedTest
  @MethodSource("large_headers")
  void a_large_hostile_header_is_refused_in_bounded_time_and_memory(List<String> test)
      throws IOException {
    Path file = file(test.get(0), 8);
    Throwable thrown = Bounds.run(() -> SafeTensors.open(file).close());
    assertThat(thrown)
        .isInstanceOf(CheckpointException.class)
        .hasMessageContainingAll(file.toString(), test.get(1));
    assertThat(thrown.getMessage().length()).isLessThan(2000);
  }

  @Test
  void every_numeric_type_is_read_as_floats() throws IOException {
    ByteBuffer data = ByteBuffer.allocate(2 * 4 + 2 * 4 + 8 + 4 + 2 * 8 + 1);
    data.order(ByteOrder.LITTLE_ENDIAN);
    data.putShort((short) 0x3C00).putShort((short) 0x0001).putShort((short) 0xFC00);
    data.putShort((short) 0x8000);
    data.putShort((short) 0x3F80).putShort((short) 0xC040).putShort((short) 0x7F80);
    data.putShort((short) 0x0001);
    data.putDouble(0.1).putFloat(-0.3f).putLong(1L << 40).putLong(-7).put((byte) 200);
    String header =
        "{\"f16\":"
            + tensor("F16", "[4]", "[0,8]")
            + ",\"bf16\":"
            + tensor("BF16", "[2,2]", "[8,16]")
            + ",\"f64\":"
            + tensor("F64", "[]", "[16,24]")
            + ",\"f32\":"
            + tensor("F32", "[1]", "[24,28]")
            + ",\"i64\":"
            + tensor("I64", "[2]", "[28,44]")
            + ",\"u8\":"
            + tensor("U8", "[1]", "[44,45]")
            + "}";
    Path file = file(header, data.capacity());
    byte[] bytes = Files.readAllBytes(file);
    System.arraycopy(data.array(), 0, bytes, bytes.length - data.capacity(), data.capacity());
    Files.write(file, bytes);
    try (SafeTensors tensors = SafeTensors.open(file)) {
      assertThat(floats(tensors, "f16"))
          .containsExactly(1f, 0x1p-24f, Float.NEGATIVE_INFINITY, -0.0f);
      assertThat(floats(tensors, "bf16"))
          .containsExactly(1f, -3f, Float.POSITIVE_INFINITY, 0x1p-133f);
      assertThat(floats(tensors, "f64")).containsExactly(0.1f);
      assertThat(floats(tensors, "f32")).containsExactly(-0.3f);
      assertThat(floats(tensors, "i64")).containsExactly(0x1p40f, -7f);
      assertThat(tensors.longs("i64")).containsExactly(1L << 40, -7);
      assertThat(tensors.longs("u8")).containsExactly(200);
      assertThatThrownBy(() -> tensors.longs("f32")).hasMessageContainingAll("'f32'", "F32");
      assertThatThrownBy(() -> tensors.floats("no")).hasMessageContainingAll("x.safetens", "'no'");
    }
  }

  @Test
  void every_half_precision_value_converts_exactly() {
    for (int bits = 0; bits < 1 << 16; bits++) {
      int exponent = (bits >> 10) & 0x1F;
      int fraction = bits & 0x3FF;
      double magnitude =
          exponent == 0
              ? fraction * 0x1p-24
              : exponent == 0x1F
                  ? fraction == 0 ? Double.POSITIVE_INFINITY : Double.NaN
                  : (1024 + fraction) * Math.pow(2, exponent - 25);
      float expected = (float) (bits < 0x8000 ? magnitude : -magnitude);
      float found = Numbers.halfToFloat((short) bits);
      assertThat(Float.floatToIntBits(found)).isEqualTo(Float.floatToIntBits(expected));
    }
  }

  private Path write(String name, Map<String, float[]> values) throws IOException {
    Path file = folder.resolve(name);
    List<Entry> entries =
        values.entrySet().stream()
            .map(e -> new Entry(e.getKey(), TensorType.F32, e.getValue().length))
            .toList();
    try (SafeTensorsWriter writer = SafeTensorsWriter.create(file, entries, Map.of("k", "v\"é"))) {
      for (Map.Entry<String, float[]> entry : values.entrySet()) {
        writer.write(entry.getKey(), FloatBuffer.wrap(entry.getValue()));
      }
      writer.commit();
    }
    return file;
  }

  static float[] floats(SafeTensors tensors, String name) {
    FloatBuffer buffer = tensors.floats(name);
    float[] values = new float[buffer.remaining()];
    buffer.get(values);
    return values;
  }

  @Test
  void what_is_written_is_read_back() throws IOException {
    float[] large = new float[600_000]; // more than one piece of the writer and of the reader
    for (int i = 0; i < large.length; i++) {
      large[i] = i * 0.37f;
    }
    float[] odd = {Float.NaN, -0.0f, Float.MIN_VALUE, Float.NEGATIVE_INFINITY};
    Path file = write("file", Map.of("large", large, "odd \" \\ é", odd, "none", new float[0]));
    try (SafeTensors tensors = SafeTensors.open(file)) {
      assertThat(tensors.metadata()).isEqualTo(Map.of("format", "pt", "k", "v\"é"));
      assertThat(floats(tensors, "large")).isEqualTo(large);
      assertThat(floats(tensors, "odd \" \\ é")).isEqualTo(odd);
      assertThat(floats(tensors, "none")).isEmpty();
      assertThat(tensors.floats("large").isReadOnly()).isTrue();
    }
  }

  @Test
  void reading_after_closing_is_an_error_and_not_a_crash() throws IOException {
    SafeTensors tensors = SafeTensors.open(write("file", Map.of("a", new float[] {1, 2})));
    FloatBuffer before = tensors.floats("a");
    tensors.close();
    assertThat(before.get(1)).isEqualTo(2);
    assertThatThrownBy(() -> tensors.copy("a", 0, FloatBuffer.allocate(2)))
        .hasMessageContaining("closed");
    assertThatThrownBy(() -> tensors.floats("a"))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("closed");
  }

  @Test
  void a_write_that_fails_leaves_the_old_file_and_nothing_else() throws IOException {
    Path file = write("file", Map.of("a", new float[] {1, 2}));
    byte[] before = Files.readAllBytes(file);
    List<Entry> entries =
        List.of(new Entry("a", TensorType.F32, 2), new Entry("b", TensorType.F32, 2));
    try (SafeTensorsWriter writer = SafeTensorsWriter.create(file, entries, Map.of())) {
      writer.write("a", FloatBuffer.allocate(2));
      assertThatThrownBy(() -> writer.write("a", FloatBuffer.allocate(2)))
          .hasMessageContaining("already");
      assertThatThrownBy(() -> writer.write("b", FloatBuffer.allocate(3)))
          .hasMessageContainingAll("'b'", "[2]", "found 3");
      assertThatThrownBy(() -> writer.write("c", FloatBuffer.allocate(3)))
          .hasMessageContainingAll("'c'", "not announced");
      assertThatThrownBy(writer::commit).hasMessageContainingAll("1 tensors", "'b'");
    }
    assertThat(file).hasBinaryContent(before);
    assertThat(folder).isDirectoryNotContaining(path -> !path.equals(file));
  }

  @Test
  void whole_numbers_are_written_as_integers_or_refused() throws IOException {
    Path file = folder.resolve("file");
    List<Entry> entries = List.of(new Entry("n", TensorType.I64));
    try (SafeTensorsWriter writer = SafeTensorsWriter.create(file, entries, Map.of())) {
      assertThatThrownBy(() -> writer.write("n", FloatBuffer.wrap(new float[] {1.5f})))
          .hasMessageContainingAll("'n'", "1.5");
      writer.write("n", FloatBuffer.wrap(new float[] {12}));
      writer.commit();
    }
    try (SafeTensors tensors = SafeTensors.open(file)) {
      assertThat(tensors.longs("n")).containsExactly(12);
    }
  }

  @Test
  void rounding_and_layout_are_those_of_the_python_library_byte_for_byte() throws IOException {
    Path python = Archives.file("rounding.safetensors");
    Path ours = folder.resolve("ours");
    try (SafeTensors tensors = SafeTensors.open(python)) {
      List<Entry> entries =
          tensors.tensors().values().stream()
              .map(info -> new Entry(info.name(), info.type(), info.shape()))
              .toList();
      try (SafeTensorsWriter writer = SafeTensorsWriter.create(ours, entries, Map.of())) {
        for (Entry entry : entries) {
          boolean rounded = tensors.tensors().containsKey(entry.name() + ".source");
          writer.write(
              entry.name(), tensors.floats(rounded ? entry.name() + ".source" : entry.name()));
        }
        writer.commit();
      }
    }
    assertThat(ours).hasSameBinaryContentAs(python);
  }

  @Test
  void every_half_and_bfloat16_value_survives_writing() {
    for (int bits = 0; bits < 1 << 16; bits++) {
      float half = Numbers.halfToFloat((short) bits);
      float bfloat = Float.intBitsToFloat(bits << 16);
      int quiet = bits & 0x8000 | 0x7E00;
      assertThat(Numbers.floatToHalf(half)).isEqualTo((short) (Float.isNaN(half) ? quiet : bits));
      assertThat(Numbers.floatToBfloat(bfloat))
          .isEqualTo((short) (Float.isNaN(bfloat) ? bits & 0x8000 | 0x7FC0 : bits));
    }
  }

  @ParameterizedTest
  @CsvSource({
    "F16, 65519.996, 65520",
    "F16, -65519.996, -1e30",
    "BF16, 3.396e38, 3.3962e38",
    "BF16, -3.3e38, -3.4028235e38"
  })
  void a_value_that_would_become_infinite_is_refused(TensorType type, float fits, float tooLarge)
      throws IOException {
    List<Entry> entries = List.of(new Entry("wide", type, 2));
    Path file = folder.resolve("file");
    try (SafeTensorsWriter writer = SafeTensorsWriter.create(file, entries, Map.of())) {
      FloatBuffer refused = FloatBuffer.wrap(new float[] {fits, tooLarge});
      assertThatThrownBy(() -> writer.write("wide", refused))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContainingAll("'wide'", type.name(), "too large", Float.toString(tooLarge));
      writer.write("wide", FloatBuffer.wrap(new float[] {fits, Float.NEGATIVE_INFINITY}));
      writer.commit();
    }
    try (SafeTensors tensors = SafeTensors.open(file)) {
      assertThat(floats(tensors, "wide")[0]).isFinite();
      assertThat(floats(tensors, "wide")[1]).isEqualTo(Float.NEGATIVE_INFINITY);
    }
  }

  @Test
  void types_that_are_not_written_are_refused() {
    List<Entry> entries = List.of(new Entry("a", TensorType.U8, 2));
    assertThatThrownBy(() -> SafeTensorsWriter.create(folder.resolve("f"), entries, Map.of()))
        .hasMessageContainingAll("'a'", "U8", "[I8, F16, BF16, F32, I64]");
    assertThat(folder).isEmptyDirectory();
  }
}
