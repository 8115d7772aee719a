package org.clip4j.data.internal.loader;

import java.io.IOException;
import org.clip4j.data.Drawn;
import org.clip4j.data.ImageTextPair;
import org.clip4j.encode.ImageSource;
import org.clip4j.image.Augmentation;
import org.clip4j.image.ImageTransform;
import org.clip4j.image.RgbImage;
import org.clip4j.io.SeededRandom;
import org.clip4j.text.Tokenizer;
import org.jspecify.annotations.Nullable;

/** What decode threads do with a pair. What comes out depends on seed, pair and visit alone. */
final class PairDecoder {

  /** A pair as far as it could be loaded: either text, ids and pixels, or the reason why not. */
  record Loaded(Drawn drawn, String name, String text, int[] ids, byte[] pixels, IOException why) {}

  private final ImageTransform transform;
  private final @Nullable Augmentation augmentation; // in place of the transform
  private final Tokenizer tokenizer;
  private final long seed;
  private final LoaderCache cache;

  PairDecoder(
      ImageTransform transform,
      @Nullable Augmentation augmentation,
      Tokenizer tokenizer,
      long seed,
      LoaderCache cache) {
    this.transform = transform;
    this.augmentation = augmentation;
    this.tokenizer = tokenizer;
    this.seed = seed;
    this.cache = cache;
  }

  Loaded load(Drawn drawn) {
    String name = drawn.reading().name();
    try {
      ImageTextPair pair = drawn.reading().pair();
      name = pair.image().name();
      int caption =
          new SeededRandom(SeededRandom.CAPTION, seed, drawn.visit(), drawn.id())
              .nextInt(pair.captions().size());
      String text = pair.captions().get(caption);
      byte[] pixels =
          augmentation == null
              ? transformed(drawn.id(), pair.image())
              : augmented(drawn, pair.image());
      return new Loaded(drawn, name, text, ids(drawn.id(), caption, text), pixels, null);
    } catch (IOException e) {
      return new Loaded(drawn, name, null, null, null, e);
    } catch (OutOfMemoryError | StackOverflowError e) {
      IOException why = new IOException(name + " cannot be read: " + e, e);
      return new Loaded(drawn, name, null, null, null, why);
    } catch (RuntimeException e) {
      throw new IllegalStateException(
          "loading " + drawn.reading().name() + " (" + name + ") failed: " + e, e);
    }
  }

  private byte[] transformed(long id, ImageSource image) throws IOException {
    byte[] kept = cache.pixels(id);
    if (kept != null) {
      return kept;
    }
    byte[] pixels = transform.apply(image.read());
    cache.keepPixels(id, pixels);
    return pixels;
  }

  private byte[] augmented(Drawn drawn, ImageSource source) throws IOException {
    RgbImage image = cache.image(drawn.id());
    if (image == null) {
      image = source.read();
      cache.keepImage(drawn.id(), image);
    }
    SeededRandom random =
        new SeededRandom(SeededRandom.AUGMENTATION, seed, drawn.visit(), drawn.id());
    return augmentation.apply(image, transform, random::nextDouble);
  }

  private int[] ids(long id, int caption, String text) {
    int[] ids = cache.tokens(id, caption);
    if (ids == null) {
      ids = tokenizer.encode(text);
      cache.keepTokens(id, caption, ids);
    }
    return ids;
  }
}
