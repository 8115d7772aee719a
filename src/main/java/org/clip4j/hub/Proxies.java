package org.clip4j.hub;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.SocketAddress;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The proxies that the environment names, read as Python reads them ({@code urllib.request}'s
 * {@code getproxies} and httpx, by which {@code huggingface_hub} makes its requests): {@code
 * https_proxy} or {@code http_proxy} by the address asked for, else {@code all_proxy}; lower case
 * goes before upper case, and an empty lower-case variable takes the other away. {@code no_proxy}
 * lists hosts that are asked directly: a name with all below it, {@code .name} for those below it
 * only, {@code localhost} and addresses as they are, each perhaps with a port, and {@code *} for
 * all. Where no variable names a proxy, the JVM's own settings ({@code https.proxyHost}) hold.
 */
final class Proxies extends ProxySelector {
  private static final Logger logger = LoggerFactory.getLogger(Proxies.class);

  static final Proxies NONE = new Proxies();

  /** What the JDK reads once, when its client is first used. */
  private static final String TUNNELING = "jdk.http.auth.tunneling.disabledSchemes";

  private static final Pattern HOST =
      Pattern.compile("(\\[[^]]*]|[^:/]*)(?::([0-9]{1,5}))?(?:/.*)?");
  private static final Pattern ADDRESS = Pattern.compile("[0-9]{1,3}(\\.[0-9]{1,3}){3}(/.*)?");

  /**
   * A proxy.
   *
   * @param variable that names it
   * @param login user and password, decoded; null for none
   */
  private record Route(String variable, String scheme, String host, int port, String login) {
    @Override
    public String toString() {
      return scheme + "://" + host + ":" + port + " (" + variable + ")";
    }
  }

  /**
   * A host that is asked directly.
   *
   * @param scheme null for any
   * @param port -1 for any
   */
  private record Direct(String scheme, Pattern host, int port) {
    boolean matches(URI uri) {
      return (scheme == null || scheme.equalsIgnoreCase(uri.getScheme()))
          && host.matcher(comparable(uri.getHost())).matches()
          && (port < 0 || port == HubClient.port(uri));
    }
  }

  private final Map<String, Route> routes = new TreeMap<>();
  private final List<Direct> direct = new ArrayList<>();

  private Proxies() {}

  /**
   * Reads the environment.
   *
   * @throws IllegalArgumentException if a proxy's address makes no sense; the message names the
   *     variable, and holds no password
   */
  static Proxies of(Map<String, String> environment) {
    Proxies proxies = new Proxies();
    for (String kind : List.of("http", "https", "all")) {
      String variable = variable(environment, kind);
      if (variable != null) {
        proxies.routes.put(kind, route(variable, environment.get(variable).strip()));
      }
    }
    if (proxies.routes.values().stream().anyMatch(route -> route.login != null)
        && System.getProperty(TUNNELING) == null) {
      logger.info("Setting {} to nothing, so that Java sends a proxy's password", TUNNELING);
      System.setProperty(TUNNELING, "");
    }
    String none = variable(environment, "no");
    for (String host : none == null ? new String[0] : environment.get(none).split(",")) {
      proxies.add(host.strip());
    }
    return proxies;
  }

  /** The name of the variable that holds; null for none. */
  private static String variable(Map<String, String> environment, String kind) {
    String lower = kind + "_proxy";
    if (environment.containsKey(lower)) {
      return environment.get(lower).isEmpty() ? null : lower;
    }
    if (kind.equals("http") && environment.containsKey("REQUEST_METHOD")) {
      return null; // in a CGI script, HTTP_PROXY may be a header that a stranger sent
    }
    return environment.keySet().stream()
        .filter(name -> name.equalsIgnoreCase(lower) && !environment.get(name).isEmpty())
        .min(String::compareTo)
        .orElse(null);
  }

