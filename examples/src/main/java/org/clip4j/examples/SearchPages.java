package org.clip4j.examples;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import org.clip4j.examples.ImageSearch.Match;
import org.clip4j.io.IoErrors;

/** The pages of {@link Search}: results as one file that needs nothing beside it, and a form. */
final class SearchPages {
  static final String STYLES = "report.css";
  static final String MORE_STYLES = "search.css";
  static final String SCRIPT = "search.js";

  private SearchPages() {}

  /** Results with their pictures inside. */
  static String results(ImageSearch search, String query, List<Match> matches) {
    Html list = Html.of("ol", "class", "results");
    for (Match match : matches) {
      list.add(card(match, search.isOfImages() ? picture(search, match) : null));
    }
    Html body = Html.of("main").add(Html.of("h1").text(query));
    body.add(
        Html.of("p", "class", "subtitle")
            .text(
                String.format(
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
        Html.of("p", "class", "name").text(match.name()));
  }

  private static Html picture(ImageSearch search, Match match) {
    try {
      String data = Base64.getEncoder().encodeToString(search.thumbnail(match.row()));
      return Html.of("img", "src", "data:image/jpeg;base64," + data, "alt", match.name());
    } catch (IOException e) {
      return Html.of("div", "class", "gone").text("not there any more: " + IoErrors.message(e));
    }
  }

  /** A form to type queries into; its script asks the server for results. */
  static String form(ImageSearch search) {
    Html form = Html.of("form", "class", "query");
    form.add(
        Html.of(
            "input",
            "type",
            "search",
            "name",
            "q",
            "placeholder",
            "Describe what you look for",
            "aria-label",
            "Query",
            "maxlength",
            String.valueOf(SearchServer.MAX_QUERY),
            "autofocus",
            ""),
        Html.of("button").text("Search"),
        Html.of("label", "class", "upload")
            .text("or by an image ")
            .add(Html.of("input", "type", "file", "accept", "image/*")));
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
        Html.of("ol", "class", "results", "id", "results"));
    Html head = Html.of("link", "rel", "stylesheet", "href", "/" + STYLES);
    Html more = Html.of("link", "rel", "stylesheet", "href", "/" + MORE_STYLES);
    Html script = Html.of("script", "src", "/" + SCRIPT, "defer", "");
    return page(
        "Search",
        Html.of("meta", "name", "referrer", "content", "no-referrer"),
        head,
        more,
        script,
        body);
  }

  private static String page(String title, Html... parts) {
    StringBuilder head = new StringBuilder();
    for (int i = 0; i < parts.length - 1; i++) {
      head.append(parts[i]).append('\n');
    }
    return """
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
        """
        .formatted(Html.of("title").text(title), head, parts[parts.length - 1]);
  }

  static String resource(String name) {
    try (InputStream in = SearchPages.class.getResourceAsStream(name)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot read " + name + " from the classpath", e);
    }
  }

  /** Writes a page under a temporary name and moves it into place. */
  static void write(Path file, String page) throws IOException {
    Path target = file.toAbsolutePath();
    Files.createDirectories(target.getParent());
    Path temporary = target.resolveSibling("." + target.getFileName() + ".tmp");
    try {
      Files.writeString(temporary, page);
      Files.move(temporary, target, StandardCopyOption.REPLACE_EXISTING);
    } finally {
      Files.deleteIfExists(temporary);
    }
  }
}
