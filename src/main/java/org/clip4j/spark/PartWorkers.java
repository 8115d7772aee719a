package org.clip4j.spark;

import java.io.Serializable;
import org.apache.spark.api.java.function.Function;
import org.apache.spark.api.java.function.PairFunction;
import org.apache.spark.broadcast.Broadcast;
import org.clip4j.train.internal.step.PartWorker;
import org.clip4j.train.workers.BatchPart;
import org.clip4j.train.workers.PartEmbeddings;
import org.clip4j.train.workers.WorkerModel;
import org.jspecify.annotations.Nullable;
import scala.Tuple2;

/** The copy of the model that this process trains with, and what its tasks do with it. */
final class PartWorkers {
  private static @Nullable String run;
  private static @Nullable PartWorker worker;

  private PartWorkers() {}

  /**
   * A step's weights, as all tasks know them.
   *
   * @param run which training
   * @param step of it, as often as there are others
   */
  record Step(String run, long step, Broadcast<WorkerModel> model, Broadcast<float[]> weights)
      implements Serializable {
    String version() {
      return run + "/" + step;
    }
  }

  /** Encodes a part. */
  record Encode(Step step) implements Function<BatchPart, PartEmbeddings> {
    @Override
    public PartEmbeddings call(BatchPart part) {
      return worker(step).encode(part, step.version(), step.weights().value());
    }
  }

  /** Sends gradients back through a part; says which group sums them, and its place there. */
  record SendBack(Step step, Broadcast<PartEmbeddings> gradients, int embedDim, SumTree tree)
      implements PairFunction<BatchPart, Integer, PartialSums> {
    @Override
    public Tuple2<Integer, PartialSums> call(BatchPart part) {
      int from = part.firstRow();
      PartEmbeddings own = gradients.value().rows(from, from + part.size(), embedDim);
      float[] sums = worker(step).sendBack(part, step.version(), step.weights().value(), own);
      return tree.leaf(part.index(), sums);
    }
  }

  private static synchronized PartWorker worker(Step step) {
    if (worker == null || !step.run().equals(run)) {
      close();
      SharedModels.limitThreads();
      worker = new PartWorker(step.model().value());
      run = step.run();
    }
    return worker;
  }

  /** Ends the training's copy, if this process has it. */
  static synchronized void close(String ended) {
    if (ended.equals(run)) {
      close();
    }
  }

  private static void close() {
    if (worker != null) {
      worker.close();
      worker = null;
      run = null;
    }
  }
}
