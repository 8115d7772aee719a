package org.clip4j.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Random;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(20)
class ImageDecoderTest {

  private static final int BLUE = 0x80C0FF;

  @TempDir Path folder;

  /** Files by Pillow 12.3 and by hand; digests of the pixels that Pillow makes of them. */
  @TestFactory
  Stream<DynamicTest> kinds_of_files_give_the_pixels_of_pillow() throws IOException {
    return table("kinds");
  }

  /** Files that encoders seldom write, and what Pillow makes of them (make_images.py). */
  @TestFactory
  Stream<DynamicTest> odd_files_give_the_pixels_of_pillow() throws IOException {
    return table("odd");
  }

  private static Stream<DynamicTest> table(String folder) throws IOException {
    String table = new String(file(folder + "/expected.tsv"), StandardCharsets.UTF_8);
    return table
        .lines()
        .skip(1)
        .map(line -> line.split("\t", -1))
        .map(row -> DynamicTest.dynamicTest(row[0], () -> compare(folder, row)));
  }

  private static void compare(String folder, String[] row) throws Exception {
    byte[] data = file(folder + "/" + row[0]);
    RgbImage image = ImageDecoder.decode(data, row[0]);
    assertThat(image.width()).isEqualTo(Integer.parseInt(row[1]));
    assertThat(image.height()).isEqualTo(Integer.parseInt(row[2]));
    assertThat(digest(image)).isEqualTo(row[3]);
    RgbImage over = ImageDecoder.defaults().withBackground(BLUE).read(data, row[0]);
    assertThat(digest(over)).as("over a background").isEqualTo(row[4].isEmpty() ? row[3] : row[4]);
  }

  @Test
  void transparency_is_dropped_unless_a_background_is_set() throws IOException {
    BufferedImage image = new BufferedImage(2, 1, BufferedImage.TYPE_INT_ARGB);
    image.setRGB(0, 0, 0x00FF0000);
    image.setRGB(1, 0, 0x80FF0000);
    byte[] png = encode(image, "png");
    assertThat(ImageDecoder.decode(png, "a.png").pixels()).containsExactly(255, 0, 0, 255, 0, 0);
    ImageDecoder onWhite = ImageDecoder.defaults().withBackground(0xFFFFFF);
    assertThat(onWhite.read(png, "a.png").pixels()).containsExactly(255, 255, 255, 255, 127, 127);
  }

  @Test
  void a_missing_file_a_folder_and_an_empty_file_are_told_apart() throws IOException {
    Path empty = Files.createFile(folder.resolve("empty.png"));
    assertThatThrownBy(() -> ImageDecoder.decode(folder.resolve("no.png")))
        .isInstanceOf(NoSuchFileException.class)
        .hasMessageContaining("no.png: it does not exist");
    assertThatThrownBy(() -> ImageDecoder.decode(folder))
        .isInstanceOf(ImageFormatException.class)
        .hasMessageEndingWith("is a folder, not an image file");
    assertThatThrownBy(() -> ImageDecoder.decode(empty))
        .isInstanceOf(ImageFormatException.class)
        .hasMessageEndingWith("empty.png is empty");
  }

  @Test
  void what_is_no_image_is_shown() {
    assertThatThrownBy(() -> decode("<html><body>404 Not Found</body></html>"))
        .hasMessageContaining("is no PNG, JPEG, WebP, GIF, BMP or TIFF image")
        .hasMessageContaining("the text \"<html><body>404 Not Foun…\"");
    assertThatThrownBy(() -> decode("version https://git-lfs.github.com/spec/v1\noid"))
        .hasMessageContaining("Git LFS pointer");
    assertThatThrownBy(() -> decode("\0\0\0\40ftypavif"))
        .hasMessageContaining("an ISO media file (avif");
    assertThatThrownBy(() -> decode("\0\1\2\3"))
        .hasMessageContaining("bytes that begin with 00 01 02 03");
  }

  @Test
  void a_bomb_is_refused_by_its_header() throws IOException {
    byte[] png = encode(new BufferedImage(3000, 2, BufferedImage.TYPE_BYTE_GRAY), "png");
    ByteBuffer.wrap(png).putInt(16, 100_000).putInt(20, 100_000);
    assertThatThrownBy(() -> ImageDecoder.decode(png, "bomb.png"))
        .isInstanceOf(ImageFormatException.class)
        .hasMessageContaining("bomb.png")
        .hasMessageContaining("100000 x 100000 pixels")
        .hasMessageContaining("178956970");
  }

  @Test
  void a_png_too_short_for_its_size_is_refused_before_memory_is_spent() throws IOException {
    byte[] png = encode(new BufferedImage(30, 2, BufferedImage.TYPE_BYTE_GRAY), "png");
    ByteBuffer.wrap(png).putInt(16, 13_000).putInt(20, 13_000);
    assertThatThrownBy(() -> ImageDecoder.decode(png, "short.png"))
        .hasMessageContaining("short.png")
        .hasMessageContaining("cannot be held by a file of");
  }

