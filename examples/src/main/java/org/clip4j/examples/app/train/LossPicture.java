package org.clip4j.examples.app.train;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.awt.Color;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.DoubleSummaryStatistics;
import java.util.List;
import java.util.stream.Stream;
import org.clip4j.examples.app.Errors;
import org.clip4j.examples.app.report.LossCurve;
import org.clip4j.figure.Scale;
import org.clip4j.train.monitor.TrainingListener;
import org.clip4j.train.monitor.TrainingProgress;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.BitmapEncoder.BitmapFormat;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.XYSeries.XYSeriesRenderStyle;
import org.knowm.xchart.style.Styler.LegendPosition;
import org.knowm.xchart.style.markers.SeriesMarkers;

/**
 * Draws a training's loss as {@code loss.png} beside its {@code metrics.jsonl}, from which it takes
 * the numbers, so that a resumed training shows all of them.
 */
final class LossPicture implements TrainingListener {
  private final Path folder;
  private long next;
  private boolean said;

  LossPicture(Path folder) {
    this.folder = folder;
  }

  /** Draws after the first step, and whenever there are a quarter more. */
  @Override
  public void onStep(TrainingProgress progress) {
    if (progress.step() >= next) {
      next = progress.step() * 5 / 4 + 1;
      drawOrSay();
    }
  }

  /** Draws; a picture that cannot be is said once, and ends nothing. */
  void drawOrSay() {
    try {
      draw();
    } catch (IOException | RuntimeException | LinkageError | InternalError e) {
      if (!said) {
        said = true;
        System.err.println(
            "No "
                + folder.resolve("loss.png")
                + ", the training goes on: "
                + (e instanceof Error ? "Java found no usable fonts here, " : "")
                + Errors.message(e));
      }
    }
  }

  private void draw() throws IOException {
    List<Double> steps = new ArrayList<>();
    List<Double> losses = new ArrayList<>();
    try (Stream<String> lines = Files.lines(folder.resolve("metrics.jsonl"))) {
      lines
          .map(line -> JsonParser.parseString(line).getAsJsonObject())
          .filter(line -> line.get("type").getAsString().equals("step"))
          .forEach(line -> add(line, steps, losses));
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
    if (steps.isEmpty()) {
      return;
    }
    Path temporary = folder.resolve(".loss.png.tmp");
    try {
      Files.write(temporary, BitmapEncoder.getBitmapBytes(chart(steps, losses), BitmapFormat.PNG));
      Files.move(temporary, folder.resolve("loss.png"), StandardCopyOption.REPLACE_EXISTING);
    } finally {
      Files.deleteIfExists(temporary);
    }
  }

  private static void add(JsonObject line, List<Double> steps, List<Double> losses) {
    if (line.get("loss").getAsJsonPrimitive().isNumber()) {
      steps.add(line.get("step").getAsDouble());
      losses.add(line.get("loss").getAsDouble());
    }
  }

  static XYChart chart(List<Double> steps, List<Double> losses) {
    XYChart chart =
        new XYChartBuilder()
            .width(1000)
            .height(500)
            .title("Loss")
            .xAxisTitle("step")
            .yAxisTitle("loss")
            .build();
    double[] x = LossCurve.thin(steps.stream().mapToDouble(step -> step).toArray());
    double[] y = LossCurve.thin(losses.stream().mapToDouble(loss -> loss).toArray());
    line(chart.addSeries("loss of each step", x, y), new Color(0xa9c3ea));
    line(chart.addSeries("smoothed", x, LossCurve.smooth(y)), new Color(0x1f5fbf));
    chart
        .getStyler()
        .setLegendPosition(LegendPosition.InsideNE)
        .setChartBackgroundColor(Color.WHITE);
    chart.getStyler().setXAxisTickMarkSpacingHint(80).setPlotBorderVisible(false);
    roundTicks(chart, x[x.length - 1], y);
    return chart;
  }

  /**
   * Lets the axes begin and end at round numbers. XChart writes its own only where the values are
   * not evenly spaced, else every so many of the values, such as 1, 3, 5: hence half a step.
   */
  private static void roundTicks(XYChart chart, double last, double[] losses) {
    DoubleSummaryStatistics range = Arrays.stream(losses).summaryStatistics();
    double tick = Scale.step(Math.max(range.getMax() - range.getMin(), 0.01), 6);
    double low = Math.floor(range.getMin() / tick) * tick;
    double high = Math.max(low + tick, Math.ceil(range.getMax() / tick) * tick);
    double end = Math.max(1, last);
    XYSeries corners =
        chart.addSeries("corners", new double[] {0, end + 0.5}, new double[] {low, high});
    corners.setXYSeriesRenderStyle(XYSeriesRenderStyle.Scatter).setMarker(SeriesMarkers.NONE);
    corners.setShowInLegend(false);
    chart.getStyler().setXAxisMin(0.0).setXAxisMax(end).setYAxisMin(low).setYAxisMax(high);
  }

  private static void line(XYSeries series, Color colour) {
    series.setMarker(SeriesMarkers.NONE).setLineColor(colour);
  }
}
