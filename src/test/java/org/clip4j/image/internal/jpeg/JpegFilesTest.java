package org.clip4j.image.internal.jpeg;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageTypeSpecifier;
import javax.imageio.ImageWriteParam;
import javax.imageio.ImageWriter;
import javax.imageio.metadata.IIOMetadata;
import javax.imageio.stream.MemoryCacheImageOutputStream;
import org.clip4j.image.ImageDecoder;
import org.clip4j.image.ImageFormatException;
import org.clip4j.image.RgbImage;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.Timeout;
import org.w3c.dom.Element;
import org.w3c.dom.Node;

/**
 * JPEG files of many kinds by Pillow (examples/peers/make_images.py) and by the JDK, decoded by the
 * JDK's decoder and by libjpeg-turbo. The latter is not part of the build: where it is installed,
 * {@code -Dtest.excluded.groups=slow,gpu,network} includes it.
 */
@Timeout(60)
class JpegFilesTest {
  private static final Path FOLDER = Path.of("src/test/resources/org/clip4j/image/jpegs");

  /**
   * libjpeg 6b, which most JDKs bring, repeats the chroma of 4:4:0 where libjpeg-turbo (Pillow's,
   * and the JDK's of some Linux distributions) interpolates it, and smooths unfinished files
   * otherwise.
   */
  private static final Set<String> VERSIONS_DIFFER =
      Set.of("4-4-0.jpg", "unfinished-progressive.jpg");

  private static final ImageDecoder TURBO = ImageDecoder.defaults();
  private static final ImageDecoder JDK = ImageDecoder.defaults().withTurboJpeg(false);

  @TestFactory
  Stream<DynamicTest> every_kind_of_file_is_within_a_level_of_pillow() throws IOException {
    return files().map(file -> DynamicTest.dynamicTest(name(file), () -> compare(JDK, file)));
  }

  @TestFactory
  @Tag("turbojpeg")
  Stream<DynamicTest> every_kind_of_file_is_so_by_libjpeg_turbo() throws IOException {
    assertThat(ImageDecoder.hasTurboJpeg()).as("libjpeg-turbo is installed").isTrue();
    return files().map(file -> DynamicTest.dynamicTest(name(file), () -> compare(TURBO, file)));
  }

  @Test
  void only_files_that_all_decoders_see_alike_are_for_libjpeg_turbo() throws IOException {
    List<String> others = new ArrayList<>();
    for (Path file : files().toList()) {
      if (!JpegFile.isUsual(Files.readAllBytes(file))) {
        others.add(name(file));
      }
    }
    assertThat(others).containsExactly("4-4-0.jpg", "rgb.jpg", "unfinished-progressive.jpg");
  }

  private static Stream<Path> files() throws IOException {
    try (Stream<Path> list = Files.list(FOLDER)) {
      List<Path> files = list.filter(file -> name(file).endsWith(".jpg")).sorted().toList();
      assertThat(files).hasSize(25);
      return files.stream();
    }
  }

  private static String name(Path file) {
    return file.getFileName().toString();
  }

  private static void compare(ImageDecoder decoder, Path file) throws IOException {
    RgbImage found = decoder.read(file);
    RgbImage expected = JDK.read(Path.of(file.toString().replace(".jpg", ".png")));
    assertThat(found.width()).isEqualTo(expected.width());
    assertThat(found.height()).isEqualTo(expected.height());
    if (VERSIONS_DIFFER.contains(name(file))) {
      assertThat(meanDifference(found, expected)).isLessThan(4);
    } else {
      assertThat(largestDifference(found, expected)).isLessThanOrEqualTo(1);
    }
  }

  private static double meanDifference(RgbImage a, RgbImage b) {
    double sum = 0;
    for (int i = 0; i < a.pixels().length; i++) {
      sum += Math.abs((a.pixels()[i] & 0xFF) - (b.pixels()[i] & 0xFF));
    }
    return sum / a.pixels().length;
  }

  private static int largestDifference(RgbImage a, RgbImage b) {
    int largest = 0;
    for (int i = 0; i < a.pixels().length; i++) {
      largest = Math.max(largest, Math.abs((a.pixels()[i] & 0xFF) - (b.pixels()[i] & 0xFF)));
    }
    return largest;
  }

