package org.clip4j.model;

import ai.djl.ndarray.NDManager;
import java.util.List;
import org.clip4j.engine.Precision;
import org.clip4j.engine.internal.ConvolutionKernels;
import org.clip4j.engine.internal.DepthwiseKernels;

/**
 * The convolutions that a tower's kernels compute by {@code self.conv2d} and {@code
 * self.depthwise}.
 *
 * @param dense those of 3 x 3 and stride 1, see {@link ConvolutionKernels}
 * @param depthwise those of each channel alone, see {@link DepthwiseKernels}
 */
record Convolutions(List<ConvolutionKernels.Shape> dense, List<DepthwiseKernels.Shape> depthwise) {
  static final Convolutions NONE = new Convolutions(List.of(), List.of());

  /** Defines the two functions where they are called, of kernels that are proved. */
  String source(Precision precision, NDManager manager, boolean trained) {
    return (dense.isEmpty()
            ? ""
            : ConvolutionKernels.source(precision, manager.getDevice(), dense, trained))
        + (depthwise.isEmpty()
            ? ""
            : DepthwiseKernels.source(precision, manager.getDevice(), depthwise, trained));
  }
}
