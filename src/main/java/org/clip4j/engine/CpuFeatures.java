package org.clip4j.engine;

import ai.djl.Device;
import ai.djl.ndarray.NDManager;

/** What PyTorch's matrix products can use of this processor. */
final class CpuFeatures {
  private static final String SOURCE =
      """
      def low_precision(self) -> float:
        if {supported}:
          found = 1.
        else:
          found = 0.
        return found
      """;

  private CpuFeatures() {}

  /** Read once, when first asked for. */
  private static final class Found {
    static final boolean ONEDNN = supports("True or ops.mkldnn._is_mkldnn_bf16_supported()");
    static final boolean BF16 = supports("ops.mkldnn._is_mkldnn_bf16_supported()");
    static final boolean FP16 = supports("ops.mkldnn._is_mkldnn_fp16_supported()");
  }

  private static boolean supports(String condition) {
    try (NDManager manager = Libtorch.newManager(Device.cpu())) {
      return TorchScript.compile(manager, SOURCE.replace("{supported}", condition))
              .update("low_precision")
          == 1;
    } catch (IllegalArgumentException e) {
      return false; // PyTorch was built without oneDNN, as for Apple's processors
    }
  }

  /** Whether there are oneDNN's products of packed weights. */
  static boolean hasOneDnn() {
    return Found.ONEDNN;
  }

  /**
   * Whether there are vectors of 512 bits (or ARM's bfloat16), with which oneDNN's products beat
   * those of the linear algebra library for any number of rows.
   */
  static boolean hasWideVectors() {
    return Found.BF16;
  }

  /**
   * Whether products of a precision's type are faster than float32's, and not many times slower.
   */
  static boolean multiplies(Precision precision) {
    return switch (precision) {
      case FP32, TF32 -> true;
      case BF16 -> Found.BF16;
      case FP16 -> Found.FP16;
    };
  }
}
