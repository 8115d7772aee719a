package org.clip4j.data;

import java.util.Objects;
import org.clip4j.encode.ImageSource;

/**
 * Holds one example of a classification test set.
 *
 * @param image the image, not yet decoded
 * @param label index of its class in the test set's list of labels
 */
public record LabelledImage(ImageSource image, int label) {

  /** Checks the label's sign; its upper limit is the list's. */
  public LabelledImage {
    Objects.requireNonNull(image, "image");
    if (label < 0) {
      throw new IllegalArgumentException(image.name() + " has label " + label + ", below 0");
    }
  }
}
