package org.clip4j.examples;

import com.google.gson.Gson;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.clip4j.examples.ImageSearch.Match;
import org.clip4j.image.ImageDecoder;
import org.clip4j.io.IoErrors;

/**
 * A small page on this machine to type queries into. Only this machine reaches it, and only under
 * its own address, so that no web site can ask it through the reader's browser. What it shows of
 * files are thumbnails of rows, by number; no request names a file.
 */
final class SearchServer implements AutoCloseable {
  static final int MAX_QUERY = 1000; // characters
  private static final int MAX_IMAGE_BYTES = 32 << 20;
  private static final int DEFAULT_K = 24;
  private static final int MAX_K = 200;
  private static final int THREADS = 4;

  private final ImageSearch search;
  private final HttpServer server;
  private final ExecutorService threads;

  /** An answer that is an error. */
  private static final class RefusedException extends Exception {
    private static final long serialVersionUID = 1;
    private final int status;

    RefusedException(int status, String message) {
      super(message);
      this.status = status;
    }
  }

  private interface Handler {
    void handle(HttpExchange exchange) throws IOException, RefusedException;
  }

  /**
   * Starts it.
   *
   * @param port 0 for one that is free
   */
  SearchServer(ImageSearch search, int port) throws IOException {
    this.search = search;
    try {
      server =
          HttpServer.create(new InetSocketAddress(InetAddress.getByName("127.0.0.1"), port), 0);
    } catch (BindException e) {
      throw new IOException(
          "port "
              + port
              + " cannot be used: "
              + IoErrors.message(e)
              + "; choose another, or 0 for any",
          e);
    }
    threads =
        Executors.newFixedThreadPool(
            THREADS,
            task -> {
              Thread thread = new Thread(task, "search-server");
              thread.setDaemon(true);
              return thread;
            });
    server.setExecutor(threads);
    server.createContext("/", exchange -> answer(exchange, this::page));
    server.createContext("/api/search", exchange -> answer(exchange, this::search));
    server.createContext("/thumbnail", exchange -> answer(exchange, this::thumbnail));
    server.start();
  }

  String address() {
    return "http://127.0.0.1:" + server.getAddress().getPort() + "/";
  }

  private void answer(HttpExchange exchange, Handler handler) throws IOException {
    try (exchange) {
      try {
        checkOrigin(exchange.getRequestHeaders());
        handler.handle(exchange);
      } catch (RefusedException e) {
        JsonObject error = new JsonObject();
        error.addProperty("error", IoErrors.message(e));
        send(exchange, e.status, "application/json", new Gson().toJson(error));
      }
    }
  }

  /** A web site whose name was made to mean this machine sends its own name as the host. */
  private void checkOrigin(Headers headers) throws RefusedException {
    int port = server.getAddress().getPort();
    List<String> own = List.of("127.0.0.1:" + port, "localhost:" + port);
    String origin = headers.getFirst("Origin");
    if (!own.contains(headers.getFirst("Host"))
        || origin != null && own.stream().noneMatch(host -> origin.equals("http://" + host))) {
      throw new RefusedException(403, "this page answers at " + address() + " only");
    }
  }

  private void page(HttpExchange exchange) throws IOException, RefusedException {
    requireMethod(exchange, "GET");
    switch (exchange.getRequestURI().getPath()) {
      case "/" -> send(exchange, 200, "text/html", SearchPages.form(search));
      case "/" + SearchPages.STYLES ->
          send(exchange, 200, "text/css", SearchPages.resource(SearchPages.STYLES));
      case "/" + SearchPages.MORE_STYLES ->
          send(exchange, 200, "text/css", SearchPages.resource(SearchPages.MORE_STYLES));
      case "/" + SearchPages.SCRIPT ->
          send(exchange, 200, "text/javascript", SearchPages.resource(SearchPages.SCRIPT));
      default -> throw new RefusedException(404, "there is no such page");
    }
  }

