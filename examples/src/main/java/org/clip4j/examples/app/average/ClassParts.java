package org.clip4j.examples.app.average;

import java.util.List;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;
import org.clip4j.data.LabelledImage;
import org.clip4j.data.LabelledImages;

/** Parts of labelled images that have the same share of each class. */
public final class ClassParts {
  private ClassParts() {}

  /**
   * Some of the images of each class.
   *
   * @param part what the part is for
   * @param places which of a class's images, counted from 0
   * @throws IllegalArgumentException if the part is empty
   */
  public static LabelledImages of(LabelledImages images, String part, IntPredicate places) {
    int[] seen = new int[images.labels().size()];
    List<LabelledImage> chosen =
        IntStream.range(0, images.size())
            .mapToObj(images::get)
            .filter(image -> places.test(seen[image.label()]++))
            .toList();
    return LabelledImages.of(images.name() + ", " + part, images.labels(), chosen);
  }
}
