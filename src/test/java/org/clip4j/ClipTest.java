package org.clip4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.modality.Classifications;
import ai.djl.modality.cv.ImageFactory;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.stream.IntStream;
import javax.imageio.ImageIO;
import org.clip4j.encode.ImageSource;
import org.clip4j.encode.ImageVisitor;
import org.clip4j.engine.Precision;
import org.clip4j.image.ImageDecoder;
import org.clip4j.image.RgbImage;
import org.clip4j.weights.Layout;
import org.clip4j.weights.safetensors.SafeTensors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The front door, on transformers' golden model. */
class ClipTest {
  private static final Path GOLDEN = Path.of("src/test/resources/golden");
  private static final Path MODEL = GOLDEN.resolve("hf-clip");
  private static final Path IMAGE = GOLDEN.resolve("preprocess/rgb.png");
  private static final Path OTHER_IMAGE = GOLDEN.resolve("preprocess/baseline.jpg");
  private static Clip clip;

  @BeforeAll
  static void load() {
    clip = Clip.load(MODEL);
  }

  @AfterAll
  static void close() {
    clip.close();
  }

  private static double norm(float[] vector) {
    return Math.sqrt(Clip.cosine(vector, vector));
  }

  @Test
  void texts_get_the_embeddings_of_transformers() throws IOException {
    // The first texts of golden/hf-clip/texts.json; the rest are tokenized differently by
    // transformers' fast tokenizer.
    List<String> texts = List.of("a photo of a cat", "A photo of the small DOG.");
    float[][] found = clip.encodeTexts(texts);
    try (SafeTensors expected = SafeTensors.open(GOLDEN.resolve("hf-clip/expected.safetensors"))) {
      FloatBuffer rows = expected.floats("text_features");
      for (int i = 0; i < found.length; i++) {
        for (float value : found[i]) {
          assertThat(value).isCloseTo(rows.get(), within(2e-5f));
        }
      }
    }
  }

  @Test
  void embeddings_have_unit_length_and_the_embed_dim() {
    assertThat(clip.encodeImage(IMAGE)).hasSize(clip.embedDim());
    assertThat(norm(clip.encodeImage(IMAGE))).isCloseTo(1, within(1e-6));
    assertThat(norm(clip.encodeText("a dog"))).isCloseTo(1, within(1e-6));
    assertThat(norm(clip.encodeText(""))).isCloseTo(1, within(1e-6));
    assertThat(norm(clip.encodeText("word ".repeat(500)))).isCloseTo(1, within(1e-6));
  }

  @Test
  void a_batch_gives_what_one_by_one_gives() {
    List<String> texts =
        IntStream.range(0, 70)
            .mapToObj(i -> "a photo of " + "very ".repeat(i % 7) + "thing " + i)
            .toList();
    float[][] batch = clip.encodeTexts(texts);
    assertThat(batch).hasNumberOfRows(70);
    for (int i = 0; i < batch.length; i += 11) {
      assertThat(Clip.cosine(batch[i], clip.encodeText(texts.get(i)))).isCloseTo(1, within(1e-5));
    }
    float[][] images = clip.encodeImages(List.of(IMAGE, OTHER_IMAGE));
    assertThat(Clip.cosine(images[1], clip.encodeImage(OTHER_IMAGE))).isCloseTo(1, within(1e-5));
    assertThat(clip.encodeTexts(List.of())).isEmpty();
  }

  @Test
  void similarity_is_the_cosine() {
    double expected = Clip.cosine(clip.encodeImage(IMAGE), clip.encodeText("a dog"));
    assertThat(clip.similarity(IMAGE, "a dog"))
        .isCloseTo(expected, within(1e-6))
        .isBetween(-1.0, 1.0);
  }

  @Test
  void threads_share_a_model() {
    float[] alone = clip.encodeText("a photo of a cat");
    float[] image = clip.encodeImage(IMAGE);
    IntStream.range(0, 200)
        .parallel()
        .forEach(
            i -> {
              assertThat(clip.encodeText("a photo of a cat")).isEqualTo(alone);
              assertThat(clip.encodeImage(IMAGE)).isEqualTo(image);
            });
  }

  @Test
  void a_decoded_image_may_have_a_background() throws IOException {
    Path rgba = GOLDEN.resolve("preprocess/rgba.png");
    RgbImage dropped = ImageDecoder.decode(rgba);
    RgbImage white = ImageDecoder.defaults().withBackground(0xffffff).read(rgba);
    assertThat(clip.encodeImage(dropped)).isEqualTo(clip.encodeImage(rgba));
    assertThat(clip.encodeImage(white)).isNotEqualTo(clip.encodeImage(rgba));
  }

