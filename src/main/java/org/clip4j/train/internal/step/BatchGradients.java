package org.clip4j.train.internal.step;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.clip4j.engine.Precision;
import org.clip4j.engine.internal.Autograd;
import org.clip4j.engine.internal.HostMemory;
import org.clip4j.engine.internal.TorchScript;
import org.clip4j.loss.ContrastiveLoss;
import org.clip4j.loss.Matches;
import org.clip4j.loss.PairLoss;
import org.clip4j.loss.SigmoidLoss;
import org.clip4j.loss.Similarity;
import org.clip4j.loss.TeacherEmbeddings;
import org.clip4j.model.ClipModel;
import org.clip4j.model.Forward;
import org.clip4j.model.ParameterSpec;
import org.clip4j.train.internal.ParameterPlace;
import org.clip4j.train.internal.ParameterPlace.Tower;

/**
 * The gradients of the loss over a batch of any size, at the memory of one micro-batch.
 *
 * <p>The loss compares all pairs of the batch, so micro-batches cannot simply be summed. Instead
 * (Gao et al. 2021, "Scaling Deep Contrastive Learning Batch Size under Memory Limited Setup"):
 *
 * <ol>
 *   <li>all micro-batches are encoded without recording;
 *   <li>the loss over the whole batch gives its gradient with respect to every embedding, and to
 *       the logit scale;
 *   <li>each micro-batch is encoded again, recorded, and those gradients are sent back through it.
 * </ol>
 *
 * Several devices share the micro-batches out and meet in the second step. A device with one
 * micro-batch records it at once. A tower of which nothing is trained is encoded once, and nothing
 * is sent back through it.
 */
final class BatchGradients {

  /**
   * Part of a batch, as it reaches the device.
   *
   * @param pixels makes the images [n, 3, height, width], float32, normalised, in a given manager
   * @param kept makes the patches that are looked at [n, K], int64, in a given manager; null for
   *     all
   * @param ids makes the token ids [n, L], int64, in a given manager
   * @param rows makes the numbers of the pairs [n], int64, that an adapter's dropout follows from,
   *     in a given manager; null for no dropout
   */
  record MicroBatch(
      Function<NDManager, NDArray> pixels,
      Function<NDManager, NDArray> kept,
      Function<NDManager, NDArray> ids,
      Function<NDManager, NDArray> rows) {

    Forward dropping(Forward pass, NDManager scratch) {
      return rows == null ? pass : pass.dropping(rows.apply(scratch));
    }
  }

  /**
   * How alike a batch's embeddings are.
   *
   * @param image mean cosine similarity of two different images
   * @param text mean cosine similarity of two captions
   */
  record Cosines(double image, double text) {
    static final Cosines UNKNOWN = new Cosines(Double.NaN, Double.NaN);
  }

  /**
   * What a step gives the optimizer.
   *
   * @param loss of the batch
   * @param byName the gradient of each trained parameter
   */
  record Gradients(float loss, Map<String, NDArray> byName) {}

  /** Trained parameters of one tower on one device. */
  private record Trained(List<String> names, NDList parameters) {
    static Trained of(ClipModel model, Tower tower) {
      List<String> names = ParameterPlace.trained(model, tower);
      return new Trained(
          names, TorchScript.list(names.stream().map(model.parameters()::get).toList()));
    }
  }

  /** As {@link PairLoss#parameters} has them. */
  private static final List<String> LOSS_PARAMETERS = List.of("logit_scale", "logit_bias");

  private final Replicas replicas;
  private final List<Map<Tower, Trained>> trained; // of each replica
  private final Autograd autograd;
  private final Similarity similarity;
  private final PairLoss loss;
  private final Forward ahead;
  private final Forward recorded;
  private boolean measured;
  private Cosines cosines = Cosines.UNKNOWN;

