package org.clip4j.examples.app.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.clip4j.examples.app.report.BarFigure.Bar;
import org.clip4j.examples.app.report.LineFigure.Point;
import org.clip4j.examples.app.report.LineFigure.Series;
import org.clip4j.examples.app.report.ScatterFigure.Dot;
import org.junit.jupiter.api.Test;

class FigureTest {

  private static double attribute(String element, String name) {
    Matcher matcher = Pattern.compile(" " + name + "=\"([-0-9.]+)\"").matcher(element);
    assertThat(matcher.find()).isTrue();
    return Double.parseDouble(matcher.group(1));
  }

  @Test
  void a_page_of_figures_needs_nothing_from_outside_and_escapes_names() {
    String page = FigureDemo.report().page();
    assertThat(page)
        .contains("unseen &lt;b&gt;")
        .doesNotContain("unseen <b>", "NaN", "Infinity", "http:", "https:", "<script", "<link");
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
    assertThat(Scale.LOG2.ticks(0, 16)).containsExactly(0.0, 1.0, 2.0, 4.0, 8.0, 16.0);
  }

  @Test
  void logits_are_symmetric_about_one_half_and_finite_at_the_ends() {
    assertThat(Scale.LOGIT.position(0.9)).isCloseTo(-Scale.LOGIT.position(0.1), within(1e-12));
    assertThat(Scale.LOGIT.position(1)).isFinite();
    assertThat(Scale.LOGIT.position(0)).isFinite();
  }

  @Test
  void ticks_are_round_numbers() {
    assertThat(Scale.LINEAR.ticks(0, 1)).hasSize(6).startsWith(0.0).endsWith(1.0);
    assertThat(Scale.step(0.3)).isCloseTo(0.05, within(1e-12));
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
  void a_confusion_matrix_shows_each_count_and_of_many_classes_the_worst() {
    String small =
        ConfusionFigure.of(List.of("cat", "dog"), new long[][] {{3, 1}, {0, 4}}).toString();
    assertThat(small).contains("cat, answered dog: 1 of 4", "dog, answered dog: 4 of 4");
    long[][] many = new long[70][70];
    List<String> names = new ArrayList<>();
    for (int c = 0; c < 70; c++) {
      names.add("class " + c);
      many[c][c] = 5;
      many[c][0] += c;
    }
    String large = ConfusionFigure.of(names, many).toString();
    assertThat(large).contains("the 64 classes of 70").contains(">class 69<");
    assertThat(large).doesNotContain(">class 2<");
  }

  @Test
  void a_table_row_must_fit_its_head() {
    HtmlTable table = new HtmlTable(1, "name", "value");
    assertThat(table.row("<a>", "1").html().toString()).contains("&lt;a&gt;");
    assertThatThrownBy(() -> table.row("a"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("1 cells in a table of 2");
  }
}
