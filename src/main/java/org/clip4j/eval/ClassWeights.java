package org.clip4j.eval;

import java.util.ArrayList;
import java.util.List;

/**
 * Class names as vectors, by prompts (Radford et al. 2021, section 3.1.4): the embeddings of a
 * name's prompts are averaged, and the average brought to unit length.
 */
public final class ClassWeights {
  /** Prompts whose embeddings are held at once. */
  private static final int PROMPTS_AT_ONCE = 8192;

  private ClassWeights() {}

  /**
   * Encodes the prompts.
   *
   * @param templates at least one, each with a {@code {}} where the name goes
   * @return for each name E values, unit length
   * @throws IllegalArgumentException if a template has no {@code {}}
   */
  public static float[][] of(Encoder encoder, List<String> names, List<String> templates) {
    checkTemplates(templates);
    float[][] weights = new float[names.size()][];
    int atOnce = Math.max(1, PROMPTS_AT_ONCE / templates.size());
    for (int from = 0; from < weights.length; from += atOnce) {
      int to = Math.min(weights.length, from + atOnce);
      List<String> prompts = new ArrayList<>();
      for (String name : names.subList(from, to)) {
        templates.forEach(template -> prompts.add(template.replace("{}", name)));
      }
      float[][] texts = encoder.encodeTexts(prompts);
      for (int i = from; i < to; i++) {
        int first = (i - from) * templates.size();
        weights[i] = unitMean(texts, first, first + templates.size());
      }
    }
    return weights;
  }

  /** Throws IllegalArgumentException unless there are templates, each with a {@code {}}. */
  public static void checkTemplates(List<String> templates) {
    if (templates.isEmpty()) {
      throw new IllegalArgumentException(
          "a classifier needs at least one prompt template; use \"{}\" for the label alone");
    }
    for (String template : templates) {
      if (!template.contains("{}")) {
        throw new IllegalArgumentException(
            "the template \""
                + template
                + "\" has no {}, the place where the label goes; write for example \"a photo of a {}.\"");
      }
    }
  }

  private static float[] unitMean(float[][] vectors, int from, int to) {
    double[] sum = new double[vectors[from].length];
    for (int i = from; i < to; i++) {
      for (int e = 0; e < sum.length; e++) {
        sum[e] += vectors[i][e];
      }
    }
    double norm = 0;
    for (double value : sum) {
      norm += value * value;
    }
    norm = Math.max(Math.sqrt(norm), 1e-12);
    float[] mean = new float[sum.length];
    for (int e = 0; e < mean.length; e++) {
      mean[e] = (float) (sum[e] / norm);
    }
    return mean;
  }
}
