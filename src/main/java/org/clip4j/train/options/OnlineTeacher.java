package org.clip4j.train.options;

import java.util.Arrays;
import java.util.List;
import org.clip4j.encode.Encoder;
import org.clip4j.engine.Precision;
import org.clip4j.image.ImageTransform;
import org.clip4j.model.ClipModel;
import org.clip4j.text.Tokenizer;

/** A model that encodes each batch that its student sees. */
final class OnlineTeacher implements Teacher {
  /** Images encoded at once; more gain no speed. */
  private static final int MOST = 32;

  private final ClipModel model;
  private final ImageTransform transform;
  private final Encoder encoder; // lives as long as the model
  private final String description;

  OnlineTeacher(ClipModel model, ImageTransform transform, Tokenizer tokenizer) {
    this.model = model;
    this.transform = transform;
    encoder = Encoder.ofFixed(model, transform, tokenizer, Precision.FP32, true);
    description = model.values().checksum(model.specs());
  }

  @Override
  public float[][] images(List<String> names, byte[][] levels) {
    float[][] embeddings = new float[levels.length][];
    for (int from = 0; from < levels.length; from += MOST) {
      int to = Math.min(levels.length, from + MOST);
      float[][] some = encoder.encodeLevels(Arrays.copyOfRange(levels, from, to));
      System.arraycopy(some, 0, embeddings, from, some.length);
    }
    return embeddings;
  }

  @Override
  public float[][] texts(List<String> texts) {
    return encoder.encodeTexts(texts);
  }

  @Override
  public double logitScale() {
    return model.logitScale();
  }

  @Override
  public String description() {
    return description;
  }

  @Override
  public void requireFits(ImageTransform student) {
    if (student.height() != transform.height() || student.width() != transform.width()) {
      throw new IllegalArgumentException(
          "the teacher takes images of "
              + transform.height()
              + " x "
              + transform.width()
              + " pixels, and the student's are "
              + student.height()
              + " x "
              + student.width()
              + "; learn from the teacher's stored embeddings instead, which it makes of images of"
              + " its own size");
    }
  }
}
