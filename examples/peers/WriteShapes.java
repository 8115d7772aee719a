import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import javax.imageio.ImageIO;
import org.clip4j.data.ImageTextPair;
import org.clip4j.data.LabelledImage;
import org.clip4j.data.PairSource;
import org.clip4j.data.shapes.ColouredShapes;
import org.clip4j.data.shapes.ShapeStyle;
import org.clip4j.image.RgbImage;

/**
 * Writes generated shapes as files, for experiments (docs/experiments.md).
 *
 * <p>java -cp CLASSPATH examples/peers/WriteShapes.java OUT PAIRS EACH [SEED]
 *
 * <p>OUT/pairs.jsonl has training pairs with their captions, OUT/captions.txt all of these once, and OUT/plain, and a folder
 * for each other style, EACH images of every combination in a folder of its name.
 */
public final class WriteShapes {
  public static void main(String... args) throws IOException {
    Path out = Path.of(args[0]);
    long seed = args.length > 3 ? Long.parseLong(args[3]) : 0;
    ColouredShapes shapes = ColouredShapes.builder().optSeed(seed).build();
    pairs(shapes.training(Integer.parseInt(args[1])), out);
    int each = Integer.parseInt(args[2]);
    for (ShapeStyle style : ShapeStyle.values()) {
      Path folder = out.resolve(style.name().toLowerCase(Locale.ROOT));
      List<LabelledImage> images = new ArrayList<>(shapes.seenTest(each, style));
      images.addAll(shapes.unseenTest(each, style));
      for (int i = 0; i < images.size(); i++) {
        Path of = folder.resolve(shapes.labels().get(images.get(i).label()).replace(' ', '_'));
        write(images.get(i).image().read(), of.resolve(i % each + ".png"));
      }
    }
  }

  private static void pairs(PairSource pairs, Path out) throws IOException {
    StringBuilder lines = new StringBuilder();
    Set<String> captions = new TreeSet<>();
    for (int i = 0; i < pairs.size(); i++) {
      ImageTextPair pair = pairs.get(i);
      write(pair.image().read(), out.resolve("pairs").resolve(i + ".png"));
      JsonObject line = new JsonObject();
      line.addProperty("file", "pairs/" + i + ".png");
      JsonArray of = new JsonArray();
      pair.captions().forEach(of::add);
      line.add("caption", of);
      lines.append(line).append('\n');
      captions.addAll(pair.captions());
    }
    Files.writeString(out.resolve("pairs.jsonl"), lines);
    Files.writeString(out.resolve("captions.txt"), String.join("\n", captions) + "\n");
  }

  private static void write(RgbImage image, Path file) throws IOException {
    BufferedImage picture =
        new BufferedImage(image.width(), image.height(), BufferedImage.TYPE_INT_RGB);
    byte[] pixels = image.pixels();
    for (int i = 0; i < image.width() * image.height(); i++) {
      int rgb = (pixels[3 * i] & 255) << 16 | (pixels[3 * i + 1] & 255) << 8 | pixels[3 * i + 2] & 255;
      picture.setRGB(i % image.width(), i / image.width(), rgb);
    }
    Files.createDirectories(file.getParent());
    ImageIO.write(picture, "png", file.toFile());
  }
}
