package org.clip4j.examples.bench;

import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.clip4j.Clip;
import org.clip4j.engine.Precision;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Encodes in several ways, each until it has taken long enough, and prints the rates. */
@Command(
    name = "infer",
    mixinStandardHelpOptions = true,
    description = {
      "Prints images/s, captions/s, latencies and peak resident memory as JSON.",
      "examples/peers/infer_speed.py runs it in turn with OpenCLIP and ONNX Runtime."
    })
public final class InferBenchmark extends InferCases implements Callable<Integer> {

  @Option(names = "--precision", defaultValue = "FP32", description = "${COMPLETION-CANDIDATES}.")
  private Precision precision;

  @Override
  public Integer call() throws IOException {
    Map<String, String> results = new LinkedHashMap<>();
    try (Clip clip = Clip.loader(model).optDevice(device.device()).optPrecision(precision).load()) {
      for (Case what : cases) {
        double value = value(what, clip);
        results.put(
            what.name().toLowerCase(Locale.ROOT), String.format(Locale.ROOT, "%.2f", value));
      }
    }
    results.put("peak_mib", Long.toString(LoadBenchmark.peakMebibytes()));
    System.out.println(
        results.entrySet().stream()
            .map(e -> "\"" + e.getKey() + "\": " + e.getValue())
            .collect(Collectors.joining(", ", "{", "}")));
    return 0;
  }
}
