package org.clip4j.train.options;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.clip4j.image.ImageTransform;
import org.clip4j.model.ClipModel;
import org.clip4j.search.Embeddings;
import org.clip4j.text.Tokenizer;

/**
 * Wraps a trained model that a smaller one learns from besides its pairs, as OpenCLIP's
 * distillation does: for each batch, how alike the teacher finds each image and each text is what
 * the student is to find. Only these similarities are compared, so the length of the teacher's
 * embeddings, its tokenizer and the mean and deviation that its images are normalised by may be
 * others than the student's.
 *
 * <p>Called by one thread. What it answers must depend on its arguments alone, or the training
 * cannot be resumed exactly.
 */
public interface Teacher {

  /**
   * Encodes images.
   *
   * @param names of the images, as the training's pairs have them
   * @param levels for each image [3, H, W], uint8, as the student sees it, augmented perhaps
   * @return for each image a vector of unit length
   * @throws IOException if that fails; the message says for which image
   */
  float[][] images(List<String> names, byte[][] levels) throws IOException;

  /**
   * Encodes texts.
   *
   * @return for each text a vector of unit length, as long as those of images
   * @throws IOException if that fails; the message says for which text
   */
  float[][] texts(List<String> texts) throws IOException;

  /** Returns what the teacher's cosine similarities are multiplied by. */
  double logitScale();

  /** Tells this teacher from others, in few words, for a checkpoint. */
  String description();

  /**
   * Checks that the student's images can be shown to this teacher.
   *
   * @param transform the student's
   * @throws IllegalArgumentException saying why not
   */
  default void requireFits(ImageTransform transform) {}

  /**
   * Returns a model as a teacher; it encodes each batch again, augmented as the student sees it.
   *
   * @param model not trained meanwhile; stays the caller's, as does the tokenizer
   * @param transform the model's own, for images of the student's size
   * @param tokenizer the model's own
   */
  static Teacher of(ClipModel model, ImageTransform transform, Tokenizer tokenizer) {
    return new OnlineTeacher(model, transform, tokenizer);
  }

  /**
   * Returns a teacher that has embedded all images and captions before. They are of the images as
   * they are: augmentation is the student's alone.
   *
   * @param images whose names are files, and members of tars in a second column; stays the
   *     caller's, as do the texts
   * @param root the folder that the files' names count from
   * @param texts whose names are the captions
   * @param logitScale of the model that embedded them
   * @throws IllegalArgumentException if the two are of different models
   */
  static Teacher stored(Embeddings images, Path root, Embeddings texts, double logitScale) {
    return new StoredTeacher(images, root, texts, logitScale);
  }
}
