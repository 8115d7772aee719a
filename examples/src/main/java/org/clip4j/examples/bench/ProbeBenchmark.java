package org.clip4j.examples.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.clip4j.eval.NumpyArray;
import org.clip4j.eval.ProbeAccuracy;
import org.clip4j.eval.probe.LogisticRegression;
import org.clip4j.examples.options.Range;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Fits a logistic regression on stored features, and prints what it found and what it took. */
@Command(
    name = "probe",
    mixinStandardHelpOptions = true,
    description = {
      "Fits a logistic regression on features and prints seconds, objective and accuracy as JSON.",
      "examples/peers/probe_check.py runs it in turn with scikit-learn."
    })
public final class ProbeBenchmark implements Callable<Integer> {
  @Option(
      names = "--features",
      required = true,
      paramLabel = "NPY",
      description = "N x D, float32.")
  private Path features;

  @Option(names = "--labels", required = true, paramLabel = "NPY", description = "N whole numbers.")
  private Path labels;

  @Option(names = "--test-features", paramLabel = "NPY", description = "To measure accuracy on.")
  private Path testFeatures;

  @Option(names = "--test-labels", paramLabel = "NPY", description = "Of those.")
  private Path testLabels;

  @Option(names = "--c", defaultValue = "1", description = "The inverse of the L2 strength.")
  @Range(above = 0)
  private double c;

  @Option(names = "--max-iterations", defaultValue = "1000", description = "Of L-BFGS.")
  @Range(min = 1)
  private int maxIterations;

  @Option(names = "--tolerance", defaultValue = "1e-4", description = "Of the gradient.")
  @Range(above = 0)
  private double tolerance;

  @Option(names = "--repeat", defaultValue = "1", description = "Fits, of which the last counts.")
  @Range(min = 1)
  private int repeat;

  @Override
  public Integer call() throws IOException {
    float[][] x = NumpyArray.matrix(features);
    int[] y = NumpyArray.ints(labels);
    int classes = Arrays.stream(y).max().orElse(0) + 1;
    LogisticRegression regression =
        LogisticRegression.create().optC(c).optMaxIterations(maxIterations).optTolerance(tolerance);
    LogisticRegression.Fit fit = null;
    double seconds = 0;
    for (int i = 0; i < repeat; i++) {
      long start = System.nanoTime();
      fit = regression.fit(x, y, classes);
      seconds = (System.nanoTime() - start) / 1e9;
    }
    double test = Double.NaN;
    if (testFeatures != null) {
      float[][] logits = fit.classifier().logits(NumpyArray.matrix(testFeatures));
      test = ProbeAccuracy.of(logits, NumpyArray.ints(testLabels)).top1();
    }
    double train = ProbeAccuracy.of(fit.classifier().logits(x), y).top1();
    System.out.printf(
        Locale.ROOT,
        "{\"seconds\": %.3f, \"iterations\": %d, \"evaluations\": %d, \"converged\": %b, \"objective\": %.9g,"
            + " \"gradient\": %.3g, \"train\": %.6f, \"test\": %s, \"peak_mib\": %d}%n",
        seconds,
        fit.iterations(),
        fit.evaluations(),
        fit.converged(),
        fit.objective(),
        fit.largestGradient(),
        train,
        Double.isNaN(test) ? "null" : String.format(Locale.ROOT, "%.6f", test),
        LoadBenchmark.peakMebibytes());
    return 0;
  }
}
