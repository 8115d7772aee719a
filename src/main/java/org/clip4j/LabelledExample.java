package org.clip4j;

import java.nio.file.Path;
import java.util.Objects;
import java.util.Set;
import org.clip4j.encode.ImageSource;

/**
 * Holds an image and what it shows, to fit thresholds on.
 *
 * @param labels those of a classifier's labels that it shows; none if it shows none of them
 */
public record LabelledExample(ImageSource image, Set<String> labels) {

  /** Keeps a copy of the labels. */
  public LabelledExample {
    Objects.requireNonNull(image, "image");
    labels = Set.copyOf(labels);
  }

  /** Takes an image file and what it shows. */
  public static LabelledExample of(Path image, String... labels) {
    return new LabelledExample(ImageSource.of(image), Set.of(labels));
  }
}
