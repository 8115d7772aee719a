package org.clip4j.examples;

import java.util.concurrent.Callable;
import org.clip4j.examples.app.evaluate.EvaluateOverlap;
import org.clip4j.examples.app.evaluate.EvaluateRetrieval;
import org.clip4j.examples.app.evaluate.EvaluateShapes;
import org.clip4j.examples.app.evaluate.EvaluateShift;
import org.clip4j.examples.app.evaluate.EvaluateUnknown;
import org.clip4j.examples.app.evaluate.EvaluateZeroShot;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Measures a model as the paper does, into a report to look at and a JSON file. */
@Command(
    name = "Evaluate",
    mixinStandardHelpOptions = true,
    description =
        "Measures a model: zero-shot classification, retrieval, distribution shift, overlap of data, and unknown classes. Writes report.html and"
            + " JSON with every number.",
    subcommands = {
      EvaluateZeroShot.class,
      EvaluateRetrieval.class,
      EvaluateShift.class,
      EvaluateOverlap.class,
      EvaluateUnknown.class,
      EvaluateShapes.class
    })
public final class Evaluate implements Callable<Integer> {
  @Spec private CommandSpec spec;

  public static void main(String... args) {
    System.exit(Examples.run(new Evaluate(), args));
  }

  @Override
  public Integer call() {
    throw new CommandLine.ParameterException(
        spec.commandLine(),
        "Say what to evaluate: zero-shot, retrieval, shift, overlap, unknown or shapes");
  }
}
