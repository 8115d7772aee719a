package org.clip4j.springai;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.clip4j.Clip;
import org.junit.jupiter.api.Test;
import org.springframework.ai.embedding.EmbeddingModel;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;

/**
 * The model as a Spring Boot application gets it, found by the file that names the configuration.
 */
class ClipAutoConfigurationTest {
  private static final String MODEL = "src/test/resources/golden/hf-clip";

  @EnableAutoConfiguration
  static class Application {}

  private static ConfigurableApplicationContext start(String... properties) {
    return new SpringApplicationBuilder(Application.class)
        .web(WebApplicationType.NONE)
        .properties(properties)
        .properties("spring.main.banner-mode=off", "logging.level.root=off")
        .run();
  }

  @Test
  void properties_name_the_model_and_the_context_closes_it() {
    Clip clip;
    try (ConfigurableApplicationContext context =
        start("clip4j.model=" + MODEL, "clip4j.device=cpu", "clip4j.precision=fp32")) {
      clip = context.getBean(Clip.class);
      EmbeddingModel model = context.getBean(EmbeddingModel.class);
      assertThat(model).isInstanceOf(ClipEmbeddingModel.class);
      assertThat(model.embed("a dog")).containsExactly(clip.encodeText("a dog"));
    }
    assertThatThrownBy(() -> clip.encodeText("a dog")).hasMessageContaining("closed");
  }

  @Test
  void without_a_model_there_is_nothing_and_a_wrong_one_is_named() {
    try (ConfigurableApplicationContext context = start()) {
      assertThat(context.getBeanNamesForType(EmbeddingModel.class)).isEmpty();
    }
    assertThatThrownBy(() -> start("clip4j.model=./no-such-model"))
        .rootCause()
        .hasMessageContaining("no-such-model");
    assertThatThrownBy(() -> start("clip4j.model=" + MODEL, "clip4j.precision=half"))
        .rootCause()
        .hasMessageContaining("half");
    assertThatThrownBy(() -> start("clip4j.model=" + MODEL, "clip4j.device=tpu"))
        .rootCause()
        .hasMessageContaining("clip4j.device")
        .hasMessageContaining("tpu");
  }
}
