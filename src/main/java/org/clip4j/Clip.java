package org.clip4j;

import ai.djl.modality.cv.Image;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import java.util.function.Supplier;
import org.clip4j.encode.Encoder;
import org.clip4j.encode.ImageSource;
import org.clip4j.encode.ImageVisitor;
import org.clip4j.engine.Precision;
import org.clip4j.explain.Explainer;
import org.clip4j.image.ImageDecoder;
import org.clip4j.image.ImageTransform;
import org.clip4j.image.RgbImage;
import org.clip4j.io.IoErrors;
import org.clip4j.model.ClipConfig;
import org.clip4j.model.ClipModel;
import org.clip4j.model.LoraAdapter;
import org.clip4j.model.TextConfig;
import org.clip4j.text.ClipTokenizer;
import org.clip4j.text.Tokenizer;
import org.clip4j.text.internal.BytePairs;
import org.clip4j.weights.Checkpoint;
import org.clip4j.weights.Layout;
import org.jspecify.annotations.Nullable;

/**
 * Encodes images and texts with a CLIP model and all that belongs to it, and classifies images by
 * words: the class to begin with.
 *
 * <pre>{@code
 * // a model on the hub; a folder or a weights file will do as well
 * try (Clip clip = Clip.load("laion/CLIP-ViT-B-32-256x256-DataComp-s34B-b86K")) {
 *   float[] image = clip.encodeImage(Path.of("dog.jpg"));
 *   float[] text = clip.encodeText("a photo of a dog");
 *   double similarity = Clip.cosine(image, text);
 *   ZeroShotClassifier pets = clip.zeroShot("cat", "dog", "rabbit").optTemplates("a photo of a {}.", "a drawing of a {}.").build();
 *   Classifications answer = pets.classify(Path.of("dog.jpg"));
 * }
 * }</pre>
 *
 * <p>Every embedding is a vector of unit length in one space, so that {@link #cosine} compares any
 * two. Any number of threads may share one, without locks of their own; what a call returns does
 * not depend on who else calls. The weights are laid out for inference when they are first used, so
 * they must not change any more; train a model before it is wrapped.
 *
 * <p>Owns the model's native memory: close it. Closing waits for calls in flight; a call after it
 * is an {@link IllegalStateException}.
 */
public final class Clip implements AutoCloseable {
  private final SharedModel shared;
  private final ClipParts parts;
  private final Map<List<String>, Clip> adapted = new ConcurrentHashMap<>();
  private final @Nullable View view; // null unless this is a view of another

  /** What a view applies to the model that it shares with its base. */
  private record View(Clip base, Encoder encoder, LoraAdapter adapter) {}

  private Clip(SharedModel shared, ClipParts parts, @Nullable View view) {
    this.shared = shared;
    this.parts = parts;
    this.view = view;
  }

  /**
   * Loads a model by its name on the CPU, downloading what is not in the cache yet.
   *
   * @param name of a model on the Hugging Face hub, {@code organisation/name}, for example {@code
   *     laion/CLIP-ViT-B-32-256x256-DataComp-s34B-b86K}, perhaps with {@code @revision}; or a
   *     folder or file, see {@link #load(Path)}. What can only be a file is never asked of the hub:
   *     a name that is absolute, starts with a dot, holds a backslash, ends as weights do, or
   *     counts from a folder that is there
   * @throws UncheckedIOException if it cannot be had, or is not a model that this library knows;
   *     the message names it and what is wrong
   */
  public static Clip load(String name) {
    return loader(name).load();
  }

  /**
   * Loads a checkpoint on the CPU. A path is never looked for on the network.
   *
   * @param checkpoint a folder in the transformers layout ({@code config.json}) or in OpenCLIP's
   *     ({@code open_clip_config.json}), or a weights file; {@link Checkpoint} says which
   * @throws UncheckedIOException if it cannot be read, or is not a model that this library knows;
   *     the message names the file and what is wrong
   */
  public static Clip load(Path checkpoint) {
    return loader(checkpoint).load();
  }

