package org.clip4j.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.awt.geom.Rectangle2D;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.clip4j.Clip;
import org.clip4j.ClipLoader;
import org.clip4j.encode.ImageSource;
import org.clip4j.engine.Precision;
import org.clip4j.engine.internal.HostMemory;
import org.clip4j.explain.Activations;
import org.clip4j.explain.Explainer;
import org.clip4j.explain.Explanation;
import org.clip4j.image.ImageTransform;
import org.clip4j.image.RgbImage;
import org.clip4j.model.ClipConfig;
import org.clip4j.model.ClipModel;
import org.clip4j.model.Forward;
import org.clip4j.model.SigLipConfig;
import org.clip4j.model.TextConfig;
import org.clip4j.model.TextPooling;
import org.clip4j.model.TextProjection;
import org.clip4j.model.VisionShape;
import org.clip4j.quantize.Quantizer;
import org.clip4j.weights.safetensors.SafeTensors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** SigLIP 2's NaFlex: what its golden case does not reach. */
class NaFlexTest {
  private static final Path FOLDER = Golden.folder("hf-naflex");
  private static final Path PICTURES = FOLDER.resolveSibling("preprocess");

  /** Those of the golden case. */
  private static final List<String> NAMES =
      List.of("baseline.jpg", "panorama-900x40.png", "upscale-50x70.png", "square-224.png");

  @TempDir private Path scratch;

  private static List<Path> files() {
    return NAMES.stream().map(PICTURES::resolve).toList();
  }

  private static ClipLoader loader() {
    return Clip.loader(FOLDER).optImagesOnly();
  }

  private static void assertClose(float[] found, float[] expected, double tolerance) {
    assertThat(found).hasSameSizeAs(expected);
    for (int i = 0; i < found.length; i++) {
      assertThat((double) found[i]).isCloseTo(expected[i], within(tolerance));
    }
  }