  @ParameterizedTest
  @ValueSource(strings = {"png", "jpg", "gif", "bmp"})
  void the_limit_holds_for_every_format(String format) throws IOException {
    byte[] data = encode(new BufferedImage(20, 10, BufferedImage.TYPE_INT_RGB), format);
    assertThat(ImageDecoder.defaults().withMaxPixels(200).read(data, "a").width()).isEqualTo(20);
    assertThatThrownBy(() -> ImageDecoder.defaults().withMaxPixels(199).read(data, "a"))
        .hasMessageContaining("20 x 10 pixels, which is more than the 199 allowed");
  }

  @Test
  void options_out_of_range_are_refused() {
    ImageDecoder decoder = ImageDecoder.defaults();
    assertThatIllegalArgumentException().isThrownBy(() -> decoder.withBackground(0x1000000));
    assertThatIllegalArgumentException().isThrownBy(() -> decoder.withMaxPixels(0));
  }

  @ParameterizedTest
  @ValueSource(strings = {"png", "jpg", "gif", "bmp"})
  void a_file_cut_anywhere_is_an_error_or_whole(String format) throws IOException {
    byte[] data = encode(noise(23, 17), format);
    RgbImage whole = ImageDecoder.decode(data, "whole");
    checkCuts(data, whole);
  }

  @ParameterizedTest
  @ValueSource(strings = {"a.webp", "alossy.webp", "inter.gif", "tiff_lzw-RGB.tiff", "rle8.bmp"})
  void a_file_of_another_kind_cut_anywhere_is_an_error_or_whole(String name) throws IOException {
    byte[] data = kind(name);
    checkCuts(data, ImageDecoder.decode(data, name));
  }

  private static void checkCuts(byte[] data, RgbImage whole) {
    int step = Math.max(1, data.length / 150);
    for (int length = 1; length < data.length; length += step) {
      byte[] cut = Arrays.copyOf(data, length);
      try {
        RgbImage image = ImageDecoder.decode(cut, "cut");
        assertThat(image.pixels()).as("cut at " + length).isEqualTo(whole.pixels());
      } catch (IOException e) {
        assertThat(e).isInstanceOf(ImageFormatException.class).hasMessageStartingWith("cut ");
      }
    }
  }

  /** Damage may go unseen where a format has no checksums; what it may not do is escape. */
  @ParameterizedTest
  @ValueSource(
      strings = {"a.webp", "alossy.webp", "adam7.png", "inter.gif", "strips.tiff", "rle8.bmp"})
  void random_damage_gives_an_image_or_an_image_error(String name) throws IOException {
    byte[] data = kind(name);
    ImageDecoder decoder = ImageDecoder.defaults().withMaxPixels(1_000_000).withBackground(0);
    Random random = new Random(3);
    for (int i = 0; i < 150; i++) {
      byte[] damaged = data.clone();
      for (int k = 0; k < 3; k++) {
        damaged[random.nextInt(damaged.length)] = (byte) random.nextInt();
      }
      try {
        decoder.read(damaged, "damaged");
      } catch (ImageFormatException e) {
        assertThat(e).hasMessageStartingWith("damaged ");
      }
    }
  }

  @Test
  void gray_jpeg_keeps_its_levels() throws IOException {
    BufferedImage image = new BufferedImage(16, 16, BufferedImage.TYPE_BYTE_GRAY);
    for (int i = 0; i < 256; i++) {
      image.getRaster().setSample(i % 16, i / 16, 0, 100);
    }
    byte[] pixels = ImageDecoder.decode(encode(image, "jpg"), "gray.jpg").pixels();
    assertThat(pixels).containsOnly(100);
  }

  private static RgbImage decode(String text) throws IOException {
    return ImageDecoder.decode(text.getBytes(StandardCharsets.ISO_8859_1), "text");
  }

  private static BufferedImage noise(int width, int height) {
    BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
    Random random = new Random(1);
    for (int i = 0; i < width * height; i++) {
      image.setRGB(i % width, i / width, random.nextInt());
    }
    return image;
  }

  private static byte[] encode(BufferedImage image, String format) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    assertThat(ImageIO.write(image, format, out)).isTrue();
    return out.toByteArray();
  }

  private static byte[] kind(String name) throws IOException {
    return file("kinds/" + name);
  }

  private static byte[] file(String name) throws IOException {
    try (InputStream in = ImageDecoderTest.class.getResourceAsStream(name)) {
      assertThat(in).as(name).isNotNull();
      return in.readAllBytes();
    }
  }

  private static String digest(RgbImage image) throws Exception {
    byte[] hash = MessageDigest.getInstance("SHA-256").digest(image.pixels());
    return HexFormat.of().formatHex(hash, 0, 8);
  }
}
