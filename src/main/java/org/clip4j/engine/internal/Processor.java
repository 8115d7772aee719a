package org.clip4j.engine.internal;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Names the processor that this process runs on, for messages and reports of faults. */
public final class Processor {
  /** Instruction sets that decide which kernels are used, by their names in Linux. */
  private static final List<String> TELLING =
      List.of(
          "sse4_1",
          "avx",
          "avx2",
          "fma",
          "f16c",
          "avx512f",
          "avx512bw",
          "avx512vl",
          "avx512_vnni",
          "avx512_bf16",
          "avx512_fp16",
          "avx_vnni",
          "amx_tile",
          "amx_bf16",
          "amx_int8",
          "asimd",
          "sve",
          "bf16",
          "i8mm");

  private Processor() {}

  /** Names the model, with family, model and stepping numbers where the system tells them. */
  public static String name() {
    Map<String, String> facts = facts();
    String model = facts.get("model name");
    if (model == null) {
      String windows = System.getenv("PROCESSOR_IDENTIFIER");
      return windows != null ? windows : System.getProperty("os.arch");
    }
    String numbers =
        Stream.of("family", "model", "stepping")
            .map(key -> key.equals("family") ? "cpu family" : key)
            .filter(facts::containsKey)
            .map(key -> key.replace("cpu ", "") + " " + facts.get(key))
            .collect(Collectors.joining(", "));
    return numbers.isEmpty() ? model : model + " (" + numbers + ")";
  }

  /** Lists the instruction sets that decide which kernels are used; empty where not told. */
  public static List<String> instructionSets() {
    Map<String, String> facts = facts();
    List<String> flags =
        List.of(facts.getOrDefault("flags", facts.getOrDefault("features", "")).split(" "));
    return TELLING.stream().filter(flags::contains).toList();
  }

  /**
   * Whether it multiplies 8-bit integers faster than floats; empty where the system does not tell.
   */
  public static Optional<Boolean> multipliesBytes() {
    List<String> sets = instructionSets();
    return sets.isEmpty()
        ? Optional.empty()
        : Optional.of(
            Stream.of("avx512_vnni", "avx_vnni", "amx_int8", "i8mm").anyMatch(sets::contains));
  }

  /** What Linux says of the first processor. */
  private static Map<String, String> facts() {
    Map<String, String> facts = new TreeMap<>();
    try {
      for (String line : Files.readAllLines(Path.of("/proc/cpuinfo"))) {
        int colon = line.indexOf(':');
        if (colon > 0) {
          facts.putIfAbsent(
              line.substring(0, colon).strip().toLowerCase(Locale.ROOT),
              line.substring(colon + 1).strip());
        }
      }
    } catch (IOException e) {
      // Not Linux: the caller falls back on what Java knows.
    }
    return facts;
  }
}
