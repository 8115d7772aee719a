package org.clip4j.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class HubSettingsTest {
  @TempDir Path home;

  private final Map<String, String> environment = new HashMap<>();

  @BeforeEach
  void setHome() {
    environment.put("HOME", home.toString());
  }

  private HubSettings settings() {
    return HubSettings.of(environment);
  }

  @Test
  void an_empty_environment_means_the_public_hub() {
    assertThat(settings())
        .isEqualTo(
            new HubSettings(
                home.resolve(".cache/huggingface/hub"),
                URI.create("https://huggingface.co"),
                null,
                null,
                true,
                Duration.ofSeconds(10),
                Duration.ofSeconds(10)));
  }

  @Test
  void the_cache_is_where_python_has_it() {
    environment.put("XDG_CACHE_HOME", "/xdg");
    assertThat(settings().cache()).isEqualTo(Path.of("/xdg/huggingface/hub"));
    environment.put("HF_HOME", "~/hf");
    assertThat(settings().cache()).isEqualTo(home.resolve("hf/hub"));
    environment.put("HUGGINGFACE_HUB_CACHE", "/old");
    assertThat(settings().cache()).isEqualTo(Path.of("/old"));
    environment.put("DISK", "/disk");
    environment.put("HF_HUB_CACHE", "$DISK/${UNKNOWN}/models/../hub");
    assertThat(settings().cache()).isEqualTo(Path.of("/disk/${UNKNOWN}/hub"));
    environment.put("HF_HUB_CACHE", "");
    assertThat(settings().cache()).isEqualTo(Path.of("/old"));
  }

  @Test
  void the_token_is_found_where_python_finds_it_and_is_never_shown() throws IOException {
    Path hf = Files.createDirectories(home.resolve(".cache/huggingface"));
    Files.writeString(hf.resolve("token"), "hf_file\n");
    assertThat(settings().token())
        .isEqualTo(new HubSettings.Token("hf_file", hf.resolve("token").toString()));
    environment.put("HF_TOKEN_PATH", Files.writeString(home.resolve("t"), " hf_other ").toString());
    assertThat(settings().token().value()).isEqualTo("hf_other");
    environment.put("HUGGING_FACE_HUB_TOKEN", "hf_legacy");
    assertThat(settings().token())
        .isEqualTo(new HubSettings.Token("hf_legacy", "HUGGING_FACE_HUB_TOKEN"));
    environment.put("HF_TOKEN", " hf_new\r\n");
    assertThat(settings().token()).isEqualTo(new HubSettings.Token("hf_new", "HF_TOKEN"));
    assertThat(settings().toString()).doesNotContain("hf_new").contains("the token of HF_TOKEN");
    environment.put("HF_TOKEN", " ");
    assertThat(settings().token().value()).isEqualTo("hf_other");
    environment.put("HF_HUB_DISABLE_IMPLICIT_TOKEN", "yes");
    assertThat(settings().token()).isNull();
  }

  @Test
  void a_token_that_cannot_be_one_is_refused_without_being_shown() {
    environment.put("HF_TOKEN", "hf_a\u00e4b");
    assertThatThrownBy(this::settings)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("HF_TOKEN does not hold an access token")
        .hasMessageNotContaining("hf_a");
  }

  @Test
  void a_token_file_that_is_a_folder_means_no_token() throws IOException {
    Files.createDirectories(home.resolve(".cache/huggingface/token"));
    assertThat(settings().token()).isNull();
  }

  @ParameterizedTest
  @CsvSource({
    "HF_HUB_OFFLINE, 1, HF_HUB_OFFLINE",
    "HF_HUB_OFFLINE, on, HF_HUB_OFFLINE",
    "HF_HUB_OFFLINE, Yes, HF_HUB_OFFLINE",
    "HF_HUB_OFFLINE, 0, ",
    "HF_HUB_OFFLINE, off, ",
    "TRANSFORMERS_OFFLINE, TRUE, TRANSFORMERS_OFFLINE",
    "DJL_OFFLINE, true, DJL_OFFLINE",
    "DJL_OFFLINE, false, ",
  })
  void offline_is_said_by_these(String variable, String value, String offline) {
    environment.put(variable, value);
    assertThat(settings().offline()).isEqualTo(offline);
  }

  @Test
  void hf_hub_offline_goes_before_transformers_offline() {
    environment.put("HF_HUB_OFFLINE", "0");
    environment.put("TRANSFORMERS_OFFLINE", "1");
    assertThat(settings().offline()).isNull();
  }

  @Test
  void timeouts_are_seconds() {
    environment.put("HF_HUB_ETAG_TIMEOUT", "3");
    environment.put("HF_HUB_DOWNLOAD_TIMEOUT", "600");
    assertThat(settings().metadataTimeout()).isEqualTo(Duration.ofSeconds(3));
    assertThat(settings().downloadTimeout()).isEqualTo(Duration.ofSeconds(600));
    environment.put("HF_HUB_ETAG_TIMEOUT", "0");
    assertThat(settings().metadataTimeout()).isEqualTo(Duration.ofSeconds(10));
  }

  @ParameterizedTest
  @ValueSource(strings = {"-1", "2.5", "ten", "99999999"})
  void other_timeouts_are_refused(String value) {
    environment.put("HF_HUB_DOWNLOAD_TIMEOUT", value);
    assertThatThrownBy(this::settings)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("HF_HUB_DOWNLOAD_TIMEOUT is \"" + value + "\"");
  }

  @Test
  void an_endpoint_may_have_a_path() {
    environment.put("HF_ENDPOINT", "https://mirror.example:8443/api/hf//");
    assertThat(settings().endpoint()).hasToString("https://mirror.example:8443/api/hf");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "hub.example",
        "ftp://hub.example",
        "file:///x",
        "https://user:secret@hub.example",
        "https://hub.example?x=secret",
        "https://",
        "https://a b"
      })
  void other_endpoints_are_refused(String value) {
    environment.put("HF_ENDPOINT", value);
    assertThatThrownBy(this::settings)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("HF_ENDPOINT is not an address")
        .hasMessageNotContaining("secret");
  }

  @Test
  void the_system_property_of_djl_forbids_the_network_too() {
    // Set for all tests, see pom.xml.
    assertThat(System.getProperty("ai.djl.offline")).isEqualTo("true");
    assertThatThrownBy(
            () ->
                Hub.fromEnvironment()
                    .fetch(HubId.parse("clip4j/no-such-model"), DownloadListener.SILENT))
        .isInstanceOf(HubException.class)
        .hasMessageContaining("forbids the network");
  }
}
