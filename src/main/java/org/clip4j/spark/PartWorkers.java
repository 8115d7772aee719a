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

/**
 * The copy of the model that this process trains with, and what its tasks do with it, one at a
 * time: of two trainings in one session each has the other's copy replaced, which takes time, and
 * never amid a task.
 */
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
  record Step(String run, long step, Broadcast<Sent<WorkerModel>> model, Broadcast<float[]> weights)
      implements Serializable {
    String version() {
      return run + "/" + step;
    }
  }

  /** Encodes a part. */
  record Encode(Step step) implements Function<Sent<BatchPart>, PartEmbeddings> {
    @Override
    public PartEmbeddings call(Sent<BatchPart> sent) {
      BatchPart part = sent.value();
      float[] weights = step.weights().value();
      synchronized (PartWorkers.class) {
        return worker(step).encode(part, step.version(), weights);
      }
    }
  }

  /** Sends gradients back through a part; says which group sums them, and its place there. */
  record SendBack(Step step, Broadcast<PartEmbeddings> gradients, int embedDim, SumTree tree)
      implements PairFunction<Sent<BatchPart>, Integer, PartialSums> {
    @Override
    public Tuple2<Integer, PartialSums> call(Sent<BatchPart> sent) {
      BatchPart part = sent.value();
      int from = part.firstRow();
      PartEmbeddings own = gradients.value().rows(from, from + part.size(), embedDim);
      float[] weights = step.weights().value();
      synchronized (PartWorkers.class) {
        float[] sums = worker(step).sendBack(part, step.version(), weights, own);
        return tree.leaf(part.index(), sums);
      }
    }
  }

  private static PartWorker worker(Step step) {
    if (worker == null || !step.run().equals(run)) {
      close();
      SharedModels.limitThreads();
      worker = new PartWorker(step.model().value().value());
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
