package org.clip4j.train.internal.step;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.clip4j.engine.Precision;
import org.clip4j.engine.internal.Autograd;
import org.clip4j.engine.internal.HostMemory;
import org.clip4j.loss.ContrastiveLoss;
import org.clip4j.loss.Matches;
import org.clip4j.loss.PairLoss;
import org.clip4j.loss.SigmoidLoss;
import org.clip4j.loss.Similarity;
import org.clip4j.loss.TeacherEmbeddings;
import org.clip4j.model.ClipModel;
import org.clip4j.model.Forward;
import org.clip4j.model.ParameterSpec;
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
 * Several devices share the micro-batches out and meet in the second step. A device records the
 * first of its micro-batches at once. A tower of which nothing is trained is encoded once, and
 * nothing is sent back through it.
 */
final class BatchGradients {

  /**
   * Part of a batch, as it reaches the device.
   *
   * @param size n, how many pairs
   * @param pixels makes the images [n, 3, height, width], float32, normalised, in a given manager
   * @param kept makes the patches that are looked at [n, K], int64, in a given manager; null for
   *     all
   * @param ids makes the token ids [n, L], int64, in a given manager
   * @param rows makes the numbers of the pairs [n], int64, that an adapter's dropout follows from,
   *     in a given manager; null for no dropout
   */
  record MicroBatch(
      int size,
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

  /**
   * A batch whose embeddings are there.
   *
   * @param images the images' embeddings [N, E] on the first device
   * @param texts the texts' embeddings [N, E] on the first device
   * @param sendBack sends gradients back; returns those of the towers' trained parameters
   */
  record EncodedBatch(
      NDArray images, NDArray texts, Function<PairLoss.Gradients, Map<String, NDArray>> sendBack) {}

  /** As {@link PairLoss#parameters} has them. */
  private static final List<String> LOSS_PARAMETERS = List.of("logit_scale", "logit_bias");

  private final Replicas replicas;
  private final List<Map<Tower, BatchShare.Trained>> trained; // of each replica
  private final BatchShare.Kernels kernels;
  private final PairLoss loss;
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
    kernels = BatchShare.Kernels.of(manager, precision);
    ClipModel model = replicas.models().get(0);
    NDArray logScale = model.parameters().get("logit_scale");
    loss =
        model.config().isSigmoid()
            ? new SigmoidLoss(manager, logScale, model.parameters().get("logit_bias"))
            : new ContrastiveLoss(manager, logScale);
    trained = replicas.models().stream().map(BatchShare.Trained::of).toList();
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
    List<BatchShare> shares = shares(manager, batch);
    try {
      return backward(encoded(manager, shares), matches, teacher, lossScale);
    } finally {
      shares.stream().filter(share -> share.manager != manager).forEach(s -> s.manager.close());
    }
  }

  /** As above, of a batch that is encoded. */
  Gradients backward(
      EncodedBatch batch, Matches matches, TeacherEmbeddings teacher, double lossScale) {
    Similarity similarity = kernels.similarity();
    cosines =
        measured
            ? new Cosines(
                similarity.meanCosine(batch.images()), similarity.meanCosine(batch.texts()))
            : Cosines.UNKNOWN;
    PairLoss.Gradients gradients =
        loss.gradients(batch.images(), batch.texts(), matches, teacher, lossScale);
    Map<String, NDArray> found = batch.sendBack().apply(gradients);
    for (int i = 0; i < gradients.parameters().size(); i++) {
      found.put(LOSS_PARAMETERS.get(i), gradients.parameters().get(i));
    }
    return new Gradients(gradients.value().getFloat(), ordered(found));
  }

  /** In the order of the model's parameters, so that sums over all come out the same every time. */
  private Map<String, NDArray> ordered(Map<String, NDArray> found) {
    ClipModel model = replicas.models().get(0);
    Map<String, NDArray> ordered = new LinkedHashMap<>();
    for (ParameterSpec spec : model.specs()) {
      if (!spec.buffer() && model.parameters().get(spec.name()).hasGradient()) {
        ordered.put(spec.name(), found.get(spec.name()));
      }
    }
    return ordered;
  }

  /** Has each device encode its share. */
  private EncodedBatch encoded(NDManager manager, List<BatchShare> shares) {
    replicas.forEach(i -> shares.get(i).encode());
    NDArray images = whole(manager, shares, share -> share.images);
    NDArray texts = whole(manager, shares, share -> share.texts);
    return new EncodedBatch(
        images,
        texts,
        gradients -> {
          replicas.forEach(i -> shares.get(i).sendBack(gradients.image(), gradients.text()));
          return sums(shares);
        });
  }

  private Map<String, NDArray> sums(List<BatchShare> shares) {
    BatchShare first = shares.get(0);
    Map<String, NDArray> found = new HashMap<>();
    for (Tower tower : List.of(Tower.IMAGE, Tower.TEXT)) {
      NDList sums = first.sums.get(tower);
      for (BatchShare share : shares.subList(1, shares.size())) {
        if (share.sums.get(tower) != null) { // a small batch may leave a device without any
          replicas.add(sums, share.sums.get(tower));
        }
      }
      for (int i = 0; sums != null && i < sums.size(); i++) {
        found.put(first.trained.get(tower).names().get(i), sums.get(i));
      }
    }
    return found;
  }

  /** Consecutive micro-batches for each device, as evenly as can be. */
  private List<BatchShare> shares(NDManager manager, List<MicroBatch> batch) {
    List<ClipModel> models = replicas.models();
    List<BatchShare> shares = new ArrayList<>();
    for (int i = 0; i < models.size(); i++) {
      ClipModel model = models.get(i);
      int from = batch.size() * i / models.size();
      int to = batch.size() * (i + 1) / models.size();
      NDManager own = i == 0 ? manager : model.manager().newSubManager();
      shares.add(
          new BatchShare(kernels, model, trained.get(i), own, batch.subList(from, to), true));
    }
    return shares;
  }

  /** The embeddings of the whole batch [N, E] on the first device. */
  private static NDArray whole(
      NDManager manager, List<BatchShare> shares, Function<BatchShare, List<NDArray>> tower) {
    return Autograd.withoutRecording(
        () -> {
          NDList parts = new NDList();
          long start = 0;
          for (BatchShare share : shares) {
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
}