  private void search(HttpExchange exchange) throws IOException, RefusedException {
    Map<String, String> parameters = parameters(exchange);
    int k = number(parameters.getOrDefault("k", String.valueOf(DEFAULT_K)), "k", 1, MAX_K);
    long start = System.nanoTime();
    List<Match> matches;
    if (exchange.getRequestMethod().equals("POST")) {
      matches = byImage(exchange, k);
    } else {
      requireMethod(exchange, "GET");
      String query = parameters.getOrDefault("q", "").strip();
      if (query.isEmpty() || query.length() > MAX_QUERY) {
        throw new RefusedException(
            400, "a query has 1 to " + MAX_QUERY + " characters, this has " + query.length());
      }
      matches = search.byText(query, k);
    }
    JsonArray results = new JsonArray();
    for (Match match : matches) {
      JsonObject result = new JsonObject();
      result.addProperty("row", match.row());
      result.addProperty("name", match.name());
      result.addProperty("score", match.score());
      result.addProperty("picture", search.isOfImages());
      results.add(result);
    }
    JsonObject answer = new JsonObject();
    answer.addProperty("milliseconds", (System.nanoTime() - start) / 1e6);
    answer.add("results", results);
    send(exchange, 200, "application/json", new Gson().toJson(answer));
  }

  private List<Match> byImage(HttpExchange exchange, int k) throws IOException, RefusedException {
    byte[] bytes = exchange.getRequestBody().readNBytes(MAX_IMAGE_BYTES + 1);
    if (bytes.length > MAX_IMAGE_BYTES) {
      throw new RefusedException(413, "an image has at most " + MAX_IMAGE_BYTES + " bytes");
    }
    try {
      return search.byImage(ImageDecoder.decode(bytes, "the image"), k);
    } catch (IOException e) {
      throw new RefusedException(400, IoErrors.message(e));
    }
  }

  private void thumbnail(HttpExchange exchange) throws IOException, RefusedException {
    requireMethod(exchange, "GET");
    int row = number(parameters(exchange).get("row"), "row", 0, search.size() - 1);
    if (!search.isOfImages()) {
      throw new RefusedException(404, "the rows are of texts");
    }
    byte[] jpeg;
    try {
      jpeg = search.thumbnail(row);
    } catch (IOException e) {
      throw new RefusedException(404, "the image cannot be read any more");
    }
    send(exchange, 200, "image/jpeg", jpeg);
  }

  private static void requireMethod(HttpExchange exchange, String method) throws RefusedException {
    if (!exchange.getRequestMethod().equals(method)) {
      throw new RefusedException(405, "ask with " + method);
    }
  }

  private static int number(String text, String name, int least, int most) throws RefusedException {
    if (text != null && text.matches("[0-9]{1,9}")) {
      int number = Integer.parseInt(text);
      if (number >= least && number <= most) {
        return number;
      }
    }
    throw new RefusedException(400, name + " is a number from " + least + " to " + most);
  }

  private static Map<String, String> parameters(HttpExchange exchange) throws RefusedException {
    Map<String, String> parameters = new HashMap<>();
    String query = exchange.getRequestURI().getRawQuery();
    try {
      for (String part : query == null ? new String[0] : query.split("&")) {
        int equals = part.indexOf('=');
        if (equals > 0) {
          parameters.put(
              part.substring(0, equals),
              URLDecoder.decode(part.substring(equals + 1), StandardCharsets.UTF_8));
        }
      }
    } catch (IllegalArgumentException e) {
      throw new RefusedException(400, "the query is not encoded as URLs are");
    }
    return parameters;
  }

  private static void send(HttpExchange exchange, int status, String type, String text)
      throws IOException {
    send(exchange, status, type + "; charset=utf-8", text.getBytes(StandardCharsets.UTF_8));
  }

  private static void send(HttpExchange exchange, int status, String type, byte[] content)
      throws IOException {
    Headers headers = exchange.getResponseHeaders();
    headers.set("Content-Type", type);
    headers.set("X-Content-Type-Options", "nosniff");
    headers.set("Cache-Control", "no-store");
    headers.set(
        "Content-Security-Policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src"
            + " 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
    exchange.sendResponseHeaders(status, content.length);
    exchange.getResponseBody().write(content);
  }

  @Override
  public void close() {
    server.stop(0);
    threads.shutdownNow();
  }
}
