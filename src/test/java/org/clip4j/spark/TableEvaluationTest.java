package org.clip4j.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.clip4j.spark.LocalSpark.MODEL;
import static org.clip4j.spark.LocalSpark.table;

import ai.djl.Device;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.apache.spark.ml.image.ImageSchema;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.functions;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.clip4j.Clip;
import org.clip4j.data.LabelledImage;
import org.clip4j.data.LabelledImages;
import org.clip4j.data.shapes.ColouredShapes;
import org.clip4j.encode.ClassNames;
import org.clip4j.encode.ClassWeights;
import org.clip4j.encode.Encoder;
import org.clip4j.encode.PromptSet;
import org.clip4j.eval.ClassMetrics;
import org.clip4j.eval.Overlap;
import org.clip4j.eval.Retrieval;
import org.clip4j.eval.ZeroShotEvaluation;
import org.clip4j.eval.internal.Dot;
import org.clip4j.image.RgbImage;
import org.clip4j.model.ClipModel;
import org.clip4j.weights.Checkpoint;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Evaluations and searches over tables, beside those of one machine. */
@Tag("spark")
class TableEvaluationTest {
  private static final int WIDTH = 19;
  private static final StructType SCHEMA =
      new StructType()
          .add("id", DataTypes.StringType)
          .add("embedding", DataTypes.createArrayType(DataTypes.FloatType));

  private static float[][] vectors(int count, long seed) {
    Random random = new Random(seed);
    float[][] vectors = new float[count][WIDTH];
    for (float[] vector : vectors) {
      double square = 0;
      for (int i = 0; i < WIDTH; i++) {
        vector[i] = (float) random.nextGaussian();
        square += vector[i] * vector[i];
      }
      for (int i = 0; i < WIDTH; i++) {
        vector[i] /= (float) Math.sqrt(square);
      }
    }
    return vectors;
  }

  private static String id(int i) {
    return "row%04d".formatted(i);
  }

  private static Dataset<Row> embeddings(float[][] vectors, int partitions) {
    List<Row> rows = new ArrayList<>();
    for (int i = 0; i < vectors.length; i++) {
      rows.add(RowFactory.create(id(i), vectors[i]));
    }
    rows.add(RowFactory.create("unread", null));
    return table(SCHEMA, rows).repartition(partitions); // some of them empty
  }

  @Test
  void zero_shot_numbers_are_those_of_one_machine() {
    float[][] classes = vectors(7, 1);
    float[][] images = vectors(300, 2);
    int[] labels = new Random(3).ints(images.length, 0, classes.length).toArray();
    images[5] = classes[(labels[5] + 1) % classes.length]; // wrong
    images[6] = classes[labels[6]]; // right
    images[7][0] = Float.NaN;
    List<String> names = IntStream.range(0, 7).mapToObj(i -> "class " + i).toList();
    List<Row> rows = new ArrayList<>();
    for (int i = 0; i < images.length; i++) {
      rows.add(RowFactory.create(id(i), images[i], names.get(labels[i])));
    }
    Dataset<Row> table = table(SCHEMA.add("label", DataTypes.StringType), rows).repartition(5);
    ClassMetrics found =
        TableEvaluation.zeroShot(table, "id", "embedding", "label", names, classes);
    double[] expected = new double[6]; // share of images with fewer rivals
    for (int i = 0; i < images.length; i++) {
      float own = Dot.of(images[i], classes[labels[i]]);
      int rivals = 0;
      for (int c = 0; c < classes.length; c++) {
        rivals += c != labels[i] && !(Dot.of(images[i], classes[c]) < own) ? 1 : 0;
      }
      for (int k = rivals + 1; k < expected.length; k++) {
        expected[k] += 1.0 / images.length;
      }
    }
    assertThat(found.images()).isEqualTo(300);
    assertThat(found.top1().value()).isEqualTo(expected[1], within(1e-12));
    assertThat(found.top5().value()).isEqualTo(expected[5], within(1e-12));
    assertThat(Arrays.stream(found.confusion()).flatMapToLong(Arrays::stream).sum()).isEqualTo(300);
    ClassMetrics again =
        TableEvaluation.zeroShot(table.repartition(2), "id", "embedding", "label", names, classes);
    assertThat(again.top1()).isEqualTo(found.top1()); // its interval too
    assertThat(again.meanPerClass()).isEqualTo(found.meanPerClass());
    assertThatThrownBy(
            () ->
                TableEvaluation.zeroShot(
                    table,
                    "id",
                    "embedding",
                    "label",
                    names.subList(0, 3),
                    Arrays.copyOf(classes, 3)))
        .hasStackTraceContaining("is no class");
  }

