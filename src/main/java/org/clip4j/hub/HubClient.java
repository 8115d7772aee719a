package org.clip4j.hub;

import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.UnknownHostException;
import java.net.http.HttpClient;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.channels.UnresolvedAddressException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Locale;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import javax.net.ssl.SSLException;
import org.clip4j.io.IoErrors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Requests to the hub. Redirects are followed here and not by the JDK's client: at most {@link
 * #MAX_REDIRECTS} of them, never from https to http, and the access token goes only where scheme,
 * host and port are the endpoint's.
 */
final class HubClient {
  static final int MAX_REDIRECTS = 10;

  /** The listing of a repository with tens of thousands of files; in memory it is much larger. */
  static final int MAX_LISTING_BYTES = 8 << 20;

  private static final Logger logger = LoggerFactory.getLogger(HubClient.class);

  private final HubSettings settings;
  private final Retries.Waiting waiting;
  private final Proxies proxies;
  private final HttpClient http;
  private final AtomicBoolean warned = new AtomicBoolean();

  HubClient(HubSettings settings, Proxies proxies, Retries.Waiting waiting) {
    this.settings = settings;
    this.proxies = proxies;
    this.waiting = waiting;
    http =
        HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1) // plain http would ask for an upgrade to 2
            .followRedirects(HttpClient.Redirect.NEVER)
            .connectTimeout(settings.metadataTimeout())
            .proxy(proxies)
            .build();
  }

  /** An answer whose body may still be on its way; closing it gives up the rest. */
  record Reply(URI uri, int status, HttpHeaders headers, BodyStream body) implements AutoCloseable {
    String header(String name) {
      return headers.firstValue(name).orElse(null);
    }

    /** A header that is a number of bytes; empty where it is missing or is not one. */
    OptionalLong size(String name) {
      String value = header(name);
      return value != null && value.matches("[0-9]{1,18}")
          ? OptionalLong.of(Long.parseLong(value))
          : OptionalLong.empty();
    }

    boolean isRedirect() {
      return (status == 301 || status == 302 || status == 303 || status == 307 || status == 308)
          && header("Location") != null;
    }

    @Override
    public void close() {
      body.close();
    }
  }

  Retries retries(HubId id, String file) {
    return new Retries(waiting, file + " of " + id, Retries.MAX_RETRIES);
  }

  /**
   * Asks once what a revision holds.
   *
   * @param patient whether to try again when the hub does not answer
   */
  RepoListing list(HubId id, boolean patient) throws IOException, InterruptedException {
    URI uri =
        address(
            "/api/models/" + id.repo() + "/revision/" + encode(id.revision(), "") + "?blobs=true");
    Retries retries =
        new Retries(waiting, "the listing of " + id, patient ? Retries.MAX_RETRIES : 0);
    while (true) {
      try (Reply reply = send("GET", uri, 0, false)) {
        HubErrors.check(reply, id, null, settings);
        return RepoListing.parse(
            reply.body().readAll(MAX_LISTING_BYTES, "the hub's listing of " + id), id);
      } catch (TransientFailure e) {
        retries.await(e);
      }
    }
  }

  /** Asks for the hash and size of a file at a commit, which the hub itself answers. */
  RemoteFile describe(HubId id, String commit, RepoFile file)
      throws IOException, InterruptedException {
    Retries retries = retries(id, file.name());
    while (true) {
      try (Reply reply = send("HEAD", fileAddress(id, commit, file.name()), 0, true)) {
        HubErrors.check(reply, id, file.name(), settings);
        return RemoteFile.of(reply, id, commit, file);
      } catch (TransientFailure e) {
        retries.await(e);
      }
    }
  }

  /**
   * Asks for a file's content from a position on.
   *
   * @return with status 200 (from the beginning), 206 or 416
   */
  Reply content(HubId id, String commit, String file, long position)
      throws IOException, InterruptedException {
    Reply reply = send("GET", fileAddress(id, commit, file), position, false);
    try {
      if (reply.status() != 416 || position == 0) {
        HubErrors.check(reply, id, file, settings);
      }
      String encoding = reply.header("Content-Encoding");
      if (encoding != null && !encoding.equalsIgnoreCase("identity")) {
        throw new HubException(
            show(reply.uri()) + " sends " + file + " as " + encoding + ", which was not asked for");
      }
      return reply;
    } catch (IOException | RuntimeException e) {
      reply.close();
      throw e;
    }
  }

  private Reply send(String method, URI start, long position, boolean stayAtHome)
      throws IOException, InterruptedException {
    URI uri = start;
    boolean home = true;
    for (int hops = 0; hops <= MAX_REDIRECTS; hops++) {
      HttpRequest.Builder request =
          HttpRequest.newBuilder(uri)
              .method(method, BodyPublishers.noBody())
              .header("User-Agent", "clip4j; java/" + Runtime.version().feature())
              // Compressed, it would have another size than the hub says.
              .header("Accept-Encoding", "identity");
      home &= isHome(uri); // once away, a redirect back does not bring the token out again
      if (home && settings.token() != null) {
        if (scheme(uri).equals("http") && warned.compareAndSet(false, true)) {
          logger.warn(
              "{} goes to {} unencrypted, as HF_ENDPOINT says http: anyone on the way can read it;"
                  + " use https, or HF_HUB_DISABLE_IMPLICIT_TOKEN=1 to send none",
              settings.token(),
              origin(uri));
        }
        request.header("Authorization", "Bearer " + settings.token().value());
      }
      String login = proxies.authorization(uri);
      if (login != null) {
        request.header("Proxy-Authorization", login);
      }
      if (position > 0) {
        request.header("Range", "bytes=" + position + "-");
      }
      Reply reply = exchange(request.build());
      if (!reply.isRedirect()) {
        return reply;
      }
      try {
        URI target = target(uri, reply.header("Location"));
        if (stayAtHome && !isHome(target)) {
          return reply;
        }
        uri = target;
      } finally {
        reply.close();
      }
    }
    throw new HubException(
        show(start)
            + " was redirected more than "
            + MAX_REDIRECTS
            + " times; is HF_ENDPOINT right?");
  }

  /**
   * Waits for an answer's headers. The request's own timeout is not used: from JDK 26 on it would
   * end a long download too.
   */
  private Reply exchange(HttpRequest request) throws IOException, InterruptedException {
    boolean head = request.method().equals("HEAD");
    Duration timeout = head ? settings.metadataTimeout() : settings.downloadTimeout();
    CompletableFuture<HttpResponse<BodyStream>> future =
        http.sendAsync(request, info -> new BodyStream(settings.downloadTimeout()));
    try {
      HttpResponse<BodyStream> response = future.get(timeout.toMillis(), TimeUnit.MILLISECONDS);
      checkProxy(request.uri(), response);
      return new Reply(request.uri(), response.statusCode(), response.headers(), response.body());
    } catch (TimeoutException e) {
      throw new TransientFailure(
          origin(request.uri())
              + " did not answer within "
              + timeout.toMillis() / 1000.0
              + " s ("
              + (head ? "HF_HUB_ETAG_TIMEOUT" : "HF_HUB_DOWNLOAD_TIMEOUT")
              + " sets how long that may take)",
          e);
    } catch (ExecutionException e) {
      String proxy = proxies.describe(request.uri());
      String failed =
          "no connection to "
              + origin(request.uri())
              + (proxy == null ? "" : " through the proxy " + proxy)
              + ": "
              + reason(e.getCause());
      if (e.getCause() instanceof SSLException) {
        throw HubException.unavailable(failed, e.getCause());
      }
      throw isUnknownHost(e)
          ? TransientFailure.stubborn(failed, e.getCause())
          : new TransientFailure(failed, e.getCause());
    } finally {
      future.cancel(true); // changes nothing if it is done
    }
  }

  /** An answer without a body is a proxy's, which opens no tunnel; so is one of status 407. */
  private void checkProxy(URI uri, HttpResponse<BodyStream> response) throws IOException {
    int status = response.statusCode();
    if (response.body() != null && status != 407) {
      return;
    }
    if (response.body() != null) {
      response.body().close();
    }
    String proxy = proxies.describe(uri);
    String refused =
        "the proxy "
            + (proxy == null ? "that Java's settings name" : proxy)
            + " does not let through to "
            + origin(uri)
            + ": it answers "
            + status;
    if (status >= 500) {
      throw new TransientFailure(refused);
    }
    throw HubException.unavailable(
        status == 407
            ? refused
                + ", for it wants a user and a password that it knows: write them into the"
                + " variable, as http://user:password@host:port; for https, Java sends them only if"
                + " started with -Djdk.http.auth.tunneling.disabledSchemes="
            : refused + "; name another proxy, or list the host in NO_PROXY",
        null);
  }

  private boolean isHome(URI uri) {
    return origin(uri).equals(origin(settings.endpoint()));
  }

  /** Where a redirect leads, if it may be followed. */
  static URI target(URI from, String location) throws HubException {
    URI target;
    try {
      target = from.resolve(new URI(location));
    } catch (URISyntaxException e) {
      throw new HubException(show(from) + " redirects to what is not an address");
    }
    String scheme = scheme(target);
    if (target.getHost() == null || !(scheme.equals("http") || scheme.equals("https"))) {
      throw new HubException(
          show(from) + " redirects to " + RepoPaths.quote(show(target)) + ", not a web address");
    }
    if (scheme(from).equals("https") && scheme.equals("http")) {
      throw new HubException(
          show(from) + " redirects from https to http, to " + origin(target) + "; refused");
    }
    return target;
  }

  private static String scheme(URI uri) {
    return uri.getScheme() == null ? "" : uri.getScheme().toLowerCase(Locale.ROOT);
  }

  /** Scheme, host and port. */
  static String origin(URI uri) {
    return scheme(uri)
        + "://"
        + String.valueOf(uri.getHost()).toLowerCase(Locale.ROOT)
        + ":"
        + port(uri);
  }

  static int port(URI uri) {
    return uri.getPort() >= 0 ? uri.getPort() : scheme(uri).equals("https") ? 443 : 80;
  }

  /** An address for messages: without its query, which may be as good as a password. */
  static String show(URI uri) {
    return origin(uri) + (uri.getRawPath() == null ? "" : uri.getRawPath());
  }

  static String reason(Throwable error) {
    if (isUnknownHost(error)) {
      return "the host's name is unknown (is there a network?)";
    }
    String reason = IoErrors.message(error);
    return reason.startsWith(ConnectException.class.getSimpleName()) ? "it was refused" : reason;
  }

  private static boolean isUnknownHost(Throwable error) {
    for (Throwable cause = error; cause != null; cause = cause.getCause()) {
      if (cause instanceof UnresolvedAddressException || cause instanceof UnknownHostException) {
        return true;
      }
    }
    return false;
  }

  private URI fileAddress(HubId id, String commit, String file) {
    return address("/" + id.repo() + "/resolve/" + commit + "/" + encode(file, "/"));
  }

  private URI address(String path) {
    return URI.create(settings.endpoint() + path);
  }

  /** Percent-encodes all but unreserved characters (RFC 3986) and those to be kept. */
  private static String encode(String text, String kept) {
    StringBuilder encoded = new StringBuilder();
    for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
      char c = (char) (b & 0xFF);
      if (c < 0x80 && (Character.isLetterOrDigit(c) || "-._~".indexOf(c) >= 0)
          || kept.indexOf(c) >= 0) {
        encoded.append(c);
      } else {
        encoded.append(String.format(Locale.ROOT, "%%%02X", (int) c));
      }
    }
    return encoded.toString();
  }
}
