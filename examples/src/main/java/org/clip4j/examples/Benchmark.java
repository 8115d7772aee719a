package org.clip4j.examples;

import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.clip4j.examples.bench.AllBenchmark;
import org.clip4j.examples.bench.InferBenchmark;
import org.clip4j.examples.bench.LoadBenchmark;
import org.clip4j.examples.bench.ProbeBenchmark;
import org.clip4j.examples.bench.RetrievalBenchmark;
import org.clip4j.examples.bench.SearchBenchmark;
import org.clip4j.examples.bench.TrainBenchmark;
import org.clip4j.examples.options.Range;
import org.openjdk.jmh.results.format.ResultFormatType;
import org.openjdk.jmh.runner.NoBenchmarksException;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Times single stages with JMH, and whole processes (loading, searching, training). */
@Command(
    name = "examples/run Benchmark",
    subcommands = {
      AllBenchmark.class,
      InferBenchmark.class,
      LoadBenchmark.class,
      ProbeBenchmark.class,
      RetrievalBenchmark.class,
      SearchBenchmark.class,
      TrainBenchmark.class
    },
    description = {
      "Runs JMH benchmarks, each in fresh JVMs, and prints their scores.",
      "Close other programs first: on a busy machine the numbers mean little."
    })
public final class Benchmark implements Callable<Integer> {

  @Parameters(
      arity = "0..1",
      paramLabel = "NAME",
      defaultValue = ".*",
      description = "Regular expression found in a benchmark's name, such as Tokenizer.")
  String name;

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "Show this help and exit.")
  boolean help;

  @Option(names = "--list", description = "Only list the names.")
  boolean list;

  @Option(names = "--forks", defaultValue = "2", description = "Fresh JVMs per benchmark.")
  @Range(min = 0)
  int forks;

  @Option(names = "--warmup", defaultValue = "3", description = "Warm-up iterations per JVM.")
  @Range(min = 0)
  int warmup;

  @Option(names = "--iterations", defaultValue = "5", description = "Measured iterations per JVM.")
  @Range(min = 1)
  int iterations;

  @Option(names = "--seconds", defaultValue = "2", description = "Length of one iteration.")
  @Range(min = 1)
  int seconds;

  @Option(names = "--threads", defaultValue = "1", description = "Threads that call at a time.")
  @Range(min = 1)
  int threads;

  @Option(names = "--json", paramLabel = "FILE", description = "Also write the results there.")
  Path json;

  public static void main(String[] args) {
    System.exit(Examples.run(new Benchmark(), args));
  }

  @Override
  public Integer call() throws RunnerException {
    TimeValue length = new TimeValue(seconds, TimeUnit.SECONDS);
    ChainedOptionsBuilder options =
        new OptionsBuilder()
            .include("org\\.clip4j\\.examples\\.bench\\..*" + name)
            .forks(forks)
            .warmupIterations(warmup)
            .warmupTime(length)
            .measurementIterations(iterations)
            .measurementTime(length)
            .threads(threads)
            .shouldFailOnError(true);
    if (json != null) {
      options.resultFormat(ResultFormatType.JSON).result(json.toString());
    }
    Runner runner = new Runner(options.build());
    try {
      if (list) {
        runner.list();
      } else {
        runner.run();
      }
      return CommandLine.ExitCode.OK;
    } catch (NoBenchmarksException e) {
      System.err.println("No benchmark matches '" + name + "'; --list shows them all.");
      return CommandLine.ExitCode.USAGE;
    }
  }
}
