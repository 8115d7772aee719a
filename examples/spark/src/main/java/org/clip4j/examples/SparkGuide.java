package org.clip4j.examples;

import java.io.IOException;
import java.nio.file.Path;
import org.apache.spark.ml.Pipeline;
import org.apache.spark.ml.PipelineModel;
import org.apache.spark.ml.PipelineStage;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.clip4j.data.PairSource;
import org.clip4j.model.ClipModel;
import org.clip4j.search.Embeddings;
import org.clip4j.search.lucene.LuceneIndex;
import org.clip4j.spark.ClipImageEmbedder;
import org.clip4j.spark.ClipTextEmbedder;
import org.clip4j.spark.ClipZeroShot;
import org.clip4j.spark.EmbeddingTable;
import org.clip4j.spark.SparkWorkers;
import org.clip4j.train.ClipTrainer;

/** The snippets of docs/scaling.md, compiled; a test holds the guide to them. */
final class SparkGuide {
  private SparkGuide() {}

  static Dataset<Row> embed(SparkSession spark) {
    Dataset<Row> pictures =
        spark
            .read()
            .format("binaryFile")
            .option("recursiveFileLookup", true)
            .load("hdfs:///pictures");
    return new ClipImageEmbedder()
        .setModel("laion/CLIP-ViT-B-32-256x256-DataComp-s34B-b86K")
        .setInputCol("content")
        .setOutputCol("embedding")
        .transform(pictures);
  }

  static PipelineModel pipeline(Dataset<Row> products) throws IOException {
    Pipeline pipeline =
        new Pipeline()
            .setStages(
                new PipelineStage[] {
                  new ClipImageEmbedder()
                      .setModel("laion/CLIP-ViT-B-32-256x256-DataComp-s34B-b86K")
                      .setInputCol("picture")
                      .setOutputType("vector")
                      .setOutputCol("features"),
                  new ClipTextEmbedder()
                      .setModel("laion/CLIP-ViT-B-32-256x256-DataComp-s34B-b86K")
                      .setInputCol("title")
                });
    PipelineModel model = pipeline.fit(products);
    model.write().overwrite().save("hdfs:///models/products");
    return PipelineModel.load("hdfs:///models/products");
  }

  static Dataset<Row> classify(Dataset<Row> pictures) {
    Dataset<Row> classified =
        new ClipZeroShot()
            .setModel("laion/CLIP-ViT-B-32-256x256-DataComp-s34B-b86K")
            .setLabels("cat", "dog", "rabbit")
            .setTemplates("a photo of a {}.", "a drawing of a {}.")
            .setUnknownScore("background")
            .setUnknownThreshold(0.5)
            .setInputCol("content")
            .transform(pictures);
    return classified.selectExpr(
        "path", "prediction.labels", "prediction.top[0].probability", "prediction_error");
  }

  static void index(Dataset<Row> embedded, LuceneIndex index) throws IOException {
    EmbeddingTable.writeFolder(embedded, "path", "embedding", Path.of("embeddings"));
    try (Embeddings embeddings = Embeddings.open(Path.of("embeddings"))) {
      index.addAll(embeddings, row -> embeddings.name(row).get(0));
      index.commit();
    }
  }

  static void train(SparkSession spark, ClipModel model, PairSource pairs) throws IOException {
    try (SparkWorkers workers = SparkWorkers.of(spark)) {
      ClipTrainer.builder()
          .setModel(model)
          .setPairs(pairs)
          .setOutput(Path.of("run"))
          .optBatchSize(4096)
          .optMicroBatchSize(64)
          .optWorkers(workers)
          .build()
          .train();
    }
  }
}