  /** Starts loading a checkpoint otherwise than {@link #load(Path)} does. */
  public static ClipLoader loader(Path checkpoint) {
    return new ClipLoader(checkpoint);
  }

  /** Starts loading a checkpoint otherwise than {@link #load(String)} does. */
  public static ClipLoader loader(String name) {
    return new ClipLoader(name);
  }

  /**
   * Wraps a model with OpenAI's tokenizer, for example one just trained; closing the result closes
   * it. So does failing.
   *
   * @param transform what the model was trained with
   */
  public static Clip of(ClipModel model, ImageTransform transform) {
    TextConfig text = model.config().text();
    boolean fits = text.takesOpenAiTokens() && BytePairs.fits(text.vocabSize());
    return of(model, transform, fits ? ClipTokenizer.create(text.contextLength()) : null);
  }

  /**
   * Wraps a model; closing the result closes it and the tokenizer. So does failing.
   *
   * @param transform what the model was trained with
   * @param tokenizer what the model was trained with; null for images only
   */
  public static Clip of(ClipModel model, ImageTransform transform, @Nullable Tokenizer tokenizer) {
    return of(
        model,
        new ClipParts(transform, tokenizer, ImageDecoder.defaults(), null, Map.of()),
        () -> Encoder.ofFixed(model, transform, tokenizer, Precision.FP32, true),
        null);
  }

  /**
   * As above.
   *
   * @param idle null to keep the model
   */
  static Clip of(
      ClipModel model, ClipParts parts, Supplier<Encoder> encoder, @Nullable IdleModel idle) {
    try {
      SharedModel shared = new SharedModel(model, encoder.get(), parts.tokenizer(), idle);
      return new Clip(shared, parts, null);
    } catch (RuntimeException | Error e) {
      model.close();
      if (parts.tokenizer() != null) {
        parts.tokenizer().close();
      }
      throw e;
    }
  }

  /**
   * Returns a view of this that applies adapters which were loaded by name ({@link
   * ClipLoader#optAdapter(String, Path)}); of several, what they add is summed. Views share the
   * weights, so that calls through one and through another may overlap and nothing is loaded.
   * Closing a view does nothing; it ends with this.
   *
   * @param names at least one; of each the adapter's
   * @throws IllegalArgumentException if there is none of a name
   */
  public Clip adapted(String... names) {
    if (view != null) {
      return view.base.adapted(names);
    }
    if (names.length == 0) {
      throw new IllegalArgumentException(
          "name an adapter at least, of " + parts.adapters().keySet());
    }
    List.of(names).forEach(parts::adapter); // says what there is
    return call(() -> adapted.computeIfAbsent(List.of(names), this::view));
  }

  private Clip view(List<String> names) {
    LoraAdapter sum = LoraAdapter.stacked(names.stream().map(parts::adapter).toList());
    Encoder encoder = shared.encoder().with(shared.model().adapters().apply(sum));
    return new Clip(shared, parts, new View(this, encoder, sum));
  }

  /**
   * Returns the model itself, for those who work with tensors. Where {@link
   * ClipLoader#optUnloadAfter} may free it, ask anew for each use.
   */
  public ClipModel model() {
    return shared.isFreedWhenIdle() ? call(shared::model) : shared.model();
  }

  /** Returns what is done to an image before the model sees it. */
  public ImageTransform transform() {
    return parts.transform();
  }

  /** Returns E, the length of every embedding. */
  public int embedDim() {
    return config().embedDim();
  }

  /** Returns the factor by which cosine similarities become logits. */
  public float logitScale() {
    return call(() -> shared.model().logitScale());
  }

  /**
   * Returns what a sigmoid model (SigLIP) adds to its scaled cosine similarities; the logistic
   * function of the sum is the probability that an image and a text belong together. 0 for other
   * models.
   */
  public float logitBias() {
    return call(() -> shared.model().logitBias());
  }

  /**
   * Encodes an image file.
   *
   * @return E values, unit length
   * @throws UncheckedIOException if the file cannot be read or decoded; the message names it
   */
  public float[] encodeImage(Path image) {
    return encodeImage(ImageSource.of(image, parts.decoder()));
  }

