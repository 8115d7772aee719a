package org.clip4j.examples.app.search;

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
import java.util.concurrent.Semaphore;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.clip4j.examples.app.Errors;
import org.clip4j.examples.app.search.ImageSearch.Match;
import org.clip4j.image.ImageDecoder;
import org.clip4j.image.ImageFormatException;
import org.clip4j.image.RgbImage;

/**
 * A small page on this machine to type queries into. Only this machine reaches it, and only under
 * its own address, so that no web site can ask it through the reader's browser, nor show what it
 * answers. What it shows of files are pictures of rows, by number; no request names a file.
 *
 * <p>A request that does not arrive holds a thread for {@value #REQUEST_SECONDS} seconds and no
 * longer, and there are many threads; those that decode and compute are few at a time.
 */
public final class SearchServer implements AutoCloseable {
  static final int MAX_QUERY = 1000; // characters
  static final int MAX_IMAGE_BYTES = 16 << 20;
  static final int MAX_IMAGE_PIXELS = 50_000_000;
  static final int REQUEST_SECONDS = 20; // from its first byte to its last
  static final int THREADS = 256;
  static final int UPLOADS = 16;
  private static final int RESPONSE_SECONDS = 120;
  private static final int WORKERS = 4;
  private static final int THUMBNAIL = 240; // pixels, the longer side
  private static final int PICTURE = 1600;
  private static final long MAX_DRAINED = 1L << 30; // bytes of a body that is refused
  private static final int DEFAULT_K = 24;
  private static final int MAX_K = 200;
  private static final double RELEVANCE = 0.3;

  private static final ImageDecoder UPLOAD_DECODER =
      ImageDecoder.defaults().withMaxPixels(MAX_IMAGE_PIXELS).withMaxBytes(MAX_IMAGE_BYTES);

  static {
    // The JDK's server reads these when its first instance is made, and knows no other way.
    limit("maxReqTime", REQUEST_SECONDS);
    limit("maxRspTime", RESPONSE_SECONDS);
  }

  private final ImageSearch search;
  private final HttpServer server;
  private final ExecutorService threads;
  private final Semaphore uploads = new Semaphore(UPLOADS);
  private final Semaphore workers = new Semaphore(WORKERS, true);

  private static void limit(String name, int seconds) {
    String property = "sun.net.httpserver." + name;
    if (System.getProperty(property) == null) {
      System.setProperty(property, String.valueOf(seconds));
    }
  }

  /** An answer that is an error. */
  private static final class RefusedException extends Exception {
    private static final long serialVersionUID = 1;
    private final int status;

    RefusedException(int status, String message) {
      super(message);
      this.status = status;
    }
  }

  /** What needs the model or decodes an image. */
  private interface Work<T> {
    T get() throws IOException, RefusedException;
  }

  /**
   * Starts it.
   *
   * @param port 0 for one that is free
   */
  public SearchServer(ImageSearch search, int port) throws IOException {
    this.search = search;
    try {
      server =
          HttpServer.create(new InetSocketAddress(InetAddress.getByName("127.0.0.1"), port), 0);
    } catch (BindException e) {
      throw new IOException(
          "port "
              + port
              + " cannot be used: "
              + Errors.message(e)
              + "; choose another, or 0 for any",
          e);
    }
    threads =
        new ThreadPoolExecutor(
            0,
            THREADS,
            30,
            TimeUnit.SECONDS,
            new SynchronousQueue<>(),
            task -> {
              Thread thread = new Thread(task, "search-server");
              thread.setDaemon(true);
              return thread;
            });
    server.setExecutor(threads);
    server.createContext("/", this::answer);
    server.start();
  }

  public String address() {
    return "http://127.0.0.1:" + server.getAddress().getPort() + "/";
  }

  private void answer(HttpExchange exchange) throws IOException {
    try (exchange) {
      try {
        checkOrigin(exchange.getRequestHeaders());
        route(exchange);
      } catch (RefusedException e) {
        refuse(exchange, e.status, Errors.message(e));
      } catch (RuntimeException e) {
        System.err.println("The search page failed: " + e);
        refuse(exchange, 500, "this failed: " + e);
      }
    }
  }

