package org.clip4j.train;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import java.util.List;
import java.util.function.Function;
import org.clip4j.engine.Autograd;
import org.clip4j.loss.ContrastiveLoss;
import org.clip4j.loss.PairLoss;
import org.clip4j.loss.SigmoidLoss;
import org.clip4j.loss.Similarity;
import org.clip4j.model.ClipModel;
import org.clip4j.model.Forward;

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
 * A batch of one micro-batch is recorded at once.
 */
final class TrainingStep {

  /**
   * Part of a batch, as it reaches the device.
   *
   * @param pixels makes the images [n, 3, height, width], float32, normalised, in a given manager
   * @param ids makes the token ids [n, L], int64, in a given manager
   */
  record MicroBatch(Function<NDManager, NDArray> pixels, Function<NDManager, NDArray> ids) {}

  /**
   * How alike a batch's embeddings are.
   *
   * @param image mean cosine similarity of two different images
   * @param text mean cosine similarity of two captions
   */
  record Cosines(double image, double text) {
    static final Cosines UNKNOWN = new Cosines(Double.NaN, Double.NaN);
  }

  private final ClipModel model;
  private final Similarity similarity;
  private final PairLoss loss;
  private boolean measured;
  private Cosines cosines = Cosines.UNKNOWN;

  /**
   * The step of a model with the loss that its logits are made for.
   *
   * @param manager owns the kernels
   */
  TrainingStep(NDManager manager, ClipModel model) {
    this.model = model;
    similarity = new Similarity(manager);
    NDArray logScale = model.parameters().get("logit_scale");
    loss =
        model.config().isSigmoid()
            ? new SigmoidLoss(manager, logScale, model.parameters().get("logit_bias"))
            : new ContrastiveLoss(manager, logScale);
  }

  /** Whether the coming steps measure {@link #cosines}. */
  void measure(boolean measured) {
    this.measured = measured;
  }

  /** Of the last step's batch; unknown if they were not measured. */
  Cosines cosines() {
    return cosines;
  }

  private void measure(NDArray image, NDArray text) {
    cosines =
        measured
            ? new Cosines(similarity.meanCosine(image), similarity.meanCosine(text))
            : Cosines.UNKNOWN;
  }

  /**
   * Adds the loss's gradients to those of the parameters.
   *
   * @param manager owns what lives as long as the step
   * @param groups see {@link PairLoss#loss}; null to count every other pair as a negative
   * @return the loss
   */
  float backward(NDManager manager, List<MicroBatch> batch, int[] groups) {
    if (batch.size() == 1) {
      NDArray value =
          Autograd.record(
              () -> {
                NDArray image = images(Forward.TRAIN, manager, batch.get(0));
                NDArray text = texts(Forward.TRAIN, manager, batch.get(0));
                measure(image, text);
                return loss.loss(image, text, groups);
              });
      Autograd.backward(value, value.onesLike());
      return value.getFloat();
    }
    NDArray image = leaf(manager, batch, this::images);
    NDArray text = leaf(manager, batch, this::texts);
    measure(image, text);
    NDArray value = Autograd.record(() -> loss.loss(image, text, groups));
    Autograd.backward(value, value.onesLike());
    replay(manager, batch, Autograd.gradient(image), this::images);
    replay(manager, batch, Autograd.gradient(text), this::texts);
    return value.getFloat();
  }

  private interface Encoder {
    NDArray encode(Forward pass, NDManager manager, MicroBatch part);
  }

  private NDArray images(Forward pass, NDManager manager, MicroBatch part) {
    return similarity.normalize(model.encodeImage(pass, part.pixels.apply(manager)));
  }

  private NDArray texts(Forward pass, NDManager manager, MicroBatch part) {
    return similarity.normalize(model.encodeText(pass, part.ids.apply(manager)));
  }

  /** The embeddings of the whole batch [N, E], cut off from how they were made. */
  private static NDArray leaf(NDManager manager, List<MicroBatch> batch, Encoder encoder) {
    return Autograd.withoutRecording(
        () -> {
          NDList parts = new NDList();
          for (MicroBatch part : batch) {
            try (NDManager scratch = manager.newSubManager()) {
              NDArray embeddings = encoder.encode(Forward.TRAIN_AHEAD, scratch, part);
              embeddings.attach(manager);
              parts.add(embeddings);
            }
          }
          NDArray whole =
              parts
                  .get(0)
                  .getNDArrayInternal()
                  .concat(new NDList(parts.subList(1, parts.size())), 0);
          whole.setRequiresGradient(true);
          return whole;
        });
  }

  private static void replay(
      NDManager manager, List<MicroBatch> batch, NDArray gradient, Encoder encoder) {
    long start = 0;
    for (MicroBatch part : batch) {
      try (NDManager scratch = manager.newSubManager()) {
        NDArray embeddings =
            Autograd.record(() -> encoder.encode(Forward.TRAIN, scratch, part)); // [n, E]
        long end = start + embeddings.size(0);
        NDArray slice = gradient.get(start + ":" + end);
        slice.attach(scratch);
        Autograd.backward(embeddings, slice);
        start = end;
      }
    }
  }
}
