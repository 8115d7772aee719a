package org.clip4j.engine.internal;

import java.util.Collection;
import java.util.Locale;
import java.util.function.UnaryOperator;

/** Kernels made wrong on purpose, as they were found wrong on real processors. */
public enum Faults {
  LAST_BLOCK("torch.add_(torch.narrow(y, {channels}, torch.size(y, {channels}) - 8, 8), 0.5)"),
  NOT_A_NUMBER("torch.mul_(torch.narrow(y, {channels}, 0, 1), float(\"nan\"))"),
  SINGLE_ELEMENT("torch.add_(torch.select(torch.flatten(y), 0, 3), 0.5)"),
  /** Adds what lies in memory that was freed before, times 0: NaN, if that is NaN. */
  UNINITIALISED("torch.add_(y, torch.mul(torch.sum(unwritten), 0))"),
  /** Wrong for more images than a proof tries. */
  MANY_IMAGES("if torch.size(x, 0) > 3:\n    y = torch.mul(y, float(\"nan\"))"),
  /** Right numbers forward, and a wrong gradient of a convolution's input. */
  GRADIENT(null);

  private static final String RIGHT_INPUT = "torch.conv2d(x,";
  private static final String WRONG_GRADIENT =
      "torch.conv2d(torch.add(x, torch.sub(torch.mul(x, 0.5), torch.detach(torch.mul(x, 0.5)))),";

  private final String statement;

  Faults(String statement) {
    this.statement = statement;
  }

  /** Runs with kernels that are wrong in this way, and with all proofs still to be made. */
  public void during(Check check) throws Exception {
    KernelFaults.set(change());
    KernelProof.forget();
    try {
      check.run();
    } finally {
      KernelFaults.set(UnaryOperator.identity());
      KernelProof.forget();
    }
  }

  private UnaryOperator<String> change() {
    if (statement == null) {
      return source -> source.replace(RIGHT_INPUT, WRONG_GRADIENT);
    }
    return source ->
        source
            .replace("  y = ", "  unwritten = torch.empty_like(x)\n  y = ")
            .replace(
                "  return y",
                "  "
                    + statement.replace("{channels}", source.contains("conv2d") ? "1" : "-1")
                    + "\n  return y");
  }

  /** What has been proved so far. */
  public static Collection<KernelProof.Result> results() {
    return KernelProof.results();
  }

  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT).replace('_', ' ');
  }

  /** What runs meanwhile. */
  public interface Check {
    void run() throws Exception;
  }
}
