package org.clip4j.examples;

import java.util.concurrent.Callable;
import org.clip4j.examples.app.average.AverageBetween;
import org.clip4j.examples.app.average.AverageSoup;
import org.clip4j.examples.app.average.AverageSweep;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Averages the weights of models of one architecture: WiSE-FT and model soups. */
@Command(
    name = "Average",
    mixinStandardHelpOptions = true,
    description =
        "Averages the weights of models of one architecture, tensor by tensor: between a model and its fine-tuned self (WiSE-FT), with"
            + " a sweep that shows accuracy and what is forgotten, or of several runs (model soups).",
    subcommands = {AverageBetween.class, AverageSweep.class, AverageSoup.class})
public final class Average implements Callable<Integer> {
  @Spec private CommandSpec spec;

  public static void main(String... args) {
    System.exit(Examples.run(new Average(), args));
  }

  @Override
  public Integer call() {
    throw new CommandLine.ParameterException(
        spec.commandLine(), "Say what to average: between, sweep or soup");
  }
}
