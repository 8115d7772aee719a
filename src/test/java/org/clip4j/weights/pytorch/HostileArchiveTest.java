package org.clip4j.weights.pytorch;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.clip4j.testing.Bounds;
import org.clip4j.weights.Archives;
import org.clip4j.weights.TensorFiles;
import org.clip4j.weights.tensors.CheckpointException;
import org.clip4j.weights.tensors.TensorFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Archives made to harm: each is refused by name, in bounded time and memory. */
class HostileArchiveTest extends HostileFixture {
  private static final byte[] EMPTY_DICT = {(byte) 0x80, 2, '}', '.'};

  @Test
  void compressed_entries_are_refused_whatever_they_would_become() throws IOException {
    byte[] bomb = new byte[64 << 20];
    assertRefused(zip(List.of(new Entry("data.pkl", false, bomb))), "data.pkl", "compressed");
  }

  @Test
  void compressed_entries_that_are_not_read_do_no_harm() throws IOException {
    Path file =
        zip(
            List.of(
                new Entry("data.pkl", true, EMPTY_DICT),
                new Entry("code/__torch__.py", false, new byte[1 << 20])));
    try (TensorFile archive = TensorFiles.open(file)) {
      assertThat(archive.tensors()).isEmpty();
    }
  }

  @ParameterizedTest
  @CsvSource({"big, 'big'", "'', ''", "middle, 'middle'"})
  void another_byte_order_is_refused(String order) throws IOException {
    assertRefused(
        zip(
            List.of(
                new Entry("data.pkl", true, EMPTY_DICT),
                new Entry("byteorder", true, order.getBytes(UTF_8)))),
        "byte order is '" + order + "'");
  }

  @Test
  void an_archive_without_a_pickle_is_refused() throws IOException {
    assertRefused(zip(List.of(new Entry("other", true, new byte[1]))), "no entry 'x/data.pkl'");
    assertRefused(
        Files.write(folder.resolve("x.pt"), "PK\3\4 and no more than that".getBytes(UTF_8)),
        "its end, which lists what it holds, is missing");
  }

  /** An archive of data.pkl and data/0, with one number of it changed. */
  private Path changed(String where, int offset, int width, long value) throws IOException {
    Path file =
        zip(
            List.of(
                new Entry("data.pkl", true, EMPTY_DICT), new Entry("data/0", true, new byte[16])));
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    int end = bytes.capacity() - 22;
    int at =
        switch (where) {
          case "end" -> end;
          case "first" -> bytes.getInt(end + 16); // the directory's entry of data.pkl
          case "second" -> bytes.getInt(end + 16) + 46 + "x/data.pkl".length();
          case "local" -> 0;
          default -> throw new AssertionError(where);
        };
    for (int i = 0; i < width; i++) {
      bytes.put(at + offset + i, (byte) (value >>> 8 * i));
    }
    return Files.write(file, bytes.array());
  }

  @ParameterizedTest
  @CsvSource({
    "end, 4, 2, 1, one part of several",
    "end, 10, 2, 3, which cannot be", // more entries than the directory has room for
    "end, 10, 2, 1, has 2 entries",
    "end, 12, 4, 0x7fffffff, at most 150000",
    "end, 12, 4, 1000, which cannot be",
    "end, 16, 4, 0x7fffffff, which cannot be",
    "end, 16, 4, 0xffffffff, which cannot be",
    "end, 20, 2, 1, its end",
    "first, 0, 4, 0, directory is damaged",
    "first, 8, 2, 1, compressed or encrypted",
    "first, 10, 2, 8, compressed or encrypted",
    "first, 20, 4, 0xffffffff, outside the file", // zip64, but without the field
    "first, 20, 4, 0x7fffffff, overlaps",
    "first, 20, 4, 5, overlaps",
    "first, 28, 2, 0xffff, cut short",
    "first, 42, 4, 1000, outside the file",
    "second, 42, 4, 0, overlaps",
    "local, 0, 4, 0, no header",
    "local, 26, 2, 9, no header",
    "local, 28, 2, 10, ends at byte"
  })
  void a_directory_that_lies_is_refused(
      String where, int offset, int width, String value, String message) throws IOException {
    Path file = changed(where, offset, width, Long.decode(value));
    if (offset == 0 && where.equals("local")) { // not even taken for a zip file then
      Throwable thrown = Bounds.run(() -> PyTorchArchive.open(file).close());
      assertThat(thrown).isInstanceOf(CheckpointException.class).hasMessageContaining(message);
    } else {
      assertRefused(file, message);
    }
  }

