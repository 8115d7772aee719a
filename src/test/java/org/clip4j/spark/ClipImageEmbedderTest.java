package org.clip4j.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.clip4j.spark.LocalSpark.GOLDEN;
import static org.clip4j.spark.LocalSpark.MODEL;
import static org.clip4j.spark.LocalSpark.floats;
import static org.clip4j.spark.LocalSpark.session;
import static org.clip4j.spark.LocalSpark.table;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.apache.spark.ml.Pipeline;
import org.apache.spark.ml.PipelineModel;
import org.apache.spark.ml.PipelineStage;
import org.apache.spark.ml.linalg.Vector;
import org.apache.spark.ml.param.ParamMap;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.functions;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.Metadata;
import org.apache.spark.sql.types.StructType;
import org.clip4j.Clip;
import org.clip4j.engine.Precision;
import org.clip4j.image.RgbImage;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Spark's way to the embeddings, beside the front door, on transformers' golden model. */
@Tag("spark")
class ClipImageEmbedderTest {
  private static final StructType CONTENT =
      new StructType().add("id", DataTypes.IntegerType).add("image", DataTypes.BinaryType);
  private static final Path RGB = GOLDEN.resolve("preprocess/rgb.png");
  private static final Path JPEG = GOLDEN.resolve("preprocess/baseline.jpg");
  private static final byte[] DAMAGED = {1, 2, 3};
  private static Clip clip;

  @BeforeAll
  static void load() {
    clip = Clip.load(MODEL);
  }

  @AfterAll
  static void close() {
    clip.close();
  }

  private static ClipImageEmbedder embedder() {
    return new ClipImageEmbedder().setModel(MODEL.toString());
  }

  private static void assertSame(float[] found, float[] expected) {
    assertThat(found).containsExactly(expected, within(1e-6f));
  }

  private static Dataset<Row> contents(byte[]... images) {
    List<Row> rows = new ArrayList<>();
    for (byte[] image : images) {
      rows.add(RowFactory.create(rows.size(), image));
    }
    return table(CONTENT, rows).repartition(2);
  }

  @Test
  void good_damaged_and_missing_images_get_their_embedding_or_a_reason() throws IOException {
    byte[] rgb = Files.readAllBytes(RGB);
    byte[] jpeg = Files.readAllBytes(JPEG);
    List<Row> rows =
        embedder()
            .setBatchSize(2)
            .transform(contents(rgb, null, DAMAGED, jpeg, rgb, new byte[0]))
            .orderBy("id")
            .collectAsList();
    assertThat(rows).hasSize(6);
    assertSame(floats(rows.get(0), "image_embedding"), clip.encodeImage(RGB));
    assertSame(floats(rows.get(3), "image_embedding"), clip.encodeImage(JPEG));
    assertSame(floats(rows.get(4), "image_embedding"), clip.encodeImage(RGB));
    assertThat(rows.get(0).<String>getAs("image_embedding_error")).isNull();
    for (int i : new int[] {1, 2, 5}) {
      assertThat(rows.get(i).<Object>getAs("image_embedding")).isNull();
    }
    assertThat(rows.get(1).<String>getAs("image_embedding_error")).isEqualTo("the image is null");
    assertThat(rows.get(2).<String>getAs("image_embedding_error"))
        .isEqualTo(
            "the image is no PNG, JPEG, WebP, GIF, BMP or TIFF image: it holds bytes that begin"
                + " with 01 02 03");
    assertThat(rows.get(5).<String>getAs("image_embedding_error")).contains("the image");
    assertThat(rows.get(3).<byte[]>getAs("image")).isEqualTo(jpeg);
  }

  @Test
  void rows_without_an_embedding_are_skipped_or_fail_the_job_if_asked() throws IOException {
    Dataset<Row> table = contents(Files.readAllBytes(RGB), DAMAGED);
    assertThat(embedder().setHandleInvalid("skip").transform(table).count()).isEqualTo(1);
    Dataset<Row> failing = embedder().setHandleInvalid("error").transform(table);
    assertThatThrownBy(failing::collectAsList)
        .hasStackTraceContaining("of partition")
        .hasStackTraceContaining("handleInvalid is error")
        .hasStackTraceContaining("the image");
  }

  @Test
  void paths_are_read_by_the_executors_and_named_where_they_cannot_be() {
    StructType schema = new StructType().add("image", DataTypes.StringType);
    Path missing = GOLDEN.resolve("preprocess/missing.png");
    List<Row> rows =
        embedder()
            .setErrorCol("why")
            .transform(
                table(
                    schema,
                    List.of(
                        RowFactory.create(RGB.toString()),
                        RowFactory.create(JPEG.toUri().toString()),
                        RowFactory.create(missing.toString()),
                        RowFactory.create("no scheme: at all"))))
            .collectAsList();
    assertSame(floats(rows.get(0), "image_embedding"), clip.encodeImage(RGB));
    assertSame(floats(rows.get(1), "image_embedding"), clip.encodeImage(JPEG));
    assertThat(rows.get(2).<String>getAs("why")).contains("missing.png").contains("not exist");
    assertThat(rows.get(3).<String>getAs("why")).contains("no scheme: at all");
  }

