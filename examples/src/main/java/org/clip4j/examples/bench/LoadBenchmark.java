package org.clip4j.examples.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.clip4j.Clip;
import org.clip4j.ClipLoader;
import org.clip4j.examples.options.DeviceOption;
import org.clip4j.image.ImageTransform;
import org.clip4j.model.ClipConfig;
import org.clip4j.model.ClipModel;
import org.clip4j.weights.Checkpoint;
import org.clip4j.weights.CheckpointWriter;
import org.clip4j.weights.Layout;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Loads a checkpoint once in this process, as an application does, and prints what it took. */
@Command(
    name = "load",
    mixinStandardHelpOptions = true,
    description = {
      "Loads a checkpoint and prints seconds and peak resident memory as JSON.",
      "examples/peers/load_speed.py runs it in turn with OpenCLIP."
    })
public final class LoadBenchmark implements Callable<Integer> {
  @Option(names = "--model", required = true, description = "A folder or a weights file.")
  private Path model;

  @Mixin private DeviceOption device;

  @Option(
      names = "--make",
      paramLabel = "ARCHITECTURE",
      description = "First writes the folder: that architecture with random weights, fp32.")
  private String make;

  @Option(
      names = "--unprepared",
      description =
          "Load for weights as they are: no kernel is proved meanwhile, which tells what that costs.")
  private boolean unprepared;

  @Override
  public Integer call() throws IOException {
    if (make != null) {
      ClipConfig config = ClipConfig.named(make);
      int size = config.vision().imageHeight();
      try (ClipModel random = ClipModel.create(config, 0)) {
        CheckpointWriter.of(config, ImageTransform.openai(size, size), random.values())
            .write(model, Layout.OPENCLIP);
      }
      return 0;
    }
    ClipLoader loader = Clip.loader(model).optDevice(device.device()).optPrepared(!unprepared);
    Path weights;
    try (Checkpoint checkpoint = loader.openCheckpoint()) {
      weights = checkpoint.weights();
    }
    long start = System.nanoTime();
    try (Clip clip = loader.load()) {
      System.out.printf(
          Locale.ROOT,
          "{\"parameters\": %d, \"file_mib\": %d, \"seconds\": %.3f, \"peak_mib\": %d}%n",
          clip.model().parameterCount(),
          Files.size(weights) >> 20,
          (System.nanoTime() - start) / 1e9,
          peakMebibytes());
    }
    return 0;
  }

  /** The most resident memory that this process had, as Linux counts it. */
  static long peakMebibytes() throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
      if (line.startsWith("VmHWM:")) {
        return Long.parseLong(line.replaceAll("\\D+", "")) >> 10;
      }
    }
    return -1;
  }
}
