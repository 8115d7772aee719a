package org.clip4j.examples;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.clip4j.examples.app.evaluate.ProbeData;
import org.clip4j.examples.app.evaluate.ProbeOptions;
import org.clip4j.examples.app.evaluate.ProbeStudy;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** Compares zero-shot classification with linear probes on few and on all labelled images. */
@Command(
    name = "LinearProbe",
    mixinStandardHelpOptions = true,
    description =
        "Measures an image encoder by linear probes on its frozen embeddings, fitted on all labelled images and on a few of each"
            + " class, beside zero-shot classification. Writes report.html, linear-probe.json and the probe.")
public final class LinearProbe implements Callable<Integer> {
  @Mixin private ProbeOptions options;

  public static void main(String... args) {
    System.exit(Examples.run(new LinearProbe(), args));
  }

  @Override
  public Integer call() throws IOException {
    List<ProbeStudy> studies = new ArrayList<>();
    for (ProbeData data : options.data()) {
      studies.add(ProbeStudy.of(data, options.settings()));
    }
    options.write(studies);
    return 0;
  }
}