  @Test
  @Tag("turbojpeg")
  void libjpeg_turbo_and_the_jdk_agree_on_random_files_in_many_threads() {
    assertThat(ImageDecoder.hasTurboJpeg()).as("libjpeg-turbo is installed").isTrue();
    IntStream.range(0, 400)
        .parallel()
        .forEach(
            seed -> {
              try {
                byte[] jpeg = random(seed);
                int difference = largestDifference(TURBO.read(jpeg, "a"), JDK.read(jpeg, "a"));
                assertThat(difference).as("file of seed " + seed).isLessThanOrEqualTo(1);
              } catch (IOException e) {
                throw new AssertionError("file of seed " + seed, e);
              }
            });
  }

  /** What is damaged gives what it gives without libjpeg-turbo: the same pixels or an error. */
  @Test
  @Tag("turbojpeg")
  void damaged_files_fall_back() throws IOException {
    int unlike = 0;
    for (int seed = 0; seed < 60; seed++) {
      byte[] jpeg = random(seed);
      Random random = new Random(seed);
      for (int i = 0; i < 5; i++) {
        jpeg[jpeg.length / 2 + random.nextInt(jpeg.length / 2 - 2)] = (byte) random.nextInt(255);
      }
      String found = outcome(TURBO, jpeg);
      unlike += found.equals(outcome(JDK, jpeg)) ? 0 : 1;
    }
    assertThat(unlike).isZero();
  }

  private static String outcome(ImageDecoder decoder, byte[] jpeg) {
    try {
      return Arrays.hashCode(decoder.read(jpeg, "damaged").pixels()) + "";
    } catch (IOException e) {
      return e.getMessage();
    }
  }

  @Test
  void more_scans_than_any_encoder_writes_are_refused() throws IOException {
    byte[] whole = Files.readAllBytes(FOLDER.resolve("gray.jpg"));
    int scan = 0;
    while (whole[scan] != (byte) 0xFF || whole[scan + 1] != (byte) 0xDA) {
      scan++;
    }
    ByteArrayOutputStream many = new ByteArrayOutputStream();
    many.write(whole, 0, scan);
    for (int i = 0; i < 501; i++) {
      many.write(whole, scan, whole.length - 2 - scan);
    }
    many.write(whole, whole.length - 2, 2);
    assertThatThrownBy(() -> ImageDecoder.decode(many.toByteArray(), "endless.jpg"))
        .isInstanceOf(ImageFormatException.class)
        .hasMessageContaining("endless.jpg")
        .hasMessageContaining("more than the 500 scans allowed for its size");
  }

  /** Noise of any size, quality, sampling and mode. */
  private static byte[] random(int seed) throws IOException {
    Random random = new Random(seed);
    int type = random.nextInt(5) == 0 ? BufferedImage.TYPE_BYTE_GRAY : BufferedImage.TYPE_3BYTE_BGR;
    BufferedImage image = new BufferedImage(1 + random.nextInt(90), 1 + random.nextInt(90), type);
    int step = 1 + random.nextInt(40);
    for (int y = 0; y < image.getHeight(); y++) {
      for (int x = 0; x < image.getWidth(); x++) {
        int level = (x * step + y * 3) % 256;
        image.setRGB(x, y, level << 16 | random.nextInt(1 << 16));
      }
    }
    ImageWriter writer = ImageIO.getImageWritersByFormatName("jpeg").next();
    ImageWriteParam settings = writer.getDefaultWriteParam();
    settings.setCompressionMode(ImageWriteParam.MODE_EXPLICIT);
    settings.setCompressionQuality(random.nextInt(101) / 100f);
    settings.setProgressiveMode(
        random.nextInt(3) == 0 ? ImageWriteParam.MODE_DEFAULT : ImageWriteParam.MODE_DISABLED);
    IIOMetadata data =
        writer.getDefaultImageMetadata(ImageTypeSpecifier.createFromRenderedImage(image), settings);
    sample(data, random.nextInt(3));
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (MemoryCacheImageOutputStream stream = new MemoryCacheImageOutputStream(out)) {
      writer.setOutput(stream);
      writer.write(data, new IIOImage(image, null, data), settings);
    } finally {
      writer.dispose();
    }
    return out.toByteArray();
  }

  /** 4:4:4, 4:2:2 or 4:2:0. */
  private static void sample(IIOMetadata data, int kind) throws IOException {
    String format = "javax_imageio_jpeg_image_1.0";
    Node tree = data.getAsTree(format);
    Element component = (Element) ((Element) tree).getElementsByTagName("componentSpec").item(0);
    boolean colour = ((Element) tree).getElementsByTagName("componentSpec").getLength() == 3;
    component.setAttribute("HsamplingFactor", colour && kind > 0 ? "2" : "1");
    component.setAttribute("VsamplingFactor", colour && kind > 1 ? "2" : "1");
    data.setFromTree(format, tree);
  }
}
