package org.clip4j.segment;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.awt.geom.Rectangle2D;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.clip4j.Clip;
import org.clip4j.encode.ImageSource;
import org.clip4j.encode.PixelInput;
import org.clip4j.engine.Precision;
import org.clip4j.engine.internal.ComputeThread;
import org.clip4j.engine.internal.HostMemory;
import org.clip4j.image.ImageTransform;
import org.clip4j.image.RgbImage;
import org.clip4j.io.IoErrors;
import org.clip4j.model.ClipModel;
import org.clip4j.model.Forward;
import org.clip4j.model.MaskDecoder;
import org.clip4j.model.VitConfig;
import org.clip4j.text.TokenBatch;
import org.clip4j.text.Tokenizer;
import org.jspecify.annotations.Nullable;

/**
 * Finds where in an image something is that a text names, or an example image shows: CLIPSeg
 * (Lüddecke and Ecker 2022, arXiv 2112.10003; transformers' {@code CLIPSegForImageSegmentation}).
 *
 * <pre>{@code
 * try (ClipSegmenter segmenter = ClipSegmenter.load("CIDAS/clipseg-rd64-refined")) {
 *   for (Mask mask : segmenter.segment(Path.of("street.jpg"), "a car", "a tree")) {
 *     float[] probabilities = mask.probabilitiesOfImage(); // one for each pixel
 *   }
 * }
 * }</pre>
 *
 * <p>Each image goes through the image encoder once, whatever the number of prompts. The memory
 * taken does not depend on how many images or prompts there are, but for the masks that are given
 * back. Any number of threads may share one; they compute one after the other. Whoever loads it
 * closes it. Its decoder is not trained here.
 */
public final class ClipSegmenter implements AutoCloseable {
  /** Images that are encoded at once, if there are several. */
  private static final int MOST_IMAGES = 4;

  /** Masks that are decoded at once. */
  private static final int MOST_MASKS = 16;

  /** Texts that are encoded at once. */
  private static final int MOST_TEXTS = 64;

  private final ClipModel model;
  private final MaskDecoder decoder;
  private final ImageTransform transform;
  private final @Nullable Tokenizer tokenizer;
  private final Forward pass;
  private final PixelInput pixels;
  private final ComputeThread thread;
  private final ReentrantReadWriteLock calls = new ReentrantReadWriteLock();
  private boolean closed;

  ClipSegmenter(
      ClipModel model,
      MaskDecoder decoder,
      ImageTransform transform,
      @Nullable Tokenizer tokenizer,
      Precision precision) {
    this.model = model;
    this.decoder = decoder;
    this.transform = transform;
    this.tokenizer = tokenizer;
    pass = Forward.EVALUATE.in(precision);
    pixels = new PixelInput(model.manager(), transform);
    thread = ComputeThread.of(model.manager().getDevice());
    thread.call(
        () -> {
          model.prepareImages(precision);
          model.prepareTexts(precision);
          return null;
        });
  }

  /**
   * Loads a model by the name that it has on the hub, or from a folder or weights file of that
   * name.
   *
   * @throws UncheckedIOException if it cannot be had or read, or has no decoder of masks; the
   *     message names it
   */
  public static ClipSegmenter load(String name) {
    return loader(name).load();
  }

  /** Loads as {@link #load(String)} does, from a folder or a weights file. */
  public static ClipSegmenter load(Path path) {
    return loader(path).load();
  }

  /** Starts loading with options. */
  public static SegmenterLoader loader(String name) {
    return new SegmenterLoader(Clip.loader(name));
  }

  /** Starts loading a folder or a weights file with options. */
  public static SegmenterLoader loader(Path path) {
    return new SegmenterLoader(Clip.loader(path));
  }

  /** Returns what is done to an image before the model sees it. */
  public ImageTransform transform() {
    return transform;
  }

  /**
   * Looks for what texts name in an image file.
   *
   * @param prompts at least one, such as {@code "a red car"}; what exceeds the context length is
   *     cut
   * @return a mask for each prompt, in order
   * @throws UncheckedIOException if the image cannot be read; the message names it
   */
  public List<Mask> segment(Path image, String... prompts) {
    return segment(ImageSource.of(image), List.of(prompts));
  }

