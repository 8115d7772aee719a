package org.clip4j.springai;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.clip4j.Clip;

/** Tells whether models answer, by a text of one word, after the calls that came before it. */
final class HealthCheck {
  private HealthCheck() {}

  /**
   * Gives the models and their dimensions.
   *
   * @throws RuntimeException if one does not answer, or with a vector that is no embedding
   */
  static Map<String, Object> run(List<ClipEmbeddingModel> models) {
    Map<String, Object> details = new TreeMap<>();
    for (ClipEmbeddingModel model : models) {
      float[] embedding = model.clip().encodeText("health");
      double square = Clip.cosine(embedding, embedding);
      if (!(Math.abs(square - 1) < 1e-2)) { // true of NaN
        throw new IllegalStateException(
            model.name() + " answers with a vector whose square is " + square + ", not 1");
      }
      details.put(model.name(), model.dimensions() + " dimensions");
    }
    return details;
  }
}
