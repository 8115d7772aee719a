package org.clip4j.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.TreeMap;
import java.util.zip.Deflater;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Short files that ask for much memory or time are refused, or decoded in time linear in them. */
@Timeout(20)
class HostileImagesTest {
  private static final int LARGE = 13_000; // squared, it is within the limit of pixels

  @TempDir Path folder;

  @Test
  void a_bmp_that_holds_another_format_is_refused() {
    refuse(bmp(10, 10, 4, 56), "its compression (4, a JPEG image) is not supported");
    refuse(bmp(10, 10, 5, 56), "its compression (5, a PNG image) is not supported");
  }

  @Test
  void a_bmp_shorter_than_its_pixels_is_refused() {
    refuse(bmp(4000, 4000, 0, 2000), "it is truncated: its pixels need 16000000 bytes");
  }

  @Test
  void a_bmp_of_runs_that_claims_more_than_there_is_is_refused() {
    refuse(bmp(100, 100, 1, 1080), "it is truncated: its runs need 2147483647 bytes, 2 are left");
  }

  /** With one claim each of a tile, a JPEG image in it, of samples and of strips. */
  @Test
  void a_tiff_that_claims_what_it_cannot_hold_is_refused() throws IOException {
    refuse(
        tiff(8, new byte[64], 322, 60_000, 323, 60_000, 324, 8, 325, 64),
        "it claims strips or tiles of 60000 x 60000 pixels");
    refuse(
        tiff(7, resized(jpeg(64), LARGE), 273, 8, 279, 2000, 262, 6, 277, 3),
        "it holds a JPEG image of 13000 x 13000 pixels in a place of 64 x 64");
    refuse(
        tiff(6, resized(jpeg(64), LARGE), 273, 8, 279, 2000, 262, 6, 277, 3, 513, 8),
        "it holds a JPEG image of 13000 x 13000 pixels in a place of 64 x 64");
    refuse(tiff(1, new byte[64], 273, 8, 279, 64, 277, 65_535), "it has 65535 samples a pixel");
    refuse(tiff(1, new byte[64], 273, 8, 279, 64), "it is truncated: its pixels need 4096 bytes");
    refuse(tiff(1, new byte[64], 273, 4000, 279, 64), "it ends before its strip or tile 0");
    for (int compression : new int[] {1, 4, 5, 8, 32773}) {
      refuse(
          tiff(compression, new byte[64], 273, 8, 279, 64, 256, LARGE, 257, LARGE),
          "13000 x 13000 pixels cannot be held by a file of");
    }
  }

