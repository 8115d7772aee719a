package org.clip4j;

import ai.djl.Device;
import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.clip4j.engine.internal.Environment;
import org.clip4j.engine.internal.KernelProof;
import org.clip4j.engine.internal.Libtorch;
import org.clip4j.engine.internal.NativeLibraries;
import org.clip4j.engine.internal.Processor;
import org.clip4j.image.ImageDecoder;
import org.clip4j.io.IoErrors;
import org.clip4j.model.KernelSurvey;

/**
 * Says what a report of a fault needs to know of a machine: versions, processor, native libraries,
 * memory, devices, and for each native kernel whether it was proved here and what is used instead.
 *
 * @param facts by their names, in the order in which they are shown
 * @param proofs of the kernels of published models' shapes, and of those that this process used
 * @param problems what is missing or wrong, a sentence each; empty if all is well
 */
public record SystemReport(
    Map<String, String> facts, List<KernelProof.Result> proofs, List<String> problems) {

  /** Variables and properties that change what is computed, or how fast. */
  private static final List<String> VARIABLES =
      List.of(
          "ONEDNN_MAX_CPU_ISA",
          "ATEN_CPU_CAPABILITY",
          "OMP_NUM_THREADS",
          "MKL_NUM_THREADS",
          "OMP_WAIT_POLICY",
          "GOMP_SPINCOUNT",
          "MKL_DEBUG_CPU_TYPE",
          "PYTORCH_LIBRARY_PATH",
          "PYTORCH_VERSION",
          "PYTORCH_FLAVOR",
          "CUDA_VISIBLE_DEVICES");

  /** Copies its arguments. */
  public SystemReport {
    facts = Collections.unmodifiableMap(new LinkedHashMap<>(facts));
    proofs = List.copyOf(proofs);
    problems = List.copyOf(problems);
  }

  /**
   * Looks at the machine and proves the kernels, which takes some seconds. Never throws: what
   * cannot be had becomes a problem.
   */
  public static SystemReport create() {
    Map<String, String> facts = new LinkedHashMap<>();
    List<String> problems = new ArrayList<>();
    machine(facts);
    try {
      engine(facts);
      KernelSurvey.run();
    } catch (RuntimeException | LinkageError e) {
      problems.add("PyTorch's native library cannot be used: " + IoErrors.message(e));
    }
    facts.put(
        "TurboJPEG",
        ImageDecoder.hasTurboJpeg() ? "found" : "not found; the JDK decodes JPEG files");
    return new SystemReport(facts, List.copyOf(KernelProof.results()), problems);
  }

  private static void machine(Map<String, String> facts) {
    OperatingSystemMXBean system =
        (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    facts.put(
        "Java",
        System.getProperty("java.version")
            + " ("
            + System.getProperty("java.vendor")
            + "), "
            + System.getProperty("java.home"));
    facts.put(
        "system",
        Stream.of("os.name", "os.version", "os.arch").map(System::getProperty).toList().toString());
    facts.put("processor", Processor.name());
    facts.put("instruction sets", String.join(" ", Processor.instructionSets()));
    facts.put(
        "processors for this JVM", String.valueOf(Runtime.getRuntime().availableProcessors()));
    facts.put(
        "memory",
        mebibytes(system.getTotalMemorySize()) + ", free " + mebibytes(system.getFreeMemorySize()));
    facts.put("heap at most", mebibytes(Runtime.getRuntime().maxMemory()));
    Map<String, String> set = new TreeMap<>(System.getenv());
    set.keySet().retainAll(VARIABLES);
    facts.put("variables", set.isEmpty() ? "none that matter" : set.toString());
  }

  private static void engine(Map<String, String> facts) {
    facts.putAll(Environment.describe(Device.cpu()));
    NativeLibraries.torch().ifPresent(path -> facts.put("libtorch", path.toString()));
    Optional<String> configuration = NativeLibraries.configuration();
    facts.put("oneDNN", line(configuration, "MKL-DNN").orElse("unknown"));
    line(configuration, "CPU capability")
        .ifPresent(line -> facts.put("PyTorch's arithmetic", line));
    int gpus = Libtorch.engine().getGpuCount();
    facts.put("CUDA devices", gpus == 0 ? "none" : String.valueOf(gpus));
  }

  /** The part of PyTorch's description that speaks of something. */
  private static Optional<String> line(Optional<String> text, String of) {
    return text.stream()
        .flatMap(String::lines)
        .filter(line -> line.contains(of))
        .map(line -> line.replaceFirst("^\\s*-\\s*", "").strip())
        .findFirst();
  }

  private static String mebibytes(long bytes) {
    return (bytes >> 20) + " MiB";
  }

  /** Returns whether nothing that is needed is missing or wrong. */
  public boolean isSound() {
    return problems.isEmpty();
  }

  /** Writes it all down, for a person to read and to put into a report. */
  public String text() {
    StringBuilder text = new StringBuilder();
    facts.forEach((name, value) -> line(text, "%-24s %s", name, value));
    long refuted = proofs.stream().filter(proof -> !proof.holds()).count();
    line(text, "%nNative kernels: %d proved, %d refuted", proofs.size() - refuted, refuted);
    for (KernelProof.Result proof : proofs) {
      line(
          text,
          "  %s %s, %s: off by %.2g, allowed %.2g%s",
          proof.holds() ? "right" : "WRONG",
          proof.kernel(),
          proof.shape(),
          proof.difference(),
          proof.tolerance(),
          proof.holds() ? "" : "; used instead: " + proof.instead());
    }
    if (isSound()) {
      String unused = refuted == 0 ? "" : " What is wrong above is not used.";
      line(text, "%nNothing that is needed is missing or wrong.%s", unused);
    } else {
      line(text, "%nProblems:");
      problems.forEach(problem -> line(text, "  %s", problem));
    }
    return text.toString();
  }

  private static void line(StringBuilder text, String format, Object... values) {
    text.append(String.format(Locale.ROOT, format + "%n", values));
  }
}
