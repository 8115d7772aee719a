package org.clip4j.examples;

import org.clip4j.ClipLoader;
import picocli.CommandLine.Option;

/** Options of the examples that use a model. */
final class ModelOptions extends DeviceOptions {
  @Option(names = "--model", required = true, paramLabel = "MODEL", description = Examples.MODEL)
  private String model;

  String name() {
    return model;
  }

  ClipLoader loader() {
    return loader(model);
  }
}
