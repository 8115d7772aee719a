package org.clip4j.segment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.clip4j.Clip;
import org.clip4j.encode.ImageSource;
import org.clip4j.engine.Precision;
import org.clip4j.image.ImageTransform;
import org.clip4j.image.ImageTransform.Interpolation;
import org.clip4j.image.ImageTransform.ResizeMode;
import org.clip4j.model.ClipModel;
import org.clip4j.model.Forward;
import org.clip4j.model.MaskDecoder;
import org.clip4j.weights.Checkpoint;
import org.clip4j.weights.Golden;
import org.clip4j.weights.Layout;
import org.clip4j.weights.safetensors.SafeTensors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What transformers computes with small random models; see examples/peers/make_clipseg.py. */
class ClipSegmenterTest {
  private static final Path IMAGES = Golden.folder("preprocess");
  private static final Path EXAMPLE = IMAGES.resolve("truecolor.bmp");
  private static final List<Path> SEGMENTED =
      List.of(IMAGES.resolve("rgb.png"), IMAGES.resolve("upscale-50x70.png"));
  private static final List<String> PROMPTS =
      List.of(
          "a cat",
          "something to fill",
          "a jar",
          "",
          "the small red dog on the left, and what is behind it");

  @TempDir Path folder;

  private static void assertClose(float[] found, FloatBuffer expected, String what) {
    for (int i = 0; i < found.length; i++) {
      float wanted = expected.get();
      assertThat(found[i])
          .as("%s, value %d", what, i)
          .isCloseTo(wanted, within(2e-5f + 1e-4f * Math.abs(wanted)));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"hf-clipseg", "hf-clipseg-refined"})
  void masks_of_texts_and_of_an_example_are_those_of_transformers(String golden)
      throws IOException {
    Path model = Golden.folder(golden);
    try (ClipSegmenter segmenter = ClipSegmenter.load(model);
        SafeTensors expected = SafeTensors.open(model.resolve("expected.safetensors"))) {
      FloatBuffer logits = expected.floats("logits"); // [images, 3, height, width]
      for (Path image : SEGMENTED) {
        List<Mask> masks = segmenter.segment(ImageSource.of(image), PROMPTS);
        assertThat(masks.stream().map(Mask::prompt)).isEqualTo(PROMPTS);
        for (Mask mask : masks.subList(0, 3)) {
          assertClose(mask.logits(), logits, image + ", " + mask.prompt());
        }
      }
      assertThat(logits.hasRemaining()).isFalse();
      Mask like = segmenter.segmentLike(SEGMENTED.get(0), EXAMPLE);
      assertThat(like.prompt()).contains("truecolor.bmp");
      FloatBuffer ofExample = expected.floats("example_logits");
      assertClose(like.logits(), ofExample, "the example");
      assertThat(ofExample.hasRemaining()).isFalse();
    }
  }

  @Test
  void several_images_and_many_prompts_give_what_one_gives() {
    List<String> many = new ArrayList<>();
    IntStream.range(0, 21).forEach(i -> many.add(PROMPTS.get(i % 5) + " " + i / 5));
    List<ImageSource> images = new ArrayList<>();
    IntStream.range(0, 5).forEach(i -> images.add(ImageSource.of(SEGMENTED.get(i % 2))));
    try (ClipSegmenter segmenter = ClipSegmenter.load(Golden.folder("hf-clipseg-refined"))) {
      List<List<Mask>> found = new ArrayList<>();
      segmenter.segment(
          images.iterator(),
          many,
          (index, image, masks) -> {
            assertThat(index).isEqualTo(found.size());
            assertThat(image).isSameAs(images.get(found.size()));
            found.add(masks);
          });
      assertThat(found).hasSize(5);
      for (int i : new int[] {0, 3, 4}) {
        for (int p : new int[] {0, 4, 16, 20}) {
          Mask alone = segmenter.segment(images.get(i), List.of(many.get(p))).get(0);
          Mask mask = found.get(i).get(p);
          assertThat(mask.prompt()).isEqualTo(many.get(p));
          assertClose(mask.logits(), FloatBuffer.wrap(alone.logits()), i + ", " + p);
        }
      }
      List<List<Mask>> like = new ArrayList<>();
      segmenter.segmentLike(
          images.iterator(),
          List.of(images.get(1), ImageSource.of(EXAMPLE)),
          (index, image, masks) -> like.add(masks));
      assertThat(like).hasSize(5).allSatisfy(masks -> assertThat(masks).hasSize(2));
      Mask alone = segmenter.segmentLike(SEGMENTED.get(0), EXAMPLE);
      assertClose(like.get(4).get(1).logits(), FloatBuffer.wrap(alone.logits()), "the example");
    }
  }

