package org.clip4j.explain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.awt.geom.Rectangle2D;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import javax.imageio.ImageIO;
import org.clip4j.Clip;
import org.clip4j.encode.ImageSource;
import org.clip4j.image.ImageTransform;
import org.clip4j.image.RgbImage;
import org.clip4j.model.ClipConfig;
import org.clip4j.model.ClipModel;
import org.clip4j.weights.Layout;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ExplainerTest {
  private static final String TEXT = "a red circle";

  @TempDir private Path folder;

  private static Clip clip(String architecture) {
    ClipModel model = ClipModel.create(ClipConfig.named(architecture), 1);
    int size = model.config().vision().imageHeight();
    return Clip.of(model, ImageTransform.openai(size, size));
  }

  /** Twice as wide as high, with a red square in its right half. */
  private static RgbImage wide() {
    byte[] pixels = new byte[128 * 64 * 3];
    for (int y = 20; y < 44; y++) {
      for (int x = 70; x < 94; x++) {
        pixels[(y * 128 + x) * 3] = (byte) 220;
      }
    }
    return new RgbImage(128, 64, pixels);
  }

  @Test
  void an_explanation_has_the_similarity_that_encoding_gives() throws IOException {
    try (Clip clip = clip("ViT-Ti-8-64");
        Explainer explainer = clip.explainer()) {
      RgbImage image = wide();
      double expected = Clip.cosine(clip.encodeImage(image), clip.encodeText(TEXT));
      Explanation why = explainer.explain(ImageSource.of(image), List.of("blue", TEXT)).get(1);
      assertThat(why.text()).isEqualTo(TEXT);
      assertThat(why.cosine()).isCloseTo(expected, within(1e-5));
      assertThat(why.heatMap().rows()).isEqualTo(8);
      assertThat(why.heatMap().columns()).isEqualTo(8);
      assertThat(why.heatMap().values()).hasSize(64);
      for (float value : why.heatMap().values()) {
        assertThat(value).isNotNegative();
      }
    }
  }

  @Test
  void tokens_name_their_words_whatever_the_text() throws IOException {
    try (Clip clip = clip("RN-Ti-32");
        Explainer explainer = clip.explainer()) {
      List<TokenRelevance> tokens =
          explainer
              .explain(ImageSource.of(wide()), List.of("  a supercalifragilistic  dog!"))
              .get(0)
              .tokens();
      assertThat(tokens.stream().map(TokenRelevance::word).distinct())
          .containsExactly("", "a", "supercalifragilistic", "dog!");
      assertThat(tokens.get(0).word()).isEmpty();
      assertThat(tokens.get(tokens.size() - 1).word()).isEmpty();
      assertThat(tokens.stream().filter(token -> token.word().equals("dog!"))).hasSize(2);
    }
  }

  @Test
  void a_text_that_is_cut_names_the_words_that_are_left() throws IOException {
    try (Clip clip = clip("RN-Ti-32");
        Explainer explainer = clip.explainer()) {
      String text = "one two ".repeat(40);
      List<TokenRelevance> tokens =
          explainer.explain(ImageSource.of(wide()), List.of(text)).get(0).tokens();
      assertThat(tokens).hasSize(24);
      assertThat(tokens.get(22).word()).isEqualTo("two");
      assertThat(tokens.get(23).word()).isEmpty();
    }
  }

  @Test
  void one_image_gives_the_same_explanation_alone_and_among_others() throws IOException {
    try (Clip clip = clip("ViT-Ti-8-64");
        Explainer explainer = clip.explainer()) {
      ImageSource image = ImageSource.of(wide());
      List<Explanation> all = explainer.explain(image, List.of("a", TEXT, "b"));
      Explanation alone = explainer.explain(image, List.of(TEXT)).get(0);
      assertThat(all.get(1).heatMap().values()).isEqualTo(alone.heatMap().values());
      assertThat(all.get(1).tokens()).isEqualTo(alone.tokens());
    }
  }

  @Test
  void a_resnet_is_explained_at_the_stage_that_is_asked_for() throws IOException {
    try (Clip clip = clip("RN-Ti-32");
        Explainer explainer = clip.explainer()) {
      ImageSource image = ImageSource.of(wide());
      assertThat(explainer.explain(image, List.of(TEXT)).get(0).heatMap().rows()).isEqualTo(4);
      explainer.optStage(1);
      assertThat(explainer.explain(image, List.of(TEXT)).get(0).heatMap().rows()).isEqualTo(8);
      assertThatThrownBy(() -> explainer.optStage(5)).hasMessageContaining("1 to 4, found 5");
    }
  }

  @Test
  void activations_are_arrays_with_the_shapes_that_are_documented() throws IOException {
    try (Clip clip = clip("ViT-Ti-8-64");
        Explainer explainer = clip.explainer()) {
      Activations image = explainer.activations(ImageSource.of(wide()));
      assertThat(image.hiddenStates()).hasSize(7);
      assertThat(image.hiddenStates().get(6).shape()).containsExactly(65, 192);
      assertThat(image.attention()).hasSize(6);
      assertThat(image.attention().get(0).shape()).containsExactly(3, 65, 65);
      float sum = 0;
      for (float share : image.attention().get(5).row(2, 64)) {
        sum += share;
      }
      assertThat(sum).isCloseTo(1, within(1e-5f));
      assertThat(image.patchEmbeddings().shape()).containsExactly(8, 8, 128);
      float[] patch = image.patchEmbeddings().row(7, 7);
      assertThat(Clip.cosine(patch, patch)).isCloseTo(1, within(1e-5));
      patch[0] = 5;
      assertThat(image.patchEmbeddings().get(7, 7, 0)).isNotEqualTo(5);

      Activations text = explainer.activations(TEXT);
      assertThat(text.hiddenStates().get(4).shape()).containsExactly(5, 128);
      assertThat(text.attention().get(3).shape()).containsExactly(2, 5, 5);
      assertThat(text.attention().get(3).get(1, 0, 0)).isEqualTo(1); // sees itself alone
      assertThat(text.patchEmbeddings()).isNull();
      assertThatThrownBy(() -> text.attention().get(3).get(2, 0, 0))
          .hasMessageContaining("[2, 0, 0]");
    }
  }

  @Test
  void an_overlay_leaves_what_the_model_did_not_see() throws IOException {
    try (Clip clip = clip("ViT-Ti-8-64");
        Explainer explainer = clip.explainer()) {
      RgbImage image = wide();
      HeatMap map = explainer.explain(ImageSource.of(image), List.of(TEXT)).get(0).heatMap();
      assertThat(map.area()).isEqualTo(new Rectangle2D.Double(32, 0, 64, 64));
      Path file = folder.resolve("why.png");
      map.writeOverlay(image, file);
      BufferedImage drawn = ImageIO.read(file.toFile());
      assertThat(drawn.getWidth()).isEqualTo(128);
      assertThat(drawn.getRGB(10, 10) & 0xFFFFFF).isZero();
      int coloured = 0;
      for (int x = 32; x < 96; x++) {
        coloured += (drawn.getRGB(x, 5) & 0xFFFFFF) == 0 ? 0 : 1;
      }
      assertThat(coloured).isPositive();
      float[] values = map.values();
      assertThat(map.at(32 + 4, 4)).isCloseTo(values[0], within(1e-6));
      assertThat(map.at(32 + 8, 4)).isCloseTo((values[0] + values[1]) / 2, within(1e-6));
    }
  }

  @Test
  void a_model_without_its_weights_says_how_to_load_it() throws IOException {
    try (Clip clip = clip("RN-Ti-32")) {
      clip.save(folder.resolve("model"), Layout.OPENCLIP);
    }
    try (Clip clip = Clip.load(folder.resolve("model"))) {
      assertThatThrownBy(clip::explainer)
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("keeps its weights");
    }
    try (Clip clip = Clip.loader(folder.resolve("model")).optKeepWeights(true).load();
        Explainer explainer = clip.explainer()) {
      clip.encodeText(TEXT); // lays weights out
      double cosine = Clip.cosine(clip.encodeImage(wide()), clip.encodeText(TEXT));
      assertThat(explainer.explain(ImageSource.of(wide()), List.of(TEXT)).get(0).cosine())
          .isCloseTo(cosine, within(1e-5));
    }
  }

  @Test
  void blocks_that_are_not_there_are_refused() {
    try (Clip clip = clip("ViT-Ti-8-64");
        Explainer explainer = clip.explainer().optFirstBlock(9)) {
      assertThatThrownBy(() -> explainer.explain(ImageSource.of(wide()), List.of(TEXT)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("is 9, but the encoder has 6");
    }
  }
}
