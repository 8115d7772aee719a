package org.clip4j.springai;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.MeterBinder;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.clip4j.Clip;
import org.clip4j.encode.ImageSource;
import org.junit.jupiter.api.Test;
import org.springframework.ai.content.Media;
import org.springframework.ai.document.Document;
import org.springframework.ai.embedding.EmbeddingModel;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.boot.test.context.FilteredClassLoader;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.core.io.ByteArrayResource;
import org.springframework.core.io.FileSystemResource;
import org.springframework.core.io.Resource;
import org.springframework.util.MimeTypeUtils;

/**
 * The model as a Spring Boot application gets it, found by the file that names the configuration.
 */
class ClipAutoConfigurationTest {
  private static final String MODEL = "src/test/resources/golden/hf-clip";

  /**
   * Both versions' classes for health are here, and this one works with the newer's others only.
   */
  private static final String OF_THE_OTHER_VERSION =
      "org.springframework.boot.health.autoconfigure.application.SslHealthContributorAutoConfiguration";

  @EnableAutoConfiguration
  static class Application {}

  private static ConfigurableApplicationContext start(String... properties) {
    return new SpringApplicationBuilder(Application.class)
        .web(WebApplicationType.NONE)
        .properties(properties)
        .properties("spring.autoconfigure.exclude=" + OF_THE_OTHER_VERSION)
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

  /** By its name, since the two versions of Spring Boot have different types for it. */
  private static String health(ConfigurableApplicationContext context) throws Exception {
    Object indicator = context.getBean("clip4jHealthIndicator");
    Class<?> type = indicator.getClass().getSuperclass();
    assertThat(type.getSimpleName()).isEqualTo("AbstractHealthIndicator");
    return type.getMethod("health").invoke(indicator).toString();
  }

  @Test
  void health_says_whether_the_model_answers() throws Exception {
    try (ConfigurableApplicationContext context = start("clip4j.model=" + MODEL)) {
      int dimensions = context.getBean(Clip.class).embedDim();
      assertThat(health(context)).contains("UP").contains(MODEL).contains(dimensions + " dim");
      context.getBean(Clip.class).close();
      assertThat(health(context)).contains("DOWN").contains("closed");
    }
  }

  @Test
  void health_may_be_switched_off_as_any_other() {
    for (String setting :
        new String[] {"management.health.clip4j.enabled", "management.health.defaults.enabled"}) {
      try (ConfigurableApplicationContext context =
          start("clip4j.model=" + MODEL, setting + "=false")) {
        assertThat(context.containsBean("clip4jHealthIndicator")).isFalse();
        assertThat(context.containsBean("clipMetrics")).isTrue();
      }
    }
  }

  @Test
  void what_an_application_does_not_have_is_not_asked_for() {
    ApplicationContextRunner runner =
        new ApplicationContextRunner()
            .withConfiguration(AutoConfigurations.of(ClipAutoConfiguration.class))
            .withPropertyValues("clip4j.model=" + MODEL);
    runner
        .withClassLoader(
            new FilteredClassLoader(
                "org.springframework.boot.actuate",
                "org.springframework.boot.health",
                "io.micrometer"))
        .run(
            context -> {
              assertThat(context).hasNotFailed().hasSingleBean(ClipEmbeddingModel.class);
              assertThat(context).doesNotHaveBean("clip4jHealthIndicator");
              assertThat(context).doesNotHaveBean("clipMetrics");
            });
    runner
        .withClassLoader(new FilteredClassLoader("org.springframework.boot.actuate"))
        .run(
            context ->
                assertThat(context.getBean("clip4jHealthIndicator"))
                    .as("that of Spring Boot 4")
                    .isInstanceOf(Boot4HealthIndicator.class));
  }

  private static Document picture(Resource content) {
    return new Document(new Media(MimeTypeUtils.IMAGE_PNG, content), Map.of());
  }

  @Test
  void metrics_count_what_was_embedded_and_time_the_calls() {
    try (ConfigurableApplicationContext context = start("clip4j.model=" + MODEL)) {
      MeterRegistry registry = new SimpleMeterRegistry();
      context.getBean(MeterBinder.class).bindTo(registry);
      assertThat(registry.get("clip4j.inputs").tag("input", "image").counter().count()).isZero();

      ClipEmbeddingModel model = context.getBean(ClipEmbeddingModel.class);
      model.embed(List.of("a dog", "a cat", "a horse"));
      model.embed(picture(new FileSystemResource("src/test/resources/golden/preprocess/rgb.png")));
      Document damaged = picture(new ByteArrayResource(new byte[] {1, 2, 3}));
      assertThatThrownBy(() -> model.embed(damaged)).isInstanceOf(RuntimeException.class);

      assertThat(registry.get("clip4j.inputs").tag("input", "text").counter().count()).isEqualTo(3);
      assertThat(registry.get("clip4j.inputs").tag("input", "image").counter().count())
          .isEqualTo(1);
      assertThat(registry.get("clip4j.calls").tag("error", "none").tag("model", MODEL).timers())
          .hasSize(2)
          .allSatisfy(timer -> assertThat(timer.count()).isEqualTo(1))
          .allSatisfy(timer -> assertThat(timer.totalTime(TimeUnit.NANOSECONDS)).isPositive());
      assertThat(registry.get("clip4j.calls").tag("error", "UncheckedIOException").timer().count())
          .isEqualTo(1);
      assertThat(registry.get("clip4j.queue").gauge().value()).isZero();
    }
  }

  @Test
  void the_queue_is_the_calls_that_have_not_ended() {
    try (ConfigurableApplicationContext context = start("clip4j.model=" + MODEL)) {
      MeterRegistry registry = new SimpleMeterRegistry();
      context.getBean(MeterBinder.class).bindTo(registry);
      double[] seen = new double[1];
      context
          .getBean(Clip.class)
          .encodeImages(
              List.of(ImageSource.of(Path.of("src/test/resources/golden/preprocess/rgb.png")))
                  .iterator(),
              (row, image, embedding) -> seen[0] = registry.get("clip4j.queue").gauge().value());
      assertThat(seen[0]).isEqualTo(1);
    }
  }
}