  /**
   * The step of a model with the loss that its logits are made for; what is trained must have been
   * set before.
   *
   * @param manager owns the kernels
   */
  BatchGradients(NDManager manager, Replicas replicas, Precision precision) {
    this.replicas = replicas;
    autograd = new Autograd(manager);
    ahead = Forward.TRAIN_AHEAD.in(precision);
    recorded = Forward.TRAIN.in(precision);
    similarity = new Similarity(manager);
    ClipModel model = replicas.models().get(0);
    NDArray logScale = model.parameters().get("logit_scale");
    loss =
        model.config().isSigmoid()
            ? new SigmoidLoss(manager, logScale, model.parameters().get("logit_bias"))
            : new ContrastiveLoss(manager, logScale);
    trained =
        replicas.models().stream()
            .map(
                replica ->
                    Map.of(
                        Tower.IMAGE, Trained.of(replica, Tower.IMAGE),
                        Tower.TEXT, Trained.of(replica, Tower.TEXT)))
            .toList();
  }

  /** Whether the coming steps measure {@link #cosines}. */
  void measure(boolean measured) {
    this.measured = measured;
  }

  /** Of the last step's batch; unknown if they were not measured. */
  Cosines cosines() {
    return cosines;
  }

  /**
   * The loss of a batch and its gradients.
   *
   * @param manager owns the gradients, and all else that lives as long as the step
   * @param teacher what a teacher makes of the same pairs
   * @param lossScale multiplies the gradients, not the loss
   */
  public Gradients backward(
      NDManager manager,
      List<MicroBatch> batch,
      Matches matches,
      TeacherEmbeddings teacher,
      double lossScale) {
    List<Share> shares = shares(manager, batch);
    try {
      replicas.forEach(i -> shares.get(i).encode());
      NDArray image = whole(manager, shares, share -> share.images);
      NDArray text = whole(manager, shares, share -> share.texts);
      cosines =
          measured
              ? new Cosines(similarity.meanCosine(image), similarity.meanCosine(text))
              : Cosines.UNKNOWN;
      PairLoss.Gradients gradients = loss.gradients(image, text, matches, teacher, lossScale);
      replicas.forEach(i -> shares.get(i).sendBack(gradients));
      return new Gradients(gradients.value().getFloat(), byName(shares, gradients));
    } finally {
      shares.stream().filter(share -> share.manager != manager).forEach(s -> s.manager.close());
    }
  }

  /** In the order of the model's parameters, so that sums over all come out the same every time. */
  private Map<String, NDArray> byName(List<Share> shares, PairLoss.Gradients gradients) {
    Share first = shares.get(0);
    Map<String, NDArray> found = new HashMap<>();
    for (Tower tower : List.of(Tower.IMAGE, Tower.TEXT)) {
      NDList sums = first.sums.get(tower);
      for (Share share : shares.subList(1, shares.size())) {
        if (share.sums.get(tower) != null) { // a small batch may leave a device without any
          replicas.add(sums, share.sums.get(tower));
        }
      }
      for (int i = 0; sums != null && i < sums.size(); i++) {
        found.put(first.trained.get(tower).names.get(i), sums.get(i));
      }
    }
    for (int i = 0; i < gradients.parameters().size(); i++) {
      found.put(LOSS_PARAMETERS.get(i), gradients.parameters().get(i));
    }
    Map<String, NDArray> ordered = new LinkedHashMap<>();
    for (ParameterSpec spec : first.model.specs()) {
      if (!spec.buffer() && first.model.parameters().get(spec.name()).hasGradient()) {
        ordered.put(spec.name(), found.get(spec.name()));
      }
    }
    return ordered;
  }

  /** Consecutive micro-batches for each device, as evenly as can be. */
  private List<Share> shares(NDManager manager, List<MicroBatch> batch) {
    List<ClipModel> models = replicas.models();
    List<Share> shares = new ArrayList<>();
    for (int i = 0; i < models.size(); i++) {
      ClipModel model = models.get(i);
      int from = batch.size() * i / models.size();
      int to = batch.size() * (i + 1) / models.size();
      NDManager own = i == 0 ? manager : model.manager().newSubManager();
      shares.add(new Share(model, trained.get(i), own, batch.subList(from, to)));
    }
    return shares;
  }

