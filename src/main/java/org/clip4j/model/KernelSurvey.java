package org.clip4j.model;

import ai.djl.Device;
import ai.djl.ndarray.NDManager;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.clip4j.engine.Precision;
import org.clip4j.engine.internal.KernelProof;
import org.clip4j.engine.internal.Libtorch;
import org.clip4j.engine.internal.LinearKernels;
import org.clip4j.engine.internal.PrecisionKernels;
import org.clip4j.engine.internal.QuantizedKernels;
import org.clip4j.io.DaemonThreads;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Proves the native kernels of a model's shapes without the model, see {@link KernelProof}. */
public final class KernelSurvey {
  /** With their widths, activations and convolutions, what published models are made of. */
  private static final List<String> TYPICAL =
      List.of("ViT-B-32-quickgelu", "RN50", "ViT-SO400M-14-SigLIP");

  /** Whose text encoders have the widths of most towers, 512 and 768. */
  private static final List<String> INTEGERS = List.of("ViT-B-32-quickgelu", "ViT-L-14-quickgelu");

  /** With channels that are padded; proved in float32 alone, since it takes as long as the rest. */
  private static final String PADDED = "RN50x4";

  private static final Logger LOG = LoggerFactory.getLogger(KernelSurvey.class);

  private KernelSurvey() {}

  /** Proves each kernel that this processor would use for typical models; takes some seconds. */
  public static void run() {
    prove(ClipConfig.named(PADDED), Precision.FP32, true);
    INTEGERS.forEach(name -> proveIntegers(ClipConfig.named(name)));
    for (Precision precision : List.of(Precision.FP32, Precision.BF16, Precision.FP16)) {
      if (PrecisionKernels.isNativeOn(precision, Device.cpu())) {
        for (String name : TYPICAL) {
          prove(ClipConfig.named(name), precision, true);
        }
      }
    }
  }

  /**
   * Starts to prove what a model will use, on a thread of its own, while its weights are read: the
   * model then finds the results, or waits for the one that it needs.
   *
   * @param integers whether its weights are 8-bit integers
   */
  public static void ahead(
      ClipConfig config, Device device, Precision precision, boolean integers) {
    if (!device.isGpu()) {
      Libtorch.engine(); // what is missing is said once, on the caller's thread
      Runnable proofs =
          integers ? () -> proveIntegers(config) : () -> prove(config, precision, false);
      DaemonThreads.named("clip4j-proofs").newThread(() -> proveAhead(proofs)).start();
    }
  }

  /** What fails here fails again, and is said, where the model asks for it. */
  private static void proveAhead(Runnable proofs) {
    try {
      proofs.run();
    } catch (RuntimeException | LinkageError e) {
      LOG.debug("Kernels could not be proved ahead", e);
    }
  }

  private static void prove(ClipConfig config, Precision precision, boolean trained) {
    try (NDManager manager = Libtorch.newManager(Device.cpu())) {
      ImageDeclaration.of(config).prove(manager, precision, trained);
      prove(manager, precision, TextDeclaration.of(config).kind());
    }
  }

  private static void proveIntegers(ClipConfig config) {
    try (NDManager manager = Libtorch.newManager(Device.cpu())) {
      List<BlockKind> kinds = new ArrayList<>(List.of(TextDeclaration.of(config).kind()));
      if (ImageDeclaration.of(config) instanceof PatchTower.Declaration tower) {
        kinds.add(tower.kind());
      }
      for (BlockKind kind : kinds) {
        QuantizedKernels.of(manager, kind.activation().inference, Map.of())
            .ifPresent(
                kernels ->
                    kind.parameters()
                        .prove((inputs, outputs, use) -> kernels.isPacked(inputs, outputs)));
      }
    }
  }

  static void prove(NDManager manager, Precision precision, BlockKind kind) {
    prove(manager, precision, kind.activation(), kind.parameters());
  }

  static void prove(
      NDManager manager, Precision precision, Activation activation, Parameters part) {
    LinearKernels.of(manager, precision, activation.inference)
        .ifPresent(kernels -> part.prove(kernels::isPacked));
  }
}
