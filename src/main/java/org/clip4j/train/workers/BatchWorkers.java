package org.clip4j.train.workers;

import java.util.List;

/**
 * Computes the steps of a training in processes that share out their work. For each step, on one
 * thread: the parts of the batch are embedded, and gradients are sent back through the same parts
 * with the same weights. The caller closes it after the last training.
 */
public interface BatchWorkers extends AutoCloseable {

  /** Returns into how many parts a batch is cut, at least 1. */
  int count();

  /**
   * Takes the model that a training begins with, before its first step.
   *
   * @throws IllegalArgumentException if it cannot be trained there
   */
  void start(WorkerModel model);

  /**
   * Embeds the parts of a batch.
   *
   * @param parts as many as {@link #count}, fewer for a small batch
   * @param weights values of the trained parameters, one after the other in the order of {@link
   *     WorkerModel#trained}
   * @return of each part, in order
   */
  List<PartEmbeddings> encode(List<BatchPart> parts, float[] weights);

  /**
   * Sends gradients back through the parts that were embedded last.
   *
   * @param gradients of the whole batch's embeddings, [N, E] each
   * @return the gradients of the trained parameters, laid out as the weights are: the sum over all
   *     parts, in an order that depends on their number alone
   */
  float[] sendBack(PartEmbeddings gradients);

  /** Frees what the workers keep. */
  @Override
  void close();
}