  private void route(HttpExchange exchange) throws IOException, RefusedException {
    String path = exchange.getRequestURI().getPath();
    boolean api = path.equals("/api/search");
    if (!exchange.getRequestMethod().equals("GET")
        && !(api && exchange.getRequestMethod().equals("POST"))) {
      throw new RefusedException(405, "ask with GET");
    }
    switch (path) {
      case "/" -> send(exchange, 200, "text/html", SearchPages.form(search));
      case "/" + SearchPages.STYLES, "/" + SearchPages.MORE_STYLES ->
          send(exchange, 200, "text/css", SearchPages.resource(path.substring(1)));
      case "/" + SearchPages.SCRIPT ->
          send(exchange, 200, "text/javascript", SearchPages.resource(SearchPages.SCRIPT));
      case "/" + SearchPages.ICON, "/favicon.ico" ->
          send(exchange, 200, "image/svg+xml", SearchPages.resource(SearchPages.ICON));
      case "/api/search" -> search(exchange);
      case "/thumbnail" -> picture(exchange, THUMBNAIL);
      case "/picture" -> picture(exchange, PICTURE);
      case "/why" -> why(exchange);
      default -> throw new RefusedException(404, "there is no such page");
    }
  }

  /**
   * A web site whose name was made to mean this machine sends its own name as the host, and a
   * browser says when another site's page asks.
   */
  private void checkOrigin(Headers headers) throws RefusedException {
    List<String> hosts = headers.getOrDefault("Host", List.of());
    if (hosts.size() != 1) {
      throw new RefusedException(
          400, "a request has one Host header, this has " + hosts.size() + "; ask " + address());
    }
    int port = server.getAddress().getPort();
    List<String> own = List.of("127.0.0.1:" + port, "localhost:" + port);
    String origin = headers.getFirst("Origin");
    String site = headers.getFirst("Sec-Fetch-Site");
    if (!own.contains(hosts.get(0))
        || origin != null && own.stream().noneMatch(host -> origin.equals("http://" + host))
        || site != null && !site.equals("same-origin") && !site.equals("none")) {
      throw new RefusedException(403, "this page answers to itself only, at " + address());
    }
  }

  /** Runs it when few others run. */
  private <T> T work(Work<T> work) throws IOException, RefusedException {
    boolean own = false;
    try {
      own = workers.tryAcquire(REQUEST_SECONDS, TimeUnit.SECONDS);
      if (!own) {
        throw new RefusedException(503, "too much is asked at once; try again");
      }
      return work.get();
    } catch (IOException e) { // the index's, not the connection's
      throw new RefusedException(500, e.getMessage());
    } catch (InterruptedException e) {
      throw new RefusedException(503, "the server is closing");
    } finally {
      if (own) {
        workers.release();
      }
    }
  }

  private void search(HttpExchange exchange) throws IOException, RefusedException {
    Map<String, String> parameters = parameters(exchange);
    int k = number(parameters.getOrDefault("k", String.valueOf(DEFAULT_K)), "k", 1, MAX_K);
    ImageSearch.Options options = options(parameters, k);
    long start = System.nanoTime();
    List<Match> matches;
    if (exchange.getRequestMethod().equals("POST")) {
      matches = byImage(exchange, options);
    } else if (parameters.containsKey("row")) {
      int row = row(parameters);
      matches = work(() -> search.byRow(row, options));
    } else {
      String query = query(parameters);
      matches = work(() -> search.byText(query, options));
    }
    JsonArray results = new JsonArray();
    for (Match match : matches) {
      JsonObject result = new JsonObject();
      result.addProperty("row", match.row());
      result.addProperty("name", match.name());
      result.addProperty("score", match.score());
      result.addProperty("picture", search.isOfImages());
      result.addProperty("folded", match.folded());
      results.add(result);
    }
    JsonObject answer = new JsonObject();
    answer.addProperty("milliseconds", (System.nanoTime() - start) / 1e6);
    answer.add("results", results);
    if (matches.isEmpty()) {
      answer.addProperty(
          "nothing",
          options.relevance() != null
              ? SearchPages.NOTHING_RELEVANT
              : "No row matches the filter.");
    }
    send(exchange, 200, "application/json", new Gson().toJson(answer));
  }

  private ImageSearch.Options options(Map<String, String> parameters, int k)
      throws RefusedException {
    String where = parameters.getOrDefault("where", "").strip();
    if (where.length() > MAX_QUERY) {
      throw new RefusedException(400, "a filter has at most " + MAX_QUERY + " characters");
    }
    List<String> conditions = where.isEmpty() ? List.of() : List.of(where.split(","));
    try {
      SearchFilters.filter(conditions, search.fields());
    } catch (IOException e) {
      throw new RefusedException(400, e.getMessage());
    }
    Double relevance = "1".equals(parameters.get("relevant")) ? RELEVANCE : null;
    return new ImageSearch.Options(k, conditions, relevance, null, null);
  }