  @Test
  void a_path_may_be_written_as_a_uri_and_what_is_none_is_named(@TempDir Path folder)
      throws IOException {
    Path image = Files.copy(RGB, folder.resolve("a b.png"));
    StructType schema = new StructType().add("image", DataTypes.StringType);
    List<Row> rows =
        embedder()
            .transform(
                table(
                    schema,
                    List.of(
                        RowFactory.create(image.toString()),
                        RowFactory.create("file:" + image),
                        RowFactory.create(image.toUri().toString()), // a%20b.png
                        RowFactory.create(image.toUri() + "%20x"),
                        RowFactory.create("s3a://bucket/a.png"), // whose jar is not there
                        RowFactory.create(""))))
            .collectAsList();
    for (int i = 0; i < 3; i++) {
      assertSame(floats(rows.get(i), "image_embedding"), clip.encodeImage(RGB));
    }
    assertThat(rows.get(3).<String>getAs("image_embedding_error")).contains("%20x does not exist");
    assertThat(rows.get(4).<String>getAs("image_embedding_error")).contains("S3AFileSystem");
    assertThat(rows.get(5).<String>getAs("image_embedding_error"))
        .startsWith("'' cannot be opened: ");
  }

  @Test
  void rows_of_binary_files_and_their_content_are_read() {
    Dataset<Row> files =
        session().read().format("binaryFile").load(RGB.toString(), JPEG.toString()).orderBy("path");
    Dataset<Row> content = embedder().setInputCol("content").transform(files);
    Dataset<Row> struct =
        embedder().setInputCol("file").transform(files.selectExpr("struct(path, content) as file"));
    for (Dataset<Row> found : List.of(content, struct)) {
      List<Row> rows = found.collectAsList();
      assertSame(floats(rows.get(0), "image_embedding"), clip.encodeImage(JPEG));
      assertSame(floats(rows.get(1), "image_embedding"), clip.encodeImage(RGB));
    }
  }

  @Test
  void sparks_image_struct_is_read_in_its_order_of_channels() {
    List<Row> rows =
        embedder().transform(session().read().format("image").load(RGB.toString())).collectAsList();
    assertSame(floats(rows.get(0), "image_embedding"), clip.encodeImage(RGB));
  }

  @Test
  void image_structs_of_all_kinds_are_read_or_say_what_is_wrong() {
    StructType pixels = new StructType().add("origin", DataTypes.StringType);
    for (String field : List.of("height", "width", "nChannels", "mode")) {
      pixels = pixels.add(field, DataTypes.IntegerType);
    }
    StructType schema = new StructType().add("image", pixels.add("data", DataTypes.BinaryType));
    byte[] blueGreenRed = {10, 20, 30, 40, 50, 60};
    byte[] withAlpha = {10, 20, 30, 0, 40, 50, 60, 99};
    List<Row> rows =
        embedder()
            .transform(
                table(
                    schema,
                    List.of(
                        struct(null, 1, 2, 3, blueGreenRed), // from nowhere
                        struct("x", 1, 2, 4, withAlpha),
                        struct("x", 2, 1, 1, new byte[] {7, 9}),
                        struct("lost.png", -1, -1, -1, new byte[0]), // what Spark says of damage
                        struct("x", 2, 2, 3, new byte[11]),
                        struct("x", 2, 2, 2, new byte[8]),
                        struct("x", 2, 2, 1, null))))
            .collectAsList();
    float[] colour = clip.encodeImage(new RgbImage(2, 1, new byte[] {30, 20, 10, 60, 50, 40}));
    assertSame(floats(rows.get(0), "image_embedding"), colour);
    assertSame(floats(rows.get(1), "image_embedding"), colour);
    assertSame(
        floats(rows.get(2), "image_embedding"),
        clip.encodeImage(new RgbImage(1, 2, new byte[] {7, 7, 7, 9, 9, 9})));
    List<String> wanted =
        List.of("lost.png has no pixels: Spark", "11 bytes", "2 channels", "has no data");
    for (int i = 0; i < wanted.size(); i++) {
      assertThat(rows.get(3 + i).<String>getAs("image_embedding_error")).contains(wanted.get(i));
    }
  }

  private static Row struct(String origin, int height, int width, int channels, byte[] data) {
    return RowFactory.create(RowFactory.create(origin, height, width, channels, 0, data));
  }

