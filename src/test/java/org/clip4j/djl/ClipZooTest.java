package org.clip4j.djl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.Application;
import ai.djl.Device;
import ai.djl.inference.Predictor;
import ai.djl.modality.Classifications;
import ai.djl.modality.cv.Image;
import ai.djl.modality.cv.ImageFactory;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Blocks;
import ai.djl.repository.zoo.Criteria;
import ai.djl.repository.zoo.ModelNotFoundException;
import ai.djl.repository.zoo.ModelZoo;
import ai.djl.repository.zoo.ZooModel;
import ai.djl.translate.NoopTranslator;
import ai.djl.translate.TranslateException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.clip4j.Clip;
import org.clip4j.Probabilities;
import org.clip4j.ZeroShotClassifier;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** DJL's way to a model, beside the front door, on transformers' golden model. */
class ClipZooTest {
  private static final Path GOLDEN = Path.of("src/test/resources/golden");
  private static final Path CHECKPOINT = GOLDEN.resolve("hf-clip");
  private static final List<Path> FILES =
      List.of(
          GOLDEN.resolve("preprocess/rgb.png"),
          GOLDEN.resolve("preprocess/rgba.png"),
          GOLDEN.resolve("preprocess/gray.png"));
  private static final List<String> LABELS = List.of("cat", "dog", "rabbit", "horse");
  private static final List<String> TEMPLATES = List.of("a photo of a {}.", "a drawing of a {}.");
  private static final List<String> TEXTS = List.of("a dog", "a very long text about a cat", "");

  private static Clip clip;
  private static List<Image> images;

  @BeforeAll
  static void load() throws IOException {
    clip = Clip.load(CHECKPOINT);
    images =
        List.of(
            ImageFactory.getInstance().fromFile(FILES.get(0)),
            ImageFactory.getInstance().fromFile(FILES.get(1)),
            ImageFactory.getInstance().fromFile(FILES.get(2)));
  }

  @AfterAll
  static void close() {
    clip.close();
  }

  private static <I, O> Criteria.Builder<I, O> criteria(Class<I> input, Class<O> output) {
    return Criteria.builder()
        .setTypes(input, output)
        .optModelZoo(ClipZoo.of(CHECKPOINT))
        .optDevice(Device.cpu());
  }

  @Test
  void images_get_the_embeddings_of_the_front_door() throws Exception {
    try (ZooModel<Image, float[]> model = criteria(Image.class, float[].class).build().loadModel();
        Predictor<Image, float[]> predictor = model.newPredictor()) {
      for (int i = 0; i < FILES.size(); i++) {
        assertThat(predictor.predict(images.get(i)))
            .as(FILES.get(i).toString())
            .containsExactly(clip.encodeImage(FILES.get(i)));
      }
      List<float[]> batch = predictor.batchPredict(images);
      assertThat(batch).hasSize(3);
      for (int i = 0; i < batch.size(); i++) {
        assertThat(batch.get(i)).containsExactly(clip.encodeImage(FILES.get(i)));
      }
      assertThat(predictor.batchPredict(List.of())).isEmpty();
    }
  }

  @Test
  void texts_get_the_embeddings_of_the_front_door() throws Exception {
    try (ZooModel<String, float[]> model =
            criteria(String.class, float[].class).build().loadModel();
        Predictor<String, float[]> predictor = model.newPredictor()) {
      assertThat(predictor.predict("a dog")).containsExactly(clip.encodeText("a dog"));
      List<float[]> batch = predictor.batchPredict(TEXTS);
      float[][] expected = clip.encodeTexts(TEXTS);
      assertThat(batch).hasSameSizeAs(expected);
      for (int i = 0; i < expected.length; i++) {
        assertThat(batch.get(i)).containsExactly(expected[i]);
      }
    }
  }

  @Test
  void images_get_the_classifications_of_the_front_door() throws Exception {
    ZeroShotClassifier expected = clip.zeroShot(LABELS).optTemplates(TEMPLATES).optTopK(2).build();
    Criteria<Image, Classifications> criteria =
        criteria(Image.class, Classifications.class)
            .optArgument("labels", LABELS)
            .optArgument("templates", TEMPLATES)
            .optArgument("topK", "2")
            .optApplication(Application.CV.IMAGE_CLASSIFICATION)
            .build();
    try (ZooModel<Image, Classifications> model = criteria.loadModel();
        Predictor<Image, Classifications> predictor = model.newPredictor()) {
      List<Classifications> batch = predictor.batchPredict(images);
      for (int i = 0; i < FILES.size(); i++) {
        assertSame(batch.get(i), expected.classify(FILES.get(i)));
        assertSame(predictor.predict(images.get(i)), expected.classify(FILES.get(i)));
      }
      assertThat(batch.get(0).topK()).hasSize(2);
    }
  }

