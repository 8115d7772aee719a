package org.clip4j.examples;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.clip4j.examples.options.CalibrationInput;
import org.clip4j.examples.options.Models;
import org.clip4j.examples.options.Range;
import org.clip4j.quantize.QuantizationRefusedException;
import org.clip4j.quantize.QuantizationReport;
import org.clip4j.quantize.Quantizer;
import org.clip4j.weights.Checkpoint;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Turns a model's weights into 8-bit integers, and measures what that costs. */
@Command(
    name = "Quantize",
    mixinStandardHelpOptions = true,
    description = {
      "Writes a checkpoint whose transformer blocks multiply 8-bit integers: a quarter of the size",
      "and, on processors with instructions for them, several times faster. Half of your images and",
      "texts, a few hundred, calibrate it; the other half measures what it costs. A checkpoint that",
      "differs too much is not written."
    })
final class Quantize implements Callable<Integer> {

  @Option(names = "--model", required = true, paramLabel = "MODEL", description = Models.NAME)
  private String model;

  @ArgGroup(multiplicity = "1")
  private CalibrationInput inputs;

  @Option(
      names = "--most",
      defaultValue = "512",
      description = "How many of the images and texts are used; the first ones.")
  @Range(min = 2)
  private int most;

  @Option(
      names = "--smoothing",
      defaultValue = "0.5",
      description = "What part of the channels' differences goes into the weights, 0 to 1.")
  @Range(min = 0, max = 1)
  private double smoothing;

  @Option(names = "--force", description = "Writes the checkpoint also if it misses a bar.")
  private boolean force;

  @Option(
      names = "--out",
      required = true,
      paramLabel = "DIR",
      description = "The folder to write; what it holds is replaced when all is written.")
  private Path out;

  public static void main(String... args) {
    System.exit(Examples.run(new Quantize(), args));
  }

  @Override
  public Integer call() throws IOException {
    if (Quantizer.isFastHere().equals(Optional.of(false))) {
      System.out.println(
          "This processor has no instructions for products of 8-bit integers (AVX-512 VNNI,"
              + " AVX-VNNI): here the model will be about as fast as in float32, or slower.");
    }
    try (Checkpoint source = Models.loader(model).openCheckpoint()) {
      Quantizer quantizer =
          Quantizer.of(source)
              .optSmoothing(smoothing)
              .optForce(force)
              .optProgress(step -> System.err.println("  " + step));
      inputs.give(quantizer, most);
      show(quantizer.write(out));
      System.out.println("The model is in " + out);
      return 0;
    } catch (QuantizationRefusedException e) {
      show(e.report());
      throw e;
    }
  }

  private static void show(QuantizationReport report) {
    print(
        "images   mean cosine %.4f, worst %.4f (%d)",
        report.meanImageCosine(), report.worstImageCosine(), report.images());
    print(
        "texts    mean cosine %.4f, worst %.4f (%d)",
        report.meanTextCosine(), report.worstTextCosine(), report.texts());
    print("answers  %.1f %% the same", 100 * report.agreement());
    if (report.recallLoss() != null) {
      print("recall   at 1 falls by %.2f points", 100 * report.recallLoss());
    }
    print("maps     %d of 8-bit integers, %d kept in float32", report.maps(), report.kept().size());
    report.misses().forEach(miss -> print("MISSED   %s", miss));
  }

  private static void print(String format, Object... values) {
    System.out.println(String.format(Locale.ROOT, format, values));
  }
}
