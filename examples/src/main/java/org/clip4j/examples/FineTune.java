package org.clip4j.examples;

import java.io.IOException;
import java.util.concurrent.Callable;
import org.clip4j.examples.app.tune.FineTuneOptions;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** Fine-tunes a model on labelled images, and shows what each method gains and forgets. */
@Command(
    name = "FineTune",
    mixinStandardHelpOptions = true,
    description =
        "Fine-tunes a model on labelled images by one method or several: trains, looks for the best model between the base and the tuned"
            + " one, tests it on the new task, on shifts and on what must not be forgotten, and writes a report and the models.")
final class FineTune implements Callable<Integer> {
  @Mixin private FineTuneOptions options;

  public static void main(String... args) {
    System.exit(Examples.run(new FineTune(), args));
  }

  @Override
  public Integer call() throws IOException {
    options.run();
    return 0;
  }
}