  @Test
  void other_columns_keep_their_metadata_and_may_have_any_name() throws IOException {
    Metadata labels = Metadata.fromJson("{\"labels\":[\"cat\",\"dog\"]}");
    Dataset<Row> table =
        contents(Files.readAllBytes(RGB))
            .withColumn("the.label", functions.col("id").as("id", labels))
            .withColumnRenamed("image", "a.b");
    ClipImageEmbedder embedder = embedder().setInputCol("a.b");
    Dataset<Row> found = embedder.transform(table);
    assertThat(found.schema()).isEqualTo(embedder.transformSchema(table.schema()));
    assertThat(found.schema().apply("the.label").metadata()).isEqualTo(labels);
    assertSame(floats(found.first(), "image_embedding"), clip.encodeImage(RGB));
  }

  @Test
  void a_vector_of_spark_ml_holds_the_same_numbers() throws IOException {
    Row row =
        embedder()
            .setOutputType("vector")
            .setOutputCol("features")
            .transform(contents(Files.readAllBytes(RGB)))
            .first();
    Vector vector = row.getAs("features");
    float[] expected = clip.encodeImage(RGB);
    for (int i = 0; i < expected.length; i++) {
      assertThat((float) vector.apply(i)).isEqualTo(expected[i], within(1e-6f));
    }
    assertThat(row.schema().fieldNames()).contains("features_error");
  }

  @Test
  void tasks_share_one_model_and_an_empty_partition_needs_none() throws IOException {
    byte[] rgb = Files.readAllBytes(RGB);
    byte[][] many = new byte[20][];
    Arrays.fill(many, rgb);
    embedder().transform(contents(rgb)).count(); // it is there now, if it was not
    long before = SharedModels.loads();
    assertThat(embedder().transform(contents(many).repartition(8)).collectAsList()).hasSize(20);
    assertThat(SharedModels.loads()).isEqualTo(before);
    Dataset<Row> empty = contents().repartition(3);
    assertThat(embedder().setModel("missing/folder/").transform(empty).count()).isZero();
    assertThat(embedder().setPrecision("bf16").transform(contents(many).repartition(8)).count())
        .isEqualTo(20);
    assertThat(SharedModels.loads()).isEqualTo(before + 1);
  }

  @Test
  void a_models_files_are_shipped_with_the_job() throws IOException {
    Dataset<Row> table = contents(Files.readAllBytes(RGB), Files.readAllBytes(JPEG));
    for (String model :
        List.of(
            MODEL.toString(),
            MODEL + "/model.safetensors",
            MODEL.toAbsolutePath().toUri().toString())) {
      List<Row> rows =
          embedder()
              .setModel(model)
              .setShipModel(true)
              .transform(table)
              .orderBy("id")
              .collectAsList();
      assertSame(floats(rows.get(0), "image_embedding"), clip.encodeImage(RGB));
    }
    assertThatThrownBy(() -> embedder().setModel("./none").setShipModel(true).transform(table))
        .hasMessageContaining("./none");
  }

  @Test
  void of_a_folder_with_other_things_the_models_files_alone_are_shipped(@TempDir Path folder)
      throws IOException {
    for (String name : List.of("config.json", "model.safetensors", "preprocessor_config.json")) {
      Files.copy(MODEL.resolve(name), folder.resolve(name));
    }
    Files.writeString(folder.resolve("other.safetensors"), "another model");
    Path tower = Files.createDirectories(folder.resolve("org/tower"));
    Files.writeString(tower.resolve("config.json"), "{}");
    Files.writeString(tower.resolve("state.bin"), "the state of a training");
    assertThat(shipped(folder, folder.resolve("model.safetensors")))
        .containsExactly("config.json", "model.safetensors", "preprocessor_config.json");
    assertThat(shipped(folder, folder))
        .containsExactly(
            "config.json",
            "model.safetensors",
            "org/tower/config.json",
            "other.safetensors",
            "preprocessor_config.json");
    Files.writeString(folder.resolve("modules.json"), "[]"); // of sentence-transformers
    assertThat(shipped(folder, folder)).hasSize(7).contains("org/tower/state.bin");
  }

  private static List<String> shipped(Path folder, Path model) throws IOException {
    Path to = Files.createTempDirectory("clip4j-shipped");
    ShippedModel shipped = ShippedModel.of(session().sparkContext(), model.toString());
    assertThat(shipped.unpack(to)).isEqualTo(to.resolve(folder.relativize(model)));
    try (Stream<Path> files = Files.walk(to)) {
      return files
          .filter(Files::isRegularFile)
          .map(file -> to.relativize(file).toString())
          .sorted()
          .toList();
    } finally {
      ShippedModel.remove(to);
      assertThat(to).doesNotExist();
    }
  }

