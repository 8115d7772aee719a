package org.clip4j.data;

import java.io.IOException;
import org.clip4j.image.Augmentation;
import org.clip4j.image.RgbImage;
import org.clip4j.text.Tokenizer;

/** What decode threads do with a pair. What comes out depends on seed, pair and visit alone. */
final class PairDecoder {

  /**
   * What becomes of an image.
   *
   * @param augmentation takes the place of the transform; null for none
   */
  record ToPixels(int height, int width, PixelTransform transform, Augmentation augmentation) {

    int bytes() {
      return 3 * height * width;
    }
  }

  /**
   * A pair as far as it could be loaded: either pixels and ids, or the reason why not.
   *
   * @param image as decoded, where it is worth keeping
   */
  record Loaded(
      Drawn drawn,
      String name,
      int caption,
      String text,
      int[] ids,
      byte[] pixels,
      RgbImage image,
      IOException why) {}

  private final ToPixels toPixels;
  private final Tokenizer tokenizer;
  private final long seed;
  private final LoaderCache cache;

  PairDecoder(ToPixels toPixels, Tokenizer tokenizer, long seed, LoaderCache cache) {
    this.toPixels = toPixels;
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
      RgbImage image = null;
      byte[] pixels;
      if (toPixels.augmentation == null) {
        pixels = transformed(drawn.id(), pair.image());
      } else {
        image = cache.image(drawn.id());
        if (image == null) {
          image = pair.image().read();
        }
        SeededRandom random =
            new SeededRandom(SeededRandom.AUGMENTATION, seed, drawn.visit(), drawn.id());
        pixels =
            toPixels.augmentation.apply(image, toPixels.height, toPixels.width, random::nextDouble);
      }
      int[] ids = cache.tokens(drawn.id(), caption);
      if (ids == null) {
        ids = tokenizer.encode(text);
      }
      return new Loaded(drawn, name, caption, text, ids, pixels, image, null);
    } catch (IOException e) {
      return new Loaded(drawn, name, 0, null, null, null, null, e);
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
    byte[] pixels = toPixels.transform.apply(image.read());
    if (pixels.length != toPixels.bytes()) {
      throw new IllegalStateException(
          "the transform gave "
              + pixels.length
              + " bytes where its height and width need "
              + toPixels.bytes());
    }
    return pixels;
  }

  /** Keeps what later epochs can use, as far as there is room. Called by one thread, in order. */
  void keep(Loaded loaded) {
    long id = loaded.drawn.id();
    if (loaded.image != null) {
      cache.keepImage(id, loaded.image);
    } else {
      cache.keepPixels(id, loaded.pixels);
    }
    cache.keepTokens(id, loaded.caption, loaded.ids);
  }
}
