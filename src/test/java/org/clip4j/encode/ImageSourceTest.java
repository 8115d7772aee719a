package org.clip4j.encode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.modality.cv.Image;
import ai.djl.modality.cv.ImageFactory;
import java.awt.color.ColorSpace;
import java.awt.image.BandedSampleModel;
import java.awt.image.BufferedImage;
import java.awt.image.ComponentColorModel;
import java.awt.image.DataBuffer;
import java.awt.image.Raster;
import java.awt.image.WritableRaster;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Random;
import javax.imageio.ImageIO;
import org.clip4j.image.ImageDecoder;
import org.clip4j.image.ImageFormatException;
import org.clip4j.image.RgbImage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ImageSourceTest {
  private static final int WHITE = 0xFFFFFF;
  private static final ImageDecoder ON_WHITE = ImageDecoder.defaults().withBackground(WHITE);
  private static final ImageDecoder SMALL = ImageDecoder.defaults().withMaxPixels(9 * 7 - 1);

  @TempDir Path folder;

  @Test
  void a_file_bytes_a_stream_and_an_image_in_memory_give_the_same_pixels() throws IOException {
    BufferedImage image = noise(BufferedImage.TYPE_INT_RGB);
    byte[] png = png(image);
    Path file = Files.write(folder.resolve("a.png"), png);
    RgbImage expected = ImageDecoder.decode(png, "expected");
    for (ImageSource source :
        new ImageSource[] {
          ImageSource.of(file),
          ImageSource.of(png, "bytes"),
          ImageSource.of(new ByteArrayInputStream(png), "stream"),
          ImageSource.of(image),
          ImageSource.of(ImageFactory.getInstance().fromImage(image)),
          ImageSource.of(ImageFactory.getInstance().fromFile(file)),
          ImageSource.of(djlImage(image)),
          ImageSource.of(expected)
        }) {
      for (int again = 0; again < 2; again++) {
        assertThat(source.read().width()).as(source.name()).isEqualTo(9);
        assertThat(source.read().pixels()).as(source.name()).isEqualTo(expected.pixels());
      }
    }
  }

  @Test
  void every_source_has_a_name_and_says_it_in_errors() throws IOException {
    BufferedImage image = noise(BufferedImage.TYPE_INT_RGB);
    byte[] png = png(image);
    Path file = Files.write(folder.resolve("a.png"), png);
    assertNamed(ImageSource.of(file, SMALL), file.toString());
    assertNamed(ImageSource.of(png, "upload 17", SMALL), "upload 17");
    assertNamed(ImageSource.of(new ByteArrayInputStream(png), "part 3", SMALL), "part 3");
    assertNamed(ImageSource.of(image, SMALL), "the buffered image of 9 x 7");
    assertNamed(ImageSource.of(djlImage(image), SMALL), "the DJL image of 9 x 7");
    assertThat(ImageSource.of(ImageDecoder.decode(file)).name())
        .isEqualTo("the RGB image of 9 x 7");
  }

  private static void assertNamed(ImageSource source, String name) {
    assertThat(source.name()).isEqualTo(name);
    assertThatThrownBy(source::read)
        .isInstanceOf(ImageFormatException.class)
        .hasMessageStartingWith(name + " ")
        .hasMessageContaining("9 x 7 pixels, which is more than the 62 allowed");
  }

  @Test
  void the_options_of_the_decoder_hold_for_every_source() throws IOException {
    BufferedImage image = new BufferedImage(1, 1, BufferedImage.TYPE_INT_ARGB);
    image.setRGB(0, 0, 0x00102030);
    byte[] png = png(image);
    Path file = Files.write(folder.resolve("clear.png"), png);
    for (ImageSource source :
        new ImageSource[] {
          ImageSource.of(file, ON_WHITE),
          ImageSource.of(png, "bytes", ON_WHITE),
          ImageSource.of(new ByteArrayInputStream(png), "stream", ON_WHITE),
          ImageSource.of(image, ON_WHITE),
          ImageSource.of(ImageFactory.getInstance().fromImage(image), ON_WHITE),
          ImageSource.of(djlImage(image), ON_WHITE)
        }) {
      assertThat(source.read().pixels()).as(source.name()).containsExactly(255, 255, 255);
    }
    assertThat(ImageSource.of(image).read().pixels()).containsExactly(0x10, 0x20, 0x30);
  }

  @Test
  void a_missing_file_is_told_when_it_is_read() {
    ImageSource source = ImageSource.of(folder.resolve("no.png"));
    assertThatThrownBy(source::read)
        .isInstanceOf(NoSuchFileException.class)
        .hasMessageContaining("no.png: it does not exist");
  }

  @Test
  void a_stream_is_left_open_and_bounded() throws IOException {
    boolean[] closed = new boolean[1];
    InputStream in =
        new FilterInputStream(new ByteArrayInputStream(png(noise(BufferedImage.TYPE_INT_RGB)))) {
          @Override
          public void close() {
            closed[0] = true;
          }
        };
    ImageSource.of(in, "kept");
    assertThat(closed[0]).isFalse();
    assertThat(in.read()).as("read to its end").isEqualTo(-1);

    ImageDecoder brief = ImageDecoder.defaults().withMaxBytes(1000);
    InputStream endless =
        new InputStream() {
          @Override
          public int read() {
            return 0;
          }
        };
    assertThatThrownBy(() -> ImageSource.of(endless, "endless", brief))
        .isInstanceOf(ImageFormatException.class)
        .hasMessageContaining("endless is longer than the 1000 bytes allowed")
        .hasMessageContaining("withMaxBytes");
    Path file = Files.write(folder.resolve("long"), new byte[1001]);
    assertThatThrownBy(() -> brief.read(file)).hasMessageContaining("1000 bytes allowed");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ImageDecoder.defaults().withMaxBytes(0))
        .withMessageContaining("0");
  }

  @Test
  void a_stream_that_fails_is_named() {
    InputStream broken =
        new InputStream() {
          @Override
          public int read() throws IOException {
            throw new IOException("connection reset");
          }
        };
    assertThatThrownBy(() -> ImageSource.of(broken, "upload"))
        .isInstanceOf(IOException.class)
        .hasMessage("upload cannot be read: connection reset");
  }

  /** All types of which PNG keeps every bit. */
  @ParameterizedTest
  @ValueSource(
      ints = {
        BufferedImage.TYPE_INT_RGB,
        BufferedImage.TYPE_INT_ARGB,
        BufferedImage.TYPE_INT_BGR,
        BufferedImage.TYPE_3BYTE_BGR,
        BufferedImage.TYPE_4BYTE_ABGR,
        BufferedImage.TYPE_BYTE_GRAY,
        BufferedImage.TYPE_USHORT_GRAY,
        BufferedImage.TYPE_BYTE_BINARY,
        BufferedImage.TYPE_BYTE_INDEXED
      })
  void an_image_in_memory_gives_what_its_file_gives(int type) throws IOException {
    BufferedImage image = noise(type);
    BufferedImage part = image.getSubimage(2, 1, 5, 4);
    for (ImageDecoder decoder : new ImageDecoder[] {ImageDecoder.defaults(), ON_WHITE}) {
      assertThat(decoder.read(image).pixels()).isEqualTo(decoder.read(png(image), "a").pixels());
      assertThat(decoder.read(part).pixels()).isEqualTo(decoder.read(png(part), "a").pixels());
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {BufferedImage.TYPE_INT_ARGB_PRE, BufferedImage.TYPE_4BYTE_ABGR_PRE})
  void multiplied_colours_are_divided_again(int type) throws IOException {
    BufferedImage image = new BufferedImage(2, 1, type);
    image.getRaster().setPixel(0, 0, new int[] {100, 50, 128, 128});
    image.getRaster().setPixel(1, 0, new int[] {10, 20, 30, 255});
    assertThat(ImageSource.of(image).read().pixels()).containsExactly(199, 99, 255, 10, 20, 30);
    // 199 * 128 / 255 + 127, which is 100 + 127; so for the others
    assertThat(ImageSource.of(image, ON_WHITE).read().pixels())
        .containsExactly(227, 177, 255, 10, 20, 30);
  }

  @Test
  void few_bits_of_colour_are_spread_over_all_levels() throws IOException {
    BufferedImage image = new BufferedImage(1, 1, BufferedImage.TYPE_USHORT_565_RGB);
    image.getRaster().setPixel(0, 0, new int[] {31, 32, 1});
    assertThat(ImageSource.of(image).read().pixels()).containsExactly(255, 32 * 255 / 63, 8);
    image = new BufferedImage(1, 1, BufferedImage.TYPE_USHORT_555_RGB);
    image.getRaster().setPixel(0, 0, new int[] {31, 16, 1});
    assertThat(ImageSource.of(image).read().pixels()).containsExactly(255, 16 * 255 / 31, 8);
  }

  @Test
  void layouts_of_ones_own_are_taken_too() throws IOException {
    ColorSpace rgb = ColorSpace.getInstance(ColorSpace.CS_sRGB);
    WritableRaster planes =
        Raster.createWritableRaster(new BandedSampleModel(DataBuffer.TYPE_USHORT, 1, 1, 3), null);
    planes.setPixel(0, 0, new int[] {0x1234, 0xFFFF, 0x00FF});
    ComponentColorModel colors =
        new ComponentColorModel(rgb, false, false, 1, DataBuffer.TYPE_USHORT);
    assertThat(ImageSource.of(new BufferedImage(colors, planes, false, null)).read().pixels())
        .as("the high byte of 16 bits, as of files")
        .containsExactly(0x12, 0xFF, 0);

    WritableRaster numbers =
        Raster.createWritableRaster(new BandedSampleModel(DataBuffer.TYPE_FLOAT, 1, 1, 3), null);
    numbers.setPixel(0, 0, new float[] {0, 0.5f, 1});
    ComponentColorModel floats =
        new ComponentColorModel(rgb, false, false, 1, DataBuffer.TYPE_FLOAT);
    assertThat(ImageSource.of(new BufferedImage(floats, numbers, false, null)).read().pixels())
        .containsExactly(0, 128, 255);

    WritableRaster other = Raster.createInterleavedRaster(DataBuffer.TYPE_BYTE, 1, 1, 3, null);
    other.setPixel(0, 0, new int[] {100, 120, 40});
    ComponentColorModel xyz =
        new ComponentColorModel(
            ColorSpace.getInstance(ColorSpace.CS_CIEXYZ), false, false, 1, DataBuffer.TYPE_BYTE);
    BufferedImage image = new BufferedImage(xyz, other, false, null);
    int argb = image.getRGB(0, 0);
    assertThat(ImageSource.of(image).read().pixels())
        .as("through the colour model")
        .containsExactly(argb >> 16 & 0xFF, argb >> 8 & 0xFF, argb & 0xFF);
  }

  @Test
  void a_djl_image_that_does_not_give_its_pixels_is_an_error() {
    Image image = djlImage(null);
    assertThatThrownBy(() -> ImageSource.of(image).read())
        .isInstanceOf(ImageFormatException.class)
        .hasMessageContaining("the DJL image of 9 x 7")
        .hasMessageContaining("does not give its pixels: no pixels");
  }

  /** An implementation whose pixels lie in something else than a buffered image. */
  private static Image djlImage(BufferedImage pixels) {
    return (Image)
        Proxy.newProxyInstance(
            Image.class.getClassLoader(),
            new Class<?>[] {Image.class},
            (proxy, method, arguments) ->
                switch (method.getName()) {
                  case "getWidth" -> pixels == null ? 9 : pixels.getWidth();
                  case "getHeight" -> pixels == null ? 7 : pixels.getHeight();
                  case "getWrappedImage" -> "a handle";
                  case "save" -> {
                    if (pixels == null) {
                      throw new IOException("no pixels");
                    }
                    ImageIO.write(pixels, (String) arguments[1], (OutputStream) arguments[0]);
                    yield null;
                  }
                  default -> throw new AssertionError(method.getName());
                });
  }

  private static BufferedImage noise(int type) {
    BufferedImage image = new BufferedImage(9, 7, type);
    Random random = new Random(1);
    for (int i = 0; i < 9 * 7; i++) {
      if (type == BufferedImage.TYPE_USHORT_GRAY) {
        image.getRaster().setSample(i % 9, i / 9, 0, random.nextInt(400));
      } else {
        image.setRGB(i % 9, i / 9, random.nextInt());
      }
    }
    return image;
  }

  private static byte[] png(BufferedImage image) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    assertThat(ImageIO.write(image, "png", out)).isTrue();
    return out.toByteArray();
  }
}
