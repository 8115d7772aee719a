package org.clip4j.examples.app.tune;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The most memory that this process has held, as Linux counts it; unknown elsewhere. */
final class PeakMemory {
  private static final Path STATUS = Path.of("/proc/self/status");
  private static final Path RESET = Path.of("/proc/self/clear_refs");

  private PeakMemory() {}

  /** Counts from now on, where the system lets a process do so. */
  static void reset() {
    System.gc(); // what is not used any more is not the next one's
    try {
      Files.writeString(RESET, "5");
    } catch (IOException e) {
      // then the peak is that since the process began
    }
  }

  /** Bytes; NaN where the system does not tell. */
  static double bytes() {
    try {
      return Files.readAllLines(STATUS).stream()
          .filter(line -> line.startsWith("VmHWM:"))
          .mapToDouble(line -> 1024.0 * Long.parseLong(line.replaceAll("\\D", "")))
          .findFirst()
          .orElse(Double.NaN);
    } catch (IOException e) {
      return Double.NaN;
    }
  }
}
