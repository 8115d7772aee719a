package org.clip4j.examples.app.report;

import java.util.ArrayList;
import java.util.List;
import org.clip4j.figure.Markup;

/** A plain table; the cells of all columns but the first few are numbers and stand on the right. */
public final class HtmlTable {
  private final int texts;
  private final List<String> head;
  private final List<List<String>> rows = new ArrayList<>();

  /**
   * An empty table.
   *
   * @param texts how many columns hold words
   */
  public HtmlTable(int texts, String... head) {
    this.texts = texts;
    this.head = List.of(head);
  }

  public HtmlTable row(String... cells) {
    if (cells.length != head.size()) {
      throw new IllegalArgumentException(
          "a row of " + cells.length + " cells in a table of " + head.size() + " columns");
    }
    rows.add(List.of(cells));
    return this;
  }

  public Markup html() {
    Markup top = Markup.of("tr");
    for (int i = 0; i < head.size(); i++) {
      top.add(cell("th", i, head.get(i)).attribute("scope", "col"));
    }
    Markup body = Markup.of("tbody");
    for (List<String> cells : rows) {
      Markup row = Markup.of("tr");
      for (int i = 0; i < cells.size(); i++) {
        row.add(cell("td", i, cells.get(i)));
      }
      body.add(row);
    }
    Markup table = Markup.of("table", "class", "plain").add(Markup.of("thead").add(top), body);
    return Markup.of("div", "class", "scroll").add(table);
  }

  private Markup cell(String tag, int column, String text) {
    return Markup.of(tag, "class", column < texts ? "" : "number").text(text);
  }
}
