package org.clip4j.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.clip4j.Clip;
import org.clip4j.data.PairSource;
import org.clip4j.data.Pairs;
import org.clip4j.data.shapes.ColouredShapes;
import org.clip4j.image.ImageTransform;
import org.clip4j.image.RgbImage;
import org.clip4j.model.ClipConfig;
import org.clip4j.model.ClipModel;
import org.clip4j.search.Embeddings;
import org.clip4j.search.lucene.LuceneIndex;
import org.clip4j.train.ClipTrainer;
import org.clip4j.train.TrainingResult;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Each command as a user runs it, on transformers' golden model. */
class SparkExamplesTest {
  private static final Path GOLDEN = Path.of("../../src/test/resources/golden");
  private static final String MODEL = GOLDEN.resolve("hf-clip").toString();

  @TempDir Path folder;

  private static String run(Callable<Integer> command, int status, String... args) {
    List<String> all = new ArrayList<>(List.of(args));
    all.addAll(
        List.of(
            "--master",
            "local[2]",
            "--conf",
            "spark.sql.shuffle.partitions=2",
            "--conf",
            "spark.ui.showConsoleProgress=false"));
    ByteArrayOutputStream said = new ByteArrayOutputStream();
    PrintStream out = System.out;
    PrintStream err = System.err;
    try (PrintStream to = new PrintStream(said, true, StandardCharsets.UTF_8)) {
      System.setOut(to);
      System.setErr(to);
      assertThat(SparkOptions.run(command, all.toArray(String[]::new)))
          .as(() -> said.toString(StandardCharsets.UTF_8))
          .isEqualTo(status);
    } finally {
      System.setOut(out);
      System.setErr(err);
    }
    return said.toString(StandardCharsets.UTF_8);
  }

  private Path pictures() throws IOException {
    Path pictures = Files.createDirectories(folder.resolve("pictures/more"));
    Files.copy(GOLDEN.resolve("preprocess/rgb.png"), pictures.resolve("a.png"));
    Files.copy(GOLDEN.resolve("preprocess/baseline.jpg"), pictures.resolve("../b.jpg"));
    Files.writeString(pictures.resolve("../c.png"), "no picture");
    return pictures.getParent();
  }

  @Test
  void a_folder_is_embedded_once_and_again_only_where_it_is_new() throws IOException {
    Path pictures = pictures();
    String out = folder.resolve("embeddings.parquet").toString();
    String[] args = {
      "--in",
      pictures.toString(),
      "--pictures",
      "--out",
      out,
      "--model",
      MODEL,
      "--folder",
      folder.resolve("npy").toString()
    };
    assertThat(run(new SparkEmbed(), 0, args))
        .contains("3 rows read: 2 embedded, 1 skipped (see the column error), 0 there already")
        .contains("2 embeddings are in");
    try (Embeddings embeddings = Embeddings.open(folder.resolve("npy"));
        Clip clip = Clip.load(Path.of(MODEL))) {
      assertThat(embeddings.size()).isEqualTo(2);
      float[] first = clip.encodeImage(pictures.resolve("b.jpg"));
      assertThat(embeddings.name(0).get(0)).endsWith("b.jpg");
      assertThat(embeddings.index().vector(0)).containsExactly(first, within(1e-6f));
      try (LuceneIndex index =
          LuceneIndex.builder(folder.resolve("index")).optDimensions(first.length).create()) {
        index.addAll(embeddings, row -> embeddings.name(row).get(0));
        index.commit();
        assertThat(index.size()).isEqualTo(2);
        assertThat(index.search(first, 1).get(0).id()).isEqualTo(embeddings.name(0).get(0));
      }
    }
    args[args.length - 1] = folder.resolve("npy2").toString();
    assertThat(run(new SparkEmbed(), 0, args))
        .contains("3 rows read: 0 embedded, 0 skipped (see the column error), 3 there already");
    Files.copy(GOLDEN.resolve("preprocess/rgb.png"), pictures.resolve("d.png"));
    Files.delete(pictures.resolve("c.png"));
    Files.copy(GOLDEN.resolve("preprocess/baseline.jpg"), pictures.resolve("c.png"));
    args[args.length - 1] = folder.resolve("npy3").toString();
    assertThat(run(new SparkEmbed(), 0, args))
        .contains("4 rows read: 2 embedded, 0 skipped (see the column error), 2 there already")
        .contains("4 embeddings are in");

    String mixed =
        run(
            new SparkEmbed(),
            1,
            "--in",
            pictures.toString(),
            "--pictures",
            "--out",
            out,
            "--model",
            MODEL,
            "--precision",
            "bf16");
    assertThat(mixed).contains("cannot be compared").contains("--out");
    args[args.length - 1] = folder.resolve("npy4").toString();
    args[4] = out + "3";
    args[6] = "./none";
    assertThat(run(new SparkEmbed(), 1, args))
        .contains("cannot load the model './none'")
        .contains("shipped");
    args[6] = MODEL; // what the failed run has left is no table
    assertThat(run(new SparkEmbed(), 0, args)).contains("4 rows read: 4 embedded");
    String lost = run(new SparkEmbed(), 1, "--in", out, "--out", out + "2", "--model", MODEL);
    assertThat(lost).contains("no column 'path'").contains("--id");
  }

