import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.stream.Stream;
import org.clip4j.Clip;
import org.clip4j.engine.Precision;
import org.clip4j.model.ClipModel;
import org.clip4j.model.Forward;
import org.clip4j.weights.Checkpoint;
import org.clip4j.weights.safetensors.SafeTensors;

/**
 * Compares the features of a checkpoint folder with those that check_families.py stored beside it.
 *
 * <p>java -cp CLASSPATH examples/peers/FamilyCheck.java FOLDER whole|images|towers
 *
 * <p>Prints lines of route, tower, largest difference, and largest share of the tolerance 2e-5 + 1e-4 |b|: of the plain and of
 * the prepared towers, and, with {@code whole}, of {@code Clip.load} given the image files and the texts; with {@code images}, given
 * the image files alone.
 */
public final class FamilyCheck {
  private static final double ABSOLUTE = 2e-5;
  private static final double RELATIVE = 1e-4;

  public static void main(String... args) throws Exception {
    Path folder = Path.of(args[0]);
    try (SafeTensors expected = SafeTensors.open(folder.resolve("expected.safetensors"))) {
      try (Checkpoint checkpoint = Checkpoint.open(folder);
          ClipModel model = ClipModel.load(checkpoint.config(), checkpoint.parameters())) {
        FloatBuffer pixels = expected.floats("pixel_values");
        LongBuffer ids = LongBuffer.wrap(expected.longs("input_ids"));
        for (boolean prepared : new boolean[] {false, true}) {
          if (prepared) {
            model.prepareImages(Precision.FP32);
            model.prepareTexts(Precision.FP32);
          }
          String route = prepared ? "prepared" : "plain";
          try (NDManager manager = model.manager().newSubManager()) {
            NDArray image = manager.create(pixels.duplicate(), new Shape(expected.tensors().get("pixel_values").shape()), DataType.FLOAT32);
            compare(expected, route, "image", unit(model.encodeImage(Forward.EVALUATE, image)));
            NDArray text = manager.create(ids.duplicate(), new Shape(expected.tensors().get("input_ids").shape()), DataType.INT64);
            compare(expected, route, "text", unit(model.encodeText(Forward.EVALUATE, text)));
          }
        }
      }
      if (args[1].equals("images")) {
        try (Clip clip = Clip.loader(folder).optImagesOnly().load(); Stream<Path> files = Files.list(folder.resolve("images"))) {
          compare(expected, "whole", "image", flat(clip.encodeImages(files.sorted().toList())));
        }
      }
      if (args[1].equals("whole")) {
        try (Clip clip = Clip.load(folder.toString()); Stream<Path> files = Files.list(folder.resolve("images"))) {
          float[][] images = clip.encodeImages(files.sorted().toList());
          compare(expected, "whole", "image", flat(images));
          compare(expected, "whole", "text", flat(clip.encodeTexts(Files.readAllLines(folder.resolve("texts.txt")))));
        }
      }
    }
  }

  private static float[] unit(NDArray features) {
    return features.div(features.norm(new int[] {1}, true)).toFloatArray();
  }

  private static float[] flat(float[][] rows) {
    float[] all = new float[rows.length * rows[0].length];
    for (int i = 0; i < rows.length; i++) {
      System.arraycopy(rows[i], 0, all, i * rows[0].length, rows[0].length);
    }
    return all;
  }

  private static void compare(SafeTensors expected, String route, String tower, float[] found) {
    FloatBuffer truth = expected.floats(tower + "_features");
    if (truth.remaining() != found.length) {
      throw new IllegalStateException(route + " " + tower + ": " + found.length + " values for " + truth.remaining());
    }
    double difference = 0;
    double share = 0;
    for (int i = 0; i < found.length; i++) {
      double b = truth.get(truth.position() + i);
      double apart = Math.abs(found[i] - b);
      apart = Double.isNaN(apart) ? Double.POSITIVE_INFINITY : apart;
      difference = Math.max(difference, apart);
      share = Math.max(share, apart / (ABSOLUTE + RELATIVE * Math.abs(b)));
    }
    System.out.println(String.format(Locale.ROOT, "%s %s %.3g %.3g", route, tower, difference, share));
  }
}
