package org.clip4j.quantize;

/** Reports that a model of 8-bit integers differs too much from the one that it was made of. */
public final class QuantizationRefusedException extends IllegalStateException {
  private static final long serialVersionUID = 1;

  private final transient QuantizationReport report;

  QuantizationRefusedException(QuantizationReport report) {
    super(
        "nothing was written: "
            + String.join("; ", report.misses())
            + "; give more and more typical images and texts, or allow it");
    this.report = report;
  }

  /** Gives what was measured. */
  public QuantizationReport report() {
    return report;
  }
}
