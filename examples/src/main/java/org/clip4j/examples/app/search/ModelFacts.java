package org.clip4j.examples.app.search;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.clip4j.ClipLoader;
import org.clip4j.image.ImageTransform;
import org.clip4j.model.ParameterSpec;
import org.clip4j.weights.Checkpoint;
import org.clip4j.weights.ModelOrigin;

/**
 * What tells a model from others, whatever its folder is called: embeddings of different ones
 * cannot be compared.
 *
 * @param weights a checksum of all parameters
 * @param transform the preprocessing of images, in words
 * @param origin which checkpoint it is, and its licence
 */
public record ModelFacts(String weights, String transform, ModelOrigin origin) {
  // Names in embed.json, for Search to find what Embed says.
  public static final String OF = "of";
  public static final String IMAGES = "images";
  public static final String TEXTS = "texts";
  public static final String WEIGHTS = "weights";
  public static final String KIND = "kind";
  public static final String ROOT = "root";
  public static final String LOGIT_SCALE = "logit_scale";

  public static ModelFacts of(ClipLoader loader) throws IOException {
    try (Checkpoint checkpoint = loader.openCheckpoint()) {
      List<ParameterSpec> specs = ParameterSpec.of(checkpoint.config());
      List<ModelOrigin> origins = checkpoint.origins();
      return new ModelFacts(
          checkpoint.parameters().checksum(specs),
          words(checkpoint.transform()),
          origins.get(origins.size() - 1));
    }
  }

  /** What is noted of the model that is called so. */
  public Map<String, String> notes(String model) {
    Map<String, String> notes = new TreeMap<>(Map.of("model", model));
    if (!origin.revision().isEmpty()) {
      notes.put("revision", origin.revision());
    }
    if (!origin.licence().isEmpty()) {
      notes.put("licence", origin.licence());
    }
    return notes;
  }

  private static String words(ImageTransform transform) {
    return String.format(
            Locale.ROOT,
            "%d x %d, %s, %s, mean %s, std %s",
            transform.height(),
            transform.width(),
            transform.interpolation(),
            transform.resizeMode(),
            Arrays.toString(transform.mean()),
            Arrays.toString(transform.std()))
        .toLowerCase(Locale.ROOT);
  }
}
