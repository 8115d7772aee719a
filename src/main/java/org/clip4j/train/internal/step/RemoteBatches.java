package org.clip4j.train.internal.step;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.nio.FloatBuffer;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.clip4j.engine.internal.HostMemory;
import org.clip4j.model.ClipModel;
import org.clip4j.model.LoraAdapter;
import org.clip4j.model.ParameterSpec;
import org.clip4j.train.internal.ParameterPlace;
import org.clip4j.train.internal.ParameterPlace.Tower;
import org.clip4j.train.internal.plan.TrainingPlan;
import org.clip4j.train.workers.BatchPart;
import org.clip4j.train.workers.BatchWorkers;
import org.clip4j.train.workers.PartEmbeddings;
import org.clip4j.train.workers.WorkerModel;

/** Batches that workers in other processes encode and send gradients back through. */
final class RemoteBatches {
  private final BatchWorkers workers;
  private final ClipModel model;
  private final TrainingPlan plan;
  private final List<ParameterSpec> trained;
  private final int values;
  private boolean started;

  /** Of a model whose trained parameters are set. */
  RemoteBatches(BatchWorkers workers, ClipModel model, TrainingPlan plan) {
    if (model.config().vision().hasBatchNorm()) {
      throw new IllegalArgumentException(
          "a "
              + model.config().vision().family()
              + " keeps statistics of its batches, which workers do not give back; train it on one"
              + " machine, or train a Vision Transformer");
    }
    this.workers = workers;
    this.model = model;
    this.plan = plan;
    Map<String, ParameterSpec> specs = new HashMap<>();
    model.specs().forEach(spec -> specs.put(spec.name(), spec));
    trained =
        Stream.of(Tower.IMAGE, Tower.TEXT)
            .flatMap(tower -> ParameterPlace.trained(model, tower).stream())
            .map(specs::get)
            .toList();
    long all = trained.stream().mapToLong(ParameterSpec::count).sum();
    if (all > Integer.MAX_VALUE / Float.BYTES) {
      throw new IllegalArgumentException(
          all
              + " values are trained, more than the "
              + Integer.MAX_VALUE / Float.BYTES
              + " that one message to a worker holds; train an adapter, or freeze more");
    }
    values = (int) all;
  }

  int count() {
    return workers.count();
  }

  /** Has the parts of a batch encoded with the present weights. */
  BatchGradients.EncodedBatch encode(NDManager manager, List<BatchPart> parts) {
    if (!started) { // what a checkpoint has brought is there now
      workers.start(workerModel());
      started = true;
    }
    List<PartEmbeddings> found = workers.encode(parts, weights());
    NDArray images = matrix(manager, found.stream().map(PartEmbeddings::images).toList());
    NDArray texts = matrix(manager, found.stream().map(PartEmbeddings::texts).toList());
    return new BatchGradients.EncodedBatch(
        images,
        texts,
        gradients -> {
          float[] image = gradients.image().toFloatArray();
          float[] text = gradients.text().toFloatArray();
          return byName(
              manager,
              values == 0 ? new float[0] : workers.sendBack(new PartEmbeddings(image, text)));
        });
  }

  private NDArray matrix(NDManager manager, List<float[]> parts) {
    FloatBuffer all = FloatBuffer.allocate(parts.stream().mapToInt(part -> part.length).sum());
    parts.forEach(all::put);
    int embedDim = model.config().embedDim();
    return HostMemory.upload(manager, new Shape(all.capacity() / embedDim, embedDim), all.flip());
  }

  private Map<String, NDArray> byName(NDManager manager, float[] sums) {
    Map<String, NDArray> found = new HashMap<>();
    int from = 0;
    for (ParameterSpec spec : trained) {
      FloatBuffer own = FloatBuffer.wrap(sums, from, (int) spec.count());
      found.put(spec.name(), HostMemory.upload(manager, new Shape(spec.shape()), own));
      from += (int) spec.count();
    }
    return found;
  }

  private float[] weights() {
    FloatBuffer all = FloatBuffer.allocate(values);
    for (ParameterSpec spec : trained) {
      HostMemory.download(
          model.parameters().get(spec.name()), 0, all.slice(all.position(), (int) spec.count()));
      all.position(all.position() + (int) spec.count());
    }
    return all.array();
  }

  private WorkerModel workerModel() {
    LoraAdapter adapter = model.adapters().attached().orElse(null);
    Map<String, float[]> values = new LinkedHashMap<>();
    for (ParameterSpec spec : model.specs()) {
      if (!model.adapters().hasAttached(spec.name())) {
        float[] own = new float[Math.toIntExact(spec.count())];
        model.values().copy(spec.name(), 0, FloatBuffer.wrap(own));
        values.put(spec.name(), own);
      }
    }
    return new WorkerModel(
        model.config(),
        values,
        adapter,
        trained.stream().map(ParameterSpec::name).toList(),
        this.values,
        plan.precision,
        plan.data.transform());
  }
}
