package org.clip4j.examples.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
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
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.clip4j.Clip;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.boot.web.embedded.tomcat.TomcatWebServer;
import org.springframework.boot.web.servlet.context.ServletWebServerApplicationContext;
import org.springframework.context.ConfigurableApplicationContext;

/** The application as its clients see it, over HTTP, with the tests' small model. */
class PictureApplicationTest {
  private static final Path GOLDEN = Path.of("../../src/test/resources/golden");
  private static final int CLIENTS = 20;
  private static final int PICTURES = 4; // of each client
  private static final String TEXT = "a photo of a dog";

  private final HttpClient http = HttpClient.newHttpClient();
  private final ObjectMapper json = new ObjectMapper();
  @TempDir Path folder;
  private ConfigurableApplicationContext application;
  private int port;

  @BeforeEach
  void start() {
    start(GOLDEN.resolve("hf-clip"));
  }

  private void start(Path model) {
    application =
        new SpringApplicationBuilder(PictureApplication.class)
            .run("--server.port=0", "--clip4j.model=" + model, "--pictures.folder=" + folder);
    port = server().getPort();
  }

  private TomcatWebServer server() {
    return (TomcatWebServer) ((ServletWebServerApplicationContext) application).getWebServer();
  }

  @AfterEach
  void stop() {
    application.close();
  }

