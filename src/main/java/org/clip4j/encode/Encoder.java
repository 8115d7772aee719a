package org.clip4j.encode;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.function.BiConsumer;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.clip4j.engine.InputLevels;
import org.clip4j.engine.Precision;
import org.clip4j.engine.internal.ComputeThread;
import org.clip4j.engine.internal.HostMemory;
import org.clip4j.image.ImageTransform;
import org.clip4j.loss.Similarity;
import org.clip4j.model.AppliedAdapter;
import org.clip4j.model.ClipModel;
import org.clip4j.model.Forward;
import org.clip4j.model.VisionConfig;
import org.clip4j.text.TokenBatch;
import org.clip4j.text.Tokenizer;
import org.jspecify.annotations.Nullable;

/**
 * Turns images and texts into embeddings of unit length, without recording gradients. Images are
 * decoded on other threads while those before them are encoded; texts are encoded with others of
 * their length. The memory taken does not depend on how many there are.
 *
 * <p>Any number of threads may share one. What a call returns does not depend on other calls. Its
 * kernels live until it or the model is closed.
 */
public final class Encoder implements AutoCloseable {

  /** Images encoded at once, if they are small; more gain no speed. */
  private static final int MOST_IMAGES = 32;

  /** The same where weights are integers, whose products are as fast with fewer rows. */
  private static final int MOST_IMAGES_OF_INTEGERS = 16;

  /** What an encoder may hold at once, roughly; larger images are encoded fewer at a time. */
  private static final long MOST_BYTES = 256L << 20;

  /** Floats held per token and unit of width in a residual attention block, roughly. */
  private static final int FLOATS_PER_VALUE = 10;

  /** Texts encoded at once. */
  private static final int MOST_TEXTS = 128;

  /** Tokens encoded at once, with padding; more gain no speed. */
  private static final int MOST_TOKENS = 2048;

  /** Texts that are tokenized and sorted at once. */
  private static final int SORTED = 8192;

  private final ClipModel model;
  private final ImageTransform transform;
  private final Tokenizer tokenizer;
  private final Precision precision;
  private final Forward pass;
  private final ComputeThread thread; // null: the caller's
  private final boolean prepares;
  private final Map<String, InputLevels> inputLevels;
  private final NDManager manager;
  private final PixelInput pixels;
  private final Similarity similarity;
  private final int imagesAtOnce;
  private boolean imagesPrepared;
  private boolean textsPrepared;

  /**
   * Encodes by a model's present weights, on the caller's thread.
   *
   * @param transform what the model is trained with
   * @param tokenizer what the model is trained with; null for images only
   */
  public Encoder(ClipModel model, ImageTransform transform, @Nullable Tokenizer tokenizer) {
    this(model, transform, tokenizer, Precision.FP32, false, Map.of(), null, Forward.EVALUATE);
  }

  /**
   * Encodes by weights that do not change, on a thread of its own.
   *
   * @param precision of matrix products
   * @param prepared whether to lay the weights out for it (see {@link ClipModel#prepareImages}),
   *     each encoder's when it is first used
   */
  public static Encoder ofFixed(
      ClipModel model,
      ImageTransform transform,
      @Nullable Tokenizer tokenizer,
      Precision precision,
      boolean prepared) {
    return new Encoder(
        model,
        transform,
        tokenizer,
        precision,
        prepared,
        Map.of(),
        ComputeThread.of(model.manager().getDevice()),
        Forward.EVALUATE);
  }

  /**
   * Returns an encoder that applies an adapter, on the same thread; what this one computes stays as
   * it is. It must not be used once this one is closed, and needs no closing itself.
   */
  public Encoder with(AppliedAdapter adapter) {
    return new Encoder(
        model,
        transform,
        tokenizer,
        precision,
        false,
        Map.of(),
        thread,
        Forward.EVALUATE.with(adapter));
  }

