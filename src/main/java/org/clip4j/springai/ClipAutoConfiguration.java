package org.clip4j.springai;

import ai.djl.Device;
import org.clip4j.Clip;
import org.springframework.ai.embedding.EmbeddingModel;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;

/**
 * Makes a {@link Clip} and its {@link ClipEmbeddingModel} in a Spring Boot application, 3 or 4,
 * whose property {@code clip4j.model} names a model; see {@link ClipProperties} for the others. A
 * bean of the application's own goes first. The context closes the {@link Clip} it has made.
 */
@AutoConfiguration
@ConditionalOnClass(EmbeddingModel.class)
@ConditionalOnProperty("clip4j.model")
@EnableConfigurationProperties(ClipProperties.class)
public final class ClipAutoConfiguration {

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
}
