package org.clip4j.hub;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.clip4j.io.IoErrors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the environment says about the hub and its cache, by the variables of {@code
 * huggingface_hub} (its {@code constants.py}) and DJL's {@code DJL_OFFLINE}.
 *
 * @param cache the folder of all cached repositories
 * @param endpoint the hub, without a trailing slash
 * @param token null if there is none
 * @param offline the variable that forbids the network; null if none does
 * @param symlinks whether links may be tried
 * @param metadataTimeout for a connection, and for the answer that describes a file
 * @param downloadTimeout for the beginning of any other answer, and for each next piece
 */
record HubSettings(
    Path cache,
    URI endpoint,
    Token token,
    String offline,
    boolean symlinks,
    Duration metadataTimeout,
    Duration downloadTimeout) {
  private static final Logger logger = LoggerFactory.getLogger(HubSettings.class);

  private static final Set<String> TRUE = Set.of("1", "ON", "YES", "TRUE");
  private static final Pattern VARIABLE = Pattern.compile("\\$(?:(\\w+)|\\{([^}]*)})");

  /** Far more than any token has. */
  private static final int MAX_TOKEN_BYTES = 4096;

  /** An access token and where it came from; only the latter is ever shown. */
  record Token(String value, String source) {
    @Override
    public String toString() {
      return "the token of " + source;
    }
  }

  /**
   * Reads the environment.
   *
   * @throws IllegalArgumentException if a variable makes no sense; the message names it
   */
  static HubSettings of(Map<String, String> environment) {
    Path home =
        folder(
            environment,
            "HF_HOME",
            folder(environment, "XDG_CACHE_HOME", home(environment).resolve(".cache"))
                .resolve("huggingface"));
    Path cache =
        folder(
            environment,
            "HF_HUB_CACHE",
            folder(environment, "HUGGINGFACE_HUB_CACHE", home.resolve("hub")));
    return new HubSettings(
        cache.toAbsolutePath().normalize(),
        endpoint(environment),
        isTrue(environment, "HF_HUB_DISABLE_IMPLICIT_TOKEN") ? null : token(environment, home),
        offline(environment),
        !isTrue(environment, "HF_HUB_DISABLE_SYMLINKS"),
        seconds(environment, "HF_HUB_ETAG_TIMEOUT"),
        seconds(environment, "HF_HUB_DOWNLOAD_TIMEOUT"));
  }

  /** The variable's value; null where it is missing or empty. */
  private static String get(Map<String, String> environment, String name) {
    String value = environment.get(name);
    return value == null || value.isEmpty() ? null : value;
  }

  private static boolean isTrue(Map<String, String> environment, String name) {
    String value = environment.get(name);
    return value != null && TRUE.contains(value.toUpperCase(Locale.ROOT));
  }

  /** As in Python, {@code HF_HUB_OFFLINE=0} goes before {@code TRANSFORMERS_OFFLINE=1}. */
  private static String offline(Map<String, String> environment) {
    String hub =
        get(environment, "HF_HUB_OFFLINE") != null ? "HF_HUB_OFFLINE" : "TRANSFORMERS_OFFLINE";
    if (isTrue(environment, hub)) {
      return hub;
    }
    return isTrue(environment, "DJL_OFFLINE") ? "DJL_OFFLINE" : null;
  }

  private static Path home(Map<String, String> environment) {
    String home = get(environment, "HOME");
    return Path.of(home != null ? home : System.getProperty("user.home"));
  }

  private static Path folder(Map<String, String> environment, String name, Path otherwise) {
    String value = get(environment, name);
    if (value == null) {
      return otherwise;
    }
    try {
      return path(environment, value);
    } catch (InvalidPathException e) {
      throw new IllegalArgumentException(
          name + " is " + RepoPaths.quote(value) + ", which is not a path: " + e.getReason(), e);
    }
  }

  /**
   * As a shell would read it: a leading {@code ~}, then variables; unknown ones stay as written.
   */
  private static Path path(Map<String, String> environment, String value) {
    String expanded = value;
    if (value.equals("~") || value.startsWith("~/") || value.startsWith("~\\")) {
      expanded = home(environment) + value.substring(1);
    }
    expanded =
        VARIABLE
            .matcher(expanded)
            .replaceAll(
                match -> {
                  String variable = match.group(1) != null ? match.group(1) : match.group(2);
                  return Matcher.quoteReplacement(
                      environment.getOrDefault(variable, match.group()));
                });
    return Path.of(expanded);
  }

  private static URI endpoint(Map<String, String> environment) {
    String value = get(environment, "HF_ENDPOINT");
    if (value == null) {
      value = "https://huggingface.co";
    }
    try {
      URI uri = new URI(value.replaceAll("/+$", ""));
      String scheme = uri.getScheme() == null ? "" : uri.getScheme().toLowerCase(Locale.ROOT);
      if ((scheme.equals("https") || scheme.equals("http"))
          && uri.getHost() != null
          && uri.getRawUserInfo() == null
          && uri.getRawQuery() == null
          && uri.getRawFragment() == null) {
        return uri;
      }
    } catch (URISyntaxException e) {
      // said below
    }
    // The value is not shown: it may hold a password.
    throw new IllegalArgumentException(
        "HF_ENDPOINT is not an address like https://hub.example: it needs http or https and a host,"
            + " and may have a path, but no user, query or fragment");
  }

  private static Token token(Map<String, String> environment, Path home) {
    for (String name : new String[] {"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"}) {
      if (get(environment, name) != null) {
        String token = clean(environment.get(name), name);
        if (!token.isEmpty()) {
          return new Token(token, name);
        }
        break;
      }
    }
    Path file = folder(environment, "HF_TOKEN_PATH", home.resolve("token"));
    try (InputStream in = Files.newInputStream(file)) {
      byte[] bytes = in.readNBytes(MAX_TOKEN_BYTES);
      String token = clean(new String(bytes, StandardCharsets.UTF_8), file.toString());
      return token.isEmpty() ? null : new Token(token, file.toString());
    } catch (NoSuchFileException e) {
      return null;
    } catch (IOException e) {
      logger.warn(
          "{} cannot be read, so no token is sent to the hub: {}", file, IoErrors.message(e));
      return null;
    }
  }

  private static String clean(String token, String source) {
    String cleaned = token.replace("\r", "").replace("\n", "").strip();
    if (!cleaned.chars().allMatch(c -> c > ' ' && c < 0x7F)) {
      throw new IllegalArgumentException(
          source + " does not hold an access token: there are characters that no token has");
    }
    return cleaned;
  }

  private static Duration seconds(Map<String, String> environment, String name) {
    String value = get(environment, name);
    if (value == null || value.matches("0+")) {
      return Duration.ofSeconds(10);
    }
    if (!value.matches("[0-9]{1,6}")) {
      throw new IllegalArgumentException(
          name + " is " + RepoPaths.quote(value) + "; it is a number of seconds from 1 to 999999");
    }
    return Duration.ofSeconds(Integer.parseInt(value));
  }
}
