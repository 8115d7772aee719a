package org.clip4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.clip4j.encode.ImageSource;
import org.clip4j.engine.Precision;
import org.clip4j.explain.Explainer;
import org.clip4j.explain.HeatMap;
import org.clip4j.model.ClipConfig;
import org.clip4j.model.ClipModel;
import org.clip4j.model.ParameterSource;
import org.clip4j.model.TextTransformerConfig;
import org.clip4j.quantize.QuantizationReport;
import org.clip4j.quantize.Quantizer;
import org.clip4j.text.ClipTokenizer;
import org.clip4j.weights.Checkpoint;
import org.clip4j.weights.Golden;
import org.clip4j.weights.Layout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is done with a loaded model, done with one whose image tower is made of convolutions. */
class ConvolutionalTowersTest {
  private static final Path IMAGE = Golden.folder("preprocess").resolve("rgb.png");
  private static final List<String> TEXTS = List.of("a cat", "a dog", "two boats", "");

  @TempDir Path folder;

  /** A golden image tower beside a text tower that takes OpenAI's tokens. */
  private Path model(String golden) throws IOException {
    try (Checkpoint opened = Checkpoint.open(Golden.folder(golden))) {
      ClipConfig own = opened.config();
      TextTransformerConfig text =
          ((TextTransformerConfig) own.text())
              .toBuilder().setVocabSize(ClipTokenizer.VOCABULARY_SIZE).build();
      ClipConfig config =
          new ClipConfig(
              own.embedDim(),
              own.vision(),
              text,
              own.quickGelu(),
              own.customText(),
              own.initLogitScale(),
              own.initLogitBias());
      try (ClipModel made = ClipModel.create(config, 1)) {
        ParameterSource images = opened.parameters();
        ParameterSource others = made.values();
        Checkpoint.save(
            folder,
            Layout.OPENCLIP,
            config,
            opened.transform(),
            name -> (name.startsWith("visual.") ? images : others).read(name));
      }
    }
    return folder;
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "openclip-convnext",
        "openclip-convnext-mlp",
        "openclip-fastvit",
        "openclip-fastvit-folded",
        "openclip-fastvit-large",
        "openclip-mci-vit",
        "openclip-rn"
      })
  void lower_precisions_and_integers_are_near_float32(String golden) throws IOException {
    Path model = model(golden);
    float[] expected;
    try (Clip clip = Clip.load(model)) {
      expected = clip.encodeImage(IMAGE);
    }
    for (Precision precision : List.of(Precision.BF16, Precision.FP16)) {
      try (Clip clip = Clip.loader(model).optPrecision(precision).load()) {
        assertThat(Clip.cosine(expected, clip.encodeImage(IMAGE)))
            .as("%s", precision)
            .isCloseTo(1, within(1e-3))
            .isNotEqualTo(1);
      }
    }
    Path integers = folder.resolve("integers");
    List<ImageSource> images =
        Stream.of("rgb.png", "truecolor.bmp", "gray.png", "palette.png")
            .map(name -> ImageSource.of(Golden.folder("preprocess").resolve(name)))
            .toList();
    QuantizationReport report;
    try (Checkpoint opened = Checkpoint.open(model)) {
      report =
          Quantizer.of(opened).setImages(images).setTexts(TEXTS).optForce(true).write(integers);
    }
    assertThat(report.worstImageCosine()).isGreaterThan(0.99);
    try (Checkpoint written = Checkpoint.open(integers);
        Clip clip = Clip.load(integers)) {
      // of a ModifiedResNet the text tower alone, as the guide says
      assertThat(written.inputLevels().keySet().stream().anyMatch(n -> n.startsWith("visual.")))
          .isEqualTo(!golden.equals("openclip-rn"));
      assertThat(Clip.cosine(expected, clip.encodeImage(IMAGE))).isGreaterThan(0.99);
    }
  }

  /** That the maps are PyTorch's, the golden explanations tell. */
  @ParameterizedTest
  @CsvSource({
    "openclip-convnext, 4, 16, 'a ConvNeXt has the stages 1 to 4'",
    "openclip-fastvit, 6, 24, 'a FastViT has the stages 1 to 4'",
    "openclip-fastvit-folded, 6, 24, 'a FastViT has the stages 1 to 4'",
    "openclip-fastvit-large, 6, 24, 'a FastViT has the stages 1 to 5'"
  })
  void heat_maps_are_of_the_stage_that_is_asked_for(
      String golden, int usual, int first, String stages) throws IOException {
    ImageSource image = ImageSource.of(IMAGE);
    try (Clip clip = Clip.loader(model(golden)).optKeepWeights(true).load();
        Explainer explainer = clip.explainer()) {
      HeatMap map = explainer.explain(image, TEXTS).get(1).heatMap();
      assertThat(map.rows()).isEqualTo(usual);
      assertThat(map.columns()).isEqualTo(usual);
      explainer.optStage(1);
      assertThat(explainer.explain(image, TEXTS).get(1).heatMap().rows()).isEqualTo(first);
      int most = stages.endsWith("5") ? 5 : 4;
      explainer.optStage(most);
      assertThat(explainer.explain(image, TEXTS).get(1).heatMap().rows()).isLessThan(usual);
      assertThatThrownBy(() -> explainer.optStage(most + 1)).hasMessageContaining(stages);
      assertThat(explainer.activations(image).attention()).isEmpty();
    }
  }
}
