package org.clip4j.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import javax.imageio.ImageIO;
import org.clip4j.data.LabelledImage;
import org.clip4j.data.shapes.ColouredShapes;
import org.clip4j.encode.Encoder;
import org.clip4j.encode.ImageSource;
import org.clip4j.eval.Overlap.Pair;
import org.clip4j.image.ImageDecoder;
import org.clip4j.image.ImageTransform;
import org.clip4j.image.RgbImage;
import org.clip4j.model.ClipConfig;
import org.clip4j.model.ClipModel;
import org.clip4j.model.TextConfig;
import org.clip4j.model.VitConfig;
import org.junit.jupiter.api.Test;

class OverlapTest {

  /** A unit vector in the plane. */
  private static float[] at(double degrees) {
    double angle = Math.toRadians(degrees);
    return new float[] {(float) Math.cos(angle), (float) Math.sin(angle)};
  }

  @Test
  void counts_are_those_made_by_hand() {
    float[][] training = {at(0), at(3), at(100)};
    float[][] evaluation = {at(1), at(50), at(103), at(180)};
    // cos 5 degrees = 0.9962. Image 0 has two within that, image 2 one, the others none.
    Overlap.Result result = Overlap.create().optThreshold(0.9962).find(training, evaluation);
    assertThat(result.overlapping()).isEqualTo(2);
    assertThat(result.pairCount()).isEqualTo(3);
    assertThat(result.pairs()).extracting(Pair::evaluation).containsExactly(0, 2);
    assertThat(result.pairs()).extracting(Pair::training).containsExactly(0, 2);
    assertThat(result.nearest()[1]).isCloseTo((float) Math.cos(Math.toRadians(47)), within(1e-6f));
    assertThat(result.overlaps(0)).isTrue();
    assertThat(result.overlaps(3)).isFalse();
  }

  @Test
  void pairs_are_listed_up_to_a_number_and_all_counted() {
    float[][] same = {at(0), at(0), at(0)};
    Overlap.Result result = Overlap.create().optMostPairs(2).find(same, same);
    assertThat(result.pairs()).hasSize(2);
    assertThat(result.overlapping()).isEqualTo(3);
    assertThat(result.pairCount()).isEqualTo(9);
  }

  @Test
  void resized_and_compressed_copies_are_found_and_new_images_are_not() throws IOException {
    ColouredShapes shapes = ColouredShapes.create();
    List<ImageSource> training =
        shapes.seenTest(2).stream().map(LabelledImage::image).limit(60).toList();
    List<ImageSource> evaluation = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      evaluation.add(altered("copy " + i, training.get(5 * i).read(), i % 2 == 0));
    }
    shapes.unseenTest(1).forEach(each -> evaluation.add(each.image()));
    evaluation.add(
        source(
            "broken.png",
            () -> {
              throw new IOException("broken.png is broken");
            }));
    VitConfig vision =
        VitConfig.builder()
            .setImageSize(32)
            .setPatchSize(8)
            .setWidth(64)
            .setLayers(1)
            .optHeadWidth(32)
            .build();
    TextConfig text =
        TextConfig.builder()
            .setContextLength(8)
            .setVocabSize(100)
            .setWidth(16)
            .setHeads(1)
            .setLayers(1)
            .build();
    List<Long> progress = new ArrayList<>();
    Overlap.Result result;
    try (ClipModel model = ClipModel.create(new ClipConfig(32, vision, text, false), 1);
        Encoder encoder = new Encoder(model, ImageTransform.openai(32, 32), null)) {
      result =
          Overlap.create()
              .optThreshold(0.9999)
              .optProgress(progress::add)
              .find(encoder, training, evaluation);
    }
    assertThat(result.overlapping()).isEqualTo(10);
    for (Pair pair : result.pairs()) {
      assertThat(pair.training()).isEqualTo(5 * pair.evaluation());
    }
    assertThat(result.evaluationImages()).isEqualTo(26);
    assertThat(result.unreadableEvaluation().names()).containsExactly("broken.png is broken");
    assertThat(result.nearest()[26]).isNaN();
    assertThat(progress).containsExactly(27L, 87L);
  }

  /** At 40 of 48 pixels, or as JPEG. */
  private static ImageSource altered(String name, RgbImage image, boolean resized)
      throws IOException {
    if (resized) {
      byte[] planar = ImageTransform.openai(40, 40).apply(image);
      byte[] pixels = new byte[planar.length];
      for (int i = 0; i < planar.length; i++) {
        pixels[i % 1600 * 3 + i / 1600] = planar[i];
      }
      return source(name, () -> new RgbImage(40, 40, pixels));
    }
    BufferedImage drawn = new BufferedImage(48, 48, BufferedImage.TYPE_INT_RGB);
    for (int i = 0; i < 48 * 48; i++) {
      byte[] p = image.pixels();
      drawn.setRGB(
          i % 48, i / 48, (p[3 * i] & 255) << 16 | (p[3 * i + 1] & 255) << 8 | p[3 * i + 2] & 255);
    }
    ByteArrayOutputStream jpeg = new ByteArrayOutputStream();
    ImageIO.write(drawn, "jpg", jpeg);
    return source(name, () -> ImageDecoder.decode(jpeg.toByteArray(), name));
  }

  private interface Reader {
    RgbImage read() throws IOException;
  }

  private static ImageSource source(String name, Reader reader) {
    return new ImageSource() {
      @Override
      public String name() {
        return name;
      }

      @Override
      public RgbImage read() throws IOException {
        return reader.read();
      }
    };
  }

  @Test
  void accuracy_is_told_apart_by_overlap() {
    float[][] training = {at(0), at(90)};
    float[][] evaluation = {at(0), at(90), at(45), at(45), at(45)};
    Overlap.Result result = Overlap.create().optThreshold(0.99).find(training, evaluation);
    boolean[] correct = {true, true, true, false, false};
    OverlapAccuracy accuracy = OverlapAccuracy.of(result, correct, 0);
    assertThat(accuracy.overlapImages()).isEqualTo(2);
    assertThat(accuracy.cleanImages()).isEqualTo(3);
    assertThat(accuracy.all().value()).isEqualTo(0.6);
    assertThat(accuracy.overlap().value()).isEqualTo(1);
    assertThat(accuracy.clean().value()).isEqualTo(1 / 3.0);
    assertThat(accuracy.allLessClean().value()).isCloseTo(0.6 - 1 / 3.0, within(1e-12));
    Overlap.Result none = Overlap.create().optThreshold(0.99).find(training, at45());
    assertThat(OverlapAccuracy.of(none, new boolean[] {true}, 0).overlap()).isNull();
    assertThat(OverlapAccuracy.of(none, new boolean[] {true}, 0).allLessClean()).isNull();
    assertThatThrownBy(() -> OverlapAccuracy.of(none, correct, 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll("of 1 images", "of 5");
  }

  private static float[][] at45() {
    return new float[][] {at(45)};
  }

  @Test
  void a_threshold_outside_the_cosines_is_refused() {
    assertThatThrownBy(() -> Overlap.create().optThreshold(95))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("found 95");
  }
}
