package org.clip4j.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.Timeout;

/** The eight orientations in files by Pillow (examples/peers/make_images.py). */
@Timeout(20)
class OrientationTest {
  private static final ImageDecoder AS_STORED = ImageDecoder.defaults().withExifOrientation(false);

  @TestFactory
  Stream<DynamicTest> every_orientation_of_every_format_is_that_of_pillow() throws IOException {
    List<String> lines =
        new String(file("expected.tsv"), StandardCharsets.UTF_8).lines().skip(1).toList();
    assertThat(lines).hasSize(8 * 4);
    return lines.stream()
        .map(line -> line.split("\t", -1))
        .map(row -> DynamicTest.dynamicTest(row[0], () -> compare(row)));
  }

  private static void compare(String[] row) throws Exception {
    byte[] data = file(row[0]);
    assertThat(line(ImageDecoder.decode(data, row[0])))
        .isEqualTo(String.join("\t", Arrays.copyOfRange(row, 1, 4)));
    assertThat(line(AS_STORED.read(data, row[0])))
        .as("with the switch off")
        .isEqualTo(String.join("\t", Arrays.copyOfRange(row, 4, 7)));
  }

  @Test
  void an_image_larger_than_a_tile_is_turned_whole() {
    int width = 70;
    int height = 101;
    byte[] pixels = new byte[width * height * 3];
    new Random(1).nextBytes(pixels);
    RgbImage image = new RgbImage(width, height, pixels);
    for (Orientation orientation : Orientation.values()) {
      RgbImage turned = orientation.apply(image);
      Orientation back =
          switch (orientation) {
            case TURNED_LEFT -> Orientation.TURNED_RIGHT;
            case TURNED_RIGHT -> Orientation.TURNED_LEFT;
            default -> orientation;
          };
      if (orientation != Orientation.UPRIGHT) {
        assertThat(turned.pixels()).isNotEqualTo(pixels);
      }
      assertThat(back.apply(turned).pixels()).as(orientation.name()).isEqualTo(pixels);
    }
    RgbImage right = Orientation.TURNED_LEFT.apply(image);
    // What is leftmost in the last row comes to the top left corner.
    assertThat(Arrays.copyOf(right.pixels(), 3))
        .isEqualTo(
            Arrays.copyOfRange(pixels, (height - 1) * width * 3, (height - 1) * width * 3 + 3));
  }

  @Test
  void the_limit_of_pixels_holds_for_turned_images() throws IOException {
    byte[] data = file("6.jpg");
    assertThat(ImageDecoder.defaults().withMaxPixels(19 * 11).read(data, "a").height())
        .isEqualTo(19);
    assertThatThrownBy(() -> ImageDecoder.defaults().withMaxPixels(19 * 11 - 1).read(data, "a"))
        .hasMessageContaining("19 x 11 pixels, which is more than the 208 allowed");
  }

  @Test
  void exif_that_makes_no_sense_is_ignored() throws IOException {
    RgbImage stored = AS_STORED.read(file("6.jpg"), "stored");
    for (byte[] exif :
        List.of(
            exif("MM", 42, 8, 274, 3, 1, 9), // no such orientation
            exif("MM", 42, 8, 274, 3, 1, 0),
            exif("MM", 42, 8, 274, 2, 1, 6), // of another type
            exif("MM", 42, 8, 274, 3, 0, 6), // none
            exif("MM", 42, 8, 274, 3, -1, 6),
            exif("MM", 42, 8, 275, 3, 1, 6), // another tag
            exif("MM", 42, 0, 274, 3, 1, 6), // the directory is the header
            exif("MM", 42, 0x7FFFFFFF, 274, 3, 1, 6), // and is far outside
            exif("MM", 42, -1, 274, 3, 1, 6),
            exif("MM", 43, 8, 274, 3, 1, 6),
            exif("XX", 42, 8, 274, 3, 1, 6),
            Arrays.copyOf(exif("MM", 42, 8, 274, 3, 1, 6), 17), // cut within the entry
            new byte[0])) {
      RgbImage image = ImageDecoder.decode(withExif(exif), "odd");
      assertThat(image.width()).as(HexFormat.of().formatHex(exif)).isEqualTo(stored.width());
      assertThat(image.pixels()).isEqualTo(stored.pixels());
    }
    byte[] good = exif("MM", 42, 8, 274, 3, 1, 6);
    assertThat(ImageDecoder.decode(withExif(good), "good").width()).isEqualTo(stored.height());
  }

  /** A directory whose entry lies in the TIFF header's place, or anywhere else. */
  private static byte[] exif(
      String order, int magic, int directory, int tag, int type, int count, int value) {
    return ByteBuffer.allocate(26)
        .put(order.getBytes(StandardCharsets.ISO_8859_1))
        .putShort((short) magic)
        .putInt(directory)
        .putShort((short) 1)
        .putShort((short) tag)
        .putShort((short) type)
        .putInt(count)
        .putShort((short) value)
        .array();
  }

  /** The file of orientation 6 with other EXIF data. */
  private static byte[] withExif(byte[] exif) throws IOException {
    byte[] data = file("6.jpg");
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(data, 0, 2);
    int length = 2 + 6 + exif.length;
    out.writeBytes(new byte[] {(byte) 0xFF, (byte) 0xE1, (byte) (length >> 8), (byte) length});
    out.writeBytes("Exif\0\0".getBytes(StandardCharsets.ISO_8859_1));
    out.writeBytes(exif);
    int old = 20; // after the start and JFIF's segment
    assertThat(data[old + 1]).isEqualTo((byte) 0xE1);
    int rest = old + 2 + ((data[old + 2] & 0xFF) << 8 | data[old + 3] & 0xFF);
    out.write(data, rest, data.length - rest);
    return out.toByteArray();
  }

  private static String line(RgbImage image) throws Exception {
    byte[] hash = MessageDigest.getInstance("SHA-256").digest(image.pixels());
    return image.width() + "\t" + image.height() + "\t" + HexFormat.of().formatHex(hash, 0, 8);
  }

  private static byte[] file(String name) throws IOException {
    try (InputStream in = OrientationTest.class.getResourceAsStream("orientation/" + name)) {
      assertThat(in).as("orientation/" + name).isNotNull();
      return in.readAllBytes();
    }
  }
}
