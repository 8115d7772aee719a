package org.clip4j.train.internal.step;

import ai.djl.Device;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;
import org.clip4j.engine.internal.TorchScript;
import org.clip4j.io.DaemonThreads;
import org.clip4j.io.IoErrors;
import org.clip4j.model.ClipModel;
import org.clip4j.model.ParameterSpec;

/**
 * A model on several devices: the model itself on the first, copies on the others. A step sends
 * gradients through all of them at once, each on a thread of its own; they are summed on the first,
 * which is updated and copied to the others.
 *
 * <p>Running statistics of batch norms are those of the first device, as in PyTorch's
 * DistributedDataParallel.
 */
final class Replicas implements AutoCloseable {
  private static final String SOURCE =
      """
      def add(self, to: List[Tensor], source: List[Tensor]) -> float:
        for i in range(torch.len(source)):
          torch.add_(to[i], torch.to(source[i], ops.prim.device(to[i]), 6))
        return 0.
      """;

  /** The function {@code copy}, between devices too. */
  static final String COPY =
      """

      def copy(self, to: List[Tensor], source: List[Tensor]) -> float:
        for i in range(torch.len(to)):
          torch.copy_(to[i], source[i])
        return 0.
      """;

  private final TorchScript kernels;
  private final List<ClipModel> models = new ArrayList<>();
  private final List<NDList> parameters = new ArrayList<>();
  private final ExecutorService threads;

  /**
   * Copies a model.
   *
   * @param manager owns the kernels
   * @param model on the first device; stays the caller's
   * @param devices of the copies, besides the model's own; may name a device more than once
   */
  Replicas(NDManager manager, ClipModel model, List<Device> devices) {
    kernels = TorchScript.compile(manager, SOURCE + COPY);
    add(model);
    threads =
        devices.isEmpty()
            ? null
            : Executors.newFixedThreadPool(devices.size(), DaemonThreads.named("clip4j-device"));
    try {
      for (Device device : devices) {
        ClipModel copy = ClipModel.load(model.config(), model.values(), device);
        model.adapters().attached().ifPresent(copy.adapters()::attach);
        add(copy);
        copy.setTrainable(spec -> model.parameters().get(spec.name()).hasGradient());
      }
    } catch (RuntimeException | Error e) {
      close();
      throw e;
    }
  }

  private void add(ClipModel model) {
    models.add(model);
    NDList own = new NDList();
    for (ParameterSpec spec : model.specs()) {
      own.add(model.parameters().get(spec.name()));
    }
    parameters.add(own);
  }

  /** The model and its copies. */
  List<ClipModel> models() {
    return models;
  }

  /** Does something for each model at once, for the first on the calling thread. */
  void forEach(IntConsumer task) {
    CompletableFuture<?>[] others =
        IntStream.range(1, models.size())
            .mapToObj(i -> CompletableFuture.runAsync(() -> task.accept(i), threads))
            .toArray(CompletableFuture[]::new);
    CompletableFuture<Void> end = CompletableFuture.allOf(others);
    try {
      task.accept(0);
    } finally {
      end.exceptionally(e -> null).join(); // none may still use its arrays when this returns
    }
    try {
      end.join();
    } catch (CompletionException e) {
      throw new IllegalStateException(
          "a device failed: " + IoErrors.message(e.getCause()), e.getCause());
    }
  }

  /** Adds the gradients of a copy to those of the first model, in place. */
  void add(NDList first, NDList copy) {
    kernels.update("add", first, copy);
  }

  /** Gives the copies the values of the first model. */
  void copyFromFirst() {
    for (NDList copy : parameters.subList(1, parameters.size())) {
      kernels.update("copy", copy, parameters.get(0));
    }
  }

  @Override
  public void close() {
    if (threads != null) {
      threads.shutdown();
    }
    models.subList(1, models.size()).forEach(ClipModel::close);
  }
}
