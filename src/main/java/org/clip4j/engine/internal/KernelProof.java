package org.clip4j.engine.internal;

import ai.djl.Device;
import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.DoubleSupplier;
import java.util.function.Function;
import org.clip4j.engine.internal.TorchScript.Mode;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Proves native kernels on the processor that they run on, before their numbers are used.
 *
 * <p>oneDNN writes a kernel for the processor and the shape at hand. On processors that its authors
 * did not have, some of these kernels were wrong, without a word (docs/fidelity.md). So each kernel
 * and shape in use is compared once per process with plain arithmetic of the same operands, where
 * freed memory holds NaN, on all threads and on one; what differs is not used.
 */
public final class KernelProof {
  private static final Logger LOG = LoggerFactory.getLogger(KernelProof.class);

  /**
   * What a comparison found.
   *
   * @param kernel what was tried
   * @param shape the operands' sizes
   * @param difference the largest between the kernel and plain arithmetic; NaN if any value is
   * @param tolerance up to which it is rounding
   * @param instead what is used in its place, where it is wrong
   */
  public record Result(
      String kernel, String shape, double difference, double tolerance, String instead) {

    /** Whether the kernel is right. */
    public boolean holds() {
      return difference <= tolerance; // false for NaN
    }
  }

  /**
   * Functions over which the proofs' operands are made and compared.
   *
   * <p>Operands are small integers times a power of two, so that every product and sum is exact in
   * float32 whatever the order, and a difference is a fault and not rounding. Memory is poisoned
   * twice, since only what was freed once before is kept by the allocator and handed out again; of
   * small pieces there are several, so that some are left for every use. Some are a little larger,
   * since the allocator looks for more than it hands out where memory is to be aligned; it keeps
   * seven tiny pieces of each 16 bytes more aside, which aligned memory is not taken from.
   */
  static final String SOURCE =
      """

      def integers(self, rows: int, columns: int, period: int, scale: float) -> Tensor:
        i = torch.arange(period, dtype=4, layout=None, device=None, pin_memory=False)
        i = torch.remainder(torch.mul(torch.mul(i, i), 31), period)
        x = torch.mul(torch.sub(torch.to(torch.remainder(i, 7), 6), 3.), scale)
        n = rows * columns
        return torch.reshape(torch.slice(torch.repeat(x, [n // period + 1]), 0, 0, n), [rows, columns])

      def poison(self, sizes: List[int]) -> None:
        for i in range(2):
          held = annotate(List[Tensor], [])
          for size in sizes:
            tiny = size < 512
            for more in range(13 if tiny else 3):
              for copy in range(10 if tiny else 1 + {few} // (3 * (size + {few} // 8))):
                held = torch.append(held, torch.full([size + more * (4 if tiny else 24)], {nan}))

      def difference(self, found: Tensor, right: Tensor) -> Tensor:
        d = torch.sub(torch.to(found, 6), right)
        d = torch.div(torch.abs_(d), torch.add(torch.abs(right), 1.))
        return torch.max(d)
      """
          .replace("{few}", "1000000")
          .replace("{nan}", "float(\"nan\")");

  private static final Map<String, Result> RESULTS = new ConcurrentHashMap<>();

  private KernelProof() {}

  /** Lists what has been proved or refuted in this process so far, by kernel and shape. */
  public static List<Result> results() {
    return List.copyOf(new TreeMap<>(RESULTS).values());
  }

  /**
   * Tells whether a kernel computes right numbers for a shape; compares where that was not asked
   * before in this process, and warns if it does not. Who asks while another compares waits.
   *
   * @param instead what is used in its place, for the warning
   * @param comparison makes operands, which belong to the given manager, and gives what computes
   *     the kernel and plain arithmetic of them, and tells the largest difference
   */
  static boolean holds(
      String kernel,
      String shape,
      double tolerance,
      String instead,
      Function<NDManager, DoubleSupplier> comparison) {
    return RESULTS
        .computeIfAbsent(
            kernel + ", " + shape,
            key -> {
              double found = worst(comparison);
              Result result = new Result(kernel, shape, found, tolerance, instead);
              if (!result.holds()) {
                LOG.warn(
                    "On this processor, {}, the native kernel {} is wrong for {} (off by {}); {} is used instead",
                    Processor.name(),
                    kernel,
                    shape,
                    found,
                    instead);
              }
              return result;
            })
        .holds();
  }

  /**
   * Compares a kernel and its gradients with plain arithmetic, by a function {@code proof} of one
   * number, 1.
   */
  static Function<NDManager, DoubleSupplier> recorded(String source) {
    return manager -> {
      TorchScript kernels = TorchScript.compile(manager, SOURCE + source);
      NDArray one = manager.create(1f);
      return () -> Autograd.record(() -> kernels.call(Mode.TRAINING, "proof", one)).getFloat();
    };
  }

  /**
   * Compares a kernel with plain arithmetic, by the functions {@code operands}, of the sizes and
   * the scale, and {@code proof}, of the sizes and the operands.
   *
   * @param recorded whether gradients are compared, too
   */
  static Function<NDManager, DoubleSupplier> ofOperands(
      String source, long[] sizes, float scale, boolean recorded) {
    return manager -> {
      TorchScript kernels = TorchScript.compile(manager, SOURCE + source);
      NDArray of = HostMemory.upload(manager, new Shape(sizes.length), sizes);
      NDArray scaled = manager.create(scale);
      NDList operands =
          Autograd.withGradMode(
              recorded, () -> kernels.callForAll(Mode.TRAINING, "operands", of, scaled));
      TorchScript.list(operands);
      return () ->
          Autograd.withGradMode(recorded, () -> kernels.call(Mode.TRAINING, "proof", of, operands))
              .getFloat();
    };
  }

  /** NaN if the kernel cannot be computed at all. */
  private static double worst(Function<NDManager, DoubleSupplier> comparison) {
    try (NDManager manager = Libtorch.newManager(Device.cpu())) {
      DoubleSupplier difference = comparison.apply(manager);
      double onAllThreads = difference.getAsDouble();
      return Math.max(onAllThreads, OpenMp.onOneThread(difference::getAsDouble)); // NaN, if one is
    } catch (EngineException e) {
      LOG.debug("A native kernel cannot be proved", e);
      return Double.NaN;
    }
  }

  /** Forgets every result, so that kernels made wrong on purpose are compared anew. */
  static void forget() {
    RESULTS.clear();
  }
}