  @Test
  void as_many_entries_as_are_read_cost_little() throws IOException {
    List<Entry> entries = new ArrayList<>(List.of(new Entry("data.pkl", true, EMPTY_DICT)));
    for (int i = 1; i < 60_000; i++) {
      entries.add(new Entry("data/" + i, true, new byte[0]));
    }
    Path file = zip(entries);
    assertThat(Bounds.run(() -> TensorFiles.open(file).close())).isNull();
  }

  @Test
  void entries_of_one_name_are_refused() throws IOException {
    Path file = zip(List.of(new Entry("aa", true, data()), new Entry("ab", true, data())));
    String bytes = new String(Files.readAllBytes(file), ISO_8859_1).replace("x/ab", "x/aa");
    Files.write(file, bytes.getBytes(ISO_8859_1));
    assertRefused(file, "'x/aa' is there twice");
  }

  @ParameterizedTest
  @CsvSource({
    "true, 8, -1, byte 18446744073709551615",
    "true, 8, 0x7fffffffffffffff, byte 9223372036854775807",
    "true, 8, 0, no zip64 record at byte 0",
    "false, 16, 1, one part of several",
    "false, 32, 1, two directories disagree",
    "false, 40, 0x7fffffffffffffff, two directories disagree",
    "false, 48, -1, two directories disagree"
  })
  void a_zip64_record_that_lies_is_refused(
      boolean locator, int offset, String value, String message) throws IOException {
    byte[] archive = Files.readAllBytes(Archives.file("odd-2.pt"));
    ByteBuffer bytes = ByteBuffer.wrap(archive).order(ByteOrder.LITTLE_ENDIAN);
    int locatorAt = archive.length - 22 - 20;
    int at = locator ? locatorAt : locatorAt - 56;
    assertThat(bytes.getInt(at)).isEqualTo(locator ? 0x07064b50 : 0x06064b50);
    bytes.putLong(at + offset, Long.decode(value));
    assertRefused(Files.write(folder.resolve("x.pt"), archive), message);
  }

  @ParameterizedTest
  @CsvSource({"32, -1", "32, 150001", "40, -1", "40, 0x7fffffffffffffff", "48, -1", "48, 0"})
  void a_zip64_record_alone_that_lies_is_refused(int offset, String value) throws IOException {
    byte[] archive = Files.readAllBytes(Archives.file("odd-2.pt"));
    ByteBuffer bytes = ByteBuffer.wrap(archive).order(ByteOrder.LITTLE_ENDIAN);
    int end = archive.length - 22;
    bytes.putShort(end + 8, (short) -1).putShort(end + 10, (short) -1);
    bytes.putInt(end + 12, -1).putInt(end + 16, -1);
    Path file = Files.write(folder.resolve("x.pt"), archive);
    try (TensorFile whole = TensorFiles.open(file)) {
      assertThat(whole.tensors()).isNotEmpty();
    }
    bytes.putLong(end - 20 - 56 + offset, Long.decode(value));
    assertRefused(Files.write(file, archive), "directory");
  }

  @Test
  void storages_of_a_legacy_file_lie_inside_it() throws IOException {
    byte[] archive = Files.readAllBytes(Archives.file("odd-legacy-2.pt"));
    assertRefused(
        Files.write(folder.resolve("x.pt"), Arrays.copyOf(archive, archive.length - 1)),
        "bytes are left of the file");
  }
}
