package org.clip4j.examples.app.search;

import java.io.IOException;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import org.clip4j.examples.Search;
import org.clip4j.examples.app.report.Html;
import org.clip4j.examples.app.report.HtmlReport;
import org.clip4j.examples.app.search.ImageSearch.Match;
import org.clip4j.io.IoErrors;

/** The pages of {@link Search}: results as one file that needs nothing beside it, and a form. */
public final class SearchPages {
  static final String STYLES = "report.css";
  static final String MORE_STYLES = "search.css";
  static final String SCRIPT = "search.js";
  static final String ICON = "search.svg";
  private static final int THUMBNAIL = 240; // pixels, the longer side

  public static final String NOTHING_RELEVANT =
      "Nothing relevant was found: no row stands out from the rest.";

  private SearchPages() {}

  /** Results with their pictures inside. */
  public static String results(ImageSearch search, String query, List<Match> matches)
      throws IOException {
    Html list = Html.of("ol", "class", "results");
    for (Match match : matches) {
      list.add(card(match, search.isOfImages() ? picture(search, match) : null));
    }
    Html body = Html.of("main").add(Html.of("h1").text(query));
    body.add(
        Html.of("p", "class", "subtitle")
            .text(
                matches.isEmpty()
                    ? NOTHING_RELEVANT
                    : String.format(
                        Locale.ROOT,
                        "The %,d most similar of %,d, with their cosine similarity.",
                        matches.size(),
                        search.size())));
    body.add(list);
    Html styles = Html.of("style").raw(resource(STYLES) + resource(MORE_STYLES));
    return page(query, styles, body);
  }

  private static Html card(Match match, Html picture) {
    Html item = Html.of("li");
    if (picture != null) {
      item.add(picture);
    }
    return item.add(
        Html.of("p")
            .add(
                Html.of("b").text(String.valueOf(match.rank())),
                Html.of("span", "class", "number")
                    .text(String.format(Locale.ROOT, "%.3f", match.score()))),
        Html.of("p", "class", "name")
            .text(
                match.name() + (match.folded() == 0 ? "" : " and " + match.folded() + " like it")));
  }

  private static Html picture(ImageSearch search, Match match) {
    try {
      String data = Base64.getEncoder().encodeToString(search.jpeg(match.row(), THUMBNAIL));
      return Html.of("img", "src", Html.JPEG_DATA + data, "alt", match.name());
    } catch (IOException e) {
      return Html.of("div", "class", "gone").text("not there any more: " + IoErrors.message(e));
    }
  }

  /** A form to type queries into; its script asks the server for results. */
  static String form(ImageSearch search) throws IOException {
    Html query =
        Html.of("input", "type", "search", "name", "q", "aria-label", "Query", "autofocus", "")
            .attribute("placeholder", "Describe what you look for")
            .attribute("maxlength", String.valueOf(SearchServer.MAX_QUERY));
    Html file =
        Html.of("input", "type", "file", "accept", "image/*")
            .attribute("data-most", String.valueOf(SearchServer.MAX_IMAGE_BYTES));
    Html form =
        Html.of("form", "class", "query")
            .add(query, Html.of("button").text("Search"))
            .add(filters(search))
            .add(
                Html.of("label", "class", "upload")
                    .text("or by an image, also dropped or pasted here: ")
                    .add(file));
    Html body = Html.of("main").add(Html.of("h1").text("Search"));
    body.add(
        Html.of("p", "class", "subtitle")
            .text(
                String.format(
                    Locale.ROOT,
                    "Among %,d %s.",
                    search.size(),
                    search.isOfImages() ? "images" : "texts")),
        form,
        Html.of("p", "class", "note", "id", "status", "role", "status"),
        Html.of("ol", "class", "results", "id", "results"),
        large());
    return page(
        "Search",
        Html.of("meta", "name", "referrer", "content", "no-referrer"),
        Html.of("link", "rel", "icon", "type", "image/svg+xml", "href", "/" + ICON),
        Html.of("link", "rel", "stylesheet", "href", "/" + STYLES),
        Html.of("link", "rel", "stylesheet", "href", "/" + MORE_STYLES),
        Html.of("script", "src", "/" + SCRIPT, "defer", ""),
        body);
  }

  private static Html filters(ImageSearch search) {
    Html where =
        Html.of("input", "type", "text", "name", "where", "aria-label", "Filter")
            .attribute("placeholder", "Filter, as " + SearchFilters.SYNTAX)
            .attribute("title", "Fields: " + String.join(", ", search.fields().keySet()))
            .attribute("list", "fields")
            .attribute("maxlength", String.valueOf(SearchServer.MAX_QUERY));
    Html fields = Html.of("datalist", "id", "fields");
    search.fields().keySet().forEach(field -> fields.add(Html.of("option", "value", field + "=")));
    Html relevant = Html.of("input", "type", "checkbox", "name", "relevant");
    return Html.of("p", "class", "filters")
        .add(where, fields, Html.of("label").add(relevant).text(" only what is relevant"));
  }

  /** Where the script shows one picture as large as the window. */
  private static Html large() {
    return Html.of("dialog", "id", "large", "aria-label", "The picture")
        .add(
            Html.of("img", "alt", ""),
            Html.of("p", "class", "name"),
            Html.of("p", "class", "bar-of-buttons")
                .add(
                    Html.of("button", "type", "button", "data-step", "-1").text("Previous"),
                    Html.of("button", "type", "button", "data-step", "1").text("Next"),
                    Html.of("button", "type", "button", "data-like", "").text("More like this"),
                    Html.of("button", "type", "button", "data-close", "").text("Close")));
  }

  private static String page(String title, Html... parts) {
    StringBuilder head = new StringBuilder();
    for (int i = 0; i < parts.length - 1; i++) {
      head.append(parts[i]).append('\n');
    }
    return String.format(
        Locale.ROOT,
        """
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        %s%s</head>
        <body>
        %s</body>
        </html>
        """,
        Html.of("title").text(title),
        head,
        parts[parts.length - 1]);
  }

  static String resource(String name) {
    return name.equals(STYLES) ? HtmlReport.styles() : HtmlReport.resource(SearchPages.class, name);
  }
}
