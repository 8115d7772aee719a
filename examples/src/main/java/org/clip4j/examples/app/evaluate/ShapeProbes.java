package org.clip4j.examples.app.evaluate;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.clip4j.data.LabelledImage;
import org.clip4j.data.shapes.ColouredShapes;
import org.clip4j.data.shapes.ShapeStyle;
import org.clip4j.encode.ClassWeights;
import org.clip4j.encode.Encoder;
import org.clip4j.eval.EmbeddingClassifier;
import org.clip4j.eval.ProbeEvaluation;
import org.clip4j.eval.probe.FewShot;
import org.clip4j.eval.probe.LinearProbe;

/**
 * Probes beside zero-shot on generated shapes. The probes are fitted on images of the trained
 * combinations, which have labels for them; zero-shot has words.
 */
final class ShapeProbes {

  /** What is asked about an image, and in which words. */
  enum Task {
    COMBINATION(
        "colour and shape", "a photo of a {}.", "a picture of a {}.", "a {}", "an image of a {}"),
    COLOUR("colour", "something {}", "a picture of something {}", "an image of something {}"),
    SHAPE("shape", "a photo of a {}.", "a picture of a {}.", "a {}", "an image of a {}");

    final String title;
    final List<String> templates;

    Task(String title, String... templates) {
      this.title = title;
      this.templates = List.of(templates);
    }

    /** Of the words "red circle". */
    String answer(String words) {
      int space = words.indexOf(' ');
      return switch (this) {
        case COMBINATION -> words;
        case COLOUR -> words.substring(0, space);
        case SHAPE -> words.substring(space + 1);
      };
    }
  }

  /** Embedded images with what they show, "red circle". */
  record Embedded(float[][] embeddings, List<String> words) {

    int[] labels(Task task, List<String> classes) {
      return words.stream().mapToInt(each -> classes.indexOf(task.answer(each))).toArray();
    }
  }

  /**
   * What was measured.
   *
   * @param compared by what was asked on which images, zero-shot beside the probe on all training
   *     images
   * @param fewShot of the combination
   */
  record Result(Map<String, ProbeEvaluation> compared, FewShot.Result fewShot) {}

  private final ColouredShapes shapes;
  private final int perCombination;
  private final long seed;
  private final Embedded training;
  private final LinearProbe combinations;

  /**
   * Fits the probe of combinations.
   *
   * @param others the same set of shapes from another seed, whose images are trained on
   * @param shots training images of each combination
   */
  ShapeProbes(
      Encoder encoder,
      ColouredShapes shapes,
      ColouredShapes others,
      int shots,
      int perCombination,
      long seed) {
    this.shapes = shapes;
    this.perCombination = perCombination;
    this.seed = seed;
    training = embed(encoder, others.seenTest(shots));
    combinations = fit(Task.COMBINATION);
  }

  List<String> classes(Task task) {
    return shapes.seenLabels().stream().map(task::answer).distinct().toList();
  }

  Embedded training() {
    return training;
  }

  LinearProbe combinations() {
    return combinations;
  }

  private LinearProbe fit(Task task) {
    List<String> classes = classes(task);
    return LinearProbe.builder()
        .setTraining(training.embeddings, training.labels(task, classes))
        .setClassNames(classes)
        .optSeed(seed)
        .fit();
  }

  Embedded embed(Encoder encoder, List<LabelledImage> images) {
    float[][] embeddings = encoder.encodeImages(images.stream().map(LabelledImage::image).toList());
    List<String> words = images.stream().map(each -> shapes.labels().get(each.label())).toList();
    return new Embedded(embeddings, words);
  }

  /** Zero-shot by the words of a task. */
  EmbeddingClassifier zeroShot(Encoder encoder, Task task) {
    return EmbeddingClassifier.cosine(words(encoder, task));
  }

  private float[][] words(Encoder encoder, Task task) {
    return ClassWeights.of(encoder, classes(task), task.templates);
  }

  /**
   * Compares on plain, shifted and unseen images, and draws few shots; for a model of a logit
   * scale.
   */
  Result run(Encoder encoder, double logitScale) {
    Embedded plain = embed(encoder, shapes.seenTest(perCombination));
    Map<String, Embedded> sets = new LinkedHashMap<>();
    sets.put("", plain);
    sets.put(", unseen combinations", embed(encoder, shapes.unseenTest(perCombination)));
    for (ShapeStyle style : ShapeStyle.values()) {
      if (style != ShapeStyle.PLAIN) {
        sets.put(", " + name(style), embed(encoder, shapes.seenTest(perCombination, style)));
      }
    }
    Map<String, ProbeEvaluation> compared = new LinkedHashMap<>();
    for (Task task : Task.values()) {
      LinearProbe probe = task == Task.COMBINATION ? combinations : fit(task);
      EmbeddingClassifier zeroShot = zeroShot(encoder, task);
      List<String> classes = classes(task);
      sets.forEach(
          (name, set) -> {
            int[] labels = set.labels(task, classes);
            if (labels[0] >= 0) { // a probe has no class for what it was not trained on
              compared.put(
                  task.title + name,
                  ProbeEvaluation.of(
                      set.embeddings,
                      labels,
                      probe.classNames().size(),
                      probe.classifier(),
                      zeroShot,
                      seed));
            }
          });
    }
    List<String> classes = classes(Task.COMBINATION);
    List<Integer> shots = new ArrayList<>();
    int most = training.words.size() / classes.size();
    for (int each = 1; each <= most; each *= 2) {
      shots.add(each);
    }
    FewShot.Result fewShot =
        FewShot.create()
            .setTraining(training.embeddings, training.labels(Task.COMBINATION, classes))
            .setTest(plain.embeddings, plain.labels(Task.COMBINATION, classes))
            .setClassNames(classes)
            .optShots(shots.stream().mapToInt(each -> each).toArray())
            .optClassWeights(words(encoder, Task.COMBINATION), logitScale)
            .run();
    return new Result(compared, fewShot);
  }

  /** "checkered background". */
  static String name(ShapeStyle style) {
    return style.name().toLowerCase(Locale.ROOT).replace('_', ' ');
  }
}
