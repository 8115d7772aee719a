import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.clip4j.encode.ImageSource;
import org.clip4j.segment.ClipSegmenter;
import org.clip4j.segment.Mask;
import org.clip4j.weights.safetensors.SafeTensors;

/**
 * Compares the masks of a CLIPSeg folder with those that make_clipseg.py stored in it.
 *
 * <p>java -cp CLASSPATH examples/peers/SegmentCheck.java FOLDER IMAGES
 *
 * <p>Prints the largest difference, and the largest share of the tolerance 2e-5 + 1e-4 |b|, of the masks of texts and of those of
 * the example image, and the time that the masks of five texts in one image take.
 */
public final class SegmentCheck {
  private static final List<String> IMAGES = List.of("panorama-900x40.png", "rgb.png", "upscale-50x70.png");
  private static final List<String> PROMPTS =
      List.of("a cat", "something to fill", "a jar", "", "the small red dog on the left, and what is behind it");

  public static void main(String... args) throws Exception {
    Path folder = Path.of(args[0]);
    List<ImageSource> images = new ArrayList<>();
    for (String image : IMAGES) {
      images.add(ImageSource.of(Path.of(args[1], image)));
    }
    try (SafeTensors expected = SafeTensors.open(folder.resolve("expected.safetensors"));
        ClipSegmenter segmenter = ClipSegmenter.load(folder)) {
      List<Mask> texts = new ArrayList<>();
      segmenter.segment(images.iterator(), PROMPTS, (index, image, masks) -> texts.addAll(masks));
      compare("texts", texts, expected.floats("logits"));
      List<Mask> like = new ArrayList<>();
      List<ImageSource> example = List.of(ImageSource.of(Path.of(args[1], "truecolor.bmp")));
      segmenter.segmentLike(images.iterator(), example, (index, image, masks) -> like.addAll(masks));
      compare("example", like, expected.floats("example_logits"));
      long start = System.nanoTime();
      segmenter.segment(images.get(1), PROMPTS);
      System.out.println("milliseconds for an image and five texts: " + (System.nanoTime() - start) / 1_000_000);
    }
  }

  private static void compare(String what, List<Mask> masks, FloatBuffer truth) {
    double difference = 0;
    double share = 0;
    double largest = 0;
    for (Mask mask : masks) {
      for (float found : mask.logits()) {
        double b = truth.get();
        double apart = Math.abs(found - b);
        apart = Double.isNaN(apart) ? Double.POSITIVE_INFINITY : apart;
        difference = Math.max(difference, apart);
        share = Math.max(share, apart / (2e-5 + 1e-4 * Math.abs(b)));
        largest = Math.max(largest, Math.abs(b));
      }
    }
    if (truth.hasRemaining()) {
      throw new IllegalStateException(what + ": " + truth.remaining() + " values are left");
    }
    System.out.println(String.format(Locale.ROOT, "%s: %d masks, largest logit %.3g, largest difference %.3g, share of the tolerance %.3g", what, masks.size(), largest, difference, share));
  }
}