  /**
   * Makes an encoder as {@link #ofFixed} does, of a model whose weights are computed as 8-bit
   * integers.
   *
   * @param inputLevels as {@link ClipModel#quantizeImages} takes them, of both towers
   */
  public static Encoder ofQuantized(
      ClipModel model,
      ImageTransform transform,
      @Nullable Tokenizer tokenizer,
      Map<String, InputLevels> inputLevels) {
    return new Encoder(
        model,
        transform,
        tokenizer,
        Precision.FP32,
        true,
        inputLevels,
        ComputeThread.of(model.manager().getDevice()),
        Forward.EVALUATE);
  }

  private Encoder(
      ClipModel model,
      ImageTransform transform,
      @Nullable Tokenizer tokenizer,
      Precision precision,
      boolean prepares,
      Map<String, InputLevels> inputLevels,
      ComputeThread thread,
      Forward pass) {
    this.model = model;
    this.transform = transform;
    this.tokenizer = tokenizer;
    if (tokenizer != null) {
      model.config().text().requirePadding(tokenizer.padId());
    }
    this.precision = precision;
    this.pass = pass.in(precision);
    this.prepares = prepares;
    this.inputLevels = inputLevels;
    this.thread = thread;
    manager = model.manager().newSubManager();
    pixels = new PixelInput(manager, transform);
    similarity = new Similarity(manager);
    int most = inputLevels.isEmpty() ? MOST_IMAGES : MOST_IMAGES_OF_INTEGERS;
    imagesAtOnce = imagesAtOnce(model.config().vision(), transform, most);
  }

  private static int imagesAtOnce(VisionConfig vision, ImageTransform transform, int most) {
    long values = vision.valuesOfImage(transform.patches());
    long bytes = values * FLOATS_PER_VALUE * Float.BYTES;
    return (int) Math.max(1, Math.min(most, MOST_BYTES / bytes));
  }

  /**
   * Encodes images.
   *
   * @return one vector of E values for each, in order
   * @throws UncheckedIOException if one cannot be read; the message names it
   */
  public float[][] encodeImages(List<? extends ImageSource> images) {
    float[][] embeddings = new float[images.size()][];
    encodeImages(
        images.iterator(), (index, image, embedding) -> embeddings[(int) index] = embedding);
    return embeddings;
  }

  /**
   * Encodes images as {@link #encodeImages(List)} does, but goes on where an image cannot be read.
   *
   * @param unreadable told of each such image and why, in order, on this thread
   * @return null in place of the vectors of such images
   */
  public float[] @Nullable [] encodeImages(
      List<? extends ImageSource> images, BiConsumer<ImageSource, IOException> unreadable) {
    float[][] embeddings = new float[images.size()][];
    encodeImages(
        images.iterator(),
        new ImageVisitor() {
          @Override
          public void embedding(long index, ImageSource image, float[] embedding) {
            embeddings[(int) index] = embedding;
          }

          @Override
          public void unreadable(long index, ImageSource image, IOException error) {
            unreadable.accept(image, error);
          }
        });
    return embeddings;
  }

