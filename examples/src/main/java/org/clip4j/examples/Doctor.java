package org.clip4j.examples;

import java.util.concurrent.Callable;
import org.clip4j.SystemReport;
import picocli.CommandLine.Command;

/** Prints what a report of a fault needs to say of this machine, and proves its native kernels. */
@Command(
    name = "Doctor",
    mixinStandardHelpOptions = true,
    description = {
      "Prints versions, processor, native libraries, memory and devices, and whether each native",
      "kernel computes right numbers on this processor. Exits with 1 if something that is needed",
      "is missing or wrong."
    })
public final class Doctor implements Callable<Integer> {
  /** Runs the example. */
  public static void main(String[] args) {
    System.exit(Examples.run(new Doctor(), args));
  }

  @Override
  public Integer call() {
    SystemReport report = SystemReport.create();
    System.out.print(report.text());
    return report.isSound() ? 0 : 1;
  }
}
