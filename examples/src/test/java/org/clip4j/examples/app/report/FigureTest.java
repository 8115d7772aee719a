package org.clip4j.examples.app.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class FigureTest {

  @Test
  void a_page_of_figures_needs_nothing_from_outside_and_escapes_names() {
    String page = FigureDemo.report().page();
    assertThat(page)
        .contains("unseen &lt;b&gt;")
        .doesNotContain("unseen <b>", "NaN", "Infinity", "http:", "https:", "<script", "<link");
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
