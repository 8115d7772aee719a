package org.clip4j.train.options;

import java.io.IOException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.clip4j.io.FileNames;
import org.clip4j.search.Embeddings;

/** A model's embeddings of all images and captions, looked up by name. */
final class StoredTeacher implements Teacher {
  private final Embeddings images;
  private final Embeddings texts;
  private final double logitScale;
  private final Map<String, Integer> imageRows = new HashMap<>();
  private final Map<String, Integer> textRows = new HashMap<>();

  StoredTeacher(Embeddings images, Path root, Embeddings texts, double logitScale) {
    String imageWeights = images.facts().get("weights");
    String textWeights = texts.facts().get("weights");
    if (images.dimensions() != texts.dimensions()
        || imageWeights != null && textWeights != null && !imageWeights.equals(textWeights)) {
      throw new IllegalArgumentException(
          "the teacher's embeddings of images and of texts are of different models: of "
              + images.dimensions()
              + " dimensions, weights "
              + imageWeights
              + ", and of "
              + texts.dimensions()
              + " dimensions, weights "
              + textWeights
              + "; embed both with one model");
    }
    this.images = images;
    this.texts = texts;
    this.logitScale = logitScale;
    for (int row = 0; row < images.size(); row++) {
      List<String> name = images.name(row);
      String file = FileNames.text(FileNames.resolve(root, name.get(0)));
      String member = name.size() > 1 ? name.get(1) : "";
      imageRows.put(key(member.isEmpty() ? file : file + ":" + member), row);
    }
    for (int row = 0; row < texts.size(); row++) {
      textRows.put(texts.name(row).get(0), row);
    }
  }

  /** The same for all names of a file, from wherever they lead to it. */
  private static String key(String name) {
    try {
      return FileNames.text(FileNames.of(name).toAbsolutePath().normalize());
    } catch (InvalidPathException e) {
      return name; // of an image that is no file
    }
  }

  @Override
  public float[][] images(List<String> names, byte[][] levels) throws IOException {
    float[][] embeddings = new float[names.size()][];
    for (int i = 0; i < embeddings.length; i++) {
      Integer row = imageRows.get(key(names.get(i)));
      embeddings[i] = found(images, row, "image " + names.get(i));
    }
    return embeddings;
  }

  @Override
  public float[][] texts(List<String> captions) throws IOException {
    float[][] embeddings = new float[captions.size()][];
    for (int i = 0; i < embeddings.length; i++) {
      Integer row = textRows.get(captions.get(i));
      embeddings[i] = found(texts, row, "text \"" + captions.get(i) + "\"");
    }
    return embeddings;
  }

  private static float[] found(Embeddings embeddings, Integer row, String what) throws IOException {
    if (row == null) {
      throw new IOException(
          "the teacher has no embedding of the "
              + what
              + " among its "
              + embeddings.size()
              + "; embed all that is trained on");
    }
    return embeddings.index().vector(row);
  }

  @Override
  public double logitScale() {
    return logitScale;
  }

  @Override
  public String description() {
    return "stored, "
        + images.facts().getOrDefault("weights", images.dimensions() + " dimensions")
        + ", logit scale "
        + logitScale;
  }
}
