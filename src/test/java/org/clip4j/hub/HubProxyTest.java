package org.clip4j.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Proxies that the environment names, and what goes over unencrypted connections. */
class HubProxyTest extends HubFixture {

  /** What httpx does, by examples/peers/proxies.py. */
  static Stream<JsonObject> cases() throws IOException {
    Path file = Path.of("src/test/resources/golden/proxies.json");
    return JsonParser.parseString(Files.readString(file))
        .getAsJsonObject()
        .getAsJsonArray("cases")
        .asList()
        .stream()
        .map(JsonElement::getAsJsonObject);
  }

  @ParameterizedTest
  @MethodSource("cases")
  void the_proxy_of_an_address_is_the_one_that_python_takes(JsonObject each) {
    Map<String, String> variables = new HashMap<>();
    each.getAsJsonObject("environment")
        .asMap()
        .forEach((name, value) -> variables.put(name, value.getAsString()));
    Proxies proxies = Proxies.of(variables);
    JsonObject expected = each.getAsJsonObject("proxies");
    assertThat(expected.size()).isGreaterThan(5);
    for (String address : expected.keySet()) {
      String description = proxies.describe(URI.create(address));
      String proxy = description == null ? null : description.replaceFirst(" .*", "");
      JsonElement python = expected.get(address);
      assertThat(proxy).as(address).isEqualTo(python.isJsonNull() ? null : python.getAsString());
      if (!variables.isEmpty() && python.isJsonNull()) {
        assertThat(proxies.select(URI.create(address))).containsExactly(Proxy.NO_PROXY);
      }
    }
  }

  @Test
  void addresses_in_brackets_are_asked_directly_too() {
    Proxies proxies = Proxies.of(Map.of("ALL_PROXY", "http://p:1", "NO_PROXY", "[::1]:80,[::2]"));
    assertThat(proxies.describe(URI.create("http://[::1]/"))).isNull();
    assertThat(proxies.describe(URI.create("http://[::2]:7/"))).isNull();
    assertThat(proxies.describe(URI.create("http://[::1]:7/"))).isEqualTo("http://p:1 (ALL_PROXY)");
  }

  /** The proxy is the hub itself: a proxy is sent the whole address. */
  @Test
  void requests_go_through_the_proxy_with_user_and_password() throws IOException {
    hub.publish(ID, "main", transformers(bytes(5, 100)));
    AtomicReference<String> login = new AtomicReference<>();
    hub.fault(
        "GET",
        "/api/models/",
        1,
        exchange -> {
          login.set(exchange.getRequestHeaders().getFirst("Proxy-Authorization"));
          FakeHub.json(exchange, hub.listing(ID, "main"));
        });
    environment.put("HF_ENDPOINT", "http://hub.invalid");
    environment.put("http_proxy", hub.endpoint().replace("//", "//me:a%20secret@"));
    environment.put("NO_PROXY", "localhost"); // where the weights are
    assertThat(fetch(ID).weights()).hasBinaryContent(bytes(5, 100));
    assertThat(login.get()).isEqualTo("Basic bWU6YSBzZWNyZXQ="); // me:a secret
    assertThat(hub.requests)
        .anySatisfy(request -> assertThat(request.host()).isEqualTo("hub.invalid"))
        .noneSatisfy(request -> assertThat(request.path()).contains("invalid.invalid"));
  }

  @Test
  void a_host_of_no_proxy_is_asked_directly() throws IOException {
    hub.publish(ID, "main", transformers(bytes(5, 100)));
    environment.put("HTTP_PROXY", "http://proxy.invalid:3128");
    environment.put("no_proxy", "127.0.0.1,localhost");
    assertThat(fetch(ID).weights()).exists();
  }

  @Test
  void a_proxy_that_cannot_be_reached_is_named() {
    environment.put("HTTP_PROXY", "http://me:secret@proxy.invalid:3128");
    assertThat(failure(ID))
        .contains("through the proxy http://proxy.invalid:3128 (HTTP_PROXY)", "name is unknown")
        .doesNotContain("secret");
    assertThat(waits).hasSize(1);
  }

  @Test
  void a_proxy_that_wants_a_password_is_named_with_the_way_to_give_it() {
    hub.fault("GET", "", 9, exchange -> FakeHub.refuse(exchange, 407, null));
    environment.put("HF_ENDPOINT", "http://hub.invalid");
    environment.put("ALL_PROXY", hub.endpoint());
    assertThat(failure(ID)).contains(hub.endpoint() + " (ALL_PROXY)", "user:password@", "407");
  }