  private static Route route(String variable, String value) {
    String address = value.contains("://") ? value : "http://" + value;
    URI uri;
    try {
      uri = new URI(address);
    } catch (URISyntaxException e) {
      throw noAddress(variable);
    }
    String scheme = uri.getScheme().toLowerCase(Locale.ROOT);
    if (uri.getHost() == null || !scheme.matches("https?|socks5h?")) {
      throw noAddress(variable);
    }
    int port =
        uri.getPort() >= 0
            ? uri.getPort()
            : scheme.startsWith("socks") ? 1080 : HubClient.port(uri);
    return new Route(variable, scheme, uri.getHost(), port, uri.getUserInfo());
  }

  private static IllegalArgumentException noAddress(String variable) {
    return new IllegalArgumentException( // the value is not shown: it may hold a password
        variable + " is not the address of a proxy like http://proxy.example:3128");
  }

  private void add(String entry) {
    String host = entry;
    String scheme = null;
    int colons = entry.indexOf("://");
    if (colons >= 0) {
      scheme = entry.substring(0, colons).equals("all") ? null : entry.substring(0, colons);
      host = entry.substring(colons + 3);
    }
    if (host.isEmpty()) {
      return;
    }
    if (host.equals("*")) {
      direct.add(new Direct(scheme, Pattern.compile(".*"), -1));
      return;
    }
    if (host.chars().filter(c -> c == ':').count() > 1 && !host.startsWith("[")) {
      host = "[" + host + "]";
    }
    Matcher parts = HOST.matcher(host);
    if (!parts.matches()) {
      return; // no host's name
    }
    String name = comparable(parts.group(1));
    boolean exact =
        colons >= 0
            || name.equals("localhost")
            || name.indexOf(':') >= 0
            || ADDRESS.matcher(name).matches();
    String pattern =
        exact
            ? Pattern.quote(name)
            : name.startsWith(".")
                ? ".+" + Pattern.quote(name)
                : "(?:.+\\.)?" + Pattern.quote(name);
    int port = parts.group(2) == null ? -1 : Integer.parseInt(parts.group(2));
    direct.add(new Direct(scheme, Pattern.compile(pattern), port));
  }

  /** A host's name to compare by: lower case, without the brackets of an address. */
  private static String comparable(String host) {
    return host.toLowerCase(Locale.ROOT).replaceAll("^\\[|]$", "");
  }

  private Route route(URI uri) {
    if (uri.getHost() == null || direct.stream().anyMatch(each -> each.matches(uri))) {
      return null;
    }
    Route route = routes.get(uri.getScheme().toLowerCase(Locale.ROOT));
    return route != null ? route : routes.get("all");
  }

  /** The environment's proxy for an address, with its variable; null for none. */
  String describe(URI uri) {
    Route route = route(uri);
    return route == null ? null : route.toString();
  }

  /**
   * What the proxy for an address wants to know of who asks; null for nothing.
   *
   * @throws HubException if the proxy is of a kind that Java's client cannot use
   */
  String authorization(URI uri) throws HubException {
    Route route = route(uri);
    if (route == null) {
      return null;
    }
    if (!route.scheme.equals("http")) {
      throw new HubException(
          "the proxy "
              + route
              + " cannot be used: Java's HTTP client knows proxies that are addressed by http://,"
              + " for https too; name one, or list "
              + uri.getHost()
              + " in NO_PROXY");
    }
    if (route.login == null) {
      return null;
    }
    byte[] login = route.login.getBytes(StandardCharsets.UTF_8);
    return "Basic " + Base64.getEncoder().encodeToString(login);
  }

  @Override
  public List<Proxy> select(URI uri) {
    if (routes.isEmpty()) {
      ProxySelector system = ProxySelector.getDefault();
      return system == null ? List.of(Proxy.NO_PROXY) : system.select(uri);
    }
    Route route = route(uri);
    return List.of(
        route == null
            ? Proxy.NO_PROXY
            : new Proxy(Proxy.Type.HTTP, new InetSocketAddress(route.host, route.port)));
  }

  @Override
  public void connectFailed(URI uri, SocketAddress proxy, IOException e) {
    // the request fails, and says so
  }
}