  /** Looks as {@link #segment(Path, String...)} does, in an image of any kind. */
  public List<Mask> segment(ImageSource image, List<String> prompts) {
    List<Mask> found = new ArrayList<>();
    segment(List.of(image).iterator(), prompts, (index, source, masks) -> found.addAll(masks));
    return found;
  }

  /**
   * Looks for what texts name in images as they come, any number of them in bounded memory.
   *
   * @param images asked for on this thread, a few at a time
   * @param prompts as for {@link #segment(Path, String...)}
   * @param visitor given the masks of each image, in order, on this thread; must not close this
   * @throws UncheckedIOException if an image cannot be read; the message names it
   */
  public void segment(
      Iterator<? extends ImageSource> images, List<String> prompts, MaskVisitor visitor) {
    requireSome(prompts, "text");
    if (tokenizer == null) {
      throw new IllegalStateException(
          "the model came without its tokenizer: put its tokenizer.json, or vocab.json and"
              + " merges.txt, into its folder; example images need none");
    }
    call(
        () -> {
          each(images, prompts, texts(prompts), visitor);
          return null;
        });
  }

  /**
   * Looks for what an example image shows. The model was made for examples on which little else is
   * to be seen: cut out what you mean, or darken and blur the rest (the paper's visual prompt
   * engineering).
   *
   * @return the mask, whose prompt is the example's name
   * @throws UncheckedIOException if an image cannot be read; the message names it
   */
  public Mask segmentLike(Path image, Path example) {
    return segmentLike(ImageSource.of(image), List.of(ImageSource.of(example))).get(0);
  }

  /**
   * Looks as {@link #segmentLike(Path, Path)} does, in and for images of any kind.
   *
   * @return a mask for each example, in order
   */
  public List<Mask> segmentLike(ImageSource image, List<? extends ImageSource> examples) {
    List<Mask> found = new ArrayList<>();
    segmentLike(List.of(image).iterator(), examples, (index, source, masks) -> found.addAll(masks));
    return found;
  }

  /** Looks as {@link #segment(Iterator, List, MaskVisitor)} does, for what example images show. */
  public void segmentLike(
      Iterator<? extends ImageSource> images,
      List<? extends ImageSource> examples,
      MaskVisitor visitor) {
    requireSome(examples, "example image");
    List<String> names = examples.stream().map(ImageSource::name).toList();
    call(
        () -> {
          each(images, names, examples(examples), visitor);
          return null;
        });
  }

  private static void requireSome(List<?> prompts, String what) {
    if (prompts.isEmpty()) {
      throw new IllegalArgumentException("there is nothing to look for: give a " + what);
    }
  }

  /** An image as the model takes it, and the size that it had. */
  private record Seen(ImageSource source, int height, int width, byte[] levels) {}

  private Seen read(ImageSource source) throws IOException {
    RgbImage image = source.read();
    return new Seen(source, image.height(), image.width(), transform.apply(image));
  }

  private void each(
      Iterator<? extends ImageSource> images,
      List<String> names,
      float[][] conditions,
      MaskVisitor visitor)
      throws IOException {
    long index = 0;
    while (images.hasNext()) {
      List<Seen> batch = new ArrayList<>();
      while (batch.size() < MOST_IMAGES && images.hasNext()) {
        batch.add(read(images.next()));
      }
      List<List<Mask>> found = thread.call(() -> masks(batch, names, conditions));
      for (int i = 0; i < batch.size(); i++) {
        visitor.masks(index++, batch.get(i).source, found.get(i));
      }
    }
  }

  private List<List<Mask>> masks(List<Seen> batch, List<String> names, float[][] conditions) {
    List<List<Mask>> found = new ArrayList<>();
    batch.forEach(seen -> found.add(new ArrayList<>()));
    int most = Math.max(1, MOST_MASKS / batch.size());
    try (NDManager call = model.manager().newSubManager()) {
      List<NDArray> encoded = decoder.encode(model, pass, pixels(call, batch));
      for (int from = 0; from < conditions.length; from += most) {
        int to = Math.min(conditions.length, from + most);
        try (NDManager once = call.newSubManager()) {
          NDArray embeddings = HostMemory.upload(once, Arrays.copyOfRange(conditions, from, to));
          decode(batch, names.subList(from, to), encoded, embeddings, found);
        }
      }
    }
    return found;
  }

