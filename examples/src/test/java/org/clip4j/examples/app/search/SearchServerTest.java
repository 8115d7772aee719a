package org.clip4j.examples.app.search;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import javax.imageio.ImageIO;
import org.clip4j.examples.Embed;
import org.clip4j.examples.Examples;
import org.clip4j.examples.options.Models;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The server of the search page, over HTTP and sockets. */
class SearchServerTest {
  private static final String MODEL = "../src/test/resources/golden/hf-clip";
  private static final int SECONDS = 3; // that a request may take here

  static {
    System.setProperty("sun.net.httpserver.maxReqTime", String.valueOf(SECONDS));
  }

  @TempDir static Path temp;

  private static final HttpClient CLIENT =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private static ImageSearch search;
  private static SearchServer server;

  @BeforeAll
  static void start() throws IOException {
    Path images = Files.createDirectory(temp.resolve("images"));
    for (String name : List.of("blue", "red", "wide")) {
      int width = name.equals("wide") ? 3000 : 60;
      BufferedImage image = new BufferedImage(width, 40, BufferedImage.TYPE_INT_RGB);
      for (int i = 0; i < width * 40; i++) {
        image.setRGB(i % width, i / width, name.equals("blue") ? 0x2020D0 : 0xD02020);
      }
      ImageIO.write(image, "png", images.resolve(name + ".png").toFile());
    }
    String out = temp.resolve("embedded").toString();
    assertThat(
            Examples.run(
                new Embed(), "--model", MODEL, "--images", images.toString(), "--out", out))
        .isZero();
    search = ImageSearch.open(Models.loader(MODEL).optKeepWeights(true), MODEL, Path.of(out), null);
    server = new SearchServer(search, 0);
  }

  @AfterAll
  static void stop() throws IOException {
    server.close();
    search.close();
  }

  @Test
  void pages_rows_and_pictures_are_answered_and_nothing_else() throws Exception {
    assertThat(get("")).startsWith("200").contains("<form").doesNotContain("<script>");
    for (String part : List.of("search.js", "search.css", "report.css", "search.svg")) {
      assertThat(get("")).contains("\"/" + part + "\"");
      assertThat(get(part)).startsWith("200");
    }
    assertThat(get("favicon.ico")).startsWith("200");
    assertThat(get("api/search?q=red&k=1")).startsWith("200").contains("\"row\":");
    assertThat(get("thumbnail?row=1")).startsWith("200");
    assertThat(get("thumbnail?row=3")).startsWith("404").contains("no row 3");
    assertThat(get("thumbnail?row=../blue.png")).startsWith("400");
    assertThat(get("picture")).startsWith("400");
    assertThat(get("images/blue.png")).startsWith("404");
    assertThat(get("api/search?q=")).startsWith("400");
    assertThat(get("api/search?q=" + "x".repeat(1001))).startsWith("400");
    assertThat(get("api/search?row=7")).startsWith("404");
    assertThat(get("api/search?q=red&where=file=blue.png"))
        .startsWith("200")
        .contains("blue.png")
        .doesNotContain("\"row\":1");
    assertThat(get("api/search?q=red&where=color=red")).startsWith("400").contains("no field");
    assertThat(get("api/search?q=red&where=file=none")).contains("No row matches the filter");
    assertThat(get("api/search?q=red&relevant=1")).contains("Nothing relevant was found");
  }

  @Test
  void rows_like_a_row_are_others() throws Exception {
    assertThat(get("api/search?row=1&k=2"))
        .startsWith("200")
        .contains("\"row\":0", "\"row\":2")
        .doesNotContain("\"row\":1");
  }

  @Test
  void pictures_are_large_and_thumbnails_small() throws Exception {
    assertThat(size("picture?row=2")).isEqualTo("1600 x 21");
    assertThat(size("picture?row=0")).isEqualTo("60 x 40");
    assertThat(size("thumbnail?row=2")).isEqualTo("240 x 3");
  }

  @Test
  void a_picture_is_explained_on_demand() throws Exception {
    assertThat(get("")).contains("data-why");
    assertThat(size("why?row=0&q=red")).isEqualTo("180 x 120"); // small ones are enlarged
    assertThat(size("why?row=2&q=red")).isEqualTo("1600 x 21");
    assertThat(get("why?row=0&q=red")).isNotEqualTo(get("picture?row=0"));
    assertThat(get("why?row=0")).startsWith("400").contains("1 to 1000 characters");
    assertThat(get("why?row=7&q=red")).startsWith("404");
  }

