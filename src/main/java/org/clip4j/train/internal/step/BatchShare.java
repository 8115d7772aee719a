package org.clip4j.train.internal.step;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.clip4j.engine.Precision;
import org.clip4j.engine.internal.Autograd;
import org.clip4j.engine.internal.HostMemory;
import org.clip4j.engine.internal.TorchScript;
import org.clip4j.loss.Similarity;
import org.clip4j.model.ClipModel;
import org.clip4j.model.Forward;
import org.clip4j.train.internal.ParameterPlace;
import org.clip4j.train.internal.ParameterPlace.Tower;
import org.clip4j.train.internal.step.BatchGradients.MicroBatch;

/** The micro-batches of a batch that one copy of the model sees. */
final class BatchShare {

  /** What all shares compute with. */
  record Kernels(Autograd autograd, Similarity similarity, Forward ahead, Forward recorded) {
    static Kernels of(NDManager manager, Precision precision) {
      return new Kernels(
          new Autograd(manager),
          new Similarity(manager),
          Forward.TRAIN_AHEAD.in(precision),
          Forward.TRAIN.in(precision));
    }
  }

  /** Trained parameters of one tower of one copy. */
  record Trained(List<String> names, NDList parameters) {
    private static Trained of(ClipModel model, Tower tower) {
      List<String> names = ParameterPlace.trained(model, tower);
      return new Trained(
          names, TorchScript.list(names.stream().map(model.parameters()::get).toList()));
    }

    static Map<Tower, Trained> of(ClipModel model) {
      return Map.of(Tower.IMAGE, of(model, Tower.IMAGE), Tower.TEXT, of(model, Tower.TEXT));
    }
  }

  private interface Encoder {
    NDArray encode(Forward pass, NDManager scratch, MicroBatch part);
  }

  private final Kernels kernels;
  private final boolean recording;
  final ClipModel model;
  final Map<Tower, Trained> trained;
  final NDManager manager;
  final List<MicroBatch> parts;

  /** Gradients of the trained parameters, summed up so far. */
  final Map<Tower, NDList> sums = new EnumMap<>(Tower.class);

  List<NDArray> images;
  List<NDArray> texts;

  /** Row of the whole batch at which it begins. */
  long start;

  /**
   * Begins with nothing encoded.
   *
   * @param manager owns the embeddings and the sums
   * @param recording whether what is encoded may be recorded at once, for {@link #sendBack}
   */
  BatchShare(
      Kernels kernels,
      ClipModel model,
      Map<Tower, Trained> trained,
      NDManager manager,
      List<MicroBatch> parts,
      boolean recording) {
    this.kernels = kernels;
    this.recording = recording;
    this.model = model;
    this.trained = trained;
    this.manager = manager;
    this.parts = parts;
  }

  void encode() {
    images = encode(Tower.IMAGE, this::images);
    texts = encode(Tower.TEXT, this::texts);
  }

  private NDArray images(Forward pass, NDManager scratch, MicroBatch part) {
    NDArray pixels = part.pixels().apply(scratch);
    NDArray kept = part.kept() == null ? null : part.kept().apply(scratch);
    return kernels.similarity.normalize(
        model.encodePatches(part.dropping(pass, scratch), pixels, kept));
  }

  private NDArray texts(Forward pass, NDManager scratch, MicroBatch part) {
    return kernels.similarity.normalize(
        model.encodeText(part.dropping(pass, scratch), part.ids().apply(scratch)));
  }

  /** The embeddings [n, E] of each micro-batch. */
  private List<NDArray> encode(Tower tower, Encoder encoder) {
    List<NDArray> embeddings = new ArrayList<>();
    if (recordsFirst(tower) && trains(tower)) {
      embeddings.add(
          Autograd.record(() -> encoder.encode(kernels.recorded, manager, parts.get(0))));
    }
    Autograd.withoutRecording(
        () -> {
          for (MicroBatch part : parts.subList(embeddings.size(), parts.size())) {
            try (NDManager scratch = manager.newSubManager()) {
              NDArray encoded = encoder.encode(kernels.ahead, scratch, part);
              encoded.attach(manager);
              embeddings.add(encoded);
            }
          }
          return null;
        });
    return embeddings;
  }

  /**
   * Whether the first micro-batch of a tower is recorded where it is encoded, and needs no second
   * pass: the images' always, since gradients go back to them first; that of the texts, whose
   * record would lie beside the images', only if nothing is left to bound.
   */
  private boolean recordsFirst(Tower tower) {
    return recording && (tower == Tower.IMAGE || parts.size() == 1);
  }

  /**
   * Sends gradients of embeddings [N, E] back, and adds up those of the trained parameters.
   *
   * @param image of the whole batch, or of this share where {@link #start} is 0
   */
  void sendBack(NDArray image, NDArray text) {
    sendBack(Tower.IMAGE, image, images, this::images);
    sendBack(Tower.TEXT, text, texts, this::texts);
  }

  private boolean trains(Tower tower) {
    return !trained.get(tower).names().isEmpty();
  }

  private void sendBack(Tower tower, NDArray gradient, List<NDArray> embeddings, Encoder encoder) {
    if (!trains(tower)) {
      return;
    }
    long from = start;
    for (int i = 0; i < parts.size(); i++) {
      MicroBatch part = parts.get(i);
      long to = from + part.size();
      try (NDManager scratch = manager.newSubManager()) {
        NDArray output =
            i == 0 && recordsFirst(tower)
                ? embeddings.get(0)
                : Autograd.record(() -> encoder.encode(kernels.recorded, scratch, part));
        NDArray slice = gradient.get(from + ":" + to); // [n, E]
        NDArray own = HostMemory.onDeviceOf(scratch, slice);
        NDList more = kernels.autograd.gradients(output, own, trained.get(tower).parameters());
        NDList sum = sums.get(tower);
        if (sum == null) {
          more.attach(manager);
          sums.put(tower, more);
        } else {
          kernels.autograd.add(sum, more);
          more.close();
        }
      }
      from = to;
    }
  }
}
