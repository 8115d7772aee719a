package org.clip4j.figure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.clip4j.figure.BarFigure.Bar;
import org.clip4j.figure.LineFigure.Point;
import org.clip4j.figure.LineFigure.Series;
import org.clip4j.figure.ScatterFigure.Dot;
import org.junit.jupiter.api.Test;

class FigureTest {

  private static double attribute(String element, String name) {
    Matcher matcher = Pattern.compile(" " + name + "=\"([-0-9.]+)\"").matcher(element);
    assertThat(matcher.find()).isTrue();
    return Double.parseDouble(matcher.group(1));
  }

  @Test
  void bars_of_opposite_values_are_equally_long_to_both_sides_of_zero() {
    String figure =
        BarFigure.differences("gain", List.of(new Bar("a", 0.1), new Bar("b", -0.1))).toString();
    Matcher bars = Pattern.compile("<rect class=\"bar-(plus|minus)\"[^>]*>").matcher(figure);
    assertThat(bars.find()).isTrue();
    String plus = bars.group();
    assertThat(bars.find()).isTrue();
    String minus = bars.group();
    assertThat(attribute(plus, "width")).isCloseTo(attribute(minus, "width"), within(0.11));
    // Where one begins the other ends.
    assertThat(attribute(minus, "x") + attribute(minus, "width"))
        .isCloseTo(attribute(plus, "x"), within(0.21));
    assertThat(figure).contains("+10.0", "−10.0", "gain, percentage points");
  }

  @Test
  void doublings_are_evenly_spaced_and_zero_is_one_step_left_of_one() {
    assertThat(Scale.LOG2.position(8) - Scale.LOG2.position(4)).isCloseTo(1, within(1e-12));
    assertThat(Scale.LOG2.position(1) - Scale.LOG2.position(0)).isCloseTo(1, within(1e-12));
    assertThat(Scale.LOG2.ticks(0, 16, 6)).containsExactly(0.0, 1.0, 2.0, 4.0, 8.0, 16.0);
  }

  @Test
  void logits_are_symmetric_about_one_half_and_finite_at_the_ends() {
    assertThat(Scale.LOGIT.position(0.9)).isCloseTo(-Scale.LOGIT.position(0.1), within(1e-12));
    assertThat(Scale.LOGIT.position(1)).isFinite();
    assertThat(Scale.LOGIT.position(0)).isFinite();
  }

  @Test
  void ticks_are_round_numbers() {
    assertThat(Scale.LINEAR.ticks(0, 1, 6)).hasSize(6).startsWith(0.0).endsWith(1.0);
    assertThat(Scale.step(0.3, 6)).isCloseTo(0.05, within(1e-12));
  }

  @Test
  void axes_say_what_they_measure_and_in_which_unit() {
    String lines =
        LineFigure.overCounts(
                "shots", "accuracy", List.of(new Series("probe", List.of(new Point(1, 0.5)))))
            .toString();
    assertThat(lines).contains(">shots<", ">accuracy, %<", "probe, 1: 50.0 %");
    String dots =
        ScatterFigure.of("source", "shifted", List.of(new Dot("a", "b", 0.5, 0.4)), null)
            .toString();
    assertThat(dots)
        .contains("source, % (logit scale)", "shifted, % (logit scale)", "equal accuracy")
        .doesNotContain("linear fit");
  }

  @Test
  void all_at_one_value_is_still_a_figure() {
    List<Dot> same = List.of(new Dot("a", "g", 1, 0), new Dot("b", "g", 1, 0));
    assertThat(ScatterFigure.of("x", "y", same, share -> share).toString()).doesNotContain("NaN");
    List<Series> flat = List.of(new Series("s", List.of(new Point(0, 1), new Point(1, 1))));
    assertThat(LineFigure.over("x", "y", flat).toString()).doesNotContain("NaN");
    assertThat(BarFigure.differences("d", List.of(new Bar("none", 0))).toString())
        .doesNotContain("NaN");
  }

  @Test
  void curves_have_round_ticks_a_band_and_words_for_those_who_cannot_see_them() {
    List<Series> loss =
        List.of(new Series("loss", List.of(new Point(1, 4.8, 4.5, 5), new Point(100, 0.2))));
    String svg = LineFigure.small("Loss", 100, false, loss).toString();
    assertThat(svg)
        .contains(">0<", ">2<", ">4<", ">20<", ">100<", "class=\"line s0\"", "class=\"band s0\"")
        .contains(
            "aria-label=\"Loss over 100 steps: 4.8 at first, 0.2 at the end\"", "loss, 100: 0.2")
        .doesNotContain("NaN");
    List<Series> norms = List.of(new Series("norm", List.of(new Point(0, 0.02), new Point(9, 30))));
    assertThat(LineFigure.small("Norm", 9, true, norms).toString())
        .contains(">0.01<", ">0.1<", ">1<", ">10<", ">100<");
    assertThat(LineFigure.small("Norm", 9, false, norms).toString()).doesNotContain(">0.01<");
  }

  @Test
  void a_curve_of_two_steps_has_no_tick_between_them() {
    List<Series> two = List.of(new Series("s", List.of(new Point(1, 10), new Point(2, 20))));
    assertThat(LineFigure.small("s", 2, false, two).toString())
        .contains(">1<", ">2<")
        .doesNotContain(">0.5<", ">1.5<");
  }

  @Test
  void every_figure_is_drawn_for_screens_and_for_phones() {
    String figure =
        BarFigure.shares("accuracy", List.of(new Bar("a name of a class", 0.5))).toString();
    assertThat(figure).contains("on-wide", "viewBox=\"0 0 760 ", "on-narrow", "viewBox=\"0 0 340 ");
  }

  @Test
  void numbers_are_short_and_signs_are_real() {
    assertThat(Numbers.brief(0.0005)).isEqualTo("5.0e-4");
    assertThat(Numbers.brief(1234.5)).isEqualTo("1,235");
    assertThat(Numbers.brief(100)).isEqualTo("100");
    assertThat(Numbers.brief(0.25)).isEqualTo("0.25");
    assertThat(Numbers.percent(0.934)).isEqualTo("93.4 %");
    assertThat(Numbers.hundredths(-0.25)).isEqualTo("−25");
    assertThat(Numbers.points(0.034)).isEqualTo("+3.4");
    assertThat(Numbers.points(-0.0001)).isEqualTo("0.0");
  }

  @Test
  void markup_in_names_is_text() {
    assertThat(BarFigure.shares("a", List.of(new Bar("<b>&'", 0.5))).toString())
        .contains("&lt;b&gt;&amp;&#39;")
        .doesNotContain("<b>");
  }

  @Test
  void joined_dots_are_one_line_with_a_mark_each() {
    String figure =
        ScatterFigure.joined(
                "target",
                "shift",
                List.of(
                    new Dot("alpha 0", "models", 0.5, 0.6),
                    new Dot("alpha 0.5", "models", 0.7, 0.65),
                    new Dot("alpha 1", "models", 0.8, 0.4)))
            .toString();
    Matcher path =
        Pattern.compile("<path class=\"line[^\"]*\" d=\"M([^L\"]+)L([^L\"]+)L([^L\"]+)\"")
            .matcher(figure);
    assertThat(path.find()).isTrue();
    double[] x = new double[3];
    for (int i = 0; i < 3; i++) {
      x[i] = Double.parseDouble(path.group(i + 1).split(" ")[0]);
    }
    assertThat(x).isSorted();
    assertThat(figure).contains("alpha 0.5: 70.0 %");
  }
}
