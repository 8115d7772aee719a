package org.clip4j.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.time.Duration;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A hub that is busy, refuses, or sends elsewhere. */
class HubRefusalsTest extends HubFixture {
  @BeforeEach
  void publish() {
    hub.publish(ID, "main", transformers(WEIGHTS));
  }

  @ParameterizedTest
  @ValueSource(ints = {408, 429, 500, 502, 503, 504})
  void a_busy_hub_is_asked_again(int status) throws IOException {
    hub.fault("GET", "/api/", 2, e -> FakeHub.refuse(e, status, null));
    hub.fault("HEAD", "model.safetensors", 1, e -> FakeHub.refuse(e, status, null));
    hub.fault("GET", SHA, 1, e -> FakeHub.refuse(e, status, null));
    assertFetched();
    assertThat(waits).extracting(Duration::toSeconds).containsExactly(1L, 2L, 1L, 1L);
  }

  @Test
  void retry_after_is_waited_for_but_not_for_ever() throws IOException {
    String date =
        DateTimeFormatter.RFC_1123_DATE_TIME.format(
            ZonedDateTime.now(ZoneOffset.UTC).plusSeconds(40));
    for (String after : List.of("7", date, "86400", "soon", "Wed, 21 Oct 2015 07:28:00 GMT")) {
      hub.fault(
          "GET",
          "/api/",
          1,
          e -> {
            e.getResponseHeaders().set("Retry-After", after);
            FakeHub.refuse(e, 429, null);
          });
    }
    assertFetched();
    assertThat(waits).hasSize(5);
    assertThat(waits.get(0)).isEqualTo(Duration.ofSeconds(7));
    assertThat(waits.get(1).toSeconds()).isCloseTo(40, within(10L));
    assertThat(waits.get(2)).isEqualTo(Retries.MAX_WAIT);
    assertThat(waits.get(3)).isEqualTo(Duration.ofSeconds(8));
    assertThat(waits.get(4)).isZero();
  }

  @Test
  void a_hub_that_stays_busy_is_given_up() {
    hub.fault("GET", "/api/", 99, e -> FakeHub.refuse(e, 429, null));
    assertThat(failure(ID)).contains("429", "6 times in a row");
    assertThat(hub.requests).hasSize(6);
  }

  @ParameterizedTest
  @CsvSource({"401, true", "401, false", "403, true"})
  void a_gated_model_says_where_to_accept_its_conditions(int status, boolean token) {
    if (token) {
      environment.put("HF_TOKEN", TOKEN);
    }
    hub.fault("HEAD", "config.json", 9, e -> FakeHub.refuse(e, status, "GatedRepo"));
    assertThat(failure(ID))
        .contains(ID + " is gated", "at " + hub.endpoint() + "/" + ID, "HF_TOKEN")
        .contains(token ? "The request carried the token of HF_TOKEN." : "No token was sent.");
  }

  @ParameterizedTest
  @CsvSource({
    "401, , does not exist, or is private or gated, or the token is not valid",
    "403, , may not be read with this token",
    "401, RepoNotFound, is not on",
    "404, RepoNotFound, is not on",
    "404, , is not on",
    "400, , is HF_ENDPOINT",
    "418, , is HF_ENDPOINT",
  })
  void refusals_of_the_listing_are_told_apart(int status, String code, String a) {
    hub.fault("GET", "/api/", 9, e -> FakeHub.refuse(e, status, code));
    assertThat(failure(ID)).contains(a);
    assertThat(hub.requests).hasSize(1);
  }

  @Test
  void the_token_is_told_by_where_it_came_from() throws IOException {
    Files.writeString(folder.resolve("token"), TOKEN + "\n");
    assertThat(failure("org/missing"))
        .contains("org/missing is not on", "the token of " + folder.resolve("token"));
  }

  @Test
  void a_missing_revision_and_a_missing_file_are_told_apart() {
    assertThat(failure(ID + "@v9")).contains(ID + " has no revision \"v9\"", "/tree/main");
    hub.fault("HEAD", "model.safetensors", 1, e -> FakeHub.refuse(e, 404, "EntryNotFound"));
    assertThat(failure(ID)).contains("has no file \"model.safetensors\"");
  }

  @Test
  void a_refusal_of_the_storage_is_not_taken_for_one_of_the_hub() {
    hub.fault("GET", SHA, 1, e -> FakeHub.refuse(e, 403, null));
    assertThat(failure(ID))
        .contains("/" + SHA + " answers 403", "redirects to for model.safetensors")
        .doesNotContain("token", "Signature");
  }

  @Test
  void an_endless_redirect_ends() {
    hub.fault("GET", "/api/", 99, e -> FakeHub.redirect(e, 307, "/api/models/again"));
    assertThat(failure(ID)).contains("redirected more than 10 times");
    assertThat(hub.requests).hasSize(11);
  }

  @Test
  void a_redirect_to_another_host_does_not_carry_the_token_even_back_again() {
    environment.put("HF_TOKEN", TOKEN);
    hub.fault("GET", "/api/", 1, e -> FakeHub.redirect(e, 302, hub.cdnEndpoint() + "/elsewhere"));
    hub.fault("GET", "/elsewhere", 1, e -> FakeHub.redirect(e, 302, hub.endpoint() + "/back"));
    failure(ID);
    assertThat(hub.requests)
        .extracting(FakeHub.Request::path, FakeHub.Request::authorization)
        .containsExactly(
            tuple("/api/models/" + ID + "/revision/main?blobs=true", "Bearer " + TOKEN),
            tuple("/elsewhere", null),
            tuple("/back", null));
  }

  @ParameterizedTest
  @ValueSource(strings = {"file:///etc/passwd", "ftp://host/x", "http:///x", "ht tp:x", "//"})
  void a_redirect_to_what_is_no_web_address_is_refused(String location) {
    hub.fault("GET", "/api/", 1, e -> FakeHub.redirect(e, 302, location));
    assertThat(failure(ID)).contains("redirects to ");
    assertThat(hub.requests).hasSize(1);
  }

  @Test
  void a_redirect_from_https_to_http_is_refused() throws IOException {
    URI secure = URI.create("https://hub.example/a");
    assertThatThrownBy(() -> HubClient.target(secure, "http://hub.example/b?key=secret"))
        .isInstanceOf(HubException.class)
        .hasMessageContaining("from https to http")
        .hasMessageNotContaining("secret");
    assertThat(HubClient.target(secure, "/b")).hasToString("https://hub.example/b");
    assertThat(HubClient.target(URI.create("http://hub.example/a"), "https://x.example/b"))
        .hasToString("https://x.example/b");
  }
}
