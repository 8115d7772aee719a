package org.clip4j.weights;

import java.nio.file.Files;
import java.nio.file.Path;

/** The golden cases; a missing one fails the test that asks for it. */
public final class Golden {
  private Golden() {}

  public static Path folder(String name) {
    Path folder = Path.of("src/test/resources/golden", name);
    if (!Files.isDirectory(folder)) {
      throw new AssertionError("no golden case at " + folder.toAbsolutePath());
    }
    return folder;
  }
}