  @Test
  void saved_models_give_the_same_embeddings(@TempDir Path folder) throws IOException {
    for (Layout layout : Layout.values()) {
      Path saved = folder.resolve(layout.name());
      clip.save(saved, layout);
      try (Clip again = Clip.load(saved)) {
        assertThat(again.encodeImage(IMAGE)).isEqualTo(clip.encodeImage(IMAGE));
        assertThat(again.encodeText("a dog")).isEqualTo(clip.encodeText("a dog"));
        assertThat(again.transform()).isEqualTo(clip.transform());
      }
    }
  }

  @Test
  void an_image_may_be_a_file_bytes_a_stream_or_in_memory() throws IOException {
    float[] expected = clip.encodeImage(IMAGE);
    byte[] bytes = Files.readAllBytes(IMAGE);
    RgbImage decoded = ImageDecoder.decode(IMAGE);
    BufferedImage buffered = ImageIO.read(IMAGE.toFile());
    assertThat(clip.encodeImage(bytes)).isEqualTo(expected);
    assertThat(clip.encodeImage(new ByteArrayInputStream(bytes))).isEqualTo(expected);
    assertThat(clip.encodeImage(decoded)).isEqualTo(expected);
    assertThat(clip.encodeImage(buffered)).isEqualTo(expected);
    assertThat(clip.encodeImage(ImageFactory.getInstance().fromImage(buffered)))
        .isEqualTo(expected);
    assertThat(clip.encodeImage(ImageSource.of(IMAGE))).isEqualTo(expected);
    assertThat(clip.encodeLevels(clip.transform().apply(decoded))[0]).isEqualTo(expected);
    ZeroShotClassifier classifier = clip.zeroShot("cat", "dog").build();
    ZeroShotAnswer judged = classifier.answer(expected);
    assertThat(classifier.answer(bytes)).isEqualTo(judged);
    assertThat(classifier.answer(ImageSource.of(IMAGE))).isEqualTo(judged);
    List<Double> probabilities = classifier.classify(IMAGE).getProbabilities();
    assertThat(
            List.of(
                classifier.classify(bytes),
                classifier.classify(new ByteArrayInputStream(bytes)),
                classifier.classify(buffered),
                classifier.classify(ImageFactory.getInstance().fromImage(buffered)),
                classifier.classify(ImageSource.of(decoded))))
        .allSatisfy(answer -> assertThat(answer.getProbabilities()).isEqualTo(probabilities));
    assertThatThrownBy(() -> clip.encodeImage(new byte[] {1, 2, 3}))
        .isInstanceOf(UncheckedIOException.class)
        .hasMessageContaining("the image");
  }

