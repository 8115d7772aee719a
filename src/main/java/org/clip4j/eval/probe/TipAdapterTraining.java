package org.clip4j.eval.probe;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.util.Arrays;
import java.util.Objects;
import org.clip4j.engine.internal.HostMemory;
import org.clip4j.engine.internal.Libtorch;
import org.clip4j.engine.internal.TorchScript;
import org.clip4j.io.Limits;
import org.clip4j.io.SeededRandom;

/**
 * Makes Tip-Adapter-F of a {@link TipAdapter}: its cached embeddings are trained on the examples
 * themselves by cross-entropy, with AdamW (eps 1e-4, weight decay 0.01) and a learning rate that
 * falls along a cosine, as the authors' code does; what is cached starts as the examples. The
 * authors report the best of the epochs by test accuracy, which looks at the test examples; here
 * the last one counts. The examples' embeddings are the cached ones throughout, not those of newly
 * augmented images.
 */
public final class TipAdapterTraining {
  private static final long ORDER = 103; // the draws of LabelledDraw have the keys before

  private static final String SOURCE =
      """
      def step(self, x: Tensor, labels: Tensor, rows: Tensor, words: Tensor, values: Tensor, keys: List[Tensor], m: List[Tensor], v: List[Tensor], t: List[Tensor], scale: float, alpha: float, beta: float, lr: float) -> float:
        f = torch.index_select(x, 0, rows)  # [N, E]
        own = torch.index_select(labels, 0, rows)  # [N, 1]
        near = torch.exp(torch.mul(torch.sub(torch.matmul(f, torch.t(keys[0])), 1.), beta))  # [N, M]
        logits = torch.add(torch.mul(torch.matmul(f, torch.t(words)), scale), torch.matmul(near, values), alpha=alpha)  # [N, C]
        z = torch.log_softmax(logits, 1)
        loss = float(torch.neg(torch.mean(torch.gather(z, 1, own))))
        minus = torch.full([torch.size(f, 0), 1], -1., dtype=6, layout=None, device=ops.prim.device(x), pin_memory=False)
        d_logits = torch.scatter_add(torch.exp(z), 1, own, minus)
        d_near = torch.matmul(torch.mul(d_logits, alpha / torch.size(f, 0)), torch.t(values))
        d_keys = torch.matmul(torch.t(torch.mul(torch.mul(d_near, near), beta)), f)  # [M, E]
        none = annotate(List[Tensor], [])
        torch.add_(t[0], 1)
        torch._fused_adamw_(keys, [d_keys], m, v, none, t, lr=lr, beta1=0.9, beta2=0.999, weight_decay=0.01, eps=0.0001, amsgrad=False, maximize=False, grad_scale=None, found_inf=None)
        return loss
      """;

  private int epochs = 20;
  private double learningRate = 1e-3;
  private int batchSize = 256;
  private long seed;
  private Device device = Device.cpu();

  private TipAdapterTraining() {}

  /** Starts with the authors' options. Not safe for use by several threads. */
  public static TipAdapterTraining create() {
    return new TipAdapterTraining();
  }

  /** Sets the number of passes over the examples; 20 by default. */
  public TipAdapterTraining optEpochs(int epochs) {
    this.epochs = Limits.atLeast("epochs", 1, epochs);
    return this;
  }

  /** Sets the first learning rate; 1e-3 by default. */
  public TipAdapterTraining optLearningRate(double rate) {
    learningRate = Limits.aboveZero("the learning rate", rate);
    return this;
  }

  /** Sets the number of examples of a step; 256 by default. */
  public TipAdapterTraining optBatchSize(int size) {
    batchSize = Limits.atLeast("the batch size", 1, size);
    return this;
  }

  /** Sets the seed of the order of the examples; 0 by default. */
  public TipAdapterTraining optSeed(long seed) {
    this.seed = seed;
    return this;
  }

  /** Sets the device on which it is trained; the CPU by default. */
  public TipAdapterTraining optDevice(Device device) {
    this.device = Objects.requireNonNull(device, "device");
    return this;
  }

  /**
   * Trains, with the adapter's own alpha and beta.
   *
   * @param features the cached examples' embeddings, as {@link TipAdapter#of} took them
   * @return a new adapter; the given one is unchanged
   */
  public TipAdapter train(TipAdapter adapter, float[][] features) {
    float[][] start = adapter.keys();
    if (features.length != start.length || features[0].length != start[0].length) {
      throw new IllegalArgumentException(
          "the adapter caches "
              + start.length
              + " embeddings of "
              + start[0].length
              + " values, found "
              + features.length
              + " examples; train it on the examples that it was made of");
    }
    int[] labels = adapter.labels();
    try (NDManager manager = Libtorch.newManager(device)) {
      TorchScript kernels = TorchScript.compile(manager, SOURCE);
      Shape shape = new Shape(start.length, start[0].length);
      NDArray x = HostMemory.upload(manager, TipAdapter.unit(features));
      NDArray truth =
          HostMemory.upload(
              manager, new Shape(labels.length, 1), Arrays.stream(labels).asLongStream().toArray());
      NDArray words = HostMemory.upload(manager, adapter.words());
      float[][] oneHot = new float[labels.length][adapter.words().length];
      for (int i = 0; i < labels.length; i++) {
        oneHot[i][labels[i]] = 1;
      }
      NDArray values = HostMemory.upload(manager, oneHot);
      NDArray keys = HostMemory.upload(manager, start);
      NDList first = new NDList(manager.zeros(shape));
      NDList second = new NDList(manager.zeros(shape));
      NDList steps = new NDList(manager.zeros(new Shape()));
      int batches = (labels.length + batchSize - 1) / batchSize;
      int done = 0;
      for (int epoch = 0; epoch < epochs; epoch++) {
        int[] order = new SeededRandom(ORDER, seed, epoch).permutation(labels.length);
        for (int b = 0; b < batches; b++, done++) {
          long[] rows =
              Arrays.stream(order, b * batchSize, Math.min(labels.length, (b + 1) * batchSize))
                  .asLongStream()
                  .toArray();
          double cosine = (1 + Math.cos(Math.PI * done / (epochs * (double) batches))) / 2;
          try (NDArray batch = HostMemory.upload(manager, new Shape(rows.length), rows)) {
            kernels.update(
                "step",
                x,
                truth,
                batch,
                words,
                values,
                new NDList(keys),
                first,
                second,
                steps,
                adapter.logitScale(),
                adapter.alpha(),
                adapter.beta(),
                learningRate * cosine);
          }
        }
      }
      return adapter.withKeys(HostMemory.rows(keys));
    }
  }
}
