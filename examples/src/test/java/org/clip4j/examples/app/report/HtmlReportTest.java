package org.clip4j.examples.app.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HtmlReportTest {

  @TempDir Path folder;

  @Test
  void needs_nothing_from_outside_the_file() {
    String page = ReportDemo.report().page();

    assertThat(page).contains("data:image/png;base64,").contains("<svg");
    assertThat(page.replaceAll("xmlns(:\\w+)?=\"[^\"]*\"", ""))
        .doesNotContain("http:", "https:", "<script", "@import", "url(http", "<link");
  }

  @Test
  void escapes_captions() {
    assertThat(ReportDemo.report().page())
        .contains("a &lt;b&gt;green&lt;/b&gt; square &amp; &quot;quotes&quot;")
        .doesNotContain("<b>green");
  }

  @Test
  void marks_wrong_predictions() {
    assertThat(ReportDemo.report().page())
        .contains("9 of the 12 images below are right")
        .contains("<li class=\"wrong\">");
  }

  @Test
  void leaves_only_the_report_behind() throws IOException {
    ReportDemo.report().write(folder.resolve("new/report.html"));

    try (var files = Files.list(folder.resolve("new"))) {
      assertThat(files).containsExactly(folder.resolve("new/report.html"));
    }
  }

  @Test
  void a_matrix_that_does_not_fit_its_images_is_refused() {
    assertThatThrownBy(
            () ->
                new HtmlReport("t", "s")
                    .similarity("h", "", List.of(), List.of(), new float[1][1], new int[] {0}))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("1 rows")
        .hasMessageContaining("0 images");
  }
}
