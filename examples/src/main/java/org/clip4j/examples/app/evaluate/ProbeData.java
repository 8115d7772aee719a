package org.clip4j.examples.app.evaluate;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.clip4j.data.LabelledImage;
import org.clip4j.data.LabelledImages;
import org.clip4j.encode.ClassWeights;
import org.clip4j.encode.Encoder;
import org.clip4j.eval.EmbeddingClassifier;
import org.clip4j.eval.NumpyArray;
import org.clip4j.eval.probe.TipAdapter;
import org.clip4j.examples.app.Errors;
import org.clip4j.examples.app.terminal.Progress;
import org.clip4j.image.ImageDecoder;

/**
 * The embeddings of a data set's images with their classes.
 *
 * @param validation null where a share of the training images is to serve
 * @param classWeights embeddings of the classes' prompts; null where there is no text encoder
 * @param logitScale the model's
 * @param unreadable images that were left out
 */
public record ProbeData(
    String name,
    List<String> classNames,
    Part training,
    Part validation,
    Part test,
    float[][] classWeights,
    double logitScale,
    List<String> unreadable) {
  private static final int CHUNK = 256;

  /** By the classes' names; null where there is no text encoder. */
  EmbeddingClassifier zeroShot() {
    return classWeights == null ? null : EmbeddingClassifier.cosine(classWeights);
  }

  /** Row n of each belongs to one image. */
  record Part(float[][] features, int[] labels) {}

  /**
   * Encodes class folders.
   *
   * @param validation null for none
   */
  public static ProbeData encode(
      OpenModel model,
      String name,
      Path training,
      Path validation,
      Path test,
      List<String> templates)
      throws IOException {
    Encoder encoder = model.encoder();
    LabelledImages images = LabelledImages.classFolders(training, ImageDecoder.defaults());
    List<String> labels = images.labels();
    List<String> names = labels.stream().map(label -> label.replace('_', ' ')).toList();
    List<String> unreadable = new ArrayList<>();
    Part held = null;
    if (validation != null) {
      held = encode(encoder, name + ", validation images", folder(validation), labels, unreadable);
    }
    return new ProbeData(
        name,
        names,
        encode(encoder, name + ", training images", images, labels, unreadable),
        held,
        encode(encoder, name + ", test images", folder(test), labels, unreadable),
        ClassWeights.of(encoder, names, templates),
        model.model().logitScale(),
        List.copyOf(unreadable));
  }

  private static LabelledImages folder(Path folder) throws IOException {
    return LabelledImages.classFolders(folder, ImageDecoder.defaults());
  }

  public static Part encode(
      Encoder encoder,
      String task,
      LabelledImages images,
      List<String> labels,
      List<String> unreadable) {
    int[] classOf = new int[images.labels().size()];
    for (int k = 0; k < classOf.length; k++) {
      String label = images.labels().get(k);
      classOf[k] = labels.indexOf(label);
      if (classOf[k] < 0) {
        throw new IllegalArgumentException(
            images.name()
                + " has a folder \""
                + label
                + "\", and the training images have no such class");
      }
    }
    List<float[]> features = new ArrayList<>();
    List<Integer> found = new ArrayList<>();
    try (Progress bar = new Progress(task, images.size())) {
      for (int start = 0; start < images.size(); start += CHUNK) {
        int end = Math.min(start + CHUNK, images.size());
        List<LabelledImage> chunk = IntStream.range(start, end).mapToObj(images::get).toList();
        float[][] encoded =
            encoder.encodeImages(
                chunk.stream().map(LabelledImage::image).toList(),
                (image, e) -> unreadable.add(Errors.message(e)));
        for (int i = 0; i < encoded.length; i++) {
          if (encoded[i] != null) {
            features.add(encoded[i]);
            found.add(classOf[chunk.get(i).label()]);
          }
        }
        bar.accept(end);
      }
    }
    return new Part(
        features.toArray(float[][]::new), found.stream().mapToInt(label -> label).toArray());
  }

  /** Reads embeddings that another program computed; what is null is not there. */
  public static ProbeData read(
      String name, Path[] training, Path[] test, Path classNames, Path classEmbeddings)
      throws IOException {
    Part train = part(training);
    int classes = IntStream.of(train.labels).max().orElse(0) + 1;
    List<String> names =
        classNames != null
            ? Files.readAllLines(classNames)
            : IntStream.range(0, classes).mapToObj(k -> "class " + k).toList();
    float[][] weights = null;
    if (classEmbeddings != null) {
      weights = NumpyArray.matrix(classEmbeddings);
      if (weights.length != names.size()
          || train.features.length > 0 && weights[0].length != train.features[0].length) {
        throw new IllegalArgumentException(
            classEmbeddings
                + " has "
                + weights.length
                + " vectors for "
                + names.size()
                + " classes, or vectors of another length than the features");
      }
    }
    return new ProbeData(
        name, names, train, null, part(test), weights, TipAdapter.DEFAULT_LOGIT_SCALE, List.of());
  }

  private static Part part(Path[] files) throws IOException {
    return new Part(NumpyArray.matrix(files[0]), NumpyArray.ints(files[1]));
  }
}
