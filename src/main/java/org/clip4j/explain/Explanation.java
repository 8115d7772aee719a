package org.clip4j.explain;

import java.util.List;

/**
 * Says why an image is similar to a text.
 *
 * @param text as it was given
 * @param cosine similarity of the two, in [-1, 1]
 * @param heatMap where in the image it comes from
 * @param tokens what in the text it comes from, in order, start and end tokens included
 */
public record Explanation(
    String text, double cosine, HeatMap heatMap, List<TokenRelevance> tokens) {

  /** Copies the list. */
  public Explanation {
    tokens = List.copyOf(tokens);
  }
}