  @Test
  void arguments_choose_how_probabilities_are_made() throws Exception {
    assertProbabilities(
        "probabilities",
        "sigmoid",
        clip.zeroShot(LABELS).optProbabilities(Probabilities.SIGMOID).build());
    assertProbabilities("multiLabel", true, clip.zeroShot(LABELS).optMultiLabel().build());
  }

  private static void assertProbabilities(
      String argument, Object value, ZeroShotClassifier expected) throws Exception {
    Criteria<Image, Classifications> criteria =
        criteria(Image.class, Classifications.class)
            .optArgument("labels", LABELS)
            .optArgument(argument, value)
            .build();
    try (ZooModel<Image, Classifications> model = criteria.loadModel();
        Predictor<Image, Classifications> predictor = model.newPredictor()) {
      assertSame(predictor.predict(images.get(0)), expected.classify(FILES.get(0)));
    }
  }

  private static void assertSame(Classifications found, Classifications expected) {
    assertThat(found.getClassNames()).isEqualTo(expected.getClassNames());
    assertThat(found.getProbabilities()).isEqualTo(expected.getProbabilities());
  }

  @Test
  void one_model_serves_all_kinds_of_predictors() throws Exception {
    try (ZooModel<Image, float[]> model = criteria(Image.class, float[].class).build().loadModel();
        Predictor<String, float[]> texts = model.newPredictor(ClipTranslators.textEmbedding());
        Predictor<Image, Classifications> classes =
            model.newPredictor(ClipTranslators.zeroShot(LABELS))) {
      assertThat(texts.predict("a dog")).containsExactly(clip.encodeText("a dog"));
      assertSame(
          classes.predict(images.get(0)), clip.zeroShot(LABELS).build().classify(FILES.get(0)));
    }
  }

  @Test
  void predictors_work_in_several_threads() throws Exception {
    Criteria<Image, Classifications> criteria =
        criteria(Image.class, Classifications.class).optArgument("labels", LABELS).build();
    ZeroShotClassifier expected = clip.zeroShot(LABELS).build();
    ExecutorService threads = Executors.newFixedThreadPool(4);
    try (ZooModel<Image, Classifications> model = criteria.loadModel()) {
      Callable<Void> work =
          () -> {
            try (Predictor<Image, Classifications> predictor = model.newPredictor()) {
              for (int i = 0; i < 20; i++) {
                int image = i % images.size();
                assertSame(
                    predictor.predict(images.get(image)), expected.classify(FILES.get(image)));
              }
            }
            return null;
          };
      List<Future<Void>> results =
          threads.invokeAll(IntStream.range(0, 4).mapToObj(i -> work).toList());
      for (Future<Void> result : results) {
        result.get();
      }
    } finally {
      threads.shutdown();
    }
  }

  @Test
  void closing_the_model_frees_it_and_is_said_by_its_predictors() throws Exception {
    ZooModel<String, float[]> model = criteria(String.class, float[].class).build().loadModel();
    LoadedClip loaded = (LoadedClip) model.getWrappedModel();
    NDManager weights = loaded.clip().model().manager();
    Predictor<String, float[]> predictor = model.newPredictor();
    predictor.predict("a dog");
    assertThat(weights.isOpen()).isTrue();
    model.close();
    model.close();
    assertThat(weights.isOpen()).isFalse();
    assertThatThrownBy(() -> predictor.predict("a dog")).isInstanceOf(TranslateException.class);
    assertThatThrownBy(loaded::clip).hasMessageContaining("hf-clip is closed");
    predictor.close();
  }

  @Test
  void the_device_and_the_name_are_those_of_the_criteria() throws Exception {
    try (ZooModel<String, float[]> model =
        criteria(String.class, float[].class)
            .optEngine("PyTorch")
            .optModelName("ours")
            .build()
            .loadModel()) {
      assertThat(model.getName()).isEqualTo("ours");
      assertThat(model.getNDManager().getDevice()).isEqualTo(Device.cpu());
      assertThatIllegalArgumentException()
          .isThrownBy(() -> model.newPredictor(Device.gpu(3)))
          .withMessageContaining("ours is on cpu()")
          .withMessageContaining("not on gpu(3)")
          .withMessageContaining("optDevice");
    }
  }

