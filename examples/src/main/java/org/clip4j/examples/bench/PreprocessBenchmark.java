package org.clip4j.examples.bench;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageWriteParam;
import javax.imageio.ImageWriter;
import javax.imageio.stream.ImageOutputStream;
import javax.imageio.stream.MemoryCacheImageOutputStream;
import org.clip4j.image.ImageDecoder;
import org.clip4j.image.ImageTransform;
import org.clip4j.image.RgbImage;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Decoding and the validation transform, one thread. The peer's counterpart is Pillow's {@code
 * Image.open(...).convert("RGB")}, which examples/peers/decode_speed.py times on files of the same
 * kind, and torchvision's {@code Resize} and {@code CenterCrop}. {@code decodeJpegTurbo} needs
 * libjpeg-turbo, see {@link ImageDecoder#withTurboJpeg}.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class PreprocessBenchmark {

  /** Width, height and the input size of the model. */
  @Param({"128x128x64", "500x400x224", "640x427x224", "1920x1080x224"})
  public String sizes;

  private static final ImageDecoder JDK = ImageDecoder.defaults().withTurboJpeg(false);

  private ImageTransform transform;
  private RgbImage image;
  private byte[] jpeg;
  private byte[] png;

  @Setup
  public void prepare() throws IOException {
    String[] parts = sizes.split("x");
    int width = Integer.parseInt(parts[0]);
    int height = Integer.parseInt(parts[1]);
    int size = Integer.parseInt(parts[2]);
    transform = ImageTransform.openai(size, size);
    BufferedImage scene = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
    Random random = new Random(1);
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        // Waves with a little noise compress about as photographs do.
        int red = level(127 + 127 * Math.sin(x * 0.03 + y * 0.01), random);
        int green = level(127 + 127 * Math.cos(y * 0.05), random);
        int blue = level((x / 40 + y / 40) % 2 * 255, random);
        scene.setRGB(x, y, red << 16 | green << 8 | blue);
      }
    }
    jpeg = encode(scene, "jpeg", 0.9f);
    png = encode(scene, "png", 0);
    image = ImageDecoder.decode(png, "scene.png");
  }

  @Benchmark
  public byte[] transform() {
    return transform.apply(image);
  }

  /** By the JDK's decoder. */
  @Benchmark
  public RgbImage decodeJpeg() throws IOException {
    return JDK.read(jpeg, "scene.jpg");
  }

  @Benchmark
  public RgbImage decodeJpegTurbo() throws IOException {
    if (!ImageDecoder.hasTurboJpeg()) {
      throw new IllegalStateException("libjpeg-turbo is not installed, or not found");
    }
    return ImageDecoder.decode(jpeg, "scene.jpg");
  }

  @Benchmark
  public RgbImage decodePng() throws IOException {
    return ImageDecoder.decode(png, "scene.png");
  }

  private static int level(double value, Random random) {
    return (int) Math.max(0, Math.min(255, value + 12 * random.nextGaussian()));
  }

  private static byte[] encode(BufferedImage image, String format, float quality)
      throws IOException {
    ImageWriter writer = ImageIO.getImageWritersByFormatName(format).next();
    ImageWriteParam settings = writer.getDefaultWriteParam();
    if (quality > 0) {
      settings.setCompressionMode(ImageWriteParam.MODE_EXPLICIT);
      settings.setCompressionQuality(quality);
    }
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (ImageOutputStream stream = new MemoryCacheImageOutputStream(out)) {
      writer.setOutput(stream);
      writer.write(null, new IIOImage(image, null, null), settings);
    } finally {
      writer.dispose();
    }
    return out.toByteArray();
  }
}
