package org.clip4j.examples.bench;

import com.google.gson.GsonBuilder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.clip4j.Clip;
import org.clip4j.ClipLoader;
import org.clip4j.engine.Precision;
import org.clip4j.engine.internal.Processor;
import org.clip4j.model.ClipConfig;
import org.clip4j.model.VisionTransformerConfig;
import org.clip4j.weights.Checkpoint;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Fills a table of this processor: what is encoded in which time, and the roof beside it. */
@Command(
    name = "all",
    mixinStandardHelpOptions = true,
    description = {
      "Prints a table of images/s, captions/s and latencies in each precision, with the roof.",
      "The roof is what the tower's matrix products alone reach, in the same run."
    })
public final class AllBenchmark extends InferCases implements Callable<Integer> {

  @Option(
      names = "--precisions",
      split = ",",
      defaultValue = "FP32,BF16",
      description = "${COMPLETION-CANDIDATES}; weights of 8-bit integers are computed as they are.")
  private List<Precision> precisions;

  @Option(names = "--json", paramLabel = "FILE", description = "Also write the table there.")
  private Path json;

  /**
   * A table.
   *
   * @param peakMib peak resident memory of the process before roofs were measured
   */
  record Table(
      String processor,
      int cores,
      String java,
      String date,
      String model,
      int batch,
      int tokens,
      List<Row> rows,
      long peakMib) {}

  /**
   * A row.
   *
   * @param unit {@code 1/s} or {@code ms}
   * @param roof what products alone reach, in the same unit; null where there is no such
   * @param share of the roof that is reached, 0 to 1
   */
  record Row(String precision, String name, double value, String unit, Double roof, Double share) {

    private static Row of(String precision, Case what, double value, Double roof) {
      boolean latency = what == Case.IMAGE || what == Case.CAPTION;
      return new Row(
          precision,
          what.name().toLowerCase(Locale.ROOT),
          value,
          latency ? "ms" : "1/s",
          roof,
          roof == null ? null : latency ? roof / value : value / roof);
    }
  }

  private record Found(String precision, Precision of, Case what, double value) {}

  @Override
  public Integer call() throws IOException {
    ClipLoader loader = Clip.loader(model).optDevice(device.device());
    ClipConfig config;
    boolean integers;
    try (Checkpoint opened = loader.openCheckpoint()) {
      config = opened.config();
      integers = !opened.inputLevels().isEmpty();
    }
    List<Found> found = new ArrayList<>();
    for (Precision precision : integers ? List.of(Precision.FP32) : precisions) {
      try (Clip clip = loader.optPrecision(precision).load()) {
        for (Case what : cases) {
          String name = integers ? "INT8" : precision.name();
          found.add(new Found(name, precision, what, value(what, clip)));
        }
      }
    }
    long peak = LoadBenchmark.peakMebibytes();
    List<Row> rows = new ArrayList<>();
    for (Found one : found) {
      Double roof = device.device().isGpu() ? null : roof(config, one.of, integers, one.what);
      rows.add(Row.of(one.precision, one.what, one.value, roof));
    }
    Table table =
        new Table(
            Processor.name(),
            Runtime.getRuntime().availableProcessors(),
            System.getProperty("java.version"),
            LocalDate.now(ZoneOffset.UTC).toString(),
            model,
            batch,
            tokens,
            rows,
            peak);
    print(table);
    if (json != null) {
      Files.writeString(
          json,
          new GsonBuilder().setPrettyPrinting().serializeNulls().create().toJson(table) + "\n");
    }
    return 0;
  }

  private Double roof(ClipConfig config, Precision precision, boolean integers, Case what) {
    boolean ofImages = what == Case.IMAGES || what == Case.IMAGE;
    if (!ofImages && what != Case.CAPTIONS && what != Case.CAPTION) {
      return null;
    }
    ProductRoof.Tower tower;
    int length;
    if (!ofImages) {
      tower =
          new ProductRoof.Tower(
              config.text().width(), config.text().mlpWidth(), config.text().layers());
      length = config.text().paddedLength(tokens);
    } else if (config.vision() instanceof VisionTransformerConfig vision) {
      tower = new ProductRoof.Tower(vision.width(), vision.mlpWidth(), vision.layers());
      length = vision.patches() + 1;
    } else {
      return null;
    }
    boolean one = what == Case.IMAGE || what == Case.CAPTION;
    try (ProductRoof roof = ProductRoof.of(tower, precision, integers).orElse(null)) {
      if (roof == null) {
        return null;
      }
      double time = median(() -> roof.run(one ? 1 : batch, length));
      return one ? 1000 * time : batch / time;
    }
  }

  private static void print(Table table) {
    System.out.printf(
        Locale.ROOT,
        "%s, %d cores, JDK %s, %s; %s, batches of %d, captions of %d tokens, peak %d MiB%n%n",
        table.processor,
        table.cores,
        table.java,
        table.date,
        table.model,
        table.batch,
        table.tokens,
        table.peakMib);
    System.out.println("| precision | case | value | products alone | share |");
    System.out.println("|---|---|---|---|---|");
    for (Row row : table.rows) {
      System.out.printf(
          Locale.ROOT,
          "| %s | %s, %s | %.1f | %s | %s |%n",
          row.precision,
          row.name,
          row.unit,
          row.value,
          row.roof == null ? "" : String.format(Locale.ROOT, "%.1f", row.roof),
          row.share == null ? "" : String.format(Locale.ROOT, "%.2f", row.share));
    }
  }
}
