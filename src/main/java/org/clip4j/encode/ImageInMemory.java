package org.clip4j.encode;

import java.io.IOException;
import java.util.Objects;
import org.clip4j.image.RgbImage;

/** An image whose pixels or bytes are in memory. */
record ImageInMemory(String name, Reading reading) implements ImageSource {

  /** Makes pixels of what is in memory. */
  @FunctionalInterface
  interface Reading {
    RgbImage read() throws IOException;
  }

  /** Checks that there is a name. */
  ImageInMemory {
    Objects.requireNonNull(name, "name");
  }

  @Override
  public RgbImage read() throws IOException {
    return reading.read();
  }
}