  @Test
  void files_of_mixed_shapes_give_the_publisher_s_embeddings_alone_and_in_any_company()
      throws IOException {
    try (Clip clip = loader().load();
        SafeTensors golden = SafeTensors.open(FOLDER.resolve("expected.safetensors"))) {
      FloatBuffer all = golden.floats("image_features");
      float[][] together = clip.encodeImages(files());
      List<Path> turned = new ArrayList<>(files());
      Collections.reverse(turned);
      float[][] backwards = clip.encodeImages(turned);
      for (int i = 0; i < NAMES.size(); i++) {
        float[] expected = new float[together[i].length];
        all.get(expected);
        boolean lossy = NAMES.get(i).endsWith(".jpg"); // decoders may round differently
        assertClose(together[i], expected, lossy ? 0.01 : 2e-5);
        assertClose(clip.encodeImage(files().get(i)), together[i], 1e-6);
        assertClose(backwards[NAMES.size() - 1 - i], together[i], 1e-6);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"FP32", "BF16", "FP16"})
  void prepared_weights_of_every_precision_give_nearly_the_same(Precision precision) {
    try (Clip plain = loader().optPrepared(false).load();
        Clip clip = loader().optPrecision(precision).load()) {
      float[][] expected = plain.encodeImages(files());
      float[][] found = clip.encodeImages(files());
      for (int i = 0; i < found.length; i++) {
        assertClose(found[i], expected[i], precision == Precision.FP32 ? 1e-6 : 0.02);
      }
    }
  }

  @Test
  void what_fills_a_batch_up_changes_nothing() throws IOException {
    try (Checkpoint checkpoint = Checkpoint.open(FOLDER);
        SafeTensors golden = SafeTensors.open(FOLDER.resolve("expected.safetensors"));
        ClipModel model = ClipModel.load(checkpoint.config(), checkpoint.parameters());
        NDManager call = model.manager().newSubManager()) {
      NDArray pixels =
          HostMemory.upload(call, new Shape(4, 13, 192), golden.floats("pixel_values"));
      float[] expected = model.encodeImage(Forward.EVALUATE, pixels).get("3").toFloatArray();
      NDArray square = pixels.get("3:4"); // of 3 x 3 patches
      NDArray cut = square.get(":, :9").concat(square.get(":, 12:"), 1);
      assertClose(model.encodeImage(Forward.EVALUATE, cut).toFloatArray(), expected, 1e-5);
      NDArray noise = call.randomUniform(-9, 9, new Shape(1, 30, 192));
      NDArray filled = square.get(":, :9").concat(noise, 1).concat(square.get(":, 12:"), 1);
      assertClose(model.encodeImage(Forward.EVALUATE, filled).toFloatArray(), expected, 1e-5);
      assertThatThrownBy(
              () -> model.encodeImage(Forward.EVALUATE, call.zeros(new Shape(1, 3, 24, 24))))
          .hasMessageContainingAll("[N, M + 1, 192]", "(1, 3, 24, 24)");
      NDArray kept = HostMemory.upload(call, new Shape(1, 2), new long[] {0, 1});
      assertThatThrownBy(() -> model.encodePatches(Forward.TRAIN, square, kept))
          .hasMessageContaining("NaFlex tower looks at all patches");
    }
  }

  @Test
  void a_saved_folder_opens_as_the_published_one_does() throws IOException {
    try (Checkpoint published = Checkpoint.open(FOLDER)) {
      SigLipConfig tower = (SigLipConfig) published.config().vision();
      assertThat(tower.naFlex()).isTrue();
      assertThat(tower.patches()).isEqualTo(9);
      assertThat(published.transform()).isEqualTo(ImageTransform.naFlex(8, 12));
      Checkpoint.save(
          scratch,
          Layout.TRANSFORMERS,
          published.config(),
          published.transform(),
          published.parameters());
      try (Checkpoint saved = Checkpoint.open(scratch)) {
        assertThat(saved.config()).isEqualTo(published.config());
        assertThat(saved.transform()).isEqualTo(published.transform());
        assertThat(saved.tensors().keySet()).isEqualTo(published.tensors().keySet());
        for (String name : List.of("visual.trunk.pos_embed", "visual.trunk.attn_pool.kv.weight")) {
          assertThat(saved.parameters().read(name)).isEqualTo(published.parameters().read(name));
        }
      }
      assertThatThrownBy(
              () ->
                  Checkpoint.save(
                      scratch,
                      Layout.OPENCLIP,
                      published.config(),
                      published.transform(),
                      published.parameters()))
          .hasMessageContainingAll("OpenCLIP has no NaFlex tower", "transformers");
      assertThatThrownBy(() -> Quantizer.of(published).write(scratch))
          .hasMessageContainingAll("NaFlex", "8-bit integers");
      assertThatThrownBy(
              () ->
                  CheckpointWriter.of(
                      published.config(), ImageTransform.sigLip(24, 24), published.parameters()))
          .hasMessageContainingAll("SQUASH", "NaFlex");
      assertThatThrownBy(() -> published.withImageSize(48, 48))
          .hasMessageContainingAll("every shape", "max_num_patches");
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "config.json | \"num_patches\": 9 | \"num_patches\": 10 | num_patches; square",
        "preprocessor_config.json | \"patch_size\": 8 | \"patch_size\": 16 | patch_size; 16; 8",
        "preprocessor_config.json | \"max_num_patches\": 12 | \"max_num_patches\": 0 |"
            + " max_num_patches",
        "preprocessor_config.json | Siglip2ImageProcessor | SiglipImageProcessor | NaFlex;"
            + " Siglip2ImageProcessor",
        "preprocessor_config.json | \"do_resize\": true | \"do_resize\": false | do_resize",
      })
  void what_does_not_fit_is_named(String file, String from, String to, String words)
      throws IOException {
    for (String name : List.of("config.json", "preprocessor_config.json", "model.safetensors")) {
      Files.copy(FOLDER.resolve(name), scratch.resolve(name));
    }
    String text = Files.readString(FOLDER.resolve(file));
    assertThat(text).contains(from);
    Files.writeString(scratch.resolve(file), text.replace(from, to));
    assertThatThrownBy(() -> Checkpoint.open(scratch))
        .hasMessageContaining(file)
        .hasMessageContainingAll(words.split("; "));
  }

  @Test
  void a_heat_map_has_the_rows_and_columns_of_the_image() throws IOException {
    ClipConfig config =
        new ClipConfig(
            32,
            new SigLipConfig(
                VisionShape.builder()
                    .setImageSize(32)
                    .setPatchSize(8)
                    .setWidth(32)
                    .setLayers(2)
                    .setHeads(2)
                    .build(),
                true),
            TextConfig.builder()
                .setContextLength(8)
                .setVocabSize(49408)
                .setWidth(32)
                .setHeads(2)
                .setLayers(1)
                .optCausal(false)
                .optPooling(TextPooling.LAST)
                .optProjection(TextProjection.LINEAR)
                .build(),
            false,
            true,
            Math.log(10),
            -10.0);
    ClipModel model = ClipModel.create(config, 3);
    try (Clip clip = Clip.of(model, ImageTransform.naFlex(8, 20));
        Explainer explainer = clip.explainer()) {
      byte[] levels = new byte[3 * 90 * 30];
      for (int i = 0; i < levels.length; i++) {
        levels[i] = (byte) (i * 31 % 251);
      }
      ImageSource wide = ImageSource.of(new RgbImage(90, 30, levels));
      Explanation why = explainer.explain(wide, List.of("a dog")).get(0);
      assertThat(why.heatMap().rows()).isEqualTo(2);
      assertThat(why.heatMap().columns()).isEqualTo(6);
      assertThat(why.heatMap().values()).hasSize(12);
      assertThat(why.cosine())
          .isCloseTo(
              Clip.cosine(clip.encodeImage(wide.read()), clip.encodeText("a dog")), within(1e-5));
      Activations shown = explainer.activations(wide);
      assertThat(shown.hiddenStates().get(2).shape()).containsExactly(12, 32);
      assertThat(shown.patchEmbeddings().shape()).containsExactly(2, 6, 32);
      assertThat(ImageTransform.naFlex(8, 20).kept(90, 30))
          .isEqualTo(new Rectangle2D.Double(0, 0, 90, 30));
    }
    assertThatThrownBy(() -> config.withPatchDropout(0.5)).hasMessageContaining("patch_dropout");
  }
}
