package org.clip4j.examples;

import com.google.gson.JsonParseException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.clip4j.examples.app.Errors;
import org.clip4j.examples.app.terminal.StatusLine;
import org.clip4j.examples.app.terminal.Stop;
import org.clip4j.examples.options.Range;
import picocli.CommandLine;

/** What the examples share. */
public final class Examples {
  private Examples() {}

  /**
   * Parses arguments and runs a command; what the user can mend is one line on standard error, and
   * exit status 1.
   */
  public static int run(Callable<Integer> command, String... args) {
    StatusLine.install();
    try {
      return execute(new CommandLine(command), List.of(args));
    } finally {
      Stop.ended();
    }
  }

  static int execute(CommandLine line, List<String> args) {
    showAsDeclared(line);
    return line.setCaseInsensitiveEnumValuesAllowed(true)
        .setExecutionStrategy(
            parsed -> {
              Range.Check.all(parsed);
              return new CommandLine.RunLast().execute(parsed);
            })
        .setExecutionExceptionHandler((e, failed, parsed) -> report(e, failed))
        .execute(args.toArray(String[]::new));
  }

  /** Lists options in the order in which they are declared, with what they are by default. */
  private static void showAsDeclared(CommandLine line) {
    line.getCommandSpec().usageMessage().sortOptions(false).showDefaultValues(true);
    line.getSubcommands().values().forEach(Examples::showAsDeclared);
  }

  private static int report(Exception e, CommandLine line) throws Exception {
    if (StatusLine.installed() != null) {
      StatusLine.installed().end();
    }
    if (e instanceof Stop.StoppedException) {
      System.out.println(e.getMessage());
      return 130;
    }
    if (e instanceof IOException
        || e instanceof UncheckedIOException
        || e instanceof IllegalArgumentException
        || e instanceof IllegalStateException
        || e instanceof JsonParseException) {
      line.getErr().println(inOptions(Errors.message(e)));
      return 1;
    }
    throw e;
  }

  /** The library's advice as options. */
  private static final Map<String, String> OPTIONS =
      Map.of(
          "resume it, or use another output folder",
          "go on with --resume, or use another folder for --out",
          "or allow the changes by the names before the colons",
          "or let them change: --allow-changes with the names before the colons",
          "held-out pairs, zero-shot classes or an evaluation of one's own",
          "--held-out or --classes",
          "early stopping needs the metric that is to improve",
          "--patience needs the metric that is to improve, --best-by",
          " (optMultiLabel)",
          ": --multi-label",
          "read the table without quotes",
          "read the table with --no-quotes",
          "(the image root)",
          "(--image-root)",
          "the greatest share to be skipped",
          "--max-skipped-share");

  static String inOptions(String message) {
    String text = message;
    for (Map.Entry<String, String> option : OPTIONS.entrySet()) {
      text = text.replace(option.getKey(), option.getValue());
    }
    return text;
  }
}
