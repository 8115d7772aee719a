package org.clip4j.examples;

import java.io.IOException;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.stream.Stream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.SparkException;
import org.apache.spark.sql.Observation;
import org.apache.spark.sql.SparkSession;
import picocli.CommandLine;
import picocli.CommandLine.Option;
import scala.collection.JavaConverters;

/** Options that say where Spark runs, and what the examples with Spark share. */
public final class SparkOptions {
  @Option(
      names = "--master",
      defaultValue = "local[*]",
      paramLabel = "URL",
      description = "Spark's master; local[*] runs in this process, on all cores.")
  private String master;

  @Option(
      names = "--conf",
      paramLabel = "KEY=VALUE",
      description = "A setting of Spark's, for example spark.executor.memory=8g; more than once.")
  private Map<String, String> conf = Map.of();

  /** Starts Spark, with its progress on standard error. */
  SparkSession session(String name) {
    SparkSession.Builder builder =
        SparkSession.builder()
            .master(master)
            .appName(name)
            .config("spark.ui.enabled", false)
            .config("spark.ui.showConsoleProgress", true);
    if (master.startsWith("local")) {
      builder
          .config("spark.driver.host", "127.0.0.1")
          .config("spark.driver.bindAddress", "127.0.0.1");
    }
    conf.forEach(builder::config);
    return builder.getOrCreate();
  }

  /** Runs a command; what the user can mend is one line on standard error, and exit status 1. */
  static int run(Callable<Integer> command, String... args) {
    return new CommandLine(command)
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setExecutionExceptionHandler((e, line, parsed) -> report(e, line))
        .execute(args);
  }

  private static int report(Exception e, CommandLine line) throws Exception {
    if (e instanceof RuntimeException
        || e instanceof IOException
        || e instanceof SparkException
        || e.getClass().getSimpleName().equals("AnalysisException")) {
      line.getErr().println(reason(e));
      return 1;
    }
    throw e;
  }

  /** Whether a table, or something else, is there; what an ended run has left is nothing. */
  static boolean holdsFiles(FileSystem files, Path path) throws IOException {
    return files.exists(path)
        && Stream.of(files.listStatus(path))
            .map(each -> each.getPath().getName())
            .anyMatch(name -> !name.startsWith("_") && !name.startsWith("."));
  }

  /** What was counted while a result was written. */
  static long value(Observation observation, String name) {
    try {
      return ((Number) JavaConverters.asJava(observation.get()).get(name)).longValue();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CancellationException("interrupted while rows were counted");
    }
  }

  /** What was thrown where it happened; Spark wraps it, with the stack of the task as a text. */
  static String reason(Throwable e) {
    Throwable thrown = e;
    while (thrown.getCause() != null && (isSparks(thrown) || isSparks(thrown.getCause()))) {
      thrown = thrown.getCause();
    }
    String own = thrown.getMessage() == null ? thrown.toString() : thrown.getMessage();
    return own.split("\n\tat |\n\n|\nDriver stacktrace", 2)[0].strip();
  }

  private static boolean isSparks(Throwable thrown) {
    return thrown.getClass().getName().startsWith("org.apache.spark.");
  }
}
