package org.clip4j.examples;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.count;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.when;

import java.io.IOException;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Observation;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SaveMode;
import org.apache.spark.sql.SparkSession;
import org.clip4j.spark.ClipZeroShot;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Classifies a table of pictures, or of their embeddings, by words on Apache Spark. */
@Command(
    name = "SparkClassify",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    showDefaultValues = true,
    description = {
      "Classifies the pictures of a table by words on Spark, into a Parquet table of id, labels,",
      "top (label, probability, cosine), unknown and error. The labels are encoded once."
    })
public final class SparkClassify implements Callable<Integer> {
  @Mixin private SparkSource source;

  @Option(
      names = "--out",
      required = true,
      paramLabel = "TABLE",
      description = "The Parquet table that is made.")
  private String out;

  @Mixin private SparkModel model;

  @Option(
      names = "--labels",
      required = true,
      split = ",",
      paramLabel = "LABEL",
      description = "What a picture may show, separated by commas.")
  private String[] labels;

  @Option(
      names = "--template",
      paramLabel = "TEMPLATE",
      defaultValue = "a photo of a {}.",
      description = "A prompt with {} where the label goes; more than once.")
  private String[] templates;

  @Option(names = "--top-k", defaultValue = "5", description = "Labels with their scores.")
  private int topK;

  @Option(names = "--multi-label", description = "Judges each label for itself.")
  private boolean multiLabel;

  @Option(names = "--threshold", defaultValue = "0.5", description = "Of multi-label answers.")
  private double threshold;

  @Option(
      names = "--unknown",
      defaultValue = "none",
      description = "Rule for pictures of none of the labels: none, margin, entropy, background.")
  private String unknown;

  @Option(
      names = "--unknown-threshold",
      defaultValue = "0",
      description = "The score up to which a picture is unknown.")
  private double unknownThreshold;

  @Mixin private SparkOptions options;

  /** Runs it. */
  public static void main(String... args) {
    System.exit(SparkOptions.run(new SparkClassify(), args));
  }

  @Override
  public Integer call() throws IOException {
    try (SparkSession spark = options.session("SparkClassify")) {
      Path table = new Path(out);
      Configuration conf = spark.sparkContext().hadoopConfiguration();
      if (SparkOptions.holdsFiles(table.getFileSystem(conf), table)) {
        throw new IllegalArgumentException(out + " is there already; give another --out");
      }
      ClipZeroShot stage =
          new ClipZeroShot()
              .setModel(model.name)
              .setShipModel(model.ship)
              .setLabels(labels)
              .setTemplates(templates)
              .setTopK(topK)
              .setMultiLabel(multiLabel)
              .setThreshold(threshold)
              .setUnknownScore(unknown)
              .setUnknownThreshold(unknownThreshold)
              .setInputCol("input")
              .setErrorCol("error");
      Observation rows = new Observation("rows");
      Dataset<Row> answers =
          stage
              .transform(source.read(spark))
              .select("id", "prediction.*", "error")
              .observe(
                  rows,
                  count(lit(1)).as("read"),
                  count(when(col("unknown"), 1)).as("unknown"),
                  count(col("error")).as("skipped"));
      answers.write().mode(SaveMode.Append).parquet(out);
      long read = SparkOptions.value(rows, "read");
      long none = SparkOptions.value(rows, "unknown");
      long skipped = SparkOptions.value(rows, "skipped");
      System.out.printf(
          Locale.ROOT,
          "%,d rows read: %,d classified, %,d of none of the labels, %,d skipped (see the column"
              + " error)%n",
          read,
          read - none - skipped,
          none,
          skipped);
    }
    return 0;
  }
}
