package org.clip4j.weights.pytorch;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.clip4j.testing.Bounds;
import org.clip4j.weights.TensorFiles;
import org.clip4j.weights.tensors.CheckpointException;
import org.junit.jupiter.api.io.TempDir;

/** What archives made to harm are written with, and how they are refused. */
abstract class HostileFixture {
  @TempDir Path folder;

  final void assertRefused(Path file, String... parts) {
    Throwable thrown = Bounds.run(() -> TensorFiles.open(file).close());
    assertThat(thrown)
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining(file.toString())
        .hasMessageContainingAll(parts);
    assertThat(thrown.getMessage().length()).isLessThan(2000);
  }

  final Path zip(List<Entry> entries) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
      for (Entry entry : entries) {
        ZipEntry header = new ZipEntry("x/" + entry.name);
        if (entry.stored) {
          CRC32 crc = new CRC32();
          crc.update(entry.bytes);
          header.setMethod(ZipEntry.STORED);
          header.setSize(entry.bytes.length);
          header.setCrc(crc.getValue());
        }
        zip.putNextEntry(header);
        zip.write(entry.bytes);
      }
    }
    return Files.write(folder.resolve("x.pt"), bytes.toByteArray());
  }

  record Entry(String name, boolean stored, byte[] bytes) {}

  /** The floats 1 to 4. */
  static byte[] data() {
    ByteBuffer bytes = ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN);
    return bytes.putFloat(1).putFloat(2).putFloat(3).putFloat(4).array();
  }
}