  private HttpRequest.Builder request(String path) {
    return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path));
  }

  private HttpResponse<byte[]> send(HttpRequest.Builder request) throws Exception {
    return http.send(request.build(), BodyHandlers.ofByteArray());
  }

  private JsonNode answer(HttpResponse<byte[]> response, int status) throws IOException {
    assertThat(response.statusCode())
        .as(new String(response.body(), StandardCharsets.UTF_8))
        .isEqualTo(status);
    return json.readTree(response.body());
  }

  private HttpResponse<byte[]> upload(byte[] picture, String type) throws Exception {
    return send(
        request("/pictures")
            .header("Content-Type", type)
            .POST(BodyPublishers.ofByteArray(picture)));
  }

  private Map<String, Double> search() throws Exception {
    Map<String, Double> found = new HashMap<>();
    double last = 1;
    for (JsonNode each :
        answer(send(request("/pictures?count=1000&text=" + TEXT.replace(' ', '+'))), 200)) {
      double cosine = each.get("cosine").doubleValue();
      assertThat(cosine).isLessThanOrEqualTo(last);
      last = cosine;
      found.put(each.get("id").textValue(), cosine);
    }
    return found;
  }

  private int status(String method, String id) throws Exception {
    return send(request("/pictures/" + id).method(method, BodyPublishers.noBody())).statusCode();
  }

  /** A picture unlike those of other seeds. */
  private static byte[] picture(int seed) throws IOException {
    Random random = new Random(seed);
    BufferedImage image = new BufferedImage(48, 40, BufferedImage.TYPE_INT_RGB);
    Graphics2D graphics = image.createGraphics();
    for (int i = 0; i < 12; i++) {
      graphics.setColor(new Color(random.nextInt(1 << 24)));
      graphics.fillOval(random.nextInt(40), random.nextInt(30), 20, 16);
    }
    graphics.dispose();
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ImageIO.write(image, "png", out);
    return out.toByteArray();
  }

  /** Uploads, finds and deletes; gives the pictures that it has left there. */
  private Map<String, byte[]> client(int number, CyclicBarrier start) throws Exception {
    start.await();
    Map<String, byte[]> mine = new HashMap<>();
    for (int i = 0; i < PICTURES; i++) {
      byte[] picture = picture(number * PICTURES + i);
      HttpResponse<byte[]> response = upload(picture, "image/png");
      String id = answer(response, 201).get("id").textValue();
      assertThat(response.headers().firstValue("Location")).hasValue("/pictures/" + id);
      mine.put(id, picture);
      assertThat(search()).as("a search sees what was there").containsKeys(array(mine));
    }
    for (String id : List.copyOf(mine.keySet()).subList(0, PICTURES / 2)) {
      assertThat(status("DELETE", id)).isEqualTo(204);
      mine.remove(id);
      assertThat(search()).doesNotContainKey(id).containsKeys(array(mine));
      assertThat(status("GET", id)).isEqualTo(404);
      assertThat(status("DELETE", id)).isEqualTo(404);
    }
    return mine;
  }

  private static String[] array(Map<String, ?> map) {
    return map.keySet().toArray(String[]::new);
  }

  @Test
  void twenty_clients_upload_search_and_delete_at_once() throws Exception {
    Map<String, byte[]> left = new HashMap<>();
    CyclicBarrier start = new CyclicBarrier(CLIENTS);
    ExecutorService clients = Executors.newFixedThreadPool(CLIENTS);
    try {
      List<Future<Map<String, byte[]>>> ends = new ArrayList<>();
      for (int i = 0; i < CLIENTS; i++) {
        int number = i;
        ends.add(clients.submit(() -> client(number, start)));
      }
      for (Future<Map<String, byte[]>> end : ends) {
        left.putAll(end.get());
      }
    } finally {
      clients.shutdownNow();
    }

    assertThat(left).hasSize(CLIENTS * PICTURES / 2);
    assertRight(left);
    int searches = CLIENTS * (PICTURES + PICTURES / 2) + 1;
    assertThat(metric("clip4j.inputs", "input:image", "COUNT")).isEqualTo(CLIENTS * PICTURES);
    assertThat(metric("clip4j.inputs", "input:text", "COUNT")).isEqualTo(searches);
    assertThat(metric("clip4j.calls", "error:none", "COUNT"))
        .isEqualTo(CLIENTS * PICTURES + searches);
    assertThat(metric("clip4j.calls", "error:none", "TOTAL_TIME")).isPositive();
    assertThat(metric("clip4j.queue", "", "VALUE")).isZero();

    stop();
    start();
    assertRight(left);
  }

  /** These and no others are found, with the right scores, and their files are there. */
  private void assertRight(Map<String, byte[]> pictures) throws Exception {
    Map<String, Double> found = search();
    assertThat(found).containsOnlyKeys(pictures.keySet());
    Clip clip = application.getBean(Clip.class);
    float[] text = clip.encodeText(TEXT);
    for (Map.Entry<String, byte[]> each : pictures.entrySet()) {
      double cosine = Clip.cosine(clip.encodeImage(each.getValue()), text);
      assertThat(found.get(each.getKey())).isCloseTo(cosine, within(1e-5));
      HttpResponse<byte[]> response = send(request("/pictures/" + each.getKey()));
      assertThat(response.body()).isEqualTo(each.getValue());
      assertThat(response.headers().firstValue("Content-Type")).hasValue("image/png");
    }
    try (Stream<Path> files = Files.list(folder).filter(Files::isRegularFile)) {
      assertThat(files.map(file -> file.getFileName().toString()))
          .containsExactlyInAnyOrder(array(pictures));
    }
  }

  private double metric(String name, String tag, String statistic) throws Exception {
    String query = tag.isEmpty() ? "" : "?tag=" + tag;
    for (JsonNode each :
        answer(send(request("/actuator/metrics/" + name + query)), 200).get("measurements")) {
      if (each.get("statistic").textValue().equals(statistic)) {
        return each.get("value").doubleValue();
      }
    }
    throw new AssertionError(name + " has no " + statistic);
  }

  @Test
  void health_tells_of_the_model() throws Exception {
    JsonNode health = answer(send(request("/actuator/health")), 200).at("/components/clip4j");
    assertThat(health.get("status").textValue()).isEqualTo("UP");
    assertThat(health.get("details").toString()).contains("hf-clip").contains("dimensions");

    application.getBean(Clip.class).close();
    health = answer(send(request("/actuator/health")), 503).at("/components/clip4j");
    assertThat(health.get("status").textValue()).isEqualTo("DOWN");
    assertThat(health.get("details").toString()).contains("closed");
  }

  @Test
  void what_cannot_be_done_is_said() throws Exception {
    byte[] picture = picture(1);
    byte[] cut = Arrays.copyOf(picture, picture.length / 2);
    assertThat(answer(upload(cut, "image/png"), 400).get("message").textValue())
        .contains("cannot be decoded as PNG");
    assertThat(upload(picture, "text/plain").statusCode()).isEqualTo(415);
    assertThat(upload(picture, "image/svg+xml").statusCode()).isEqualTo(415);
    byte[] large = new byte[PictureController.MOST_BYTES + 1];
    assertThat(answer(upload(large, "image/png"), 413).get("message").textValue())
        .contains("16777216 bytes");
    assertThat(answer(send(request("/pictures?text=+")), 400).get("message").textValue())
        .contains("the text is empty");
    assertThat(answer(send(request("/pictures?text=a&count=0")), 400).get("message").textValue())
        .contains("count is 1 to 1000, found 0");
    assertThat(status("GET", "none")).isEqualTo(404);
    assertThat(status("GET", "index")).isEqualTo(404);
    assertThat(status("DELETE", "none")).isEqualTo(404);
    assertThat(search()).isEmpty();
  }

  @Test
  void nobody_but_this_machine_is_served() throws Exception {
    assertThat(statusLine("localhost:" + port)).contains(" 200");
    assertThat(statusLine("pictures.example:" + port)).contains(" 403");
    assertThat(server().getTomcat().getConnector().getProperty("address"))
        .isInstanceOfSatisfying(
            InetAddress.class, address -> assertThat(address.isLoopbackAddress()).isTrue());
  }

  private String statusLine(String host) throws IOException {
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
      String request =
          "GET /pictures?text=dog HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n";
      socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
      byte[] answer = socket.getInputStream().readAllBytes();
      return new String(answer, StandardCharsets.UTF_8).lines().findFirst().orElse("");
    }
  }

  @Test
  void pictures_of_another_model_are_refused() {
    stop();
    Path other = GOLDEN.resolve("openclip-vit");
    assertThatThrownBy(() -> start(other)).rootCause().hasMessageContaining("was made by");
    start(); // to be stopped
  }
}
