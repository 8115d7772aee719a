package org.clip4j.examples;

import picocli.CommandLine.Option;

/** Options that say which published model executors load, and from where. */
public final class SparkModel {
  @Option(
      names = "--model",
      defaultValue = "laion/CLIP-ViT-B-32-256x256-DataComp-s34B-b86K",
      paramLabel = "MODEL",
      description = "A name on the hub, or a path that every executor can read.")
  String name;

  @Option(
      names = "--ship",
      description = "The model's files go from here to the executors, once to each.")
  boolean ship;
}