  /** Encodes the content of an image file, see {@link #encodeImage(Path)}. */
  public float[] encodeImage(byte[] image) {
    return encodeImage(ImageSource.of(image, "the image", parts.decoder()));
  }

  /**
   * Encodes the content of an image file, read to its end and not closed, see {@link
   * #encodeImage(Path)}.
   */
  public float[] encodeImage(InputStream image) {
    try {
      return encodeImage(ImageSource.of(image, "the image", parts.decoder()));
    } catch (IOException e) {
      throw IoErrors.unchecked(e);
    }
  }

  /** Encodes an image in memory, see {@link #encodeImage(Path)}. */
  public float[] encodeImage(BufferedImage image) {
    return encodeImage(ImageSource.of(image, parts.decoder()));
  }

  /** Encodes an image of DJL's, see {@link #encodeImage(Path)}. */
  public float[] encodeImage(Image image) {
    return encodeImage(ImageSource.of(image, parts.decoder()));
  }

  /** Encodes a decoded image, see {@link #encodeImage(Path)}. */
  public float[] encodeImage(RgbImage image) {
    return encodeImage(ImageSource.of(image));
  }

  /** Encodes an image of any kind, see {@link #encodeImage(Path)}. */
  public float[] encodeImage(ImageSource image) {
    return call(() -> encoder().encodeLevels(transform().apply(image.read()))[0]);
  }

  /**
   * Encodes images in batches, decoding those to come on other threads meanwhile.
   *
   * @param images each a {@link Path}, the content of an image file as {@code byte[]} or {@link
   *     InputStream} (read when its turn comes, not closed), a {@link BufferedImage}, an image of
   *     DJL's, an {@link RgbImage} or an {@link ImageSource}
   * @return one vector of E values for each, in order
   * @throws UncheckedIOException if one cannot be read or decoded; the message names it, by its
   *     place in the list if it has no name
   */
  public float[][] encodeImages(List<?> images) {
    List<ImageSource> sources = ListedImages.sources(images, parts.decoder());
    return call(() -> encoder().encodeImages(sources));
  }

  /**
   * Encodes images as they come, any number of them in bounded memory, and goes on where one cannot
   * be read if the visitor does.
   *
   * @param images asked for on this thread, a few batches ahead
   * @param visitor given each embedding, in order, on this thread; must not close this
   */
  public void encodeImages(Iterator<? extends ImageSource> images, ImageVisitor visitor) {
    call(
        () -> {
          encoder().encodeImages(images, visitor);
          return null;
        });
  }

  /**
   * Encodes images that have been transformed already, all at once.
   *
   * @param levels for each [3, H, W], uint8, as {@link #transform()} gives them; at least one
   * @return one vector of E values for each, in order
   */
  public float[][] encodeLevels(byte[]... levels) {
    return call(() -> encoder().encodeLevels(levels));
  }

  /**
   * Encodes a text.
   *
   * @param text any; what exceeds the model's context length is cut
   * @return E values, unit length
   */
  public float[] encodeText(String text) {
    return encodeTexts(List.of(text))[0];
  }

  /**
   * Encodes texts in batches.
   *
   * @return one vector of E values for each, in order
   */
  public float[][] encodeTexts(List<String> texts) {
    return withTexts(encoder -> encoder.encodeTexts(texts));
  }

  /**
   * Encodes images on threads of the library, see {@link #encodeImages(List)}. A bounded number of
   * calls waits for those; beyond it the caller does the work itself, so that nobody who asks
   * faster than the model answers fills the memory.
   *
   * @param images not to be changed until the result is there
   */
  public CompletableFuture<float[][]> encodeImagesAsync(List<?> images) {
    return CompletableFuture.supplyAsync(() -> encodeImages(images), AsyncCalls.THREADS);
  }

  /** Encodes one image as {@link #encodeImagesAsync} does. */
  public CompletableFuture<float[]> encodeImageAsync(Object image) {
    return encodeImagesAsync(List.of(image)).thenApply(embeddings -> embeddings[0]);
  }