  private List<Match> byImage(HttpExchange exchange, ImageSearch.Options options)
      throws IOException, RefusedException {
    if (!uploads.tryAcquire()) {
      throw new RefusedException(503, "too many images are being sent at once; try again");
    }
    try {
      byte[] bytes = exchange.getRequestBody().readNBytes(MAX_IMAGE_BYTES + 1);
      if (bytes.length > MAX_IMAGE_BYTES) {
        throw new RefusedException(
            413, "an image to search by has at most " + (MAX_IMAGE_BYTES >> 20) + " MB");
      }
      return work(() -> search.byImage(decode(bytes), options));
    } finally {
      uploads.release();
    }
  }

  private static RgbImage decode(byte[] bytes) throws RefusedException {
    try {
      return UPLOAD_DECODER.read(bytes, "the image");
    } catch (ImageFormatException e) {
      if (e.isTooLarge()) {
        throw new RefusedException(
            413,
            "an image to search by has at most " + MAX_IMAGE_PIXELS / 1_000_000 + " megapixels");
      }
      throw new RefusedException(400, Errors.message(e));
    } catch (IOException e) {
      throw new RefusedException(400, Errors.message(e));
    }
  }

  private static String query(Map<String, String> parameters) throws RefusedException {
    String query = parameters.getOrDefault("q", "").strip();
    if (query.isEmpty() || query.length() > MAX_QUERY) {
      throw new RefusedException(
          400, "a query has 1 to " + MAX_QUERY + " characters, this has " + query.length());
    }
    return query;
  }

  private void picture(HttpExchange exchange, int side) throws IOException, RefusedException {
    int row = row(parameters(exchange));
    if (!search.isOfImages()) {
      throw new RefusedException(404, "the rows are of texts");
    }
    sendJpeg(exchange, () -> search.jpeg(row, side));
  }

  /** A picture with a heat map of what makes it similar to a query. */
  private void why(HttpExchange exchange) throws IOException, RefusedException {
    Map<String, String> parameters = parameters(exchange);
    int row = row(parameters);
    String query = query(parameters);
    if (!search.explains()) {
      throw new RefusedException(404, "nothing is explained here");
    }
    sendJpeg(exchange, () -> search.explanation(row, query, PICTURE));
  }

  private void sendJpeg(HttpExchange exchange, Work<byte[]> picture)
      throws IOException, RefusedException {
    byte[] jpeg =
        work(
            () -> {
              try {
                return picture.get();
              } catch (IOException e) {
                throw new RefusedException(404, "the image cannot be read any more");
              }
            });
    send(exchange, 200, "image/jpeg", jpeg);
  }

  private int row(Map<String, String> parameters) throws IOException, RefusedException {
    int row = number(parameters.get("row"), "row", 0, 999_999_999);
    if (!search.has(row)) {
      throw new RefusedException(404, "there is no row " + row);
    }
    return row;
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

  private static void refuse(HttpExchange exchange, int status, String message) throws IOException {
    JsonObject error = new JsonObject();
    error.addProperty("error", message);
    exchange.getResponseHeaders().set("Connection", "close");
    send(exchange, status, "application/json", new Gson().toJson(error));
    // A connection that is closed before all is read is reset, and the client may lose the answer.
    exchange.getResponseBody().flush();
    byte[] buffer = new byte[1 << 16];
    int read = 0;
    for (long all = 0; read >= 0 && all < MAX_DRAINED; all += read) {
      read = exchange.getRequestBody().read(buffer);
    }
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
    headers.set("Cross-Origin-Resource-Policy", "same-origin");
    headers.set("Cross-Origin-Opener-Policy", "same-origin");
    headers.set(
        "Content-Security-Policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src"
            + " 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
    boolean empty = exchange.getRequestMethod().equals("HEAD"); // which may have no body
    exchange.sendResponseHeaders(status, empty ? -1 : content.length);
    if (!empty) {
      exchange.getResponseBody().write(content);
    }
  }

  @Override
  public void close() {
    server.stop(0);
    threads.shutdownNow();
  }
}
