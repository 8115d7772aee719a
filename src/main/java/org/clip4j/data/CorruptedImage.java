package org.clip4j.data;

import java.io.IOException;
import java.util.Objects;
import org.clip4j.encode.ImageSource;
import org.clip4j.image.Corruption;
import org.clip4j.image.RgbImage;
import org.clip4j.io.SeededRandom;

/**
 * Spoils an image as it is read, the same way every time: what is drawn depends on the seed and the
 * image's name.
 *
 * @param image as it is
 * @param corruption what is done to it
 * @param severity from 1 to {@link Corruption#SEVERITIES}
 * @param seed of what is drawn
 */
public record CorruptedImage(ImageSource image, Corruption corruption, int severity, long seed)
    implements ImageSource {

  /** Checks the severity. */
  public CorruptedImage {
    Objects.requireNonNull(image, "image");
    corruption.amount(severity);
  }

  @Override
  public String name() {
    return image.name();
  }

  @Override
  public RgbImage read() throws IOException {
    SeededRandom random = new SeededRandom(SeededRandom.CORRUPTION, seed, image.name().hashCode());
    return corruption.apply(image.read(), severity, random::nextDouble);
  }
}
