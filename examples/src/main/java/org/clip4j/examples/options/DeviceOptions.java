package org.clip4j.examples.options;

import org.clip4j.ClipLoader;
import org.clip4j.engine.Precision;
import picocli.CommandLine.Option;

/** Where and how models compute. */
public class DeviceOptions extends DeviceOption {
  @Option(
      names = "--precision",
      defaultValue = "FP32",
      description = "What products are computed in: ${COMPLETION-CANDIDATES}.")
  private Precision precision;

  public final Precision precision() {
    return precision;
  }

  public final ClipLoader loader(String model) {
    return Models.loader(model).optDevice(device()).optPrecision(precision);
  }
}
