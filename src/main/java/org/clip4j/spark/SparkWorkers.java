package org.clip4j.spark;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import org.apache.spark.api.java.JavaPairRDD;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.api.java.function.Function;
import org.apache.spark.api.java.function.Function2;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.storage.StorageLevel;
import org.clip4j.io.IoErrors;
import org.clip4j.io.Uninterrupted;
import org.clip4j.train.workers.BatchPart;
import org.clip4j.train.workers.BatchWorkers;
import org.clip4j.train.workers.PartEmbeddings;
import org.clip4j.train.workers.WorkerModel;
import org.jspecify.annotations.Nullable;

/**
 * Trains on Spark's executors, with the exact loss of the whole batch.
 *
 * <pre>{@code
 * try (SparkWorkers workers = SparkWorkers.of(spark)) {
 *   ClipTrainer.builder()
 *       .setModel(model)
 *       .setPairs(pairs)
 *       .setOutput(Path.of("run"))
 *       .optBatchSize(4096)
 *       .optMicroBatchSize(64)
 *       .optWorkers(workers)
 *       .build()
 *       .train();
 * }
 * }</pre>
 *
 * <p>The driver reads the pairs, computes the loss, updates the weights and saves checkpoints, as a
 * training on one machine does; either resumes the other's. In each step Spark takes the weights
 * that are trained (an adapter's alone, where one is) and the batch's parts to the executors, which
 * encode them; the embeddings come back; their gradients go out, are sent back through the same
 * parts, and are summed in two levels, so that neither the driver nor an executor receives them all
 * where there are many. An executor that is lost has its parts computed again by another; the
 * result is the same, to the last bit.
 *
 * <p>Executors need neither the model's files nor the pairs. Each computes one part at a time with
 * all of its cores. The same pairs, settings, seed and number of parts give bit-identical weights
 * on processors of one kind; other numbers of parts differ by the rounding of float32 sums.
 */
public final class SparkWorkers implements BatchWorkers {
  private static final String MAX_RESULT = "spark.driver.maxResultSize";
  private static final long SETTLED_NANOS = 2_000_000_000;

  private final JavaSparkContext spark;
  private final int count;
  private final List<Broadcast<?>> ofStep = new ArrayList<>();
  private String run = "";
  private long steps;
  private @Nullable Broadcast<Sent<WorkerModel>> model;
  private PartWorkers.@Nullable Step step;
  private @Nullable JavaRDD<Sent<BatchPart>> parts;
  private int embedDim;

  private SparkWorkers(SparkSession session, int count) {
    if (count < 1) {
      throw new IllegalArgumentException(
          "a batch is cut into at least 1 part, found " + count + "; give one for each executor");
    }
    spark = JavaSparkContext.fromSparkContext(session.sparkContext());
    this.count = count;
  }

  /**
   * Cuts batches into as many parts as there are executors. On a cluster, which starts them after
   * the session, it waits for the first one, and until no more have come for two seconds.
   */
  public static SparkWorkers of(SparkSession session) {
    JavaSparkContext spark = JavaSparkContext.fromSparkContext(session.sparkContext());
    if (!spark.isLocal()) {
      spark.parallelize(List.of(1), 1).count(); // runs when there is one
      long since = System.nanoTime();
      for (int before = 0; System.nanoTime() - since < SETTLED_NANOS; ) {
        int now = executors(spark);
        if (now != before) {
          before = now;
          since = System.nanoTime();
        }
        LockSupport.parkNanos(SETTLED_NANOS / 20);
      }
    }
    return of(session, Math.max(1, executors(spark)));
  }

  private static int executors(JavaSparkContext spark) {
    return spark.sc().statusTracker().getExecutorInfos().length - 1; // the driver is one of them
  }

  /**
   * Cuts batches into a number of parts.
   *
   * @param parts at least 1; one for each executor, or a multiple of that
   */
  public static SparkWorkers of(SparkSession session, int parts) {
    return new SparkWorkers(session, parts);
  }

  @Override
  public int count() {
    return count;
  }

  @Override
  public void start(WorkerModel from) {
    close();
    checkResults(from);
    run = UUID.randomUUID().toString();
    embedDim = from.config().embedDim();
    model = onSpark(() -> spark.broadcast(new Sent<>(from)));
  }

  /** Spark would end the job after the work is done. */
  private void checkResults(WorkerModel from) {
    long most = spark.getConf().getSizeAsBytes(MAX_RESULT, "1g");
    long needed = (long) SumTree.of(count).groups() * from.trainedValues() * Float.BYTES;
    if (most > 0 && needed > most) {
      throw new IllegalArgumentException(
          "the gradients that reach the driver in a step take "
              + (needed >> 20)
              + " MB, and "
              + MAX_RESULT
              + " is "
              + (most >> 20)
              + " MB; set it to 0 (no limit) or more, for example --conf "
              + MAX_RESULT
              + "="
              + ((needed >> 20) + 100)
              + "m");
    }
  }

  @Override
  public List<PartEmbeddings> encode(List<BatchPart> batch, float[] weights) {
    endStep();
    return onSpark(
        () -> {
          step = new PartWorkers.Step(run, steps++, model, ofStep(weights));
          List<Broadcast<Sent<BatchPart>>> each =
              batch.stream().map(part -> ofStep(new Sent<>(part))).toList();
          List<Integer> indices = IntStream.range(0, batch.size()).boxed().toList();
          Function<Integer, Sent<BatchPart>> fetch = index -> each.get(index).value();
          parts =
              spark
                  .parallelize(indices, batch.size())
                  .map(fetch)
                  .persist(StorageLevel.MEMORY_ONLY()); // so that its tasks come to where it is
          return parts.map(new PartWorkers.Encode(step)).collect();
        });
  }

  @Override
  public float[] sendBack(PartEmbeddings gradients) {
    return onSpark(
        () -> {
          SumTree tree = SumTree.of(parts.getNumPartitions());
          Function2<PartialSums, PartialSums, PartialSums> add = PartialSums::add;
          JavaPairRDD<Integer, PartialSums> sums =
              parts.mapToPair(new PartWorkers.SendBack(step, ofStep(gradients), embedDim, tree));
          return tree.total(
              (tree.isFlat() ? sums : sums.reduceByKey(add, tree.groups())).collect());
        });
  }

  private <T> Broadcast<T> ofStep(T value) {
    Broadcast<T> broadcast = spark.broadcast(value);
    ofStep.add(broadcast);
    return broadcast;
  }

  /**
   * Computes a step to its end, as one machine does: Spark would leave an interrupted job running
   * and throw. Its own exceptions are checked ones that it does not declare.
   */
  private static <T> T onSpark(Callable<T> work) {
    try {
      return Uninterrupted.get(
          () -> {
            try {
              return work.call();
            } catch (RuntimeException e) {
              throw e;
            } catch (Exception e) {
              throw new IllegalStateException("the training on Spark: " + IoErrors.message(e), e);
            }
          });
    } catch (IOException e) {
      throw IoErrors.unchecked(e);
    }
  }

  private void endStep() {
    if (parts != null) {
      parts.unpersist(false);
      parts = null;
    }
    ofStep.forEach(each -> each.destroy(false));
    ofStep.clear();
  }

  /** Frees what Spark keeps for the training; the session stays open. */
  @Override
  public void close() {
    if (!spark.sc().isStopped()) {
      endStep();
      if (model != null) {
        model.destroy(false);
      }
    }
    model = null;
    PartWorkers.close(run);
  }
}