  private void decode(
      List<Seen> batch,
      List<String> names,
      List<NDArray> encoded,
      NDArray embeddings,
      List<List<Mask>> found) {
    try (NDArray decoded = decoder.decode(pass, encoded, embeddings)) {
      deliver(batch, names, decoded, found);
    }
  }

  private void deliver(
      List<Seen> batch, List<String> names, NDArray decoded, List<List<Mask>> found) {
    int height = Math.toIntExact(decoded.size(1));
    int width = Math.toIntExact(decoded.size(2));
    long row = 0;
    for (int i = 0; i < batch.size(); i++) {
      Seen seen = batch.get(i);
      for (String name : names) {
        float[] logits = new float[height * width];
        HostMemory.download(decoded, row++ * logits.length, FloatBuffer.wrap(logits));
        found
            .get(i)
            .add(new Mask(name, height, width, logits, seen.height, seen.width, area(seen)));
      }
    }
  }

  /** What is left of a grid of patches that does not divide the image was not looked at. */
  private Rectangle2D area(Seen seen) {
    Rectangle2D kept = transform.kept(seen.width, seen.height);
    VitConfig tower = (VitConfig) model.config().vision();
    double seenX = (double) tower.gridWidth() * tower.patchSize() / transform.width();
    double seenY = (double) tower.gridHeight() * tower.patchSize() / transform.height();
    return new Rectangle2D.Double(
        kept.getX(), kept.getY(), kept.getWidth() * seenX, kept.getHeight() * seenY);
  }

  private NDArray pixels(NDManager owner, List<Seen> batch) {
    return pixels.of(owner, batch.size(), batch.stream().map(Seen::levels).toArray(byte[][]::new));
  }

  private float[][] texts(List<String> prompts) {
    TokenBatch tokens = Objects.requireNonNull(tokenizer).encode(prompts);
    List<float[]> rows = new ArrayList<>();
    for (int from = 0; from < tokens.size(); from += MOST_TEXTS) {
      TokenBatch some = tokens.range(from, Math.min(tokens.size(), from + MOST_TEXTS));
      int length = model.config().text().paddedLength(some.maxLength());
      thread.call(
          () -> {
            try (NDManager call = model.manager().newSubManager()) {
              Shape shape = new Shape(some.size(), length);
              NDArray ids = HostMemory.upload(call, shape, some.padded(length));
              return rows.addAll(List.of(HostMemory.rows(model.encodeText(pass, ids))));
            }
          });
    }
    return rows.toArray(float[][]::new);
  }

  private float[][] examples(List<? extends ImageSource> examples) throws IOException {
    List<float[]> rows = new ArrayList<>();
    for (ImageSource example : examples) {
      List<Seen> seen = List.of(read(example));
      thread.call(
          () -> {
            try (NDManager call = model.manager().newSubManager()) {
              NDArray embeddings = model.encodeImage(pass, pixels(call, seen));
              return rows.addAll(List.of(HostMemory.rows(embeddings)));
            }
          });
    }
    return rows.toArray(float[][]::new);
  }

  /** While it runs, this is not closed. */
  private void call(IoErrors.Work<@Nullable Void> work) {
    calls.readLock().lock();
    try {
      if (closed) {
        throw new IllegalStateException(
            "this ClipSegmenter has been closed; close it only when no thread will call it any"
                + " more");
      }
      work.run();
    } catch (IOException e) {
      throw IoErrors.unchecked(e);
    } finally {
      calls.readLock().unlock();
    }
  }

  /**
   * Waits for calls in flight, and frees the model. Closing again does nothing.
   *
   * @throws IllegalStateException from within a call, which it would wait for
   */
  @Override
  public void close() {
    if (calls.getReadHoldCount() > 0) {
      throw new IllegalStateException(
          "a ClipSegmenter cannot be closed from within one of its calls");
    }
    calls.writeLock().lock();
    try {
      if (!closed) {
        closed = true;
        thread.close();
        decoder.close();
        model.close();
        if (tokenizer != null) {
          tokenizer.close();
        }
      }
    } finally {
      calls.writeLock().unlock();
    }
  }
}
