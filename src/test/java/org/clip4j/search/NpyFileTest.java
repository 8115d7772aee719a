package org.clip4j.search;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.clip4j.testing.Mutations;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NpyFileTest {
  @TempDir Path temp;

  /** A file as NumPy 2 writes it. */
  private Path file(int major, String header, float... values) throws IOException {
    String padded = header + " ".repeat((64 - (header.length() + 11) % 64) % 64) + "\n";
    ByteBuffer start = ByteBuffer.allocate(major == 1 ? 10 : 12).order(ByteOrder.LITTLE_ENDIAN);
    start.put(new byte[] {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', (byte) major, 0});
    if (major == 1) {
      start.putShort((short) padded.length());
    } else {
      start.putInt(padded.length());
    }
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    bytes.writeBytes(start.array());
    bytes.writeBytes(padded.getBytes(StandardCharsets.US_ASCII));
    ByteBuffer content =
        ByteBuffer.allocate(values.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    content.asFloatBuffer().put(values);
    bytes.writeBytes(content.array());
    return Files.write(temp.resolve("x.npy"), bytes.toByteArray());
  }

  @Test
  void writes_the_bytes_that_numpy_writes() throws IOException {
    Path ours = temp.resolve("ours.npy");
    TestVectors.write(ours, new float[][] {{1, 2, 3}, {-4, 5e-3f, 6}});
    Path numpys =
        file(
            1,
            "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }",
            1,
            2,
            3,
            -4,
            5e-3f,
            6);
    assertThat(Files.readAllBytes(ours)).isEqualTo(Files.readAllBytes(numpys));
    assertThat(NpyFile.open(ours).offset() % 64).isZero();
    assertThat(read(ours)).isDeepEqualTo(new float[][] {{1, 2, 3}, {-4, 5e-3f, 6}});
  }

  private static float[][] read(Path file) throws IOException {
    NpyFile npy = NpyFile.open(file);
    float[][] vectors = new float[npy.rows()][npy.dimensions()];
    int row = 0;
    for (FloatBuffer piece : npy.map()) {
      while (piece.hasRemaining()) {
        piece.get(vectors[row++]);
      }
    }
    return vectors;
  }

  @Test
  void reads_all_versions() throws IOException {
    for (int major = 1; major <= 3; major++) {
      Path file = file(major, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1), }", 1, 2);
      assertThat(read(file)).isDeepEqualTo(new float[][] {{1}, {2}});
    }
    assertThat(read(file(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (0, 9), }")))
        .isEmpty();
  }

  @Test
  void what_is_no_matrix_of_floats_is_refused_with_its_reason() throws IOException {
    check("{'descr': '<f8', 'fortran_order': False, 'shape': (1, 1), }", "holds <f8");
    check("{'descr': '>f4', 'fortran_order': False, 'shape': (1, 1), }", "holds >f4");
    check("{'descr': '<f4', 'fortran_order': True, 'shape': (1, 1), }", "Fortran");
    check("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", "[1]");
    check("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1, 1), }", "[1, 1, 1]");
    check("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1), }", "damaged");
    check("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 0), }", "[1, 0]");
    check("{'descr': '<f4', 'fortran_order': False, 'shape': (9999999999, 65536), }", "rows");
    check("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1, 1), }", "type");
    check( // a pattern that matched it group by group would take the stack
        "{'descr': '<f4', 'fortran_order': False, 'shape': (" + "1, ".repeat(20_000) + "), }",
        "shape");
    Files.writeString(temp.resolve("x.npy"), "no");
    assertThatThrownBy(() -> NpyFile.open(temp.resolve("x.npy"))).hasMessageContaining("x.npy");
  }

  private void check(String header, String message) throws IOException {
    Path file = file(1, header, 1);
    assertThatThrownBy(() -> NpyFile.open(file))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("x.npy")
        .hasMessageContaining(message);
  }

  @Test
  void values_that_cannot_be_compared_are_found_when_files_are_opened() throws IOException {
    Path file =
        file(
            1,
            "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }",
            1,
            2,
            3,
            Float.POSITIVE_INFINITY);
    assertThatThrownBy(() -> ExactIndex.ofNpy(file))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("row 1")
        .hasMessageContaining("Infinity");
  }

  @Test
  void damaged_files_are_read_or_refused() throws IOException {
    Path file = temp.resolve("x.npy");
    TestVectors.write(file, TestVectors.uniform(20, 5, 1));
    byte[] whole = Files.readAllBytes(file);
    int refused =
        Mutations.check(
            1,
            3000,
            List.of(whole),
            bytes -> read(Mutations.write(file, bytes)),
            List.of(IOException.class));
    assertThat(refused).isGreaterThan(500);
  }
}
