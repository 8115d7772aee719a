package org.clip4j.springai;

import ai.djl.Device;
import java.util.List;
import org.clip4j.Clip;
import org.springframework.ai.embedding.EmbeddingModel;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnExpression;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/**
 * Makes a {@link Clip} and its {@link ClipEmbeddingModel} in a Spring Boot application, 3 or 4,
 * whose property {@code clip4j.model} names a model; see {@link ClipProperties} for the others. A
 * bean of the application's own goes first. The context closes the {@link Clip} it has made.
 *
 * <p>Where the application has Spring Boot's actuator, the health of {@code clip4j} says whether
 * the model answers, unless {@code management.health.clip4j.enabled} is false; where it has
 * Micrometer, there are {@code clip4j.inputs}, {@code clip4j.calls} and {@code clip4j.queue}.
 */
@AutoConfiguration
@ConditionalOnClass(EmbeddingModel.class)
@ConditionalOnProperty("clip4j.model")
@EnableConfigurationProperties(ClipProperties.class)
public final class ClipAutoConfiguration {
  private static final String HEALTH_INDICATOR = "clip4jHealthIndicator";
  private static final String BOOT_3_HEALTH =
      "org.springframework.boot.actuate.health.HealthIndicator";

  /** As the two versions' own ConditionalOnEnabledHealthIndicator, which are different classes. */
  private static final String HEALTH_IS_ENABLED =
      "${management.health.clip4j.enabled:${management.health.defaults.enabled:true}}";

  /** Loads the model. */
  @Bean(destroyMethod = "close")
  @ConditionalOnMissingBean
  Clip clip(ClipProperties properties) {
    return Clip.loader(properties.model())
        .optDevice(device(properties.device()))
        .optPrecision(properties.precision())
        .load();
  }

  private static Device device(String name) {
    if (!name.matches("cpu|gpu\\d{0,4}")) {
      throw new IllegalArgumentException(
          "clip4j.device is cpu, gpu0, gpu1 and so on; found " + name);
    }
    if (name.equals("cpu")) {
      return Device.cpu();
    }
    return name.equals("gpu") ? Device.gpu() : Device.gpu(Integer.parseInt(name.substring(3)));
  }

  /** Wraps it. */
  @Bean
  @ConditionalOnMissingBean
  ClipEmbeddingModel clipEmbeddingModel(Clip clip, ClipProperties properties) {
    return ClipEmbeddingModel.of(clip, properties.model());
  }

  /** Only where Micrometer is. */
  @Configuration(proxyBeanMethods = false)
  @ConditionalOnClass(name = "io.micrometer.core.instrument.binder.MeterBinder")
  static class Metrics {
    @Bean
    @ConditionalOnMissingBean
    ClipMetrics clipMetrics(List<ClipEmbeddingModel> models) {
      return new ClipMetrics(models);
    }
  }

  /** Only where the actuator of Spring Boot 3 is. */
  @Configuration(proxyBeanMethods = false)
  @ConditionalOnClass(name = BOOT_3_HEALTH)
  @ConditionalOnExpression(HEALTH_IS_ENABLED)
  static class Boot3Health {
    @Bean
    @ConditionalOnMissingBean(name = HEALTH_INDICATOR)
    Boot3HealthIndicator clip4jHealthIndicator(List<ClipEmbeddingModel> models) {
      return new Boot3HealthIndicator(models);
    }
  }

  /** Only where the health of Spring Boot 4 is. */
  @Configuration(proxyBeanMethods = false)
  @ConditionalOnClass(name = "org.springframework.boot.health.contributor.HealthIndicator")
  @ConditionalOnMissingClass(BOOT_3_HEALTH)
  @ConditionalOnExpression(HEALTH_IS_ENABLED)
  static class Boot4Health {
    @Bean
    @ConditionalOnMissingBean(name = HEALTH_INDICATOR)
    Boot4HealthIndicator clip4jHealthIndicator(List<ClipEmbeddingModel> models) {
      return new Boot4HealthIndicator(models);
    }
  }
}
