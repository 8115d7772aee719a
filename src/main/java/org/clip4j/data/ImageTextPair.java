package org.clip4j.data;

import java.util.List;
import org.clip4j.encode.ImageSource;

/**
 * Holds one training example: an image, and one or more captions of which each epoch draws one.
 *
 * @param image the image, not yet decoded
 * @param captions at least one
 */
public record ImageTextPair(ImageSource image, List<String> captions) {

  /** Checks that there is a caption. */
  public ImageTextPair {
    captions = List.copyOf(captions);
    if (captions.isEmpty()) {
      throw new IllegalArgumentException(image.name() + " has no caption");
    }
  }
}
