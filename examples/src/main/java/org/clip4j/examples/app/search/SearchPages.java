package org.clip4j.examples.app.search;

import java.io.IOException;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import org.clip4j.examples.Search;
import org.clip4j.examples.app.Errors;
import org.clip4j.examples.app.report.HtmlReport;
import org.clip4j.examples.app.report.Thumbnail;
import org.clip4j.examples.app.search.ImageSearch.Match;
import org.clip4j.figure.Markup;

/** The pages of {@link Search}: results as one file that needs nothing beside it, and a form. */
public final class SearchPages {
  static final String STYLES = "report.css";
  static final String MORE_STYLES = "search.css";
  static final String SCRIPT = "search.js";
  static final String ICON = "search.svg";
  private static final int THUMBNAIL = 240; // pixels, the longer side

  static final String NOTHING_RELEVANT =
      "Nothing relevant was found: no row stands out from the rest.";

  private SearchPages() {}

  /**
   * Prints results.
   *
   * @param relevant whether only what stands out was asked for
   */
  public static void print(List<Match> matches, boolean relevant) {
    if (matches.isEmpty()) {
      System.out.println(relevant ? NOTHING_RELEVANT : "No row matches the filters.");
    }
    for (Match match : matches) {
      System.out.printf(
          Locale.ROOT,
          "%4d  %6.3f  %s%s%n",
          match.rank(),
          match.score(),
          ChangeOptions.printable(match.name()),
          match.folded() == 0 ? "" : "  (and " + match.folded() + " like it)");
    }
  }

  /** Results with their pictures inside. */
  public static String results(ImageSearch search, String query, List<Match> matches)
      throws IOException {
    Markup list = Markup.of("ol", "class", "results");
    for (Match match : matches) {
      list.add(card(match, search.isOfImages() ? picture(search, match) : null));
    }
    Markup body = Markup.of("main").add(Markup.of("h1").text(query));
    body.add(
        Markup.of("p", "class", "subtitle")
            .text(
                matches.isEmpty()
                    ? NOTHING_RELEVANT
                    : String.format(
                        Locale.ROOT,
                        "The %,d most similar of %,d, with their cosine similarity.",
                        matches.size(),
                        search.size())));
    body.add(list);
    Markup styles = Markup.of("style").raw(resource(STYLES) + resource(MORE_STYLES));
    return HtmlReport.page(query, List.of(styles), body);
  }

  private static Markup card(Match match, Markup picture) {
    Markup item = Markup.of("li");
    if (picture != null) {
      item.add(picture);
    }
    return item.add(
        Markup.of("p")
            .add(
                Markup.of("b").text(String.valueOf(match.rank())),
                Markup.of("span", "class", "number")
                    .text(String.format(Locale.ROOT, "%.3f", match.score()))),
        Markup.of("p", "class", "name")
            .text(
                match.name() + (match.folded() == 0 ? "" : " and " + match.folded() + " like it")));
  }

  private static Markup picture(ImageSearch search, Match match) {
    try {
      String data = Base64.getEncoder().encodeToString(search.jpeg(match.row(), THUMBNAIL));
      return Markup.of("img", "src", Thumbnail.JPEG_DATA + data, "alt", match.name());
    } catch (IOException e) {
      return Markup.of("div", "class", "gone").text("not there any more: " + Errors.message(e));
    }
  }

  /** A form to type queries into; its script asks the server for results. */
  static String form(ImageSearch search) throws IOException {
    Markup query =
        Markup.of("input", "type", "search", "name", "q", "aria-label", "Query", "autofocus", "")
            .attribute("placeholder", "Describe what you look for")
            .attribute("maxlength", String.valueOf(SearchServer.MAX_QUERY));
    Markup file =
        Markup.of("input", "type", "file", "accept", "image/*")
            .attribute("data-most", String.valueOf(SearchServer.MAX_IMAGE_BYTES));
    Markup form =
        Markup.of("form", "class", "query")
            .add(query, Markup.of("button").text("Search"))
            .add(filters(search))
            .add(
                Markup.of("label", "class", "upload")
                    .text("or by an image, also dropped or pasted here: ")
                    .add(file));
    Markup body = Markup.of("main").add(Markup.of("h1").text("Search"));
    body.add(
        Markup.of("p", "class", "subtitle")
            .text(
                String.format(
                    Locale.ROOT,
                    "Among %,d %s.",
                    search.size(),
                    search.isOfImages() ? "images" : "texts")),
        form,
        Markup.of("p", "class", "note", "id", "status", "role", "status"),
        Markup.of("ol", "class", "results", "id", "results"),
        large(search.explains()));
    return HtmlReport.page(
        "Search",
        List.of(
            Markup.of("meta", "name", "referrer", "content", "no-referrer"),
            Markup.of("link", "rel", "icon", "type", "image/svg+xml", "href", "/" + ICON),
            Markup.of("link", "rel", "stylesheet", "href", "/" + STYLES),
            Markup.of("link", "rel", "stylesheet", "href", "/" + MORE_STYLES),
            Markup.of("script", "src", "/" + SCRIPT, "defer", "")),
        body);
  }

  private static Markup filters(ImageSearch search) {
    Markup where =
        Markup.of("input", "type", "text", "name", "where", "aria-label", "Filter")
            .attribute("placeholder", "Filter, as " + SearchFilters.SYNTAX)
            .attribute("title", "Fields: " + String.join(", ", search.fields().keySet()))
            .attribute("list", "fields")
            .attribute("maxlength", String.valueOf(SearchServer.MAX_QUERY));
    Markup fields = Markup.of("datalist", "id", "fields");
    search
        .fields()
        .keySet()
        .forEach(field -> fields.add(Markup.of("option", "value", field + "=")));
    Markup relevant = Markup.of("input", "type", "checkbox", "name", "relevant");
    return Markup.of("p", "class", "filters")
        .add(where, fields, Markup.of("label").add(relevant).text(" only what is relevant"));
  }

  /** Where the script shows one picture as large as the window. */
  private static Markup large(boolean explains) {
    Markup buttons =
        Markup.of("p", "class", "bar-of-buttons")
            .add(
                Markup.of("button", "type", "button", "data-step", "-1").text("Previous"),
                Markup.of("button", "type", "button", "data-step", "1").text("Next"),
                Markup.of("button", "type", "button", "data-like", "").text("More like this"));
    if (explains) {
      buttons.add(
          Markup.of("button", "type", "button", "data-why", "")
              .attribute("title", "Show where the picture is similar to the query")
              .text("Why"));
    }
    buttons.add(Markup.of("button", "type", "button", "data-close", "").text("Close"));
    return Markup.of("dialog", "id", "large", "aria-label", "The picture")
        .add(Markup.of("img", "alt", ""), Markup.of("p", "class", "name"), buttons);
  }

  static String resource(String name) {
    return name.equals(STYLES) ? HtmlReport.styles() : HtmlReport.resource(SearchPages.class, name);
  }
}
