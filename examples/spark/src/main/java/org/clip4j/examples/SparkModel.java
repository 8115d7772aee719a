package org.clip4j.examples;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.clip4j.Clip;
import org.clip4j.model.ParameterSpec;
import org.clip4j.weights.Checkpoint;
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

  /** The name; of a path that this machine has too with its weights' checksum, as they change. */
  String fingerprint() throws IOException {
    if (!Files.exists(Path.of(name))) {
      return name;
    }
    try (Checkpoint checkpoint = Clip.loader(name).openCheckpoint()) {
      return name + " " + checkpoint.parameters().checksum(ParameterSpec.of(checkpoint.config()));
    }
  }
}