  /** The embeddings of the whole batch [N, E] on the first device. */
  private static NDArray whole(
      NDManager manager, List<Share> shares, Function<Share, List<NDArray>> tower) {
    return Autograd.withoutRecording(
        () -> {
          NDList parts = new NDList();
          long start = 0;
          for (Share share : shares) {
            share.start = start;
            for (NDArray part : tower.apply(share)) {
              start += part.size(0);
              // a recorded one is needed where it is
              parts.add(
                  part.getDevice().equals(manager.getDevice())
                      ? part
                      : HostMemory.onDeviceOf(manager, part.duplicate()));
            }
          }
          NDArray first = parts.get(0);
          if (parts.size() == 1) {
            return first;
          }
          NDArray whole = first.getNDArrayInternal().concat(parts.subNDList(1), 0);
          whole.attach(manager);
          return whole;
        });
  }

  private interface Encoder {
    NDArray encode(Forward pass, NDManager scratch, MicroBatch part);
  }

  /** The micro-batches of one device. */
  private final class Share {
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

    Share(ClipModel model, Map<Tower, Trained> trained, NDManager manager, List<MicroBatch> parts) {
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
      NDArray pixels = part.pixels.apply(scratch);
      NDArray kept = part.kept == null ? null : part.kept.apply(scratch);
      return similarity.normalize(model.encodePatches(part.dropping(pass, scratch), pixels, kept));
    }

    private NDArray texts(Forward pass, NDManager scratch, MicroBatch part) {
      return similarity.normalize(
          model.encodeText(part.dropping(pass, scratch), part.ids.apply(scratch)));
    }

    /** The embeddings [n, E] of each micro-batch. */
    private List<NDArray> encode(Tower tower, Encoder encoder) {
      if (trains(tower) && parts.size() == 1) {
        return List.of(Autograd.record(() -> encoder.encode(recorded, manager, parts.get(0))));
      }
      return Autograd.withoutRecording(
          () -> {
            List<NDArray> embeddings = new ArrayList<>();
            for (MicroBatch part : parts) {
              try (NDManager scratch = manager.newSubManager()) {
                NDArray encoded = encoder.encode(ahead, scratch, part);
                encoded.attach(manager);
                embeddings.add(encoded);
              }
            }
            return embeddings;
          });
    }

    void sendBack(PairLoss.Gradients gradients) {
      sendBack(Tower.IMAGE, gradients.image(), images, this::images);
      sendBack(Tower.TEXT, gradients.text(), texts, this::texts);
    }

    private boolean trains(Tower tower) {
      return !trained.get(tower).names.isEmpty();
    }

    private void sendBack(
        Tower tower, NDArray gradient, List<NDArray> embeddings, Encoder encoder) {
      if (!trains(tower)) {
        return;
      }
      long from = start;
      for (int i = 0; i < parts.size(); i++) {
        MicroBatch part = parts.get(i);
        long to = from + embeddings.get(i).size(0);
        try (NDManager scratch = manager.newSubManager()) {
          NDArray output =
              parts.size() == 1
                  ? embeddings.get(0)
                  : Autograd.record(() -> encoder.encode(recorded, scratch, part));
          NDArray slice = gradient.get(from + ":" + to); // [n, E]
          NDArray own = HostMemory.onDeviceOf(scratch, slice);
          NDList more = autograd.gradients(output, own, trained.get(tower).parameters);
          NDList sum = sums.get(tower);
          if (sum == null) {
            more.attach(manager);
            sums.put(tower, more);
          } else {
            autograd.add(sum, more);
            more.close();
          }
        }
        from = to;
      }
    }
  }
}