  @ParameterizedTest
  @ValueSource(strings = {"socks5://me:secret@127.0.0.1:1080", "https://me:secret@proxy.corp"})
  void proxies_that_java_does_not_know_are_refused(String proxy) {
    environment.put("HTTP_PROXY", proxy);
    assertThat(failure(ID)).contains("HTTP_PROXY", "NO_PROXY").doesNotContain("secret");
  }

  @ParameterizedTest
  @ValueSource(strings = {"ftp://me:secret@x", "http://", "http://me:secret@:80", "a b:secret"})
  void what_is_no_address_of_a_proxy_is_told_without_its_password(String value) {
    environment.put("https_proxy", value);
    assertThatThrownBy(() -> Hub.of(environment))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("https_proxy")
        .hasMessageNotContaining("secret");
  }

  /** A hub by https is reached by a tunnel, which the proxy opens or does not. */
  private ServerSocket tunnel(String answer, List<String> asked) throws IOException {
    ServerSocket proxy = new ServerSocket();
    proxy.bind(new InetSocketAddress(InetAddress.getByName("127.0.0.1"), 0));
    Thread thread =
        new Thread(
            () -> {
              while (true) {
                try (Socket socket = proxy.accept()) {
                  StringBuilder head = new StringBuilder();
                  while (!head.toString().endsWith("\r\n\r\n")) {
                    head.append((char) socket.getInputStream().read());
                  }
                  asked.add(head.toString());
                  String text = "HTTP/1.1 " + answer + " No\r\nContent-Length: 0\r\n\r\n";
                  socket.getOutputStream().write(text.getBytes(StandardCharsets.US_ASCII));
                } catch (IOException e) {
                  return; // closed
                }
              }
            });
    thread.setDaemon(true);
    thread.start();
    environment.put("HF_ENDPOINT", "https://hub.invalid");
    environment.put("HTTPS_PROXY", "me:secret@127.0.0.1:" + proxy.getLocalPort());
    environment.put("HF_TOKEN", TOKEN);
    return proxy;
  }

  @ParameterizedTest
  @ValueSource(strings = {"407", "403", "502"})
  void a_proxy_that_opens_no_tunnel_is_named_with_its_answer(String answer) throws IOException {
    List<String> asked = new CopyOnWriteArrayList<>();
    try (ServerSocket proxy = tunnel(answer, asked)) {
      assertThat(failure(ID))
          .contains("proxy http://127.0.0.1:" + proxy.getLocalPort() + " (HTTPS_PROXY)", answer)
          .doesNotContain("secret");
    }
    assertThat(asked.get(0)).startsWith("CONNECT hub.invalid:443 HTTP/1.1").doesNotContain(TOKEN);
  }

  /** In a process of its own: the JDK reads once whether it may send a password. */
  @Test
  @SuppressWarnings("try") // the tunnel answers by itself
  void a_tunnel_is_asked_for_with_user_and_password() throws Exception {
    List<String> asked = new CopyOnWriteArrayList<>();
    try (ServerSocket proxy = tunnel("407", asked)) {
      Process process = start();
      process.getInputStream().readAllBytes();
      assertThat(process.waitFor()).isEqualTo(1);
    }
    assertThat(asked.get(0)).contains("Proxy-Authorization: Basic bWU6c2VjcmV0"); // me:secret
  }

  private String log(String endpoint) throws IOException {
    PrintStream before = System.err;
    ByteArrayOutputStream log = new ByteArrayOutputStream();
    System.setErr(new PrintStream(log, true, StandardCharsets.UTF_8));
    try {
      Hub one = connect();
      one.fetch(HubId.parse(ID), DownloadListener.SILENT);
      one.fetch(HubId.parse(ID), DownloadListener.SILENT);
    } finally {
      System.setErr(before);
    }
    return log.toString(StandardCharsets.UTF_8);
  }

  @Test
  void a_token_that_goes_out_unencrypted_is_warned_of_once() throws IOException {
    hub.publish(ID, "main", transformers(bytes(5, 100)));
    assertThat(log(hub.endpoint())).doesNotContain("unencrypted");
    environment.put("HF_TOKEN", TOKEN);
    String log = log(hub.endpoint());
    assertThat(log).contains("HF_TOKEN", hub.endpoint(), "unencrypted").doesNotContain(TOKEN);
    assertThat(log.split("unencrypted", -1)).hasSize(2);
  }
}