  /** In the second model blocks of the decoder come before the prompt. */
  @ParameterizedTest
  @ValueSource(strings = {"hf-clipseg", "hf-clipseg-refined"})
  void native_memory_stays_flat(String golden) throws IOException {
    try (Checkpoint opened = Checkpoint.open(Golden.folder(golden))) {
      ClipModel model = ClipModel.load(opened.config(), opened.parameters());
      MaskDecoder decoder =
          MaskDecoder.load(
              model, opened.maskDecoder().orElseThrow(), opened.maskDecoderParameters());
      try (ClipSegmenter segmenter =
          new ClipSegmenter(
              model,
              decoder,
              opened.transform(),
              opened.tokenizer().orElseThrow(),
              Precision.FP32)) {
        ImageSource image = ImageSource.of(SEGMENTED.get(0));
        List<Integer> held = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
          segmenter.segment(image, PROMPTS);
          segmenter.segmentLike(image, List.of(image));
          held.add(
              model.manager().getManagedArrays().size()
                  + decoder.manager().getManagedArrays().size());
        }
        assertThat(held.subList(2, 6)).containsOnly(held.get(1));
        try (NDManager call = model.manager().newSubManager()) {
          NDArray pixels =
              call.ones(new Shape(2, 3, opened.transform().height(), opened.transform().width()));
          List<NDArray> encoded = decoder.encode(model, Forward.EVALUATE, pixels);
          NDArray conditions = call.ones(new Shape(3, opened.config().embedDim()));
          int before = call.getManagedArrays().size();
          decoder.decode(Forward.EVALUATE, encoded, conditions).close();
          assertThat(call.getManagedArrays()).hasSize(before);
        }
      }
    }
  }

  @Test
  void a_mask_has_the_size_of_its_image_too() throws IOException {
    Path model = Golden.folder("hf-clipseg-refined");
    try (ClipSegmenter segmenter = ClipSegmenter.load(model);
        SafeTensors expected = SafeTensors.open(model.resolve("expected.safetensors"))) {
      FloatBuffer logits = expected.floats("logits_of_image");
      for (Mask mask : segmenter.segment(SEGMENTED.get(1), "a cat", "something to fill")) {
        assertThat(List.of(mask.height(), mask.width(), mask.imageHeight(), mask.imageWidth()))
            .containsExactly(80, 80, 70, 50);
        assertClose(mask.logitsOfImage(), logits, mask.prompt());
        float[] found = mask.logitsOfImage();
        float[] probabilities = mask.probabilitiesOfImage();
        assertThat(probabilities[123])
            .isCloseTo((float) (1 / (1 + Math.exp(-found[123]))), within(1e-6f));
        assertThat(mask.probabilities()).hasSize(80 * 80);
        assertThat(mask.share(0)).isEqualTo(1);
        assertThat(mask.share(0.5)).isStrictlyBetween(0.0, 1.0);
        mask.logits()[0] = 99; // a copy
        assertThat(mask.logits()[0]).isNotEqualTo(99f);
      }
      assertThat(logits.hasRemaining()).isFalse();
    }
  }

  /** The grid of 5 x 5 patches of 8 pixels covers 40 of 44 pixels. */
  @Test
  void what_no_patch_covers_is_not_stretched_over() {
    try (ClipSegmenter segmenter = ClipSegmenter.load(Golden.folder("hf-clipseg"))) {
      Mask mask = segmenter.segment(SEGMENTED.get(0), "a cat").get(0); // 420 x 301
      float[] logits = mask.logits();
      float[] ofImage = mask.logitsOfImage();
      assertThat(mask.width()).isEqualTo(40);
      assertThat(ofImage[0]).isEqualTo(logits[0]);
      int at = (int) (39.5 / 44 * 420); // the middle of the last column
      assertThat(ofImage[at]).isCloseTo(logits[39], within(0.2f));
      assertThat(ofImage[419]).isEqualTo(logits[39]);
    }
  }

  @Test
  void the_transform_is_that_of_the_published_files() throws IOException {
    try (Checkpoint checkpoint = Checkpoint.open(Golden.folder("hf-clipseg"))) {
      ImageTransform transform = checkpoint.transform();
      assertThat(transform)
          .isEqualTo(
              new ImageTransform(
                  44,
                  44,
                  new float[] {0.485f, 0.456f, 0.406f},
                  new float[] {0.229f, 0.224f, 0.225f},
                  Interpolation.BILINEAR,
                  ResizeMode.SQUASH));
      assertThat(checkpoint.config().vision().imageHeight()).isEqualTo(44);
    }
    Path model = changed("hf-clipseg", json -> {});
    Files.delete(model.resolve("preprocessor_config.json"));
    try (Checkpoint checkpoint = Checkpoint.open(model)) {
      assertThat(checkpoint.transform().height()).isEqualTo(352);
      assertThat(checkpoint.transform().mean()[0]).isEqualTo(0.485f);
    }
  }

  /** As transformers 4.25 wrote them, and as transformers 5 does. */
  @Test
  void older_and_newer_files_say_the_same() throws IOException {
    Path model =
        changed(
            "hf-clipseg",
            json -> {
              json.add("text_config_dict", JsonNull.INSTANCE);
              json.add("vision_config_dict", JsonNull.INSTANCE);
              json.remove("conditional_layer");
            });
    String processor =
        "{\"do_normalize\": true, \"do_resize\": true,"
            + " \"feature_extractor_type\": \"ViTFeatureExtractor\","
            + " \"image_mean\": [0.485, 0.456, 0.406], \"image_std\": [0.229, 0.224, 0.225],"
            + " \"resample\": 2, \"size\": 44}";
    Path preprocessor = model.resolve("preprocessor_config.json");
    Files.writeString(preprocessor, processor);
    try (Checkpoint expected = Checkpoint.open(Golden.folder("hf-clipseg"))) {
      for (boolean newer : new boolean[] {false, true}) {
        if (newer) {
          Files.delete(preprocessor);
          Files.writeString(
              model.resolve("processor_config.json"), "{\"image_processor\": " + processor + "}");
        }
        try (Checkpoint opened = Checkpoint.open(model)) {
          assertThat(opened.transform()).isEqualTo(expected.transform());
          assertThat(opened.config()).isEqualTo(expected.config());
          assertThat(opened.maskDecoder()).isEqualTo(expected.maskDecoder());
        }
      }
    }
    Files.writeString(
        model.resolve("processor_config.json"),
        "{\"image_processor\": " + processor.replace("44", "\"many\"") + "}");
    assertThatThrownBy(() -> Checkpoint.open(model)).hasMessageContainingAll("size", "many");
  }

  @Test
  void the_encoders_alone_load_as_a_clip_and_are_saved_as_one() throws IOException {
    Path model = Golden.folder("hf-clipseg");
    try (SafeTensors expected = SafeTensors.open(model.resolve("expected.safetensors"));
        Clip clip = Clip.load(model)) {
      FloatBuffer features = expected.floats("image_features").slice(24, 24); // of rgb.png
      float[] truth = new float[24];
      features.get(truth);
      double norm = Math.sqrt(dot(truth, truth));
      float[] found = clip.encodeImage(SEGMENTED.get(0));
      for (int i = 0; i < 24; i++) {
        assertThat(found[i]).isCloseTo((float) (truth[i] / norm), within(2e-5f));
      }
      for (Layout layout : Layout.values()) {
        clip.save(folder.resolve(layout.name()), layout);
        try (Clip again = Clip.load(folder.resolve(layout.name()))) {
          assertThat(again.encodeImage(SEGMENTED.get(0))).isEqualTo(found);
          assertThat(again.transform()).isEqualTo(clip.transform());
        }
      }
    }
  }

  private static double dot(float[] a, float[] b) {
    return IntStream.range(0, a.length).mapToDouble(i -> (double) a[i] * b[i]).sum();
  }

  @Test
  void images_of_another_size_give_masks_of_another_size() {
    try (ClipSegmenter larger =
            ClipSegmenter.loader(Golden.folder("hf-clipseg")).optImageSize(56, 56).load();
        ClipSegmenter own =
            ClipSegmenter.loader(Golden.folder("hf-clipseg")).optImageSize(44, 44).load();
        ClipSegmenter plain = ClipSegmenter.load(Golden.folder("hf-clipseg"))) {
      assertThat(larger.segment(SEGMENTED.get(0), "a cat").get(0).width()).isEqualTo(56);
      assertThat(own.segment(SEGMENTED.get(0), "a cat").get(0).logits())
          .isEqualTo(plain.segment(SEGMENTED.get(0), "a cat").get(0).logits());
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = Precision.class,
      names = {"BF16", "FP16"})
  void lower_precisions_are_near(Precision precision) {
    Path model = Golden.folder("hf-clipseg-refined");
    try (ClipSegmenter lower = ClipSegmenter.loader(model).optPrecision(precision).load();
        ClipSegmenter full = ClipSegmenter.load(model)) {
      float[] expected = full.segment(SEGMENTED.get(0), "a cat").get(0).logits();
      float[] found = lower.segment(SEGMENTED.get(0), "a cat").get(0).logits();
      double apart =
          IntStream.range(0, found.length)
              .mapToDouble(i -> Math.abs(found[i] - expected[i]))
              .average()
              .orElseThrow();
      assertThat(apart).isBetween(1e-7, 0.05);
    }
  }

  @Test
  void threads_share_a_segmenter_until_it_is_closed() {
    ClipSegmenter segmenter = ClipSegmenter.load(Golden.folder("hf-clipseg"));
    float[] alone = segmenter.segment(SEGMENTED.get(0), "a cat").get(0).logits();
    List<Throwable> failures = Collections.synchronizedList(new ArrayList<>());
    List<Thread> threads = new ArrayList<>();
    for (int t = 0; t < 4; t++) {
      Thread thread =
          new Thread(
              () -> {
                for (int i = 0; i < 5; i++) {
                  assertThat(segmenter.segment(SEGMENTED.get(0), "a cat").get(0).logits())
                      .isEqualTo(alone);
                }
              });
      thread.setUncaughtExceptionHandler((where, failure) -> failures.add(failure));
      thread.start();
      threads.add(thread);
    }
    for (Thread thread : threads) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
    }
    assertThat(failures).isEmpty();
    assertThatThrownBy(
            () ->
                segmenter.segment(
                    List.of(ImageSource.of(SEGMENTED.get(0))).iterator(),
                    List.of("a cat"),
                    (index, image, masks) -> segmenter.close()))
        .isInstanceOf(IllegalStateException.class);
    segmenter.close();
    segmenter.close();
    assertThatThrownBy(() -> segmenter.segment(SEGMENTED.get(0), "a cat"))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("closed");
  }

  /** A copy of a golden folder with another configuration. */
  private Path changed(String golden, Consumer<JsonObject> change) throws IOException {
    Path copy = folder.resolve("changed");
    Files.createDirectories(copy);
    try (Stream<Path> files = Files.list(Golden.folder(golden))) {
      for (Path file : files.toList()) {
        Files.copy(file, copy.resolve(file.getFileName()));
      }
    }
    Path config = copy.resolve("config.json");
    JsonObject json = JsonParser.parseString(Files.readString(config)).getAsJsonObject();
    change.accept(json);
    Files.writeString(config, json.toString());
    return copy;
  }

  @ParameterizedTest
  @CsvSource({
    "extract_layers, '[0, 2, 4]', the image tower has the blocks 0 to 3",
    "extract_layers, '[0, 0, 1]', different blocks",
    "extract_layers, '[]', different blocks",
    "extract_layers, '3', a list of numbers",
    "conditional_layer, 3, one of the decoder's 3 blocks",
    "decoder_num_attention_heads, 5, must divide reduce_dim",
    "reduce_dim, 16, 'film_mul.weight, expected [16, 24], found [12, 24]'",
    "use_complex_transposed_convolution, true, 'missing:  transposed_convolution.0.weight'",
    "decoder_intermediate_size, '\"many\"', expected a whole number",
  })
  void a_decoder_that_is_not_as_described_is_an_error(String key, String value, String message)
      throws IOException {
    Path model = changed("hf-clipseg", json -> json.add(key, JsonParser.parseString(value)));
    assertThatThrownBy(() -> ClipSegmenter.load(model))
        .isInstanceOf(UncheckedIOException.class)
        .hasMessageContainingAll("changed", message);
  }

  @Test
  void what_cannot_segment_says_so() throws IOException {
    assertThatThrownBy(() -> ClipSegmenter.load(Golden.folder("hf-clip")))
        .isInstanceOf(UncheckedIOException.class)
        .hasMessageContainingAll("hf-clip", "no decoder of masks", "clipseg-rd64-refined");
    try (ClipSegmenter segmenter = ClipSegmenter.load(Golden.folder("hf-clipseg"))) {
      assertThatThrownBy(() -> segmenter.segment(SEGMENTED.get(0)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("nothing to look for");
      assertThatThrownBy(() -> segmenter.segment(folder.resolve("no.png"), "a cat"))
          .isInstanceOf(UncheckedIOException.class)
          .hasMessageContaining("no.png");
      assertThatThrownBy(() -> segmenter.segmentLike(SEGMENTED.get(0), folder.resolve("no.png")))
          .isInstanceOf(UncheckedIOException.class)
          .hasMessageContaining("no.png");
    }
    Path model = changed("hf-clipseg", json -> {});
    Files.delete(model.resolve("vocab.json"));
    Files.delete(model.resolve("merges.txt"));
    try (ClipSegmenter segmenter = ClipSegmenter.load(model)) {
      assertThatThrownBy(() -> segmenter.segment(SEGMENTED.get(0), "a cat"))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("tokenizer.json");
      assertThat(segmenter.segmentLike(SEGMENTED.get(0), EXAMPLE).width()).isEqualTo(40);
    }
  }
}
