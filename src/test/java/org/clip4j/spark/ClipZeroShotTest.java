package org.clip4j.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;
import static org.clip4j.spark.LocalSpark.GOLDEN;
import static org.clip4j.spark.LocalSpark.MODEL;
import static org.clip4j.spark.LocalSpark.table;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.clip4j.Clip;
import org.clip4j.Probabilities;
import org.clip4j.UnknownRule;
import org.clip4j.ZeroShotAnswer;
import org.clip4j.ZeroShotClassifier;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("spark")
class ClipZeroShotTest {
  private static final String[] LABELS = {"a cat", "a dog", "a red square", "a house"};
  private static final List<Path> IMAGES =
      List.of(
          GOLDEN.resolve("preprocess/rgb.png"),
          GOLDEN.resolve("preprocess/baseline.jpg"),
          GOLDEN.resolve("preprocess/rgb.png"));
  private static Clip clip;

  @BeforeAll
  static void load() {
    clip = Clip.load(MODEL);
  }

  @AfterAll
  static void close() {
    clip.close();
  }

  private static Dataset<Row> images() throws IOException {
    List<Row> rows = new ArrayList<>();
    for (Path image : IMAGES) {
      rows.add(RowFactory.create(rows.size(), Files.readAllBytes(image)));
    }
    rows.add(RowFactory.create(rows.size(), new byte[] {7}));
    StructType schema =
        new StructType().add("id", DataTypes.IntegerType).add("image", DataTypes.BinaryType);
    return table(schema, rows).repartition(4);
  }

  private static ClipZeroShot stage() {
    return new ClipZeroShot().setModel(MODEL.toString()).setLabels(LABELS);
  }

  private static void assertSame(Row found, ZeroShotAnswer expected, int topK) {
    Row prediction = found.getAs("prediction");
    assertThat(prediction.<String>getList(0)).isEqualTo(expected.labels());
    List<Row> top = prediction.getList(1);
    assertThat(top).hasSize(topK);
    for (int i = 0; i < topK; i++) {
      assertThat(top.get(i).getString(0)).isEqualTo(expected.top(topK).get(i).label());
      assertThat(top.get(i).getDouble(1))
          .isEqualTo(expected.top(topK).get(i).probability(), within(1e-5));
      assertThat(top.get(i).getDouble(2))
          .isEqualTo(expected.top(topK).get(i).cosine(), within(1e-6));
    }
    assertThat(prediction.getBoolean(2)).isEqualTo(expected.isUnknown());
  }

  @Test
  void answers_are_those_of_the_front_door_and_labels_are_encoded_once() throws IOException {
    ClipZeroShot stage = stage().setTemplates("a photo of {}.", "{}").setTopK(3);
    long before = ClipZeroShot.LABELS_ENCODED.get();
    Dataset<Row> classified = stage.transform(images()).orderBy("id");
    List<Row> rows = classified.collectAsList();
    assertThat(classified.count()).isEqualTo(4);
    stage.transform(images()).collectAsList();
    assertThat(ClipZeroShot.LABELS_ENCODED.get()).isEqualTo(before + 1);

    ZeroShotClassifier classifier =
        clip.zeroShot(LABELS).optTemplates("a photo of {}.", "{}").build();
    for (int i = 0; i < 3; i++) {
      assertSame(rows.get(i), classifier.answer(IMAGES.get(i)), 3);
    }
    assertThat(rows.get(3).<Object>getAs("prediction")).isNull();
    assertThat(rows.get(3).<String>getAs("prediction_error")).isNotNull();
    stage.setLabels("a cat", "a dog").setTopK(1).transform(images());
    assertThat(ClipZeroShot.LABELS_ENCODED.get()).isEqualTo(before + 2);
  }

  @Test
  void multi_label_answers_have_their_thresholds(@TempDir Path folder) throws IOException {
    ClipZeroShot stage =
        stage()
            .setMultiLabel(true)
            .setProbabilities("background")
            .setBackgroundPrompts("a photo", "a picture")
            .setLabelThresholds(0.1, 0.5, 0.2, 0.9);
    stage.write().save(folder.resolve("stage").toString());
    List<Row> rows =
        ClipZeroShot.load(folder.resolve("stage").toString())
            .transform(images())
            .orderBy("id")
            .collectAsList();
    ZeroShotClassifier classifier =
        clip.zeroShot(LABELS)
            .optMultiLabel()
            .optProbabilities(Probabilities.BACKGROUND)
            .optBackgroundPrompts("a photo", "a picture")
            .optThreshold("a cat", 0.1)
            .optThreshold("a dog", 0.5)
            .optThreshold("a red square", 0.2)
            .optThreshold("a house", 0.9)
            .build();
    for (int i = 0; i < 3; i++) {
      assertSame(rows.get(i), classifier.answer(IMAGES.get(i)), 4);
    }
  }

