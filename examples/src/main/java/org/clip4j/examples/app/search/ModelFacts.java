package org.clip4j.examples.app.search;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.clip4j.ClipLoader;
import org.clip4j.image.ImageTransform;
import org.clip4j.model.ParameterSpec;
import org.clip4j.weights.Checkpoint;

/**
 * What tells a model from others, whatever its folder is called: embeddings of different ones
 * cannot be compared.
 *
 * @param weights a checksum of all parameters
 * @param transform the preprocessing of images, in words
 */
public record ModelFacts(String weights, String transform) {
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
      return new ModelFacts(checkpoint.parameters().checksum(specs), words(checkpoint.transform()));
    }
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
