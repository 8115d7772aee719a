package org.clip4j.weights.pytorch;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.clip4j.testing.Bounds;
import org.clip4j.weights.Archives;
import org.clip4j.weights.TensorFiles;
import org.clip4j.weights.tensors.TensorFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Pickles made to harm: each is refused by name, in bounded time and memory. */
class HostilePickleTest extends HostileFixture {
  private static final int MANY = 1 << 20;

  /** Text of Latin-1 characters, each a byte of a pickle after its protocol. */
  private Path pickled(String... parts) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    bytes.writeBytes(new byte[] {(byte) 0x80, 2});
    for (String part : parts) {
      bytes.writeBytes(part.getBytes(ISO_8859_1));
    }
    return zip(
        List.of(
            new Entry("data.pkl", true, bytes.toByteArray()), new Entry("data/0", true, data())));
  }

  private static String text(String text) {
    return "\u008c" + (char) text.length() + text;
  }

  private static String number(long value) {
    StringBuilder digits = new StringBuilder("\u008a\u0008"); // LONG1
    for (int i = 0; i < 8; i++) {
      digits.append((char) (value >>> 8 * i & 0xFF));
    }
    return digits.toString();
  }

  private static final String FLOATS = "ctorch\nFloatStorage\n";

  private static String tensor(long elements, long offset, long[] shape, long[] stride) {
    String storage = "(" + text("storage") + FLOATS + text("0") + text("cpu") + number(elements);
    StringBuilder view = new StringBuilder(number(offset));
    for (long[] numbers : new long[][] {shape, stride}) {
      view.append('(');
      for (long value : numbers) {
        view.append(number(value));
      }
      view.append('t');
    }
    return "ctorch._utils\n_rebuild_tensor_v2\n(" + storage + "tQ" + view + "\u0089Nt" + "R";
  }

  private static String dict(String key, String value) {
    return "}" + text(key) + value + "s";
  }

  /** A pickle as a test's argument, of which a report shows the start. */
  private record Shown(String text) {
    @Override
    public String toString() {
      return text.substring(0, Math.min(40, text.length())).replaceAll("[^ -~]", "?");
    }
  }

  private static Arguments hostile(String pickle, String... parts) {
    return Arguments.of(new Shown(pickle), parts);
  }

  /** Numbers and texts in turn, all of one hash: among such, Java's maps know no order. */
  @Test
  void a_dictionary_of_colliding_keys_takes_linear_time() throws IOException {
    StringBuilder keys = new StringBuilder();
    for (int i = 0; i < 40_000; i++) {
      StringBuilder key = new StringBuilder();
      for (int bit = 17; bit >= 0; bit--) {
        key.append((i >>> bit & 1) == 0 ? "Aa" : "BB");
      }
      long hash = key.toString().hashCode() & 0xFFFFFFFFL;
      keys.append(number((long) i << 32 | (hash ^ i))).append('N');
      keys.append(text(key.toString())).append('N');
    }
    for (Path file :
        List.of(pickled("}(" + keys + "u."), pickled("\u008f(" + keys.toString() + "\u0090."))) {
      assertThat(Bounds.run(() -> TensorFiles.open(file).close())).isNull();
    }
  }

  static Stream<Arguments> pickles() {
    String laughs = "]q\u0000" + "0";
    for (int i = 0; i < 40; i++) { // each list holds the one before ten times
      laughs += "](" + ("h" + (char) i).repeat(10) + "eq" + (char) (i + 1) + "0";
    }
    String pairs = "](" + ("N" + "\u0088\u0086").repeat(1000) + "eq\u0000";
    return Stream.of(
        // containers
        hostile(laughs + "h\u0028.", "nested under names that are too long"),
        hostile("]q\u0000h\u0000a.", "nested more than 64 deep, or hold themselves"),
        hostile("}q\u0000" + text("a") + "h\u0000s.", "hold themselves"),
        hostile("]".repeat(300_000) + "a".repeat(299_999) + ".", "nested more than 64"),
        hostile(")" + "\u0085".repeat(300_000) + ".", "nested more than 64"),
        hostile("]".repeat(4 * MANY) + ".", "memory"),
        hostile("}".repeat(4 * MANY) + ".", "memory"),
        hostile("N".repeat(15 * MANY) + ".", "memory"),
        hostile("(".repeat(15 * MANY) + ".", "value that is not there"),
        hostile("N0".repeat(7 * MANY) + ".", "value that is not there"),
        hostile("](" + "N".repeat(3 * MANY) + "e.", "memory"),
        hostile("]" + "(Ne".repeat(100_000) + "0.", "value that is not there"),
        hostile("]" + "(Ne".repeat(300_000) + ".", "nested in more than 200000 places"),
        hostile("]q\u0000" + ("h\u0000" + "N\u0094").repeat(2 * MANY) + ".", "memory"),
        hostile("]" + ("(" + "N".repeat(1000) + "t").repeat(10_000) + ".", "memory"),
        hostile(
            text("__torch__." + "x".repeat(200))
                + "q\u0000"
                + ("h\u0000h\u0000\u0093").repeat(MANY),
            "memory"),
        hostile("](Na.", "value that is not there"),
        hostile("}(NNNu.", "key without a value"),
        hostile("}]Ns.", "ArrayList as a key"),
        hostile(")Na.", "APPENDS to a tuple"),
        hostile("h\u0007.", "recalls value 7"),
        hostile("q\u0000.", "value that is not there"),
        hostile("t.", "group that was not begun"),
        hostile("NN.", "before it is complete"),
        hostile("(N.", "before it is complete"),
        hostile("", "ends too early"),
        // lengths
        hostile("\u008b\u00ff\u00ff\u00ff\u007f.", "integer of 2147483647 bytes"),
        hostile("\u008b\u00ff\u00ff\u00ff\u00ff.", "integer of 4294967295 bytes"),
        hostile("\u008a\u00ff\u0000.", "claims 255 bytes"),
        hostile("X\u00ff\u00ff\u00ff\u00ff.", "claims 4294967295 bytes"),
        hostile("T\u00ff\u00ff\u00ff\u00ff.", "claims 18446744073709551615 bytes"),
        hostile("\u008d" + "\u00ff".repeat(7) + "\u007f.", "claims 9223372036854775807"),
        hostile("\u008e" + "\u00ff".repeat(8) + ".", "claims 18446744073709551615 bytes"),
        hostile("\u0095" + "\u00ff".repeat(8) + ".", "claims 18446744073709551615 bytes"),
        hostile("c" + "x".repeat(MANY) + "\n.", "name of more than 1000 bytes"),
        hostile("\u008c\u0002\u00c3\u0028.", "not UTF-8"),
        hostile(
            ("X\u0000\u0000\u0078\u0000" + "x".repeat(0x780000)).repeat(2) + "N.",
            "before it is complete"),
        hostile(dict("x", "N"), "ends too early"),
        hostile("}" + "X\u00e9\u0003\u0000\u0000" + "x".repeat(1001) + "Ns.", "too long"),
        // what a call would copy again and again
        hostile(
            pairs + "ccollections\nOrderedDict\nq\u0001" + "h\u0001h\u0000\u0085R".repeat(20_000),
            "memory"),
        hostile(
            "]("
                + "N".repeat(1000)
                + "eq\u0000cbuiltins\nset\nq\u0001"
                + "h\u0001h\u0000\u0085R".repeat(20_000),
            "memory"),
        hostile(
            text("x".repeat(255))
                + "q\u0000"
                + text("latin1")
                + "q\u0001c_codecs\nencode\nq\u0002"
                + "h\u0002h\u0000h\u0001\u0086R".repeat(500_000),
            "memory"),
        // names and calls
        hostile("cos\nsystem\n" + text("id") + "\u0085R.", "'os.system'", "only Python"),
        hostile(text("posix") + text("system") + "\u0093.", "'posix.system'"),
        hostile("cbuiltins\neval\n.", "'builtins.eval'"),
        hostile("ctorch.storage\n_load_from_bytes\n.", "'torch.storage._load_from_bytes'"),
        hostile("cargparse\nNamespace\n)\u0081.", "'argparse.Namespace'"),
        hostile("iposix\nsystem\n.", "opcode 0x69"),
        hostile("I1\n.", "opcode 0x49"),
        hostile("\u0082\u0001.", "opcode 0x82"),
        hostile("c__torch__\nM\n)R.", "calls the class '__torch__.M'"),
        hostile("ccollections\nOrderedDict\n)\u0081.", "makes an object of a Function"),
        hostile("c__torch__\nM\n)\u0081Nb.", "sets attributes of a Script from None"),
        hostile(FLOATS + "b.", "value that is not there"),
        hostile(text("module") + "\u0085Q.", "a 'module'"),
        hostile("NQ.", "something else than a storage"),
        // tensors
        hostile(tensor(4, 0, new long[] {5}, new long[] {1}) + ".", "reaches element 4"),
        hostile(tensor(4, 4, new long[] {}, new long[] {}) + ".", "reaches element 4"),
        hostile(tensor(4, -1, new long[] {2}, new long[] {1}) + ".", "negative"),
        hostile(tensor(4, 0, new long[] {-2}, new long[] {1}) + ".", "negative"),
        hostile(tensor(4, 0, new long[] {2}, new long[] {-1}) + ".", "negative"),
        hostile(tensor(4, 0, new long[] {2, 2}, new long[] {1}) + ".", "2 dimensions"),
        hostile(tensor(4, 0, new long[] {1L << 62, 4}, new long[] {0, 0}) + ".", "overflows"),
        hostile(tensor(4, 0, new long[] {3, 2}, new long[] {1L << 62, 1}) + ".", "overflows"),
        hostile(tensor(4, 0, new long[] {1 << 20, 4}, new long[] {0, 1}) + ".", "too often"),
        hostile(tensor(4, 0, new long[] {2, 3}, new long[] {1, 1}) + ".", "overlaps itself"),
        hostile(tensor(5, 0, new long[] {5}, new long[] {1}) + ".", "'0'", "has 16 bytes"),
        hostile(tensor(Long.MAX_VALUE, 0, new long[] {1}, new long[] {1}) + ".", "has 16 bytes"),
        hostile(tensor(-1, 0, new long[] {1}, new long[] {1}) + ".", "something else"),
        hostile(
            "]("
                + tensor(4, 0, new long[] {1}, new long[] {1})
                + tensor(3, 0, new long[] {1}, new long[] {1})
                + "e.",
            "two storages '0'"),
        hostile(
            "}"
                + text("a")
                + dict("b", tensor(4, 0, new long[] {1}, new long[] {1}))
                + "s"
                + text("a.b")
                + tensor(4, 0, new long[] {1}, new long[] {1})
                + "s.",
            "two values 'a.b'"));
  }

  @ParameterizedTest
  @MethodSource("pickles")
  void a_hostile_pickle_is_refused(Shown pickle, String[] parts) throws IOException {
    assertRefused(pickled(pickle.text), parts);
  }

  @Test
  void what_the_hostile_pickles_are_made_of_is_read() throws IOException {
    String tensor = tensor(4, 1, new long[] {3, 2}, new long[] {1, 0});
    Path file = pickled(dict("a", tensor) + "X\u00e8\u0003\u0000\u0000" + "x".repeat(1000) + "Ns.");
    try (TensorFile archive = TensorFiles.open(file)) {
      assertThat(archive.tensors()).containsOnlyKeys("a");
      FloatBuffer values = archive.floats("a");
      assertThat(values).isEqualTo(FloatBuffer.wrap(new float[] {2, 2, 3, 3, 4, 4}));
    }
  }

  @ParameterizedTest
  @CsvSource({"300, 500, 1, 300", "2, 3, 75000, 20000", "149990, 2, 1, 149999"})
  void views_that_reach_over_many_pieces_of_the_file_are_read(
      int rows, int columns, int rowStride, int columnStride) throws IOException {
    ByteBuffer data = ByteBuffer.allocate(4 * 300_000).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < 300_000; i++) {
      data.putFloat(i);
    }
    long[] shape = {rows, columns};
    byte[] pickle =
        ("\u0080\2}"
                + text("a")
                + tensor(300_000, 7, shape, new long[] {rowStride, columnStride})
                + "s.")
            .getBytes(ISO_8859_1);
    Path file =
        zip(List.of(new Entry("data.pkl", true, pickle), new Entry("data/0", true, data.array())));
    try (TensorFile archive = TensorFiles.open(file)) {
      FloatBuffer values = archive.floats("a");
      for (int r = 0; r < rows; r++) {
        for (int c = 0; c < columns; c++) {
          assertThat(values.get()).isEqualTo(7 + r * rowStride + c * columnStride);
        }
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "'\u0080\2}.', not one of PyTorch's",
    "'\u0080\2\u008a\12\u006c\u00fc\u009c\u0046\u00f9\u0020\u006a\u00a8\u0050\u0019.', ends too early"
  })
  void a_legacy_file_that_is_none_is_refused(String text, String message) throws IOException {
    Path file = Files.write(folder.resolve("x.pt"), text.getBytes(ISO_8859_1));
    assertRefused(file, message);
  }

  @Test
  void the_pickles_of_a_legacy_file_share_one_bound() throws IOException {
    byte[] archive = Files.readAllBytes(Archives.file("odd-legacy-2.pt"));
    String magicAndVersion = new String(archive, 0, 15 + 6, ISO_8859_1);
    String filler = "\u0080\2}" + text("little_endian") + "\u0088s](" + "]".repeat(MANY) + "e0.";
    String text = magicAndVersion + filler + "\u0080\2](" + "]".repeat(MANY) + "e.";
    assertRefused(
        Files.write(folder.resolve("x.pt"), text.getBytes(ISO_8859_1)), "67108864 bytes of memory");
  }
}