  private Path model(String name) throws IOException {
    Path model = Files.createDirectories(folder.resolve("model"));
    for (String file : List.of("config.json", "model.safetensors", "preprocessor_config.json")) {
      Files.copy(
          GOLDEN.resolve(name).resolve(file),
          model.resolve(file),
          StandardCopyOption.REPLACE_EXISTING);
    }
    return model;
  }

  @Test
  void changed_pictures_take_their_places_and_a_changed_model_is_another_one() throws IOException {
    Path pictures = pictures();
    Files.copy(GOLDEN.resolve("preprocess/rgb.png"), pictures.resolve("D.JPeG"));
    Path out = Files.createDirectories(folder.resolve("out")); // and nothing in it
    String[] args = {
      "--in",
      pictures.toString(),
      "--pictures",
      "--out",
      out + "/",
      "--model",
      model("hf-clip").toString()
    };
    assertThat(run(new SparkEmbed(), 0, args)).contains("4 rows read: 3 embedded, 1 skipped");
    Files.copy(
        GOLDEN.resolve("preprocess/rgb.png"),
        pictures.resolve("b.jpg"),
        StandardCopyOption.REPLACE_EXISTING);
    Files.delete(pictures.resolve("D.JPeG"));
    assertThat(run(new SparkEmbed(), 0, args))
        .contains("3 rows read: 1 embedded, 0 skipped (see the column error), 2 there already");
    try (SparkSession spark = SparkSession.builder().master("local[1]").getOrCreate()) {
      List<Row> rows = spark.read().parquet(out.toString()).orderBy("id").collectAsList();
      assertThat(rows).hasSize(4); // that of the deleted picture stays
      assertThat(rows.get(1).<String>getAs("sha256")).isEqualTo(rows.get(3).getAs("sha256"));
      assertThat(rows.get(1).<Object>getAs("embedding")).isNotNull();
    }
    model("hf-siglip");
    assertThat(run(new SparkEmbed(), 1, args)).contains("cannot be compared");
  }

  @Test
  void what_is_no_table_is_said_with_the_way_out() throws IOException {
    Path pictures = pictures();
    Path csv = Files.writeString(folder.resolve("pairs.csv"), "path,content\na.png,x\n");
    String out = folder.resolve("out").toString();
    for (Path in : List.of(csv, pictures, folder.resolve("missing"))) {
      assertThat(run(new SparkEmbed(), 1, "--in", in.toString(), "--out", out, "--model", MODEL))
          .contains(in + " is no Parquet table")
          .contains("--pictures");
    }
    assertThat(
            run(
                new SparkEmbed(),
                1,
                "--in",
                csv.toString(),
                "--pictures",
                "--out",
                out,
                "--model",
                MODEL))
        .contains("holds no picture files (bmp, ");
    String empty = folder.resolve("empty").toString();
    try (SparkSession spark = SparkSession.builder().master("local[1]").getOrCreate()) {
      spark
          .sql("select 'a' as path, cast('x' as binary) as content")
          .limit(0)
          .write()
          .parquet(empty);
    }
    for (int i = 0; i < 2; i++) {
      assertThat(run(new SparkEmbed(), 0, "--in", empty, "--out", out, "--model", MODEL))
          .contains("0 rows read: 0 embedded, 0 skipped (see the column error), 0 there already");
    }
    assertThat(run(new SparkEmbed(), 1, "--in", empty, "--out", empty, "--model", MODEL))
        .contains("is another table, with the columns [path, content]");
    assertThat(
            run(
                new SparkClassify(),
                1,
                "--in",
                empty,
                "--out",
                empty,
                "--model",
                MODEL,
                "--labels",
                "a,b"))
        .contains("is there already");
  }

