package org.clip4j.data.shapes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.clip4j.data.CorruptedImage;
import org.clip4j.data.LabelledImage;
import org.clip4j.encode.ImageSource;
import org.clip4j.image.Corruption;
import org.clip4j.image.RgbImage;
import org.clip4j.io.SeededRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ShapeStyleTest {
  private static final ColouredShapes SHAPES = ColouredShapes.create();

  private static int[] pixel(RgbImage image, int x, int y) {
    int at = (y * image.width() + x) * 3;
    return new int[] {
      image.pixels()[at] & 0xFF, image.pixels()[at + 1] & 0xFF, image.pixels()[at + 2] & 0xFF
    };
  }

  private static List<RgbImage> images(List<LabelledImage> set) throws IOException {
    List<RgbImage> images = new ArrayList<>();
    for (LabelledImage each : set) {
      images.add(each.image().read());
    }
    return images;
  }

  @ParameterizedTest
  @EnumSource
  void a_style_draws_the_same_pixels_every_time(ShapeStyle style) throws IOException {
    for (LabelledImage image : SHAPES.seenTest(1, style)) {
      assertThat(image.image().read().pixels()).isEqualTo(image.image().read().pixels());
    }
  }

  @ParameterizedTest
  @EnumSource
  void styles_keep_names_and_labels_and_differ_in_pixels(ShapeStyle style) throws IOException {
    List<LabelledImage> plain = SHAPES.unseenTest(2);
    List<LabelledImage> styled = SHAPES.unseenTest(2, style);
    assertThat(styled).hasSameSizeAs(plain);
    for (int i = 0; i < plain.size(); i++) {
      assertThat(styled.get(i).label()).isEqualTo(plain.get(i).label());
      assertThat(styled.get(i).image().name()).isEqualTo(plain.get(i).image().name());
      byte[] pixels = styled.get(i).image().read().pixels();
      if (style == ShapeStyle.PLAIN) {
        assertThat(pixels).isEqualTo(plain.get(i).image().read().pixels());
      } else {
        assertThat(pixels).isNotEqualTo(plain.get(i).image().read().pixels());
      }
    }
  }

  @Test
  void checkered_backgrounds_have_corners_that_no_training_background_has() throws IOException {
    Set<String> kinds = new HashSet<>();
    for (RgbImage image : images(SHAPES.seenTest(4, ShapeStyle.CHECKERED_BACKGROUND))) {
      // Away from the squares' edges a corner has one of the two colours.
      int[] rgb = pixel(image, 0, 0);
      int least = Math.min(rgb[0], Math.min(rgb[1], rgb[2]));
      int most = Math.max(rgb[0], Math.max(rgb[1], rgb[2]));
      boolean pastel = least >= ShapeRecipe.MIN_PASTEL;
      boolean grey = most == least;
      kinds.add(pastel ? "pastel" : grey ? "grey" : "strong");
    }
    assertThat(kinds).containsExactly("strong");
  }

  @Test
  void an_outline_leaves_the_middle_open_and_has_the_colour_at_the_edge() {
    double[][] square = {{10, 10, 38, 10, 38, 38, 10, 38}};
    ShapeCanvas canvas = new ShapeCanvas(48);
    canvas.fill((x, y, c) -> 255);
    canvas.stroke(square, 2, ShapeCanvas.Paint.of(new int[] {200, 0, 0}));
    RgbImage image = canvas.image();
    assertThat(pixel(image, 24, 24)).containsExactly(255, 255, 255);
    assertThat(pixel(image, 24, 9)).containsExactly(200, 0, 0); // centre half a pixel away
    assertThat(pixel(image, 24, 10)).containsExactly(200, 0, 0);
    assertThat(pixel(image, 24, 12)).containsExactly(255, 255, 255);
    // The line ends one pixel from the outline: of the next pixel nothing is left.
    assertThat(pixel(image, 24, 8)).containsExactly(255, 255, 255);
  }

  @Test
  void stripes_are_the_colour_and_a_darker_one() {
    int[] object = {200, 100, 50};
    ShapeCanvas.Paint paint = ShapePaints.stripes(48, object, new SeededRandom(5));
    Set<Double> reds = new HashSet<>();
    for (int x = 0; x < 48; x++) {
      reds.add(paint.level(x, 20, 0));
    }
    assertThat(reds).contains(200.0, 110.0).allMatch(red -> red >= 110 && red <= 200);
  }

  @Test
  void a_corrupted_image_is_the_same_every_time_and_another_by_name_and_seed() throws IOException {
    List<LabelledImage> images = SHAPES.seenTest(1);
    ImageSource first = images.get(0).image();
    CorruptedImage noisy = new CorruptedImage(first, Corruption.NOISE, 5, 1);
    assertThat(noisy.name()).isEqualTo(first.name());
    assertThat(noisy.read().pixels()).isEqualTo(noisy.read().pixels());
    assertThat(new CorruptedImage(first, Corruption.NOISE, 5, 2).read().pixels())
        .isNotEqualTo(noisy.read().pixels());
    RgbImage grey = new RgbImage(8, 8, new byte[192]);
    assertThat(new CorruptedImage(source("a", grey), Corruption.NOISE, 5, 1).read().pixels())
        .isNotEqualTo(
            new CorruptedImage(source("b", grey), Corruption.NOISE, 5, 1).read().pixels());
    assertThatThrownBy(() -> new CorruptedImage(first, Corruption.BLUR, 0, 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("found 0");
  }

  private static ImageSource source(String name, RgbImage image) {
    return new ImageSource() {
      @Override
      public String name() {
        return name;
      }

      @Override
      public RgbImage read() {
        return image;
      }
    };
  }
}