  /** Encodes texts as {@link #encodeImagesAsync} encodes images. */
  public CompletableFuture<float[][]> encodeTextsAsync(List<String> texts) {
    return CompletableFuture.supplyAsync(() -> encodeTexts(texts), AsyncCalls.THREADS);
  }

  /** Encodes one text as {@link #encodeTextsAsync} does. */
  public CompletableFuture<float[]> encodeTextAsync(String text) {
    return encodeTextsAsync(List.of(text)).thenApply(embeddings -> embeddings[0]);
  }

  /** Something with an encoder that takes texts too. */
  <T> T withTexts(Function<Encoder, T> work) {
    parts.requireTokenizer(config().text());
    return call(() -> work.apply(encoder()));
  }

  /**
   * Counts the calls that have begun and not ended, those that wait for the model among them: the
   * length of its queue, for monitoring.
   */
  public int callsInFlight() {
    return shared.callsInFlight();
  }

  private <T extends @Nullable Object> T call(IoErrors.Work<T> work) {
    return shared.call(work);
  }

  /** Within a call. */
  private Encoder encoder() {
    return view == null ? shared.encoder() : view.encoder;
  }

  private ClipConfig config() {
    return shared.model().config();
  }

  /** Frees the model if it has not been used for the time, unless a call is under way. */
  void freeIfIdle() {
    shared.freeIfIdle();
  }

  /** Returns the cosine similarity of an image and a text, in [-1, 1]. */
  public double similarity(Path image, String text) {
    return cosine(encodeImage(image), encodeText(text));
  }

  /** Returns the cosine similarity of two embeddings of unit length, in [-1, 1]. */
  public static double cosine(float[] a, float[] b) {
    if (a.length != b.length) {
      throw new IllegalArgumentException(
          "embeddings of "
              + a.length
              + " and "
              + b.length
              + " values cannot be compared; they come from different models");
    }
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += (double) a[i] * b[i];
    }
    return sum;
  }

  /**
   * Starts a classifier.
   *
   * @param labels what an image may be: at least one, none empty or twice
   */
  public ZeroShotClassifier.Builder zeroShot(String... labels) {
    return zeroShot(List.of(labels));
  }

  /** Starts a classifier as {@link #zeroShot(String...)} does. */
  public ZeroShotClassifier.Builder zeroShot(List<String> labels) {
    return new ZeroShotClassifier.Builder(this, labels);
  }

  /**
   * Starts explaining what embeddings come from, by the weights as they were loaded; do not close
   * this meanwhile.
   *
   * @throws IllegalStateException if the weights are not kept: load with {@link
   *     ClipLoader#optKeepWeights}
   */
  public Explainer explainer() {
    if (view != null) {
      throw new IllegalStateException(
          "what is explained are the weights; load the adapter into them, without a name");
    }
    if (shared.isFreedWhenIdle()) {
      throw new IllegalStateException(
          "an explainer needs a model that stays; load it without a time after which it is freed");
    }
    return call(() -> new Explainer(shared.model(), transform(), parts.tokenizer()));
  }

  /**
   * Saves the model with its tokenizer and transform, so that {@link #load(Path)} and Python's
   * peers read it; with an adapter, what it adds is added to the weights.
   *
   * @param folder made if it is not there; what it holds is replaced only when all is written
   */
  public void save(Path folder, Layout layout) throws IOException {
    try {
      call(
          () -> {
            ClipModel model = shared.model();
            LoraAdapter added =
                view != null ? view.adapter : model.adapters().attached().orElse(null);
            parts.save(model, added, folder, layout);
            return null;
          });
    } catch (UncheckedIOException e) {
      throw IoErrors.worded(folder, e.getCause());
    }
  }

  /**
   * Waits for calls in flight, and frees the model. Closing again does nothing, nor does closing a
   * view ({@link #adapted}).
   *
   * @throws IllegalStateException from within a call, which it would wait for
   */
  @Override
  public void close() {
    if (view == null) {
      shared.close();
    }
  }
}
