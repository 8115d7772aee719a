package org.clip4j.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.clip4j.data.LabelledImage;
import org.clip4j.data.LabelledImages;
import org.clip4j.data.Pairs;
import org.clip4j.data.shapes.ColouredShapes;
import org.clip4j.encode.ClassNames;
import org.clip4j.encode.ClassWeights;
import org.clip4j.encode.Encoder;
import org.clip4j.encode.ImageSource;
import org.clip4j.encode.PromptSet;
import org.clip4j.image.ImageDecoder;
import org.clip4j.image.ImageTransform;
import org.clip4j.image.RgbImage;
import org.clip4j.model.ClipConfig;
import org.clip4j.model.ClipModel;
import org.clip4j.model.TextConfig;
import org.clip4j.model.VitConfig;
import org.clip4j.text.ClipTokenizer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ZeroShotEvaluationTest {
  private static ClipModel model;
  private static Encoder encoder;

  @TempDir Path folder;

  @BeforeAll
  static void create() {
    VitConfig vision =
        VitConfig.builder()
            .setImageSize(16)
            .setPatchSize(8)
            .setWidth(32)
            .setLayers(1)
            .optHeadWidth(16)
            .build();
    TextConfig text =
        TextConfig.builder()
            .setContextLength(16)
            .setVocabSize(ClipTokenizer.VOCABULARY_SIZE)
            .setWidth(16)
            .setHeads(1)
            .setLayers(1)
            .build();
    model = ClipModel.create(new ClipConfig(16, vision, text, false), 3);
    encoder = new Encoder(model, ImageTransform.openai(16, 16), ClipTokenizer.create(16));
  }

  @AfterAll
  static void close() {
    encoder.close();
    model.close();
  }

  private static ZeroShotEvaluation evaluation(LabelledImages images) {
    return ZeroShotEvaluation.of(images, ClassNames.fromLabels(images.labels())).optResamples(50);
  }

  private static ImageSource broken(String name) {
    return new ImageSource() {
      @Override
      public String name() {
        return name;
      }

      @Override
      public RgbImage read() throws IOException {
        throw new IOException("is broken");
      }
    };
  }

  @Test
  void a_stream_gives_what_all_at_once_gives_and_counts_what_cannot_be_read() {
    ColouredShapes shapes = ColouredShapes.create();
    List<LabelledImage> good = shapes.unseenTest(20); // 320, more than are in memory at once
    List<LabelledImage> all = new ArrayList<>(good);
    all.add(2, new LabelledImage(broken("two.png"), 5));
    all.add(300, new LabelledImage(broken("late.png"), 5));
    List<String> prompts = List.of("a photo of a {}.", "a {}", "there is a {}");
    List<Long> progress = new ArrayList<>();
    ZeroShotEvaluation.Result result =
        evaluation(LabelledImages.of("shapes", shapes.labels(), all))
            .optTemplates(prompts)
            .optProgress(progress::add)
            .run(encoder);

    assertThat(result.unreadable().count()).isEqualTo(2);
    assertThat(result.unreadable().names())
        .containsExactly("two.png: is broken", "late.png: is broken");
    assertThat(progress).containsExactly(256L, 322L);
    float[][] embeddings = encoder.encodeImages(good.stream().map(LabelledImage::image).toList());
    int[] labels = good.stream().mapToInt(LabelledImage::label).toArray();
    List<List<String>> heads = List.of(List.of("{}"), PromptSet.PHOTO, prompts);
    assertThat(result.heads()).hasSize(3);
    for (int h = 0; h < 3; h++) {
      EmbeddingClassifier classifier =
          EmbeddingClassifier.cosine(ClassWeights.of(encoder, shapes.labels(), heads.get(h)));
      ProbeAccuracy accuracy =
          ProbeAccuracy.of(
              Stream.of(embeddings).map(classifier::scores).toArray(float[][]::new), labels);
      ClassMetrics metrics = result.heads().get(h).metrics();
      assertThat(metrics.images()).isEqualTo(320);
      assertThat(metrics.top1().value()).isEqualTo(accuracy.top1());
      assertThat(metrics.top5().value()).isEqualTo(accuracy.top5());
    }
    double single = result.heads().get(1).metrics().top1().value();
    assertThat(result.ensembleGain().value())
        .isEqualTo(result.last().metrics().top1().value() - single);
    long correct = IntStream.range(0, 322).filter(i -> result.correct()[i]).count();
    assertThat(correct / 320.0).isEqualTo(result.last().metrics().top1().value());
  }

  @Test
  void the_single_prompt_alone_has_no_ensemble_to_gain_by() {
    ColouredShapes shapes = ColouredShapes.create();
    ZeroShotEvaluation.Result result =
        evaluation(LabelledImages.of("shapes", shapes.labels(), shapes.seenTest(1))).run(encoder);
    assertThat(result.heads())
        .extracting(ZeroShotEvaluation.Head::name)
        .containsExactly("class names alone", "single prompt");
    assertThat(result.ensembleGain()).isNull();
  }

  @Test
  void a_listener_hears_the_scores_of_each_image_and_the_seed_moves_intervals_alone() {
    ColouredShapes shapes = ColouredShapes.create();
    LabelledImages images = LabelledImages.of("shapes", shapes.labels(), shapes.seenTest(1));
    float[][] classes = ClassWeights.of(encoder, shapes.labels(), PromptSet.PHOTO);
    int[] right = {0};
    ZeroShotEvaluation evaluation = evaluation(images);
    Interval first =
        evaluation
            .optListener(
                (image, label, scores) -> {
                  assertThat(label).isEqualTo(images.get(image).label());
                  assertThat(scores).hasSameSizeAs(classes);
                  right[0] +=
                      IntStream.range(0, 64).allMatch(c -> scores[c] <= scores[label]) ? 1 : 0;
                })
            .run(encoder)
            .last()
            .metrics()
            .top1();
    assertThat(right[0]).isEqualTo((int) Math.round(first.value() * images.size()));
    Interval other = evaluation.optSeed(1).run(encoder).last().metrics().top1();
    assertThat(other.value()).isEqualTo(first.value());
    assertThat(other).isNotEqualTo(first);
  }

  @Test
  void several_names_of_a_class_share_its_vector() {
    float[][] weights =
        ClassWeights.ofClasses(encoder, List.of(List.of("cat", "kitten")), List.of("a {}", "{}"));
    float[][] texts = encoder.encodeTexts(List.of("a cat", "cat", "a kitten", "kitten"));
    double norm = 0;
    float[] sum = new float[16];
    for (int e = 0; e < 16; e++) {
      for (float[] text : texts) {
        sum[e] += text[e];
      }
      norm += sum[e] * sum[e];
    }
    for (int e = 0; e < 16; e++) {
      assertThat(weights[0][e]).isCloseTo((float) (sum[e] / Math.sqrt(norm)), within(1e-6f));
    }
  }

  @Test
  void class_folders_are_labelled_by_their_names() throws IOException {
    image("10/a.png");
    image("9/b.png");
    image("9/deep/c.png");
    image("beside.png");
    Files.createDirectory(folder.resolve(".hidden"));
    LabelledImages images = LabelledImages.classFolders(folder, ImageDecoder.defaults());
    assertThat(images.labels()).containsExactly("9", "10");
    assertThat(images.size()).isEqualTo(3);
    assertThat(images.get(0).label()).isEqualTo(1);
    assertThat(images.get(2).image().read().width()).isEqualTo(2);
    assertThatThrownBy(() -> images.get(3)).isInstanceOf(IndexOutOfBoundsException.class);
  }

  @Test
  void an_empty_class_folder_is_named() throws IOException {
    image("cat/a.png");
    Files.createDirectory(folder.resolve("dog"));
    Files.writeString(Files.createDirectory(folder.resolve("eel")).resolve("read.me"), "no image");
    assertThatThrownBy(() -> LabelledImages.classFolders(folder, ImageDecoder.defaults()))
        .isInstanceOf(IOException.class)
        .hasMessage(
            folder + ": no image in the class folders dog, eel; fill or remove what is empty");
  }

  @Test
  void a_folder_without_class_folders_is_an_error() throws IOException {
    image("a.png");
    assertThatThrownBy(() -> LabelledImages.classFolders(folder, ImageDecoder.defaults()))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("holds no class folders");
  }

  @Test
  void a_table_of_files_and_labels_is_a_test_set() throws IOException {
    image("a.png");
    Path table =
        Files.writeString(
            folder.resolve("t.csv"), "file,label\na.png,dog\nmissing.png,cat\na.png, dog\n");
    LabelledImages images =
        LabelledImages.byCaption(Pairs.table(table).setColumns("file", "label").build());
    assertThat(images.labels()).containsExactly("cat", "dog");
    ZeroShotEvaluation.Result result = evaluation(images).run(encoder);
    assertThat(result.heads().get(0).metrics().images()).isEqualTo(2);
    assertThat(result.unreadable().count()).isEqualTo(1);
    assertThat(result.unreadable().names().get(0)).contains("missing.png: it does not exist");
  }

  @Test
  void if_nothing_can_be_read_it_says_so() {
    List<LabelledImage> none = List.of(new LabelledImage(broken("a.png"), 0));
    LabelledImages images = LabelledImages.of("lost", List.of("cat"), none);
    assertThatThrownBy(() -> evaluation(images).run(encoder))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll("none of the 1 images of lost", "a.png: is broken");
  }

  @Test
  void a_label_outside_the_classes_is_an_error() {
    List<LabelledImage> outside = List.of(new LabelledImage(broken("a.png"), 1));
    assertThatThrownBy(() -> LabelledImages.of("set", List.of("cat"), outside))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll("a.png has label 1", "0 to 0");
  }

  private void image(String name) throws IOException {
    Path file = folder.resolve(name);
    Files.createDirectories(file.getParent());
    ImageIO.write(new BufferedImage(2, 3, BufferedImage.TYPE_INT_RGB), "png", file.toFile());
  }
}
