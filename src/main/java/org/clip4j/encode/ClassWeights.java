package org.clip4j.encode;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Makes vectors of class names, by prompts (Radford et al. 2021, section 3.1.4): the embeddings of
 * a name's prompts are averaged, and the average brought to unit length.
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
    return ofClasses(encoder, names.stream().map(List::of).toList(), templates);
  }

  /**
   * Computes the vectors as {@link #of} does, for classes with several names: each name is put into
   * each prompt.
   *
   * @param classes for each class its names, at least one
   * @param templates at least one, each with a {@code {}} where the name goes
   */
  public static float[][] ofClasses(
      Encoder encoder, List<List<String>> classes, List<String> templates) {
    float[][] weights = new float[classes.size()][];
    for (int from = 0, to; from < weights.length; from = to) {
      List<String> prompts = new ArrayList<>(prompts(classes.get(from), templates));
      List<Integer> ends = new ArrayList<>(List.of(prompts.size())); // of each class
      for (to = from + 1; to < weights.length && prompts.size() < PROMPTS_AT_ONCE; to++) {
        prompts.addAll(prompts(classes.get(to), templates));
        ends.add(prompts.size());
      }
      float[][] texts = encoder.encodeTexts(prompts);
      for (int c = from, first = 0; c < to; c++) {
        int end = ends.get(c - from);
        weights[c] = unitMean(Arrays.copyOfRange(texts, first, end));
        first = end;
      }
    }
    return weights;
  }

  /**
   * Lists a class's prompts: each of its names in each template.
   *
   * @throws IllegalArgumentException if there is no template, or one has no {@code {}}
   */
  public static List<String> prompts(List<String> names, List<String> templates) {
    checkTemplates(templates);
    List<String> prompts = new ArrayList<>();
    for (String name : names) {
      templates.forEach(template -> prompts.add(template.replace("{}", name)));
    }
    return prompts;
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
                + "\" has no {}, the place where the label goes; write for example \"a photo of a"
                + " {}.\"");
      }
    }
  }

  private static float[] unitMean(float[][] vectors) {
    double[] sum = new double[vectors[0].length];
    for (float[] vector : vectors) {
      for (int e = 0; e < sum.length; e++) {
        sum[e] += vector[e];
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
