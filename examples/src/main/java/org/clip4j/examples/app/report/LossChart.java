package org.clip4j.examples.app.report;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Font;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Locale;
import org.knowm.xchart.VectorGraphicsEncoder;
import org.knowm.xchart.VectorGraphicsEncoder.VectorGraphicsFormat;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.style.Styler.LegendPosition;
import org.knowm.xchart.style.Styler.YAxisPosition;
import org.knowm.xchart.style.markers.SeriesMarkers;

/** A loss curve drawn by XChart as SVG inside the page, in the page's own colours. */
public final class LossChart {

  private static final int WIDE = 960;
  private static final int HEIGHT = 340;

  /** Points drawn at most; more steps than these are averaged in groups. */
  private static final int POINTS = 400;

  /** The style sheet's colours, by stand-ins that are exchanged for its variables in the end. */
  private enum Theme {
    INK,
    LINE,
    FAINT,
    ACCENT,
    SECOND;

    Color standIn() {
      return new Color(1, 2, 3 + ordinal());
    }
  }

  private LossChart() {}

  /** The chart, or a paragraph saying why there is none: {@code learningRate} may be null. */
  static Html of(double[] steps, double[] loss, double[] learningRate) {
    if (steps.length == 0) {
      return Html.of("p").text("No steps were taken.");
    }
    String summary =
        String.format(
            Locale.ROOT,
            "Loss over %.0f steps: %.3f at first, %.3f at the end",
            steps[steps.length - 1],
            loss[0],
            loss[loss.length - 1]);
    try {
      String wide = svg(steps, loss, learningRate, WIDE);
      String narrow = svg(steps, loss, learningRate, Plot.NARROW);
      return Html.of("figure", "role", "img", "aria-label", summary)
          .add(Html.of("div", "class", "on-wide").raw(wide))
          .add(Html.of("div", "class", "on-narrow").raw(narrow));
    } catch (IOException | RuntimeException | LinkageError | InternalError e) {
      // AWT measures text, and fails without fonts: a reason to leave the chart out, not the
      // report.
      return Html.of("p")
          .text(summary + ". (No chart: Java found no usable fonts here, " + e + ")");
    }
  }

  private static String svg(double[] steps, double[] loss, double[] learningRate, int width)
      throws IOException {
    XYChart chart =
        new XYChartBuilder()
            .width(width)
            .height(HEIGHT)
            .xAxisTitle("step")
            .yAxisTitle("loss")
            .build();
    style(chart);
    if (width == Plot.NARROW) {
      chart.getStyler().setXAxisMaxLabelCount(6);
    }

    double[] x = thin(steps);
    double[] y = thin(loss);
    XYSeries raw = chart.addSeries("loss of each step", x, y);
    line(raw, Theme.FAINT, 1);
    line(chart.addSeries("smoothed", x, smooth(y)), Theme.ACCENT, 2);
    if (learningRate != null) {
      XYSeries rate = chart.addSeries("learning rate (right)", x, thin(learningRate));
      rate.setYAxisGroup(1);
      line(rate, Theme.SECOND, 1.5f);
      chart.getStyler().setYAxisGroupPosition(1, YAxisPosition.Right);
      chart.getStyler().setYAxisMin(1, 0.0);
      chart.setYAxisGroupTitle(1, "learning rate");
    }

    ByteArrayOutputStream out = new ByteArrayOutputStream();
    VectorGraphicsEncoder.saveVectorGraphic(chart, out, VectorGraphicsFormat.SVG);
    return themed(out.toString(StandardCharsets.UTF_8), width);
  }

  private static void style(XYChart chart) {
    Font font = new Font(Font.SANS_SERIF, Font.PLAIN, 12);
    Color ink = Theme.INK.standIn();
    Color grid = Theme.LINE.standIn();
    Color none = new Color(0, 0, 0, 0);
    var styler = chart.getStyler();
    styler.setChartBackgroundColor(none).setPlotBackgroundColor(none);
    styler.setLegendBackgroundColor(none).setLegendBorderColor(none).setLegendFont(font);
    styler.setLegendPosition(LegendPosition.InsideNE);
    styler.setBaseFont(font).setChartFontColor(ink);
    styler.setAxisTickLabelsFont(font).setAxisTitleFont(font).setAxisTickLabelsColor(ink);
    styler.setAxisTickMarksColor(grid).setPlotBorderVisible(false);
    styler.setPlotGridLinesColor(grid).setPlotGridVerticalLinesVisible(false);
    styler.setXAxisMin(0.0).setYAxisMin(0, 0.0);
    styler.setYAxisGroupTitleColor(0, ink).setYAxisGroupTitleColor(1, ink);
    styler.setYAxisGroupTickLabelsColorMap(0, ink).setYAxisGroupTickLabelsColorMap(1, ink);
    styler.setChartPadding(4);
  }

  private static void line(XYSeries series, Theme colour, float width) {
    series.setMarker(SeriesMarkers.NONE).setLineColor(colour.standIn());
    series.setLineStyle(new BasicStroke(width, BasicStroke.CAP_ROUND, BasicStroke.JOIN_ROUND));
  }

  /** Makes a document into an element: no header, scalable, colours from the style sheet. */
  private static String themed(String document, int width) {
    String svg = document.substring(document.indexOf("<svg"));
    int end = svg.indexOf('>');
    String start =
        String.format(
            Locale.ROOT, "<svg viewBox=\"0 0 %d %d\" aria-hidden=\"true\"", width, HEIGHT);
    svg = start + svg.substring(end);
    for (Theme theme : Theme.values()) {
      String standIn = String.format(Locale.ROOT, "rgb(1,2,%d)", 3 + theme.ordinal());
      svg = svg.replace(standIn, "var(--" + theme.name().toLowerCase(Locale.ROOT) + ")");
    }
    return svg;
  }

  /** Means of consecutive groups, so that at most {@link #POINTS} values are left. */
  public static double[] thin(double[] values) {
    int group = (values.length + POINTS - 1) / POINTS;
    double[] means = new double[(values.length + group - 1) / group];
    for (int i = 0; i < means.length; i++) {
      int from = i * group;
      int to = Math.min(values.length, from + group);
      means[i] = Arrays.stream(values, from, to).average().orElseThrow();
    }
    return means;
  }

  /** Means over a window centred on each value, a twentieth of all values wide. */
  public static double[] smooth(double[] values) {
    int reach = Math.max(1, values.length / 40);
    double[] means = new double[values.length];
    for (int i = 0; i < means.length; i++) {
      int around = Math.min(reach, Math.min(i, values.length - 1 - i));
      means[i] = Arrays.stream(values, i - around, i + around + 1).average().orElseThrow();
    }
    return means;
  }
}