  @Test
  void a_list_may_hold_images_of_every_kind() throws IOException {
    byte[] bytes = Files.readAllBytes(IMAGE);
    BufferedImage drawn = ImageIO.read(IMAGE.toFile());
    float[][] found =
        clip.encodeImages(
            List.of(
                IMAGE,
                bytes,
                new ByteArrayInputStream(bytes),
                drawn,
                ImageFactory.getInstance().fromFile(IMAGE),
                ImageDecoder.decode(IMAGE),
                ImageSource.of(IMAGE)));
    assertThat(found).hasNumberOfRows(7);
    for (float[] each : found) {
      assertThat(Clip.cosine(each, clip.encodeImage(IMAGE))).isCloseTo(1, within(1e-5));
    }
    assertThatThrownBy(() -> clip.encodeImages(List.of(bytes, new byte[] {1, 2, 3})))
        .isInstanceOf(UncheckedIOException.class)
        .hasMessageContaining("image 2 of the list is no PNG");
    assertThatThrownBy(() -> clip.encodeImages(List.of("dog.jpg")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("image 1 of the list is a java.lang.String; it may be a Path");
  }

  @Test
  void an_error_while_one_image_is_decoded_is_that_images_alone() {
    List<String> unreadable = new ArrayList<>();
    List<Long> read = new ArrayList<>();
    clip.encodeImages(
        List.of(
                ImageSource.of(IMAGE),
                failing("deep", new StackOverflowError()),
                failing("large", new OutOfMemoryError("Java heap space")),
                ImageSource.of(IMAGE))
            .iterator(),
        new ImageVisitor() {
          @Override
          public void embedding(long index, ImageSource image, float[] embedding) {
            read.add(index);
          }

          @Override
          public void unreadable(long index, ImageSource image, IOException error) {
            unreadable.add(error.getMessage());
          }
        });
    assertThat(read).containsExactly(0L, 3L);
    assertThat(unreadable)
        .containsExactly(
            "deep cannot be read: java.lang.StackOverflowError",
            "large cannot be read: java.lang.OutOfMemoryError: Java heap space");
  }

  private static ImageSource failing(String name, Error error) {
    return new ImageSource() {
      @Override
      public String name() {
        return name;
      }

      @Override
      public RgbImage read() {
        throw error;
      }
    };
  }

  @Test
  void asynchronous_calls_give_the_same_and_do_not_queue_without_limit() throws Exception {
    assertThat(clip.encodeImageAsync(IMAGE).get()).containsExactly(clip.encodeImage(IMAGE));
    assertThat(clip.encodeTextAsync("a dog").get()).containsExactly(clip.encodeText("a dog"));
    CompletableFuture<float[][]> missing = clip.encodeImagesAsync(List.of(Path.of("no-such.png")));
    assertThatThrownBy(missing::get)
        .isInstanceOf(ExecutionException.class)
        .hasCauseInstanceOf(UncheckedIOException.class)
        .hasMessageContaining("no-such.png: it does not exist");
    List<CompletableFuture<float[][]>> calls = new ArrayList<>();
    for (int i = 0; i < 4 * AsyncCalls.WAITING; i++) {
      calls.add(clip.encodeTextsAsync(List.of("text " + i)));
      assertThat(AsyncCalls.THREADS.getQueue().size()).isLessThanOrEqualTo(AsyncCalls.WAITING);
    }
    for (CompletableFuture<float[][]> call : calls) {
      assertThat(call.get()).hasNumberOfRows(1);
    }
  }

  @Test
  void a_decoder_of_ones_own_decides_what_is_read() {
    try (Clip strict =
        Clip.loader(MODEL).optDecoder(ImageDecoder.defaults().withMaxPixels(100)).load()) {
      assertThatThrownBy(() -> strict.encodeImage(IMAGE))
          .hasMessageContaining(IMAGE.toString())
          .hasMessageContaining("100");
    }
  }

  /** With bfloat16's 8 bits of mantissa each product is off by up to 0.4 %. */
  @Test
  void lower_precision_gives_nearly_the_same_embeddings() {
    try (Clip low = Clip.loader(MODEL).optPrecision(Precision.BF16).load();
        Clip plain = Clip.loader(MODEL).optPrepared(false).load()) {
      assertThat(Clip.cosine(low.encodeImage(IMAGE), clip.encodeImage(IMAGE)))
          .isGreaterThan(0.999)
          .isLessThan(0.9999999);
      assertThat(Clip.cosine(low.encodeText("a dog"), clip.encodeText("a dog")))
          .isGreaterThan(0.999)
          .isLessThan(0.9999999);
      assertThat(Clip.cosine(plain.encodeImage(IMAGE), clip.encodeImage(IMAGE)))
          .isGreaterThan(0.9999999);
    }
    assertThatThrownBy(() -> Clip.loader(MODEL).optPrecision(Precision.TF32).load())
        .hasMessageContaining("TF32");
  }

  @Test
  void a_missing_file_or_folder_is_named() {
    assertThatThrownBy(() -> clip.encodeImage(Path.of("no-such.png")))
        .isInstanceOf(UncheckedIOException.class)
        .hasMessageContaining("no-such.png");
    assertThatThrownBy(() -> clip.encodeImages(List.of(IMAGE, Path.of("no-such.png"))))
        .hasMessageContaining("no-such.png");
    assertThatThrownBy(() -> Clip.load(Path.of("no-such-model")))
        .hasMessageContaining("no-such-model");
  }

  @Test
  void probabilities_are_the_softmax_of_scaled_cosines() {
    ZeroShotClassifier classifier =
        clip.zeroShot("cat", "dog", "rabbit").optTemplates("{}").build();
    Classifications answer = classifier.classify(IMAGE);
    float[] image = clip.encodeImage(IMAGE);
    double[] scaled = new double[3];
    double sum = 0;
    for (int i = 0; i < 3; i++) {
      scaled[i] =
          Math.exp(
              clip.logitScale() * Clip.cosine(image, clip.encodeText(classifier.labels().get(i))));
      sum += scaled[i];
    }
    for (int i = 0; i < 3; i++) {
      assertThat(answer.get(classifier.labels().get(i)).getProbability())
          .isCloseTo(scaled[i] / sum, within(1e-4));
    }
  }

  @Test
  void templates_are_averaged_as_unit_vectors() {
    String[] templates = {"a photo of a {}.", "a drawing of a {}."};
    float[] image = clip.encodeImage(IMAGE);
    double[] logits = new double[2];
    for (int label = 0; label < 2; label++) {
      float[] a = clip.encodeText(templates[0].replace("{}", label == 0 ? "cat" : "dog"));
      float[] b = clip.encodeText(templates[1].replace("{}", label == 0 ? "cat" : "dog"));
      float[] sum = new float[a.length];
      for (int e = 0; e < sum.length; e++) {
        sum[e] = a[e] + b[e];
      }
      logits[label] = clip.logitScale() * Clip.cosine(image, sum) / norm(sum);
    }
    Classifications answer =
        clip.zeroShot("cat", "dog").optTemplates(templates).build().classify(image);
    double expected = 1 / (1 + Math.exp(logits[1] - logits[0]));
    assertThat(answer.get("cat").getProbability()).isCloseTo(expected, within(1e-4));
  }

  @Test
  void classifies_batches_and_shows_the_top() {
    ZeroShotClassifier classifier =
        clip.zeroShot("cat", "dog", "rabbit", "horse").optTopK(2).build();
    List<Classifications> answers = classifier.classify(List.of(IMAGE, OTHER_IMAGE));
    assertThat(answers).hasSize(2);
    assertThat(answers.get(1).best().getClassName())
        .isEqualTo(classifier.classify(OTHER_IMAGE).best().getClassName());
    List<Classifications.Classification> top = answers.get(0).topK();
    assertThat(top).hasSize(2);
    assertThat(top.get(0).getProbability()).isGreaterThanOrEqualTo(top.get(1).getProbability());
  }

  @Test
  void labels_and_templates_that_make_no_sense_are_errors() {
    assertThatThrownBy(() -> clip.zeroShot("cat", "dog", "cat"))
        .hasMessageContaining("\"cat\"")
        .hasMessageContaining("twice");
    assertThatThrownBy(() -> clip.zeroShot("cat", " ")).hasMessageContaining("empty label");
    assertThatThrownBy(() -> clip.zeroShot()).hasMessageContaining("at least one label");
    assertThatThrownBy(() -> clip.zeroShot("cat").optTemplates("a photo"))
        .hasMessageContaining("a photo")
        .hasMessageContaining("{}");
    assertThatThrownBy(() -> clip.zeroShot("cat").optTemplates())
        .hasMessageContaining("at least one prompt template");
    assertThatThrownBy(() -> clip.zeroShot("cat").optTopK(0)).hasMessageContaining("0");
  }

  @Test
  void one_copy_of_the_weights_is_held(@TempDir Path folder) throws IOException {
    try (Clip lean = Clip.load(MODEL);
        Clip whole = Clip.loader(MODEL).optKeepWeights(true).load()) {
      assertThat(lean.model().isComplete()).isTrue(); // a tower is laid out when it is first used
      assertThat(lean.encodeText("a dog")).containsExactly(whole.encodeText("a dog"));
      assertThat(lean.encodeImage(IMAGE)).containsExactly(whole.encodeImage(IMAGE));
      assertThat(whole.model().isComplete()).isTrue();
      lean.save(folder, Layout.OPENCLIP);
      try (Clip saved = Clip.load(folder)) {
        assertThat(saved.encodeText("a dog")).containsExactly(whole.encodeText("a dog"));
      }
      if (lean.model().isComplete()) {
        return; // without wide vectors weights as they are serve many rows
      }
      assertThatThrownBy(() -> lean.model().setTrainable(true))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("keeps its weights");
      assertThatThrownBy(
              () -> lean.model().values().read("visual.transformer.resblocks.0.mlp.c_fc.weight"))
          .hasMessageContaining("keeps its weights");
    }
  }

  @Test
  void a_tower_can_be_left_out() {
    try (Clip images = Clip.loader(MODEL).optImagesOnly().load();
        Clip texts = Clip.loader(MODEL).optTextsOnly().load()) {
      assertThat(images.encodeImage(IMAGE)).containsExactly(clip.encodeImage(IMAGE));
      assertThat(texts.encodeText("a dog")).containsExactly(clip.encodeText("a dog"));
      assertThat(texts.logitScale()).isEqualTo(clip.logitScale());
      assertThatThrownBy(() -> images.encodeText("a dog"))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("without its text encoder");
      assertThatThrownBy(() -> texts.encodeImage(IMAGE))
          .hasMessageContaining("without its image encoder");
    }
  }
}