  @Test
  void a_model_that_is_written_anew_is_loaded_anew(@TempDir Path folder) throws IOException {
    Dataset<Row> table = contents(Files.readAllBytes(RGB));
    ClipImageEmbedder embedder = embedder().setModel(folder.toString());
    for (String model : List.of("hf-clip", "hf-siglip")) {
      for (String name : List.of("config.json", "model.safetensors", "preprocessor_config.json")) {
        Files.copy(
            GOLDEN.resolve(model).resolve(name),
            folder.resolve(name),
            StandardCopyOption.REPLACE_EXISTING);
      }
      try (Clip now = Clip.loader(folder).optImagesOnly().load()) {
        assertSame(
            floats(embedder.transform(table).first(), "image_embedding"), now.encodeImage(RGB));
      }
    }
  }

  @Test
  void a_task_that_is_killed_while_it_loads_a_model_takes_it_from_no_other() throws IOException {
    ModelSource source =
        new ModelSource(MODEL.toString(), null, "of this test", Precision.FP32, true);
    Thread.currentThread().interrupt();
    try (SharedModels.Use use = SharedModels.use(source)) {
      assertThat(Thread.interrupted()).isTrue();
      assertThat(use.clip().encodeText("a cat")).hasSize(clip.embedDim());
    }
  }

  @Test
  void stages_are_copied_and_saved_and_loaded_with_their_parameters(@TempDir Path folder)
      throws IOException {
    ClipImageEmbedder images = embedder().setOutputCol("features").setBatchSize(3);
    ClipTextEmbedder texts =
        new ClipTextEmbedder().setModel(MODEL.toString()).setInputCol("caption");
    StructType schema = CONTENT.add("caption", DataTypes.StringType);
    Dataset<Row> table =
        table(schema, List.of(RowFactory.create(0, Files.readAllBytes(RGB), "a red square")));
    PipelineModel pipeline =
        new Pipeline().setStages(new PipelineStage[] {images, texts}).fit(table);
    pipeline.write().overwrite().save(folder.resolve("pipeline").toString());
    PipelineModel loaded = PipelineModel.load(folder.resolve("pipeline").toString());
    ClipImageEmbedder stage = (ClipImageEmbedder) loaded.stages()[0];
    assertThat(stage.uid()).isEqualTo(images.uid());
    assertThat(stage.getBatchSize()).isEqualTo(3);
    assertThat(stage.getErrorCol()).isEqualTo("features_error");
    Row row = loaded.transform(table).first();
    assertSame(floats(row, "features"), clip.encodeImage(RGB));
    assertSame(floats(row, "text_embedding"), clip.encodeText("a red square"));
    assertThat(row.schema()).isEqualTo(pipeline.transformSchema(schema));

    images.write().overwrite().save(folder.resolve("stage").toString());
    assertThat(ClipImageEmbedder.load(folder.resolve("stage").toString()).getModel())
        .isEqualTo(images.getModel());
    ClipImageEmbedder copy = images.copy(new ParamMap().put(images.batchSize().w(7)));
    assertThat(copy.getBatchSize()).isEqualTo(7);
    assertThat(copy.uid()).isEqualTo(images.uid());
    assertThat(images.getBatchSize()).isEqualTo(3);
    assertThat(images.explainParams()).contains("handleInvalid", "most rows that a task holds");
  }

  @Test
  void what_cannot_be_is_said_at_the_driver_before_any_row_is_read() {
    Dataset<Row> table = contents(new byte[0]);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> embedder().setInputCol("picture").transform(table))
        .withMessageContaining("no column 'picture'")
        .withMessageContaining("[id, image]");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> embedder().transform(table.select("image", "image")))
        .withMessageContaining("2 columns 'image'");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> embedder().setInputCol("id").transform(table))
        .withMessageContaining("'id' is of type int")
        .withMessageContaining("binaryFile");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> embedder().setOutputCol("id").transform(table))
        .withMessageContaining("a column 'id' already");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new ClipImageEmbedder().transform(table))
        .withMessageContaining("needs a model");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> embedder().setModel(null))
        .withMessageContaining("model is null");
    assertThatThrownBy(() -> embedder().setHandleInvalid("drop"))
        .hasMessageContaining("handleInvalid");
  }

  @Test
  void a_model_that_no_executor_can_read_is_named_at_the_driver() throws IOException {
    Dataset<Row> table = embedder().setModel("./none").transform(contents(Files.readAllBytes(RGB)));
    assertThatThrownBy(table::collectAsList)
        .hasStackTraceContaining("cannot load the model './none'")
        .hasStackTraceContaining("shipModel");
  }
}
