package org.clip4j.hub;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Predicate;

/**
 * A hub on the loopback interface that answers as huggingface.co does: large files (weights) by a
 * redirect to another host, small ones by a redirect on the same host, refusals with {@code
 * X-Error-Code}. Faults replace its answers.
 */
final class FakeHub implements AutoCloseable {
  /** What came in. */
  record Request(String method, String path, String host, String authorization, String range) {}

  /** An answer that replaces the right one. */
  interface Fault {
    void answer(HttpExchange exchange) throws IOException;
  }

  private record Rule(Predicate<Request> when, int[] times, Fault fault) {}

  private record Repo(Map<String, byte[]> files, String commit) {}

  final List<Request> requests = Collections.synchronizedList(new ArrayList<>());

  private final Map<String, Map<String, Repo>> repos = new ConcurrentHashMap<>(); // id, revision
  private final Map<String, byte[]> stored = new ConcurrentHashMap<>(); // by SHA-256
  private final List<Rule> rules = new CopyOnWriteArrayList<>();
  private final CountDownLatch closing = new CountDownLatch(1);
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final HttpServer hub;
  private final HttpServer cdn;

  FakeHub() throws IOException {
    this(0);
  }

  FakeHub(int port) throws IOException {
    hub = start(port, this::answerHub);
    cdn = start(0, this::answerCdn);
  }

  private interface Answer {
    void to(HttpExchange exchange) throws Exception;
  }

  private HttpServer start(int port, Answer answer) throws IOException {
    HttpServer server =
        HttpServer.create(new InetSocketAddress(InetAddress.getByName("127.0.0.1"), port), 0);
    server.setExecutor(threads);
    server.createContext(
        "/",
        exchange -> {
          try (exchange) {
            Request request = note(exchange);
            for (Rule rule : rules) {
              if (rule.when.test(request) && take(rule.times)) {
                rule.fault.answer(exchange);
                return;
              }
            }
            answer.to(exchange);
          } catch (Exception e) {
            throw new IOException(e);
          }
        });
    server.start();
    return server;
  }

  private static synchronized boolean take(int[] times) {
    return times[0]-- > 0;
  }

  private Request note(HttpExchange exchange) {
    Request request =
        new Request(
            exchange.getRequestMethod(),
            exchange.getRequestURI().toString(),
            exchange.getRequestHeaders().getFirst("Host"),
            exchange.getRequestHeaders().getFirst("Authorization"),
            exchange.getRequestHeaders().getFirst("Range"));
    requests.add(request);
    return request;
  }

  String endpoint() {
    return "http://127.0.0.1:" + hub.getAddress().getPort();
  }

  /** Another host than the endpoint's, by name and by port. */
  String cdnEndpoint() {
    return "http://localhost:" + cdn.getAddress().getPort();
  }

  /** Publishes files as a revision, {@code main} included, and gives the commit. */
  String publish(String id, String revision, Map<String, byte[]> files) {
    MessageDigest digest = digest("SHA-1");
    files.forEach(
        (name, content) -> {
          digest.update(name.getBytes(StandardCharsets.UTF_8));
          digest.update(content);
          stored.put(sha256(content), content);
        });
    Repo repo = new Repo(new LinkedHashMap<>(files), HexFormat.of().formatHex(digest.digest()));
    Map<String, Repo> revisions = repos.computeIfAbsent(id, key -> new ConcurrentHashMap<>());
    revisions.put(revision, repo);
    revisions.put(repo.commit, repo);
    return repo.commit;
  }

  /** Replaces the next answers to requests of a method whose path holds a text. */
  void fault(String method, String part, int times, Fault fault) {
    rules.add(
        new Rule(r -> r.method.equals(method) && r.path.contains(part), new int[] {times}, fault));
  }

  void clearFaults() {
    rules.clear();
  }