  /**
   * Encodes images as they come, any number of them.
   *
   * @param images asked for on this thread, a few batches ahead
   * @param visitor given each embedding, in order, on this thread
   * @throws CancellationException if the thread is interrupted; it stays so
   */
  public void encodeImages(Iterator<? extends ImageSource> images, ImageVisitor visitor) {
    try (DecodeAhead decoding = new DecodeAhead(images, transform, imagesAtOnce)) {
      long index = 0;
      for (List<DecodeAhead.Pending> batch; !(batch = decoding.next()).isEmpty(); ) {
        deliver(index, batch, visitor);
        index += batch.size();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CancellationException("interrupted while images were encoded");
    }
  }

  private void deliver(long first, List<DecodeAhead.Pending> batch, ImageVisitor visitor)
      throws InterruptedException {
    List<byte[]> levels = new ArrayList<>();
    IOException[] errors = new IOException[batch.size()];
    if (Thread.interrupted()) { // what has been decoded already is had without waiting
      throw new InterruptedException();
    }
    for (int i = 0; i < errors.length; i++) {
      try {
        levels.add(batch.get(i).await());
      } catch (IOException e) {
        errors[i] = e;
      }
    }
    float[][] rows =
        levels.isEmpty() ? new float[0][] : encodeLevels(levels.toArray(byte[][]::new));
    for (int i = 0, row = 0; i < errors.length; i++) {
      ImageSource image = batch.get(i).source();
      if (errors[i] == null) {
        visitor.embedding(first + i, image, rows[row++]);
      } else {
        visitor.unreadable(first + i, image, errors[i]);
      }
    }
  }

  /**
   * Encodes transformed images at once.
   *
   * @param levels for each image what {@link ImageTransform#apply} gives; at least one
   * @return one vector of E values for each, in order
   */
  public float[][] encodeLevels(byte[]... levels) {
    return compute(
        () -> {
          if (prepares && !imagesPrepared) {
            prepareImages();
            imagesPrepared = true;
          }
          try (NDManager call = model.manager().newSubManager()) {
            NDArray input = pixels.of(call, levels.length, levels);
            return HostMemory.rows(similarity.normalize(model.encodeImage(pass, input)));
          }
        });
  }

  /**
   * Encodes texts.
   *
   * @return one vector of E values for each, in order
   * @throws IllegalStateException if there is no tokenizer
   */
  public float[][] encodeTexts(List<String> texts) {
    if (tokenizer == null) {
      throw new IllegalStateException("there is no tokenizer to encode texts with");
    }
    float[][] embeddings = new float[texts.size()][];
    for (int from = 0; from < embeddings.length; from += SORTED) {
      encodeSorted(
          texts.subList(from, Math.min(from + SORTED, embeddings.length)), from, embeddings);
    }
    return embeddings;
  }

  /** Short texts with short ones, so that little is padded. */
  private void encodeSorted(List<String> texts, int offset, float[][] embeddings) {
    TokenBatch tokens = tokenizer.encode(texts);
    Integer[] order = IntStream.range(0, texts.size()).boxed().toArray(Integer[]::new);
    Arrays.sort(order, Comparator.comparingInt(i -> -tokens.row(i).length));
    for (int from = 0, to; from < order.length; from = to) {
      int length = model.config().text().paddedLength(tokens.row(order[from]).length);
      int most = Math.max(1, Math.min(MOST_TEXTS, MOST_TOKENS / length));
      to = Math.min(order.length, from + most);
      List<int[]> rows = new ArrayList<>(to - from);
      for (int i = from; i < to; i++) {
        rows.add(tokens.row(order[i]));
      }
      float[][] encoded = encodeTokens(TokenBatch.of(rows, tokens.padId()), length);
      for (int i = from; i < to; i++) {
        embeddings[offset + order[i]] = encoded[i - from];
      }
    }
  }

  private float[][] encodeTokens(TokenBatch tokens, int length) {
    return compute(
        () -> {
          if (prepares && !textsPrepared) {
            prepareTexts();
            textsPrepared = true;
          }
          try (NDManager call = model.manager().newSubManager()) {
            NDArray ids =
                HostMemory.upload(call, new Shape(tokens.size(), length), tokens.padded(length));
            return HostMemory.rows(similarity.normalize(model.encodeText(pass, ids)));
          }
        });
  }

  private void prepareImages() {
    if (inputLevels.isEmpty()) {
      model.prepareImages(precision);
    } else {
      model.quantizeImages(inputLevels);
    }
  }

  private void prepareTexts() {
    if (inputLevels.isEmpty()) {
      model.prepareTexts(precision);
    } else {
      model.quantizeTexts(inputLevels);
    }
  }

  private <T> T compute(Supplier<T> work) {
    return thread == null ? work.get() : thread.call(work);
  }

  /** Frees the kernels; model and tokenizer stay open. No call may be under way. */
  @Override
  public void close() {
    if (thread != null) {
      thread.close();
    }
    manager.close();
  }
}
