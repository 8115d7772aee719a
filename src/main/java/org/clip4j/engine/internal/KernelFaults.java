package org.clip4j.engine.internal;

import java.util.function.UnaryOperator;

/** Where tests make native kernels wrong on purpose, to show that their proofs notice. */
final class KernelFaults {
  private static volatile UnaryOperator<String> fault = UnaryOperator.identity();

  private KernelFaults() {}

  /** Gives the source of native kernels as it is; or as a test changed it. */
  static String in(String source) {
    return fault.apply(source);
  }

  /** Changes the sources that are compiled from now on. */
  static void set(UnaryOperator<String> change) {
    fault = change;
  }
}