  /** Waits until the hub closes; for a server that falls silent. */
  void hang() {
    try {
      closing.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  long count(String method, String part) {
    synchronized (requests) {
      return requests.stream()
          .filter(r -> r.method.equals(method) && r.path.contains(part))
          .count();
    }
  }

  private void answerHub(HttpExchange exchange) throws IOException {
    String[] parts = exchange.getRequestURI().getRawPath().substring(1).split("/");
    for (int i = 0; i < parts.length; i++) {
      parts[i] = URLDecoder.decode(parts[i], StandardCharsets.UTF_8);
    }
    if (parts.length >= 6 && parts[1].equals("models") && parts[4].equals("revision")) {
      Repo repo = repo(exchange, parts[2] + "/" + parts[3], parts[5]);
      if (repo != null) {
        json(exchange, listing(repo));
      }
    } else if (parts.length >= 6 && parts[1].equals("models") && parts[4].equals("tree")) {
      Repo repo = repo(exchange, parts[2] + "/" + parts[3], parts[5]);
      if (repo != null) {
        json(exchange, tree(repo));
      }
    } else if (parts.length >= 5 && parts[2].equals("resolve")) {
      Repo repo = repo(exchange, parts[0] + "/" + parts[1], parts[3]);
      if (repo != null) {
        resolve(exchange, repo, parts[0] + "/" + parts[1], rest(parts, 4), false);
      }
    } else if (parts.length >= 7 && parts[1].equals("resolve-cache")) {
      Repo repo = repo(exchange, parts[3] + "/" + parts[4], parts[5]);
      if (repo != null) {
        resolve(exchange, repo, parts[3] + "/" + parts[4], rest(parts, 6), true);
      }
    } else {
      refuse(exchange, 404, null);
    }
  }

  private static String rest(String[] parts, int from) {
    return String.join("/", List.of(parts).subList(from, parts.length));
  }

  private Repo repo(HttpExchange exchange, String id, String revision) throws IOException {
    Map<String, Repo> revisions = repos.get(id);
    if (revisions == null) {
      refuse(exchange, 401, "RepoNotFound");
      return null;
    }
    if (!revisions.containsKey(revision)) {
      refuse(exchange, 404, "RevisionNotFound");
      return null;
    }
    return revisions.get(revision);
  }

  private void resolve(HttpExchange exchange, Repo repo, String id, String file, boolean direct)
      throws IOException {
    byte[] content = repo.files.get(file);
    if (content == null) {
      refuse(exchange, 404, "EntryNotFound");
      return;
    }
    exchange.getResponseHeaders().set("X-Repo-Commit", repo.commit);
    if (isLarge(file)) {
      exchange.getResponseHeaders().set("X-Linked-Etag", '"' + sha256(content) + '"');
      exchange.getResponseHeaders().set("X-Linked-Size", String.valueOf(content.length));
      redirect(exchange, 302, cdnEndpoint() + "/" + sha256(content) + "?Signature=secret");
    } else if (!direct) {
      redirect(exchange, 307, "/api/resolve-cache/models/" + id + "/" + repo.commit + "/" + file);
    } else {
      exchange.getResponseHeaders().set("ETag", '"' + gitHash(content) + '"');
      send(exchange, content);
    }
  }

  private void answerCdn(HttpExchange exchange) throws IOException {
    byte[] content = stored.get(exchange.getRequestURI().getPath().substring(1));
    if (content == null) {
      refuse(exchange, 404, null);
    } else {
      exchange.getResponseHeaders().set("ETag", "\"of-the-cdn\"");
      send(exchange, content);
    }
  }

  /** Sends content, or the part that a Range asks for. */
  static void send(HttpExchange exchange, byte[] content) throws IOException {
    String range = exchange.getRequestHeaders().getFirst("Range");
    int from = 0;
    if (range != null) {
      from = Integer.parseInt(range.replaceAll("bytes=([0-9]+)-", "$1"));
      if (from >= content.length) {
        exchange.getResponseHeaders().set("Content-Range", "bytes */" + content.length);
        exchange.sendResponseHeaders(416, -1);
        return;
      }
      exchange
          .getResponseHeaders()
          .set(
              "Content-Range", "bytes " + from + "-" + (content.length - 1) + "/" + content.length);
    }
    int length = content.length - from;
    if (exchange.getRequestMethod().equals("HEAD")) {
      exchange.getResponseHeaders().set("Content-Length", String.valueOf(length));
      exchange.sendResponseHeaders(200, -1);
      return;
    }
    exchange.sendResponseHeaders(range == null ? 200 : 206, length == 0 ? -1 : length);
    try (OutputStream out = exchange.getResponseBody()) {
      out.write(content, from, length);
    }
  }

  /** Announces content and sends only its beginning. */
  static void cut(HttpExchange exchange, byte[] content, int from, int to) throws IOException {
    if (from > 0) {
      exchange
          .getResponseHeaders()
          .set(
              "Content-Range", "bytes " + from + "-" + (content.length - 1) + "/" + content.length);
    }
    exchange.sendResponseHeaders(from > 0 ? 206 : 200, content.length - from);
    exchange.getResponseBody().write(content, from, to - from);
    exchange.getResponseBody().flush();
  }

  static void redirect(HttpExchange exchange, int status, String location) throws IOException {
    exchange.getResponseHeaders().set("Location", location);
    exchange.sendResponseHeaders(status, -1);
  }

  static void refuse(HttpExchange exchange, int status, String code) throws IOException {
    if (code != null) {
      exchange.getResponseHeaders().set("X-Error-Code", code);
    }
    exchange.sendResponseHeaders(status, -1);
  }

  static void json(HttpExchange exchange, Object json) throws IOException {
    send(exchange, json.toString().getBytes(StandardCharsets.UTF_8));
  }

  /** The answer of the revision API; tests bend it. */
  JsonObject listing(String id, String revision) {
    return listing(repos.get(id).get(revision));
  }

  private static JsonObject listing(Repo repo) {
    JsonArray siblings = new JsonArray();
    repo.files.forEach(
        (name, content) -> {
          JsonObject file = new JsonObject();
          file.addProperty("rfilename", name);
          addHashes(file, "blobId", name, content);
          siblings.add(file);
        });
    JsonObject json = new JsonObject();
    json.addProperty("id", "ignored");
    json.addProperty("sha", repo.commit);
    json.add("siblings", siblings);
    return json;
  }

  /** The answer of the tree API, which only Python asks. */
  private static JsonArray tree(Repo repo) {
    JsonArray tree = new JsonArray();
    repo.files.forEach(
        (name, content) -> {
          JsonObject file = new JsonObject();
          file.addProperty("type", "file");
          file.addProperty("path", name);
          addHashes(file, "oid", name, content);
          tree.add(file);
        });
    return tree;
  }

  private static void addHashes(JsonObject file, String hash, String name, byte[] content) {
    file.addProperty("size", content.length);
    if (isLarge(name)) {
      file.addProperty(hash, "0".repeat(40)); // that of the LFS pointer
      JsonObject lfs = new JsonObject();
      lfs.addProperty(hash.equals("oid") ? "oid" : "sha256", sha256(content));
      lfs.addProperty("size", content.length);
      lfs.addProperty("pointerSize", 130);
      file.add("lfs", lfs);
    } else {
      file.addProperty(hash, gitHash(content));
    }
  }

  private static boolean isLarge(String name) {
    return name.endsWith(".safetensors") || name.endsWith(".bin");
  }

  static String sha256(byte[] content) {
    return HexFormat.of().formatHex(digest("SHA-256").digest(content));
  }

  static String gitHash(byte[] content) {
    MessageDigest digest = digest("SHA-1");
    digest.update(("blob " + content.length + "\0").getBytes(StandardCharsets.US_ASCII));
    return HexFormat.of().formatHex(digest.digest(content));
  }

  private static MessageDigest digest(String algorithm) {
    try {
      return MessageDigest.getInstance(algorithm);
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e);
    }
  }

  @Override
  public void close() {
    closing.countDown();
    hub.stop(0);
    cdn.stop(0);
    threads.shutdownNow();
  }
}