  @Test
  void an_evaluation_of_pictures_prints_what_one_machine_prints() throws IOException {
    ColouredShapes shapes = ColouredShapes.builder().optImageSize(40).build();
    List<String> labels = shapes.labels();
    List<LabelledImage> images = shapes.seenTest(2);
    ClassMetrics alone;
    float[][] classes;
    try (Checkpoint checkpoint = Clip.loader(MODEL).openCheckpoint();
        ClipModel model =
            ClipModel.load(checkpoint.config(), checkpoint.parameters(), Device.cpu());
        Encoder encoder =
            new Encoder(model, checkpoint.transform(), checkpoint.tokenizer().orElseThrow())) {
      classes = ClassWeights.of(encoder, labels, PromptSet.PHOTO);
      alone =
          ZeroShotEvaluation.of(
                  LabelledImages.of("shapes", labels, images), ClassNames.inOrder(labels))
              .run(encoder)
              .last()
              .metrics();
    }
    List<Row> rows = new ArrayList<>();
    for (LabelledImage image : images) {
      RgbImage pixels = image.image().read();
      Object struct =
          RowFactory.create("", pixels.height(), pixels.width(), 3, 16, bgr(pixels.pixels()));
      rows.add(RowFactory.create(id(rows.size()), struct, labels.get(image.label())));
    }
    StructType schema =
        new StructType()
            .add("id", DataTypes.StringType)
            .add("image", ImageSchema.columnSchema())
            .add("label", DataTypes.StringType);
    ClassMetrics found =
        TableEvaluation.zeroShot(
            new ClipImageEmbedder()
                .setModel(MODEL.toString())
                .transform(table(schema, rows).repartition(3)),
            "id",
            "image_embedding",
            "label",
            labels,
            classes);
    assertThat(alone.top5().value()).isBetween(0.01, 0.99);
    assertThat(found.images()).isEqualTo(images.size());
    assertThat(found.top1()).hasToString(alone.top1().toString());
    assertThat(found.top5()).hasToString(alone.top5().toString());
    assertThat(found.meanPerClass()).hasToString(alone.meanPerClass().toString());
    assertThat(found.confusion()).isDeepEqualTo(alone.confusion());
  }

  private static byte[] bgr(byte[] rgb) {
    byte[] bgr = new byte[rgb.length];
    for (int i = 0; i < rgb.length; i += 3) {
      bgr[i] = rgb[i + 2];
      bgr[i + 1] = rgb[i + 1];
      bgr[i + 2] = rgb[i];
    }
    return bgr;
  }