  @Test
  void a_port_in_use_is_an_error() {
    int port = URI.create(server.address()).getPort();
    assertThatThrownBy(() -> new SearchServer(search, port))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("port " + port);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "thumbnail?row=0", "picture?row=0", "api/search?q=red", "search.js"})
  void other_sites_are_refused_and_may_not_show_what_is_answered(String path) throws Exception {
    for (String site : List.of("cross-site", "same-site")) {
      HttpResponse<String> refused = ask(request(path).header("Sec-Fetch-Site", site));
      assertThat(refused.statusCode()).isEqualTo(403);
      assertThat(refused.headers().firstValue("Cross-Origin-Resource-Policy"))
          .hasValue("same-origin");
    }
    for (String site : List.of("same-origin", "none")) {
      HttpResponse<String> answered = ask(request(path).header("Sec-Fetch-Site", site));
      assertThat(answered.statusCode()).isEqualTo(200);
      assertThat(answered.headers().firstValue("Cross-Origin-Resource-Policy"))
          .hasValue("same-origin");
    }
    assertThat(ask(request(path).header("Origin", "http://evil.example")).statusCode())
        .isEqualTo(403);
  }

  @Test
  void a_request_names_one_host_and_it_is_this_one() throws IOException {
    assertThat(raw("GET / HTTP/1.1\r\nConnection: close\r\n\r\n"))
        .startsWith("HTTP/1.1 400 ")
        .contains("one Host header");
    assertThat(raw("GET / HTTP/1.0\r\n\r\n")).startsWith("HTTP/1.1 400 ");
    String own = URI.create(server.address()).getAuthority();
    assertThat(raw("GET / HTTP/1.1\r\nHost: " + own + "\r\nHost: " + own + "\r\n\r\n"))
        .startsWith("HTTP/1.1 400 ");
    assertThat(raw("GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"))
        .startsWith("HTTP/1.1 403 ");
    assertThat(raw("GET / HTTP/1.1\r\nHost: " + own + "\r\nConnection: close\r\n\r\n"))
        .startsWith("HTTP/1.1 200 ");
    assertThat(raw("HEAD / HTTP/1.1\r\nHost: " + own + "\r\nConnection: close\r\n\r\n"))
        .startsWith("HTTP/1.1 405 ")
        .endsWith("\r\n\r\n");
  }

  @Test
  void half_sent_requests_do_not_block_the_page_and_are_closed() throws Exception {
    String own = URI.create(server.address()).getAuthority();
    String upload = "POST /api/search HTTP/1.1\r\nHost: " + own + "\r\nContent-Length: ";
    List<Socket> half = new ArrayList<>();
    try {
      for (int i = 0; i < 100; i++) {
        half.add(send(i % 2 == 0 ? "GET / HT" : upload + "1000\r\n\r\nabc"));
      }
      assertThat(get("api/search?q=red")).startsWith("200");
      assertThat(get("thumbnail?row=0")).startsWith("200");
      for (Socket socket : half) {
        socket.setSoTimeout((SECONDS + 20) * 1000);
        socket.getInputStream().readAllBytes(); // which ends, since the server closes
      }
      assertThat(post(BodyPublishers.ofByteArray(png(40, 40))).statusCode()).isEqualTo(200);
    } finally {
      for (Socket socket : half) {
        socket.close();
      }
    }
  }

  @Test
  void an_image_is_searched_by_if_it_is_no_larger_than_allowed() throws Exception {
    assertThat(post(BodyPublishers.ofByteArray(png(40, 40))).statusCode()).isEqualTo(200);
    assertThat(post(BodyPublishers.ofString("none")).statusCode()).isEqualTo(400);
    assertThat(post(BodyPublishers.noBody()).statusCode()).isEqualTo(400);

    HttpResponse<String> pixels = post(BodyPublishers.ofByteArray(png(50_001, 1000)));
    assertThat(pixels.statusCode()).isEqualTo(413);
    assertThat(pixels.body()).contains("at most 50 megapixels");

    byte[] large = new byte[3 * SearchServer.MAX_IMAGE_BYTES];
    HttpResponse<String> length = post(BodyPublishers.ofByteArray(large));
    assertThat(length.statusCode()).isEqualTo(413);
    assertThat(length.body()).contains("at most 16 MB");
    HttpResponse<String> chunked =
        post(BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(large)));
    assertThat(chunked.statusCode()).isEqualTo(413);
  }

  private static byte[] png(int width, int height) throws IOException {
    ByteArrayOutputStream png = new ByteArrayOutputStream();
    ImageIO.write(new BufferedImage(width, height, BufferedImage.TYPE_BYTE_BINARY), "png", png);
    return png.toByteArray();
  }

  private static HttpRequest.Builder request(String path) {
    return HttpRequest.newBuilder(URI.create(server.address() + path))
        .timeout(Duration.ofSeconds(60));
  }

  private static HttpResponse<String> ask(HttpRequest.Builder request) throws Exception {
    return CLIENT.send(request.build(), BodyHandlers.ofString(StandardCharsets.ISO_8859_1));
  }

  private static HttpResponse<String> post(HttpRequest.BodyPublisher body) throws Exception {
    return ask(request("api/search").POST(body));
  }

  private static String get(String path) throws Exception {
    HttpResponse<String> response = ask(request(path));
    return response.statusCode() + " " + response.body();
  }

  private static String size(String path) throws Exception {
    byte[] jpeg = CLIENT.send(request(path).build(), BodyHandlers.ofByteArray()).body();
    BufferedImage image = ImageIO.read(new ByteArrayInputStream(jpeg));
    return image.getWidth() + " x " + image.getHeight();
  }

  private static Socket send(String request) throws IOException {
    Socket socket = new Socket("127.0.0.1", URI.create(server.address()).getPort());
    socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
    return socket;
  }

  /** For what an HTTP client would not send. */
  private static String raw(String request) throws IOException {
    try (Socket socket = send(request)) {
      return new String(socket.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
    }
  }
}
