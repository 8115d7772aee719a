package org.clip4j.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.clip4j.Clip;
import org.clip4j.search.Embeddings;
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
    String lost = run(new SparkEmbed(), 1, "--in", out, "--out", out + "2", "--model", MODEL);
    assertThat(lost).contains("no column 'path'").contains("--id");
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

  @Test
  void a_model_is_trained_and_resumed() throws IOException {
    Path table = folder.resolve("pairs.tsv");
    StringBuilder lines = new StringBuilder("file\tcaption\n");
    Path image = GOLDEN.resolve("preprocess/rgb.png").toAbsolutePath();
    for (int i = 0; i < 12; i++) {
      lines.append(image).append("\tpicture ").append(i).append('\n');
    }
    Files.writeString(table, lines);
    String[] args = {
      "--data",
      table.toString(),
      "--out",
      folder.resolve("run").toString(),
      "--batch-size",
      "4",
      "--micro-batch",
      "2",
      "--parts",
      "2",
      "--save-every",
      "2",
      "--steps",
      "3"
    };
    assertThat(run(new SparkTrain(), 0, args)).contains("step 3 of 3").contains("3 steps;");
    try (Clip clip = Clip.load(folder.resolve("run"))) {
      assertThat(clip.encodeImage(image)).hasSize(clip.embedDim());
    }
  }
}