  @Test
  void retrieval_with_several_captions_is_that_of_one_machine() {
    float[][] images = vectors(90, 4);
    images[11] = images[10].clone(); // ties
    float[][] texts = new float[200][];
    int[] imageOfText = new int[texts.length];
    float[][] noise = vectors(texts.length, 5);
    for (int t = 0; t < texts.length; t++) {
      imageOfText[t] = t < 90 ? t : (t * 7) % 90;
      texts[t] = new float[WIDTH];
      for (int i = 0; i < WIDTH; i++) {
        texts[t][i] = 0.4f * images[imageOfText[t]][i] + 0.6f * noise[t][i];
      }
    }
    List<Row> captions = new ArrayList<>();
    for (int t = 0; t < texts.length; t++) {
      captions.add(RowFactory.create(id(imageOfText[t]), texts[t]));
    }
    Retrieval expected = Retrieval.of(images, texts, imageOfText);
    assertThat(expected.textToImage().at1()).isBetween(0.1, 0.9);
    for (int partitions : new int[] {1, 6}) {
      assertThat(
              TableEvaluation.retrieval(
                  embeddings(images, partitions), table(SCHEMA, captions), "id", "embedding"))
          .isEqualTo(expected);
    }
    assertThatThrownBy(
            () ->
                TableEvaluation.retrieval(
                    embeddings(images, 2),
                    table(SCHEMA, captions.subList(0, 80)),
                    "id",
                    "embedding"))
        .hasStackTraceContaining("has no text");
  }

  @Test
  void near_duplicates_are_those_of_one_machine() {
    float[][] training = vectors(400, 6);
    float[][] evaluation = vectors(30, 7);
    evaluation[3] = training[50];
    training[60] = training[50].clone(); // the lower one is the nearest
    evaluation[9] = training[399];
    Overlap.Result expected = Overlap.create().optThreshold(0.6).find(training, evaluation);
    List<Row> found =
        TableSearch.overlap(
                embeddings(training, 5), embeddings(evaluation, 2), "id", "embedding", 0.6)
            .orderBy("evaluation")
            .collectAsList();
    assertThat(found).hasSize(30);
    long pairs = 0;
    for (int e = 0; e < 30; e++) {
      assertThat(found.get(e).getFloat(2)).isEqualTo(expected.nearest()[e]);
      pairs += found.get(e).getLong(3);
    }
    assertThat(pairs).isEqualTo(expected.pairCount());
    assertThat(found.get(3).getString(1)).isEqualTo(id(50));
    assertThat(found.stream().filter(row -> row.getFloat(2) >= 0.6).count())
        .isEqualTo(expected.overlapping());
  }

  @Test
  void the_k_nearest_rows_are_found_whatever_the_partitions() {
    float[][] items = vectors(1000, 8);
    items[700] = items[20].clone();
    float[][] queries = vectors(5, 9);
    queries[2] = items[20];
    for (int partitions : new int[] {1, 7}) {
      List<Row> found =
          TableSearch.topK(
                  embeddings(items, partitions), embeddings(queries, 1), "id", "embedding", 6)
              .orderBy("query", "rank")
              .collectAsList();
      assertThat(found).hasSize(30);
      for (int q = 0; q < 5; q++) {
        float[] query = queries[q];
        List<Integer> expected =
            IntStream.range(0, items.length)
                .boxed()
                .sorted(
                    (a, b) -> {
                      int order = Float.compare(Dot.of(query, items[b]), Dot.of(query, items[a]));
                      return order != 0 ? order : a - b;
                    })
                .limit(6)
                .toList();
        for (int rank = 0; rank < 6; rank++) {
          Row row = found.get(6 * q + rank);
          assertThat(row.getString(0)).isEqualTo(id(q));
          assertThat(row.getInt(1)).isEqualTo(rank);
          assertThat(row.getString(2)).isEqualTo(id(expected.get(rank)));
          assertThat(row.getFloat(3)).isEqualTo(Dot.of(query, items[expected.get(rank)]));
        }
      }
    }
  }