  @Test
  void arguments_that_make_no_sense_are_errors() {
    assertRefused(criteria(Image.class, Classifications.class), "labels", "optArgument");
    assertRefused(
        criteria(Image.class, Classifications.class).optArgument("labels", List.of()),
        "at least one label");
    assertRefused(
        criteria(Image.class, Classifications.class).optArgument("labels", "cat,dog"),
        "labels must be a list of strings, found cat,dog");
    assertRefused(
        criteria(Image.class, Classifications.class)
            .optArgument("labels", LABELS)
            .optArgument("templates", List.of("a photo")),
        "a photo",
        "{}");
    assertRefused(
        criteria(Image.class, Classifications.class)
            .optArgument("labels", LABELS)
            .optArgument("topK", "many"),
        "topK must be a whole number, found many");
    assertRefused(
        criteria(Image.class, Classifications.class)
            .optArgument("labels", LABELS)
            .optArgument("probabilities", "certain"),
        "probabilities must be softmax, sigmoid or background, found certain");
    assertRefused(
        criteria(Image.class, Classifications.class)
            .optArgument("labels", LABELS)
            .optArgument("multiLabel", "perhaps"),
        "multiLabel must be true or false, found perhaps");
    assertRefused(
        criteria(Image.class, float[].class).optArgument("multiLabel", true), "ask for embeddings");
    assertRefused(
        criteria(Image.class, float[].class).optArgument("labels", LABELS), "ask for embeddings");
    assertRefused(
        criteria(Image.class, float[].class).optArgument("label", LABELS),
        "\"label\" is none of [labels, templates, topK, probabilities, multiLabel, architecture]");
    assertRefused(criteria(Image.class, String.class), "does not make String of Image", "float[]");
    assertRefused(criteria(Image.class, float[].class).optBlock(Blocks.identityBlock()), "a block");
    assertRefused(criteria(Image.class, float[].class).optFilter("size", "large"), "filters");
    assertRefused(criteria(Image.class, float[].class).optOption("a", "b"), "options");
  }

  private static void assertRefused(Criteria.Builder<?, ?> criteria, String... words) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> criteria.build().loadModel())
        .satisfies(e -> assertThat(e.getMessage()).contains(words));
  }

  @Test
  void a_missing_model_is_named() {
    Criteria<String, float[]> criteria =
        Criteria.builder()
            .setTypes(String.class, float[].class)
            .optModelZoo(ClipZoo.of(Path.of("no/such/folder")))
            .build();
    assertThatThrownBy(criteria::loadModel)
        .isInstanceOf(IOException.class)
        .hasMessageContaining("no/such/folder");
  }

  @Test
  void criteria_of_another_engine_or_group_find_nothing() {
    assertThatThrownBy(
            () -> criteria(String.class, float[].class).optEngine("TensorFlow").build().loadModel())
        .isInstanceOf(ModelNotFoundException.class);
    assertThatThrownBy(
            () -> criteria(String.class, float[].class).optGroupId("other").build().loadModel())
        .isInstanceOf(ModelNotFoundException.class);
    assertThat(ModelZoo.hasModelZoo(ClipZoo.GROUP_ID))
        .as("other criteria of an application are not searched here")
        .isFalse();
  }

  @Test
  void translators_of_ones_own_are_told_what_to_do() throws Exception {
    try (ZooModel<NDList, NDList> model =
            criteria(NDList.class, NDList.class)
                .optTranslator(new NoopTranslator())
                .build()
                .loadModel();
        Predictor<NDList, NDList> predictor = model.newPredictor();
        NDManager manager = model.getNDManager().newSubManager()) {
      NDList tensors = new NDList(manager.ones(new Shape(1, 3)));
      assertThatThrownBy(() -> predictor.predict(tensors))
          .rootCause()
          .hasMessageContaining("ClipTranslators");
    }
  }

  @Test
  void a_missing_input_is_an_error() throws Exception {
    try (ZooModel<String, float[]> model =
            criteria(String.class, float[].class).build().loadModel();
        Predictor<String, float[]> predictor = model.newPredictor()) {
      assertThatThrownBy(() -> predictor.batchPredict(Collections.singletonList(null)))
          .isInstanceOf(TranslateException.class)
          .rootCause()
          .hasMessage("input 0 is null");
      assertThat(predictor.predict("a dog")).as("afterwards").hasSize(clip.embedDim());
    }
  }
}
