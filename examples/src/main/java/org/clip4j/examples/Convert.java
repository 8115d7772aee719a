package org.clip4j.examples;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import org.clip4j.ClipLoader;
import org.clip4j.examples.app.Parity;
import org.clip4j.examples.options.Models;
import org.clip4j.text.Tokenizer;
import org.clip4j.weights.Checkpoint;
import org.clip4j.weights.CheckpointWriter;
import org.clip4j.weights.Layout;
import org.clip4j.weights.tensors.TensorType;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Converts a model between publishers' layouts and checks that it stayed the same. */
@Command(
    name = "Convert",
    mixinStandardHelpOptions = true,
    description = {
      "Writes a model as a folder in transformers' or OpenCLIP's layout, which Python reads, too,",
      "then loads what was written and compares every tensor, and the embeddings of a probe batch."
    })
final class Convert implements Callable<Integer> {
  /** Types of stored weights, by the names that people use. */
  enum Dtype {
    FP32(TensorType.F32),
    FP16(TensorType.F16),
    BF16(TensorType.BF16);

    final TensorType type;

    Dtype(TensorType type) {
      this.type = type;
    }
  }

  @Option(names = "--from", required = true, paramLabel = "MODEL", description = Models.NAME)
  private String from;

  @Option(
      names = "--architecture",
      paramLabel = "NAME",
      description = "For weights without a configuration: the architecture, as OpenCLIP names it.")
  private String architecture;

  @Option(names = "--text-model", paramLabel = "MODEL", description = Models.TEXTS)
  private String textModel;

  @Option(
      names = "--adapter",
      paramLabel = "DIR",
      description =
          "A low-rank adapter (LoRA) of the model that is added to the weights, as Train --lora and Python's peft leave it; several times.")
  private List<Path> adapters;

  @Option(
      names = "--to",
      required = true,
      paramLabel = "DIR",
      description = "The folder to write; what it holds is replaced when all is written.")
  private Path to;

  @Option(names = "--format", required = true, description = "${COMPLETION-CANDIDATES}.")
  private Layout format;

  @Option(names = "--dtype", defaultValue = "fp32", description = "${COMPLETION-CANDIDATES}.")
  private Dtype dtype;

  public static void main(String... args) {
    System.exit(Examples.run(new Convert(), args));
  }

  @Override
  public Integer call() throws IOException {
    ClipLoader loader = Models.loader(from).optTextModel(textModel);
    if (architecture != null) {
      loader.optArchitecture(architecture);
    }
    if (adapters != null) {
      adapters.forEach(loader::optAdapter);
    }
    try (Checkpoint source = loader.openCheckpoint();
        Tokenizer tokenizer = source.tokenizer().orElse(null)) {
      CheckpointWriter.of(source.config(), source.transform(), source.parameters())
          .optType(dtype.type)
          .optTokenizer(tokenizer)
          .optMadeFrom(source.origins())
          .write(to, format);
      try (Checkpoint written = Checkpoint.open(to.resolve(format.weightsFile()))) {
        Parity parity = Parity.of(source, written);
        System.out.println(parity);
        if (dtype == Dtype.FP32 && !parity.isExact()) {
          throw new IllegalStateException(
              "the written model is not the one that was read; please report this");
        }
      }
    }
    System.out.println("The model is in " + to);
    return 0;
  }
}
