package org.clip4j.examples;

import ai.djl.Device;
import org.clip4j.ClipLoader;
import org.clip4j.engine.Precision;
import picocli.CommandLine.Option;

/** Options of the examples that use a model. */
final class ModelOptions {
  @Option(names = "--model", required = true, paramLabel = "MODEL", description = Examples.MODEL)
  private String model;

  @Option(names = "--device", defaultValue = "cpu", description = "cpu, gpu0, gpu1, …")
  private String device;

  @Option(
      names = "--precision",
      defaultValue = "FP32",
      description = "What products are computed in: ${COMPLETION-CANDIDATES}.")
  private Precision precision;

  String name() {
    return model;
  }

  Precision precision() {
    return precision;
  }

  ClipLoader loader() {
    return Examples.loader(model).optDevice(Device.fromName(device)).optPrecision(precision);
  }
}
