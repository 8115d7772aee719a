package org.clip4j.examples.options;

import org.clip4j.ClipLoader;
import picocli.CommandLine.Option;

/** Options of the examples that use a model. */
public final class ModelOptions extends DeviceOptions {
  @Option(names = "--model", required = true, paramLabel = "MODEL", description = Models.NAME)
  private String model;

  public String name() {
    return model;
  }

  public ClipLoader loader() {
    return loader(model);
  }
}