  @Test
  void strips_that_share_their_bytes_are_refused() {
    int strips = 20_000;
    byte[] body = new byte[300_000];
    ByteBuffer numbers = ByteBuffer.wrap(body).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < strips; i++) {
      numbers.putInt(4 * i, 8).putInt(4 * (strips + i), 200_000);
    }
    byte[] data = tiff(8, body, 257, strips, 278, 1, 273, 8, 279, 8 + 4 * strips);
    int directory = ByteBuffer.wrap(data).order(ByteOrder.LITTLE_ENDIAN).getInt(4);
    for (int entry = directory + 2; entry < data.length - 4; entry += 12) {
      int tag = data[entry] & 0xFF | data[entry + 1] << 8;
      if (tag == 273 || tag == 279) {
        ByteBuffer.wrap(data).order(ByteOrder.LITTLE_ENDIAN).putInt(entry + 4, strips);
      }
    }
    refuse(data, "its strips or tiles overlap");
  }

  @Test
  void short_files_of_large_pictures_are_refused() throws IOException {
    String problem = "13000 x 13000 pixels cannot be held by a file of";
    refuse(resized(jpeg(64), LARGE), problem);
    byte[] gif = encode(new BufferedImage(2, 2, BufferedImage.TYPE_BYTE_GRAY), "gif");
    ByteBuffer.wrap(gif).order(ByteOrder.LITTLE_ENDIAN).putShort(6, (short) LARGE);
    ByteBuffer.wrap(gif).order(ByteOrder.LITTLE_ENDIAN).putShort(8, (short) LARGE);
    refuse(gif, problem);
    ByteBuffer webp = ByteBuffer.allocate(40).order(ByteOrder.LITTLE_ENDIAN);
    webp.put("RIFF    WEBPVP8L".getBytes(StandardCharsets.ISO_8859_1)).putInt(20).put((byte) 0x2F);
    webp.putInt(LARGE - 1 | LARGE - 1 << 14);
    refuse(webp.array(), problem);
  }

  @Test
  void each_side_is_bounded() throws IOException {
    byte[] png = png(1, 178_956_970, new byte[2_000_000]);
    refuse(png, "it has 1 x 178956970 pixels; no side may have more than 65535");
  }

  @Test
  void what_takes_more_than_the_heap_allows_is_refused() throws IOException {
    int side = 16_000;
    byte[] data = png(side, side, new byte[3_000_000]);
    data[24] = 16; // bits
    data[25] = 6; // RGB and alpha
    ImageDecoder decoder = ImageDecoder.defaults().withMaxPixels(1L * side * side);
    refuse(decoder, data, "MiB that images may take of the heap (-Xmx sets it)");
  }

  @Test
  void a_file_longer_than_the_heap_allows_is_not_read() throws IOException {
    Path file = folder.resolve("long.png");
    try (RandomAccessFile out = new RandomAccessFile(file.toFile(), "rw")) {
      out.setLength(900_000_000);
    }
    assertThatThrownBy(() -> ImageDecoder.decode(file))
        .isInstanceOf(ImageFormatException.class)
        .hasMessageContaining("long.png is longer than the ");
  }

  @Test
  void an_endless_stream_is_given_up() {
    InputStream endless =
        new InputStream() {
          @Override
          public int read() {
            return 0;
          }

          @Override
          public int read(byte[] into, int from, int length) {
            return length;
          }
        };
    assertThatThrownBy(() -> ImageDecoder.defaults().read(endless, "endless"))
        .isInstanceOf(ImageFormatException.class)
        .hasMessageContaining("endless is longer than the ");
  }

  @Test
  void a_gif_with_a_comment_in_blocks_of_a_byte_takes_no_time() throws IOException {
    byte[] gif = encode(new BufferedImage(2, 2, BufferedImage.TYPE_BYTE_GRAY), "gif");
    int palette = 13 + (3 << (gif[10] & 7) + 1);
    byte[] comment = new byte[1 << 20];
    Arrays.fill(comment, (byte) 1);
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(gif, 0, palette);
    out.writeBytes(new byte[] {0x21, (byte) 0xFE});
    out.writeBytes(comment);
    out.write(0);
    out.write(gif, palette, gif.length - palette);
    assertThat(ImageDecoder.decode(out.toByteArray(), "comment").width()).isEqualTo(2);
  }

  @Test
  void a_png_of_a_million_empty_chunks_takes_no_time() throws IOException {
    byte[] png = encode(new BufferedImage(2, 2, BufferedImage.TYPE_BYTE_GRAY), "png");
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(png, 0, 33);
    byte[] empty = "\0\0\0\0IDAT\0\0\0\0".getBytes(StandardCharsets.ISO_8859_1);
    for (int i = 0; i < 1_000_000; i++) {
      out.writeBytes(empty);
    }
    out.write(png, 33, png.length - 33);
    assertThat(ImageDecoder.decode(out.toByteArray(), "chunks").width()).isEqualTo(2);
  }

  @ParameterizedTest
  @ValueSource(strings = {"Raw profile type exif", "XML:com.adobe.xmp", "Comment"})
  void text_in_png_is_not_inflated_without_end(String keyword) throws IOException {
    byte[] png = encode(new BufferedImage(2, 2, BufferedImage.TYPE_BYTE_GRAY), "png");
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(png, 0, 33);
    ByteArrayOutputStream text = new ByteArrayOutputStream();
    text.writeBytes((keyword + "\0\0").getBytes(StandardCharsets.ISO_8859_1));
    text.writeBytes(deflated(new byte[100_000_000]));
    out.writeBytes(ByteBuffer.allocate(4).putInt(text.size()).array());
    out.writeBytes("zTXt".getBytes(StandardCharsets.ISO_8859_1));
    out.writeBytes(text.toByteArray());
    out.writeBytes(new byte[4]);
    out.write(png, 33, png.length - 33);
    assertThat(ImageDecoder.decode(out.toByteArray(), "bomb").width()).isEqualTo(2);
  }

  @Test
  void a_jpeg_of_many_scans_is_refused() throws IOException {
    byte[] jpeg = resized(jpeg(64), 4000);
    int scan = indexOf(jpeg, 0xDA);
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(jpeg, 0, jpeg.length - 2);
    for (int i = 0; i < 100; i++) {
      out.write(jpeg, scan, jpeg.length - 2 - scan);
    }
    out.write(jpeg, jpeg.length - 2, 2);
    refuse(out.toByteArray(), "scans allowed for its size");
  }

  private static void refuse(byte[] data, String problem) {
    refuse(ImageDecoder.defaults(), data, problem);
  }

  private static void refuse(ImageDecoder decoder, byte[] data, String problem) {
    assertThatThrownBy(() -> decoder.read(data, "hostile"))
        .isInstanceOf(ImageFormatException.class)
        .hasMessageStartingWith("hostile ")
        .hasMessageContaining(problem);
  }

  private static byte[] bmp(int width, int height, int compression, int length) {
    return ByteBuffer.allocate(length)
        .order(ByteOrder.LITTLE_ENDIAN)
        .put(new byte[] {'B', 'M'})
        .putInt(length)
        .putInt(0)
        .putInt(Math.min(length, 1078))
        .putInt(40)
        .putInt(width)
        .putInt(height)
        .putShort((short) 1)
        .putShort((short) 8)
        .putInt(compression)
        .putInt(Integer.MAX_VALUE)
        .array();
  }

  /** A gray TIFF of 64 x 64 with more tags, or other values of those it has. */
  private static byte[] tiff(int compression, byte[] pixels, int... more) {
    TreeMap<Integer, Integer> tags = new TreeMap<>();
    tags.put(256, 64);
    tags.put(257, 64);
    tags.put(258, 8);
    tags.put(259, compression);
    tags.put(262, 1);
    tags.put(277, 1);
    for (int i = 0; i < more.length; i += 2) {
      tags.put(more[i], more[i + 1]);
    }
    int directory = 8 + pixels.length + pixels.length % 2;
    ByteBuffer out =
        ByteBuffer.allocate(directory + 6 + 12 * tags.size()).order(ByteOrder.LITTLE_ENDIAN);
    out.put(new byte[] {'I', 'I', 42, 0}).putInt(directory).put(pixels).position(directory);
    out.putShort((short) tags.size());
    tags.forEach(
        (tag, value) -> out.putShort(tag.shortValue()).putShort((short) 4).putInt(1).putInt(value));
    return out.array();
  }

  private static byte[] png(int width, int height, byte[] pixels) {
    ByteBuffer out = ByteBuffer.allocate(33 + 12 + pixels.length);
    out.put("\u0089PNG\r\n\u001a\n\0\0\0\rIHDR".getBytes(StandardCharsets.ISO_8859_1));
    out.putInt(width).putInt(height).put(new byte[] {8, 0, 0, 0, 0}).putInt(0);
    out.putInt(pixels.length).put("IDAT".getBytes(StandardCharsets.ISO_8859_1)).put(pixels);
    return out.array();
  }

  private static byte[] jpeg(int side) throws IOException {
    return encode(new BufferedImage(side, side, BufferedImage.TYPE_INT_RGB), "jpg");
  }

  /** The same file with another size in its header. */
  private static byte[] resized(byte[] jpeg, int side) {
    int frame = indexOf(jpeg, 0xC0);
    ByteBuffer.wrap(jpeg).putShort(frame + 5, (short) side).putShort(frame + 7, (short) side);
    return jpeg;
  }

  private static int indexOf(byte[] jpeg, int marker) {
    int at = 2;
    while ((jpeg[at + 1] & 0xFF) != marker) {
      at += 2 + ((jpeg[at + 2] & 0xFF) << 8 | jpeg[at + 3] & 0xFF);
    }
    return at;
  }

  private static byte[] deflated(byte[] data) {
    Deflater deflater = new Deflater();
    deflater.setInput(data);
    deflater.finish();
    byte[] out = new byte[200_000];
    int length = deflater.deflate(out);
    deflater.end();
    return Arrays.copyOf(out, length);
  }

  private static byte[] encode(BufferedImage image, String format) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    assertThat(ImageIO.write(image, format, out)).isTrue();
    return out.toByteArray();
  }
}
