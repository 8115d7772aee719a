package org.clip4j.springai;

import java.util.List;
import org.springframework.boot.actuate.health.AbstractHealthIndicator;
import org.springframework.boot.actuate.health.Health;

/** {@link HealthCheck} as Spring Boot 3 asks for it. */
final class Boot3HealthIndicator extends AbstractHealthIndicator {
  private final List<ClipEmbeddingModel> models;

  Boot3HealthIndicator(List<ClipEmbeddingModel> models) {
    this.models = models;
  }

  @Override
  protected void doHealthCheck(Health.Builder health) {
    health.up().withDetails(HealthCheck.run(models));
  }
}
