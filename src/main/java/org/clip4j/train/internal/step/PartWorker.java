package org.clip4j.train.internal.step;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.nio.FloatBuffer;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.clip4j.engine.internal.HostMemory;
import org.clip4j.model.ClipModel;
import org.clip4j.train.internal.ParameterPlace.Tower;
import org.clip4j.train.workers.BatchPart;
import org.clip4j.train.workers.PartEmbeddings;
import org.clip4j.train.workers.WorkerModel;

/**
 * A copy of a model that is trained elsewhere: encodes parts of its batches, and sends gradients
 * back through them. Parts are computed one at a time, whichever threads ask.
 */
public final class PartWorker implements AutoCloseable {
  private final ClipModel model;
  private final NDManager manager;
  private final int values;
  private final Map<Tower, BatchShare.Trained> trained;
  private final BatchShare.Kernels kernels;
  private final MicroBatches micro;
  private Object version; // of the weights

  /** Makes the copy. */
  public PartWorker(WorkerModel from) {
    model = ClipModel.load(from.config(), name -> FloatBuffer.wrap(from.values().get(name)));
    values = from.trainedValues();
    if (from.adapter() != null) {
      model.adapters().attach(from.adapter());
    }
    Set<String> names = new HashSet<>(from.trained());
    model.setTrainable(spec -> names.contains(spec.name()));
    manager = model.manager().newSubManager();
    trained = BatchShare.Trained.of(model);
    kernels = BatchShare.Kernels.of(manager, from.precision());
    micro = new MicroBatches(manager, from.transform(), 1, from.config(), null, null);
  }

  /**
   * Encodes a part.
   *
   * @param version of the weights; what is not that of the call before has them replaced
   */
  public synchronized PartEmbeddings encode(BatchPart part, Object version, float[] weights) {
    set(version, weights);
    try (NDManager scratch = manager.newSubManager()) {
      BatchShare share = share(scratch, part);
      share.encode();
      return new PartEmbeddings(values(share.images), values(share.texts));
    }
  }

  /**
   * Sends gradients back through a part.
   *
   * @param version of the weights, as above
   * @param gradients of the part's embeddings
   * @return of the trained parameters, laid out as the weights are
   */
  public synchronized float[] sendBack(
      BatchPart part, Object version, float[] weights, PartEmbeddings gradients) {
    set(version, weights);
    try (NDManager scratch = manager.newSubManager()) {
      BatchShare share = share(scratch, part);
      share.sendBack(matrix(scratch, gradients.images()), matrix(scratch, gradients.texts()));
      FloatBuffer all = FloatBuffer.allocate(values);
      for (Tower tower : List.of(Tower.IMAGE, Tower.TEXT)) {
        NDList sums = share.sums.get(tower);
        if (sums != null) {
          sums.forEach(sum -> all.put(sum.toFloatArray()));
        }
      }
      return all.array();
    }
  }

  private BatchShare share(NDManager scratch, BatchPart part) {
    return new BatchShare(
        kernels, model, trained, scratch, part.micro().stream().map(micro::part).toList(), false);
  }

  private NDArray matrix(NDManager scratch, float[] rows) {
    int embedDim = model.config().embedDim();
    return HostMemory.upload(
        scratch, new Shape(rows.length / embedDim, embedDim), FloatBuffer.wrap(rows));
  }

  private static float[] values(List<NDArray> parts) {
    FloatBuffer all =
        FloatBuffer.allocate(parts.stream().mapToInt(part -> (int) part.size()).sum());
    parts.forEach(part -> all.put(part.toFloatArray()));
    return all.array();
  }

  private void set(Object wanted, float[] weights) {
    if (wanted.equals(version)) {
      return;
    }
    version = null; // until all are replaced
    int from = 0;
    for (BatchShare.Trained tower : List.of(trained.get(Tower.IMAGE), trained.get(Tower.TEXT))) {
      for (NDArray parameter : tower.parameters()) {
        int start = from;
        HostMemory.overwrite(
            parameter, (at, memory) -> memory.put(weights, start + (int) at, memory.remaining()));
        from += (int) parameter.size();
      }
    }
    version = wanted;
  }

  /** Frees the copy. */
  @Override
  public synchronized void close() {
    model.close();
  }
}