  @Test
  void images_may_be_unknown() throws IOException {
    List<Row> rows =
        stage()
            .setUnknownScore("margin")
            .setUnknownThreshold(0.999)
            .transform(images())
            .orderBy("id")
            .collectAsList();
    ZeroShotClassifier classifier =
        clip.zeroShot(LABELS).optUnknown(UnknownRule.margin(0.999)).build();
    for (int i = 0; i < 3; i++) {
      ZeroShotAnswer expected = classifier.answer(IMAGES.get(i));
      assertThat(expected.isUnknown()).isTrue();
      assertSame(rows.get(i), expected, 4);
      assertThat(rows.get(i).<Row>getAs("prediction").getDouble(3))
          .isEqualTo(expected.unknownCheck().score(), within(1e-5));
    }
  }

  @Test
  void embeddings_are_classified_without_the_image_encoder() throws IOException {
    Dataset<Row> embedded =
        new ClipImageEmbedder().setModel(MODEL.toString()).transform(images()).cache();
    embedded.count();
    ClipZeroShot stage = stage().setInputCol("image_embedding");
    Dataset<Row> classified = stage.transform(embedded).orderBy("id");
    long before = SharedModels.loads();
    List<Row> rows = classified.collectAsList();
    assertThat(SharedModels.loads()).isEqualTo(before);
    ZeroShotClassifier classifier = clip.zeroShot(LABELS).build();
    for (int i = 0; i < 3; i++) {
      assertSame(rows.get(i), classifier.answer(IMAGES.get(i)), 4);
    }
    assertThat(rows.get(3).<String>getAs("prediction_error")).isEqualTo("the embedding is null");
  }

  @Test
  void embeddings_that_cannot_be_compared_get_the_reason() {
    float[] nan = clip.encodeImage(IMAGES.get(0));
    nan[1] = Float.NaN;
    Float[] holes = new Float[nan.length];
    StructType schema =
        new StructType().add("image", DataTypes.createArrayType(DataTypes.FloatType));
    List<Row> rows =
        stage()
            .transform(
                table(
                    schema,
                    List.of(
                        RowFactory.create(nan),
                        RowFactory.create((Object) holes),
                        RowFactory.create(new float[3]))))
            .collectAsList();
    List<String> wanted = List.of("the value NaN", "a null at position 0", "3 and");
    for (int i = 0; i < wanted.size(); i++) {
      assertThat(rows.get(i).isNullAt(1)).isTrue();
      assertThat(rows.get(i).<String>getAs("prediction_error")).contains(wanted.get(i));
    }
  }

  @Test
  void a_single_label_is_judged_by_the_threshold() throws IOException {
    ClipZeroShot stage = stage().setLabels("a cat").setProbabilities("background");
    for (double threshold : new double[] {0, 0.5, 1}) {
      ZeroShotClassifier classifier =
          clip.zeroShot("a cat")
              .optProbabilities(Probabilities.BACKGROUND)
              .optThreshold(threshold)
              .build();
      Row row = stage.setThreshold(threshold).transform(images()).orderBy("id").first();
      assertSame(row, classifier.answer(IMAGES.get(0)), 1);
      assertThat(row.getStruct(row.fieldIndex("prediction")).getList(0))
          .hasSize(threshold == 0 ? 1 : 0);
    }
  }

  @Test
  void labels_that_cannot_be_are_refused_at_the_driver() throws IOException {
    Dataset<Row> images = images();
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new ClipZeroShot().setModel(MODEL.toString()).transform(images))
        .withMessageContaining("needs labels");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> stage().setLabels("a", "a").transform(images))
        .withMessageContaining("twice");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> stage().setLabels("a", null))
        .withMessageContaining("labels given invalid value [a,null]");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> stage().setTemplates("no place").transform(images))
        .withMessageContaining("{}");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> stage().setMultiLabel(true).setLabelThresholds(0.5).transform(images))
        .withMessageContaining("1 thresholds are given for 4 labels");
  }
}
