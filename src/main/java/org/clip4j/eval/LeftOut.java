package org.clip4j.eval;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;
import org.clip4j.data.UnreadableImages;
import org.clip4j.encode.Encoder;
import org.clip4j.encode.ImageSource;
import org.clip4j.io.IoErrors;
import org.slf4j.Logger;

/** Counts the images that an {@link Encoder} could not read, and keeps the names of the first. */
final class LeftOut implements BiConsumer<ImageSource, IOException> {
  private static final int NAMED = 100;
  private static final int SHOWN = 3;

  private final List<String> names = new ArrayList<>();
  private int count;

  @Override
  public void accept(ImageSource image, IOException e) {
    count++;
    if (names.size() < NAMED) {
      String reason = IoErrors.message(e);
      names.add(reason.contains(image.name()) ? reason : image.name() + ": " + reason);
    }
  }

  /**
   * Fails if nothing is left.
   *
   * @param set what the message calls the images
   */
  void check(String set, int images) {
    if (count == images) {
      throw new IllegalArgumentException(
          images == 0
              ? set + " holds no images"
              : "none of the "
                  + images
                  + " images of "
                  + set
                  + " can be read; the first: "
                  + first());
    }
  }

  /** Warns once of all, with the first few. */
  void warn(Logger logger, String what) {
    if (count > 0) {
      logger.warn(
          "{} images cannot be read and are left out of {}; the first: {}", count, what, first());
    }
  }

  private String first() {
    return String.join("; ", names.subList(0, Math.min(SHOWN, names.size())));
  }

  int count() {
    return count;
  }

  UnreadableImages unreadable() {
    return new UnreadableImages(count, names);
  }
}
