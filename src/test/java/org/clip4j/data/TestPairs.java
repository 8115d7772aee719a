package org.clip4j.data;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntPredicate;
import org.clip4j.data.internal.loader.PairLoader;
import org.clip4j.encode.ImageSource;
import org.clip4j.image.ImageTransform;
import org.clip4j.image.RgbImage;
import org.clip4j.text.Tokenizer;

/** Pairs of one-pixel images that carry their number. */
public final class TestPairs {
  private TestPairs() {}

  /** Reads one numbered image. */
  public interface Reader {
    RgbImage read(int number) throws IOException;
  }

  public record Numbered(int number, Reader reader) implements ImageSource {
    @Override
    public String name() {
      return "image-" + number;
    }

    @Override
    public RgbImage read() throws IOException {
      return reader.read(number);
    }

    @Override
    public boolean equals(Object other) {
      return other instanceof Numbered that && number == that.number;
    }

    @Override
    public int hashCode() {
      return number;
    }
  }

  public static RgbImage pixel(int number) {
    return new RgbImage(1, 1, new byte[] {(byte) number, (byte) (number >> 8), 7});
  }

  public static PairSource numbered(int count) {
    return numbered(count, TestPairs::pixel);
  }

  public static PairSource numbered(int count, Reader reader) {
    List<ImageTextPair> pairs = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      pairs.add(new ImageTextPair(new Numbered(i, reader), List.of("a" + i, "b" + i, "c" + i)));
    }
    return Pairs.of(pairs);
  }

  /** All readable but those chosen. */
  public static PairSource broken(int count, IntPredicate isBroken) {
    return numbered(
        count,
        number -> {
          if (isBroken.test(number)) {
            throw new IOException("image-" + number + " is broken");
          }
          return pixel(number);
        });
  }

  /** One token per character. */
  public static final Tokenizer TOKENIZER =
      new Tokenizer() {
        @Override
        public int contextLength() {
          return 16;
        }

        @Override
        public int[] encode(String text) {
          return text.chars().toArray();
        }
      };

  /** Without a limit to damaged pairs. */
  public static PairLoader.Builder loader(PairSource pairs, int batchSize) {
    return PairLoader.builder()
        .setPairs(pairs)
        .setTransform(ImageTransform.openai(1, 1))
        .setTokenizer(TOKENIZER)
        .setBatchSize(batchSize)
        .optMaxSkippedShare(1);
  }
}
