package org.clip4j.examples.app.average;

import java.io.IOException;
import java.nio.file.Path;
import org.clip4j.weights.Layout;
import org.clip4j.weights.WeightAverage;
import org.clip4j.weights.tensors.TensorType;
import picocli.CommandLine.Option;

/** Options that say where the averaged model goes. */
final class WrittenModel {
  /** Types of stored weights, by the names that people use. */
  enum Dtype {
    FP32(TensorType.F32),
    FP16(TensorType.F16),
    BF16(TensorType.BF16);

    private final TensorType type;

    Dtype(TensorType type) {
      this.type = type;
    }
  }

  @Option(
      names = "--out",
      required = true,
      paramLabel = "DIR",
      description = "The folder to write; what it holds is replaced when all is written.")
  Path out;

  @Option(
      names = "--format",
      defaultValue = "openclip",
      description = "The layout, ${COMPLETION-CANDIDATES}.")
  private Layout format;

  @Option(names = "--dtype", defaultValue = "fp32", description = "${COMPLETION-CANDIDATES}.")
  private Dtype dtype;

  /** Writes it and says where. */
  void write(WeightAverage average) throws IOException {
    average.write(out, format, dtype.type);
    System.out.println("The model is in " + out);
  }
}
