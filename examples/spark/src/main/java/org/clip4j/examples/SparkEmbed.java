package org.clip4j.examples;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.clip4j.spark.ClipImageEmbedder;
import org.clip4j.spark.ClipTextEmbedder;
import org.clip4j.spark.ClipTransformer;
import org.clip4j.spark.EmbeddingTable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * Embeds a table of pictures or texts on Apache Spark, and adds what is new when it is run again.
 */
@Command(
    name = "SparkEmbed",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    showDefaultValues = true,
    description = {
      "Embeds the pictures or texts of a table on Spark, into a Parquet table of id, sha256,",
      "embedding, error and model. Run it again to embed what is new or has changed."
    })
public final class SparkEmbed implements Callable<Integer> {
  @Mixin private SparkSource source;

  @Option(
      names = "--out",
      required = true,
      paramLabel = "TABLE",
      description = "The Parquet table of embeddings, made or added to.")
  private String out;

  @Mixin private SparkModel model;

  @Option(names = "--texts", description = "The column holds texts.")
  private boolean texts;

  @Option(names = "--precision", defaultValue = "fp32", description = "fp32, bf16 or fp16.")
  private String precision;

  @Option(
      names = "--folder",
      paramLabel = "DIR",
      description = "Also writes all embeddings to this local folder of .npy files, for Search.")
  private Path folder;

  @Mixin private SparkOptions options;

  /** Runs it. */
  public static void main(String... args) {
    System.exit(SparkOptions.run(new SparkEmbed(), args));
  }

  @Override
  public Integer call() throws IOException {
    try (SparkSession spark = options.session("SparkEmbed")) {
      Dataset<Row> rows = source.read(spark);
      ClipTransformer<?> embedder =
          texts ? configured(new ClipTextEmbedder()) : configured(new ClipImageEmbedder());
      EmbeddedTable table = new EmbeddedTable(spark, out);
      System.out.println(table.add(rows, embedder, texts, model.fingerprint() + " " + precision));
      if (folder != null) {
        long written =
            EmbeddingTable.writeFolder(spark.read().parquet(out), "id", "embedding", folder);
        System.out.println(written + " embeddings are in " + folder);
      }
    }
    return 0;
  }

  private <T extends ClipTransformer<T>> T configured(ClipTransformer<T> embedder) {
    return embedder
        .setModel(model.name)
        .setShipModel(model.ship)
        .setPrecision(precision)
        .setInputCol("input")
        .setOutputCol("embedding")
        .setErrorCol("error");
  }
}
