package org.clip4j.spark;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.api.java.function.FlatMapFunction;
import org.apache.spark.api.java.function.Function2;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.clip4j.search.internal.VectorCheck;

/**
 * Searches a table of embeddings that is too large for one machine, exactly: the queries go to all
 * executors, which compare them with their rows a block at a time; what is best is merged. The
 * queries, and what is found, fit the driver.
 */
public final class TableSearch {
  private static final StructType FOUND =
      new StructType()
          .add("query", DataTypes.StringType, false)
          .add("rank", DataTypes.IntegerType, false)
          .add("id", DataTypes.StringType, false)
          .add("cosine", DataTypes.FloatType, false);

  private static final StructType OVERLAP =
      new StructType()
          .add("evaluation", DataTypes.StringType, false)
          .add("training", DataTypes.StringType, true)
          .add("cosine", DataTypes.FloatType, false)
          .add("reaching", DataTypes.LongType, false);

  /** What {@link org.clip4j.eval.Overlap} says of an image that is like no other. */
  private static final Nearest.Match NONE = new Nearest.Match(null, Float.NEGATIVE_INFINITY);

  private TableSearch() {}

  /**
   * Finds the rows that are most similar to each query.
   *
   * @param table with a column of ids and one of embeddings ({@code array<float>}, unit length);
   *     rows without an embedding are left out, and one with a NaN is never found
   * @param queries with columns of the same names; finite
   * @param k at least 1
   * @return {@code query}, {@code rank} (from 0), {@code id} and {@code cosine}; of equal ones that
   *     with the lower id comes first
   */
  public static Dataset<Row> topK(
      Dataset<Row> table, Dataset<Row> queries, String id, String embedding, int k) {
    if (k < 1) {
      throw new IllegalArgumentException("top-k must be at least 1, found " + k);
    }
    List<EmbeddingRow> asked =
        EmbeddingRow.collect(EmbeddingRow.select(queries, id, embedding), "the queries");
    for (EmbeddingRow query : asked) {
      VectorCheck.of(query.vector(), query.vector().length, "the query " + query.id());
    }
    Nearest found = nearest(table, id, embedding, asked, k, 2);
    List<Row> rows = new ArrayList<>();
    for (int q = 0; q < asked.size(); q++) {
      List<Nearest.Match> best = found.best(q);
      for (int rank = 0; rank < best.size(); rank++) {
        Nearest.Match match = best.get(rank);
        rows.add(RowFactory.create(asked.get(q).id(), rank, match.id(), match.cosine()));
      }
    }
    return table.sparkSession().createDataFrame(rows, FOUND);
  }

  /**
   * Finds near-duplicates between a training and an evaluation set, as {@link
   * org.clip4j.eval.Overlap} does.
   *
   * @param training with a column of ids and one of embeddings, as in {@link #topK}
   * @param evaluation with columns of the same names
   * @param threshold the least cosine similarity of near-duplicates
   * @return for each evaluation image {@code evaluation}, {@code training} and {@code cosine}: its
   *     most similar training image, null where none can be compared; and {@code reaching}: how
   *     many training images reach the threshold
   */
  public static Dataset<Row> overlap(
      Dataset<Row> training,
      Dataset<Row> evaluation,
      String id,
      String embedding,
      double threshold) {
    if (!(threshold > 0 && threshold <= 1)) {
      throw new IllegalArgumentException(
          "the threshold must be above 0 and up to 1, found " + threshold);
    }
    List<EmbeddingRow> asked =
        EmbeddingRow.collect(
            EmbeddingRow.select(evaluation, id, embedding), "the evaluation images");
    Nearest found = nearest(training, id, embedding, asked, 1, threshold);
    if (found.rows() == 0) {
      throw new IllegalArgumentException("there are no embeddings among the training images");
    }
    List<Row> rows = new ArrayList<>();
    for (int q = 0; q < asked.size(); q++) {
      Nearest.Match match = found.best(q).stream().findFirst().orElse(NONE);
      rows.add(RowFactory.create(asked.get(q).id(), match.id(), match.cosine(), found.reaching(q)));
    }
    return training.sparkSession().createDataFrame(rows, OVERLAP);
  }

  private static Nearest nearest(
      Dataset<Row> table,
      String id,
      String embedding,
      List<EmbeddingRow> asked,
      int k,
      double threshold) {
    float[][] vectors = EmbeddingRow.vectors(asked);
    JavaSparkContext spark = JavaSparkContext.fromSparkContext(table.sparkSession().sparkContext());
    Broadcast<float[][]> queries = spark.broadcast(vectors);
    try {
      int count = vectors.length;
      FlatMapFunction<Iterator<Row>, Nearest> compare =
          rows -> {
            Nearest own = new Nearest(count, k, threshold);
            float[][] all = queries.value();
            for (List<EmbeddingRow> block : EmbeddingRow.blocks(rows, all[0].length)) {
              own.add(all, block);
            }
            return List.of(own).iterator();
          };
      JavaRDD<Nearest> found =
          EmbeddingRow.select(table, id, embedding).javaRDD().mapPartitions(compare);
      Function2<Nearest, Nearest, Nearest> merge = Nearest::add;
      return found.treeAggregate(new Nearest(count, k, threshold), merge, merge);
    } finally {
      queries.destroy(false);
    }
  }
}