  @Test
  void what_is_no_number_is_near_to_nothing_and_never_in_the_way() {
    float[][] items = vectors(40, 11);
    float[][] queries = vectors(3, 12);
    items[0][2] = Float.NaN;
    items[17][0] = Float.NaN;
    for (int partitions : new int[] {1, 4}) {
      Dataset<Row> table = embeddings(items, partitions);
      for (int k : new int[] {1, 100}) {
        List<Row> found =
            TableSearch.topK(table, embeddings(queries, 1), "id", "embedding", k).collectAsList();
        assertThat(found)
            .hasSize(3 * Math.min(k, 38))
            .noneMatch(row -> Float.isNaN(row.getFloat(3)));
      }
      Overlap.Result expected = Overlap.create().optThreshold(0.3).find(items, queries);
      List<Row> nearest =
          TableSearch.overlap(table, embeddings(queries, 1), "id", "embedding", 0.3)
              .orderBy("evaluation")
              .collectAsList();
      long pairs = 0;
      for (int q = 0; q < 3; q++) {
        assertThat(nearest.get(q).getFloat(2)).isEqualTo(expected.nearest()[q]);
        pairs += nearest.get(q).getLong(3);
      }
      assertThat(pairs).isEqualTo(expected.pairCount());
    }
    float[][] none = {items[0]};
    Row alone =
        TableSearch.overlap(embeddings(none, 1), embeddings(queries, 1), "id", "embedding", 0.3)
            .first();
    assertThat(alone.getString(1)).isNull();
    assertThat(alone.getFloat(2)).isEqualTo(Overlap.create().find(none, queries).nearest()[0]);
  }

  @Test
  void columns_may_have_any_name() {
    Dataset<Row> table =
        embeddings(vectors(5, 13), 2)
            .withColumnRenamed("id", "my.id")
            .withColumnRenamed("embedding", "a `b`");
    List<Row> found = TableSearch.topK(table, table, "my.id", "a `b`", 1).collectAsList();
    assertThat(found).hasSize(5).allMatch(row -> row.getString(0).equals(row.getString(2)));
  }

  @Test
  void what_cannot_be_compared_is_named() {
    Dataset<Row> table = embeddings(vectors(3, 10), 1);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> TableSearch.topK(table, table, "name", "embedding", 1))
        .withMessageContaining("no column 'name'");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> TableSearch.topK(table, table, "id", "id", 1))
        .withMessageContaining("array<float>");
    Dataset<Row> shorter = table(SCHEMA, List.of(RowFactory.create("q", new float[] {1})));
    assertThatThrownBy(() -> TableSearch.topK(table, shorter, "id", "embedding", 1))
        .hasStackTraceContaining("come from different models");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> TableSearch.topK(table, table.unionByName(shorter), "id", "embedding", 1))
        .withMessageContaining("the embedding of row0000 has 19 values, and others have 1");
    float[][] nan = {{Float.NaN, 0}};
    assertThatIllegalArgumentException()
        .isThrownBy(() -> TableSearch.topK(table, embeddings(nan, 1), "id", "embedding", 1))
        .withMessageContaining("row0000 has the value NaN");
    Dataset<Row> holes =
        table(SCHEMA, List.of(RowFactory.create("h", (Object) new Float[] {1f, null})));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> TableSearch.topK(table, holes, "id", "embedding", 1))
        .withMessageContaining("of h has a null at position 1");
    Dataset<Row> nameless = table(SCHEMA, List.of(RowFactory.create(null, new float[WIDTH])));
    assertThatThrownBy(() -> TableSearch.topK(nameless, table, "id", "embedding", 1))
        .hasStackTraceContaining("an embedding and no id");
    Dataset<Row> labelled = table.withColumn("label", functions.lit("a"));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> zeroShot(labelled, List.of("a", "a"), vectors(2, 1)))
        .withMessageContaining("'a' is named twice");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> zeroShot(labelled, List.of("a", "b"), vectors(3, 1)))
        .withMessageContaining("2 classes are named, and 3 vectors");
    assertThatThrownBy(() -> zeroShot(labelled, List.of("a"), new float[1][WIDTH + 1]))
        .hasStackTraceContaining("come from different models");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> TableSearch.topK(table, table.limit(0), "id", "embedding", 1))
        .withMessageContaining("no embeddings among the queries");
  }

  private static ClassMetrics zeroShot(Dataset<Row> images, List<String> names, float[][] classes) {
    return TableEvaluation.zeroShot(images, "id", "embedding", "label", names, classes);
  }
}