  @Test
  void a_folder_is_classified_with_a_summary_that_adds_up() throws IOException {
    String out = folder.resolve("classes.parquet").toString();
    String said =
        run(
            new SparkClassify(),
            0,
            "--in",
            pictures().toString(),
            "--pictures",
            "--out",
            out,
            "--model",
            MODEL,
            "--labels",
            "a cat,a dog,a square",
            "--top-k",
            "2",
            "--ship");
    assertThat(said).contains("3 rows read: 2 classified, 0 of none of the labels, 1 skipped");
    try (SparkSession spark = SparkSession.builder().master("local[1]").getOrCreate()) {
      List<Row> rows = spark.read().parquet(out).orderBy("id").collectAsList();
      assertThat(rows).hasSize(3);
      assertThat(rows.get(0).<String>getList(rows.get(0).fieldIndex("labels"))).hasSize(1);
      assertThat(rows.get(0).getList(rows.get(0).fieldIndex("top"))).hasSize(2);
    }
  }

  /** Writes pictures, and a table of them and their captions. */
  private Path shapes(int count) throws IOException {
    PairSource shapes = ColouredShapes.create().training(count);
    StringBuilder lines = new StringBuilder("file\tcaption\n");
    for (int i = 0; i < count; i++) {
      RgbImage image = shapes.get(i).image().read();
      BufferedImage picture =
          new BufferedImage(image.width(), image.height(), BufferedImage.TYPE_INT_RGB);
      byte[] pixels = image.pixels();
      for (int p = 0; p < pixels.length / 3; p++) {
        int rgb =
            (pixels[3 * p] & 255) << 16 | (pixels[3 * p + 1] & 255) << 8 | pixels[3 * p + 2] & 255;
        picture.setRGB(p % image.width(), p / image.width(), rgb);
      }
      ImageIO.write(picture, "png", folder.resolve(i + ".png").toFile());
      lines.append(i).append(".png\t").append(shapes.get(i).captions().get(0)).append('\n');
    }
    return Files.writeString(folder.resolve("pairs.tsv"), lines);
  }

  private ClipTrainer.Builder onOneMachine(ClipModel model, Path table, Path out)
      throws IOException {
    return ClipTrainer.builder()
        .setModel(model)
        .setPairs(Pairs.table(table).setColumns("file", "caption").build())
        .setOutput(out)
        .optBatchSize(4)
        .optSteps(4)
        .optSeed(5)
        .optData(data -> data.optTransform(ImageTransform.openai(64, 64)))
        .optCheckpoints(options -> options.optResume(true).optEverySteps(2));
  }

  @Test
  void either_command_goes_on_where_the_other_stopped() throws IOException {
    Path table = shapes(12);
    Path here = folder.resolve("here");
    List<String> args =
        List.of(
            ("--data "
                    + table
                    + " --batch-size 4 --parts 2 --checkpoint-steps 2 --steps 4 --seed 5")
                .split(" "));
    Path there = folder.resolve("there");
    String said = run(new SparkTrain(), 0, with(args, "--out", there.toString()));
    assertThat(said).contains("step 1 of 4").contains("4 steps;");
    try (Clip clip = Clip.load(there)) {
      assertThat(clip.encodeImage(folder.resolve("0.png"))).hasSize(clip.embedDim());
    }
    try (Stream<Path> saved = Files.walk(there.resolve("checkpoints"))) {
      saved
          .filter(path -> path.toString().contains("step-000004"))
          .sorted(Comparator.reverseOrder())
          .forEach(path -> path.toFile().delete());
    }
    ClipConfig config = ClipConfig.named("ViT-Ti-8-64");
    float[] losses;
    try (ClipModel model = ClipModel.create(config, 5)) {
      TrainingResult result = onOneMachine(model, table, there).build().train();
      assertThat(result.resumedAt()).isEqualTo(2);
      losses = result.losses();
    }
    try (ClipModel model = ClipModel.create(config, 5)) {
      ClipTrainer[] trainer = new ClipTrainer[1];
      trainer[0] =
          onOneMachine(model, table, here)
              .optListener(
                  progress -> {
                    if (progress.step() == 2) {
                      trainer[0].cancel();
                    }
                  })
              .build();
      assertThat(trainer[0].train().losses())
          .containsExactly(new float[] {losses[0], losses[1]}, within(2e-5f));
    }
    assertThat(run(new SparkTrain(), 0, with(args, "--out", here.toString(), "--resume")))
        .doesNotContain("step 2 of 4")
        .contains(String.format(Locale.ROOT, "step 3 of 4: loss %.3f", losses[2]))
        .contains(String.format(Locale.ROOT, "step 4 of 4: loss %.3f", losses[3]));
  }

  private static String[] with(List<String> args, String... more) {
    return Stream.concat(args.stream(), Stream.of(more)).toArray(String[]::new);
  }
}
