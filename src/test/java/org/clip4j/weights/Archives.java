package org.clip4j.weights;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import org.clip4j.weights.tensors.TensorFile;
import org.clip4j.weights.tensors.TensorInfo;

/** What examples/peers/make_archives.py wrote; a missing file fails the test that asks for it. */
public final class Archives {
  private Archives() {}

  public static Path file(String name) {
    Path file = Path.of("src/test/resources/archives", name);
    if (!Files.exists(file)) {
      throw new AssertionError("no archive at " + file.toAbsolutePath());
    }
    return file;
  }

  /** Compares names, types, shapes and every bit of the values. */
  public static void assertSame(TensorFile found, TensorFile expected) throws IOException {
    assertThat(found.tensors().keySet())
        .containsExactlyInAnyOrderElementsOf(expected.tensors().keySet());
    for (TensorInfo info : expected.tensors().values()) {
      String name = info.name();
      assertThat(found.tensors().get(name).describe()).as(name).isEqualTo(info.describe());
      FloatBuffer values = FloatBuffer.allocate((int) info.count());
      found.copy(name, 0, values);
      assertThat(values.flip()).as(name).isEqualTo(expected.floats(name));
      if (info.type().isInteger()) {
        assertThat(found.longs(name)).as(name).isEqualTo(expected.longs(name));
      }
    }
  }
}
