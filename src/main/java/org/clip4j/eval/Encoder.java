package org.clip4j.eval;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.function.BiConsumer;
import java.util.stream.IntStream;
import org.clip4j.data.ImageSource;
import org.clip4j.engine.HostMemory;
import org.clip4j.engine.PixelKernels;
import org.clip4j.image.ImageTransform;
import org.clip4j.loss.Similarity;
import org.clip4j.model.ClipModel;
import org.clip4j.model.Forward;
import org.clip4j.text.TokenBatch;
import org.clip4j.text.Tokenizer;

/**
 * Images and texts to embeddings of unit length, by a model's present weights, without recording
 * gradients. Its kernels live until it or the model is closed; any number of threads may share one
 * until then.
 */
public final class Encoder implements AutoCloseable {

  /** Images or texts encoded at once; more gain no speed and cost memory. */
  private static final int CHUNK = 32;

  private final ClipModel model;
  private final ImageTransform transform;
  private final Tokenizer tokenizer;
  private final NDManager manager;
  private final PixelKernels pixels;
  private final Similarity similarity;

  /**
   * Prepares the kernels.
   *
   * @param transform what the model is trained with
   * @param tokenizer what the model is trained with; null for images only
   */
  public Encoder(ClipModel model, ImageTransform transform, Tokenizer tokenizer) {
    this.model = model;
    this.transform = transform;
    this.tokenizer = tokenizer;
    manager = model.manager().newSubManager();
    pixels = new PixelKernels(manager, transform.mean(), transform.std());
    similarity = new Similarity(manager);
  }

  /**
   * Encodes images in batches, decoding on all cores.
   *
   * @return one vector of E values for each, in order
   * @throws UncheckedIOException if one cannot be read; the message names it
   */
  public float[][] encodeImages(List<? extends ImageSource> images) {
    return encodeImages(
        images,
        (image, e) -> {
          throw new UncheckedIOException(e.getMessage(), e);
        });
  }

  /**
   * As {@link #encodeImages(List)}, but goes on where an image cannot be read.
   *
   * @param unreadable told of each such image and why, on any thread, one at a time
   * @return null in place of the vectors of such images
   */
  public float[][] encodeImages(
      List<? extends ImageSource> images, BiConsumer<ImageSource, IOException> unreadable) {
    float[][] embeddings = new float[images.size()][];
    for (int start = 0; start < embeddings.length; start += CHUNK) {
      int first = start;
      int count = Math.min(CHUNK, embeddings.length - start);
      byte[][] levels = new byte[count][];
      IntStream.range(0, count)
          .parallel()
          .forEach(i -> levels[i] = levels(images.get(first + i), unreadable));
      byte[][] read = Arrays.stream(levels).filter(Objects::nonNull).toArray(byte[][]::new);
      float[][] rows = read.length == 0 ? new float[0][] : encodeLevels(read);
      for (int i = 0, row = 0; i < count; i++) {
        embeddings[start + i] = levels[i] == null ? null : rows[row++];
      }
    }
    return embeddings;
  }

  private byte[] levels(ImageSource image, BiConsumer<ImageSource, IOException> unreadable) {
    try {
      return transform.apply(image.read());
    } catch (IOException e) {
      synchronized (unreadable) {
        unreadable.accept(image, e);
      }
      return null;
    }
  }

  /**
   * Encodes transformed images at once.
   *
   * @param levels for each image [3, H, W], uint8, as {@link ImageTransform#apply} gives them; at
   *     least one
   * @return one vector of E values for each, in order
   */
  public float[][] encodeLevels(byte[]... levels) {
    byte[] all = new byte[levels.length * levels[0].length];
    for (int i = 0; i < levels.length; i++) {
      System.arraycopy(levels[i], 0, all, i * levels[0].length, levels[0].length);
    }
    try (NDManager call = model.manager().newSubManager()) {
      Shape shape = new Shape(levels.length, 3, transform.height(), transform.width());
      NDArray input = pixels.normalize(HostMemory.upload(call, shape, all));
      return rows(similarity.normalize(model.encodeImage(Forward.EVALUATE, input)));
    }
  }

  /**
   * Encodes texts in batches.
   *
   * @return one vector of E values for each, in order
   * @throws IllegalStateException if there is no tokenizer
   */
  public float[][] encodeTexts(List<String> texts) {
    if (tokenizer == null) {
      throw new IllegalStateException("there is no tokenizer to encode texts with");
    }
    List<float[]> embeddings = new ArrayList<>();
    for (int start = 0; start < texts.size(); start += CHUNK) {
      List<String> chunk = texts.subList(start, Math.min(start + CHUNK, texts.size()));
      TokenBatch tokens = tokenizer.encode(chunk);
      try (NDManager call = model.manager().newSubManager()) {
        int length = model.config().text().paddedLength(tokens.maxLength());
        NDArray ids =
            HostMemory.upload(call, new Shape(chunk.size(), length), tokens.padded(length));
        NDArray encoded = similarity.normalize(model.encodeText(Forward.EVALUATE, ids));
        embeddings.addAll(Arrays.asList(rows(encoded)));
      }
    }
    return embeddings.toArray(float[][]::new);
  }

  private static float[][] rows(NDArray matrix) {
    int width = Math.toIntExact(matrix.size(1));
    float[] all = matrix.toFloatArray();
    return IntStream.range(0, all.length / width)
        .mapToObj(i -> Arrays.copyOfRange(all, i * width, (i + 1) * width))
        .toArray(float[][]::new);
  }

  /** Frees the kernels; model and tokenizer stay open. */
  @Override
  public void close() {
    manager.close();
  }
}
