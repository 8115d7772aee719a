package org.clip4j.examples;

import org.clip4j.ClipLoader;
import org.clip4j.engine.Precision;
import picocli.CommandLine.Option;

/** Where and how models compute. */
class DeviceOptions extends DeviceOption {
  @Option(
      names = "--precision",
      defaultValue = "FP32",
      description = "What products are computed in: ${COMPLETION-CANDIDATES}.")
  private Precision precision;

  final Precision precision() {
    return precision;
  }

  final ClipLoader loader(String model) {
    return Examples.loader(model).optDevice(device()).optPrecision(precision);
  }
}
