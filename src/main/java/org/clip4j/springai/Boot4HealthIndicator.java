package org.clip4j.springai;

import java.util.List;
import org.springframework.boot.health.contributor.AbstractHealthIndicator;
import org.springframework.boot.health.contributor.Health;

/** {@link HealthCheck} as Spring Boot 4 asks for it. */
final class Boot4HealthIndicator extends AbstractHealthIndicator {
  private final List<ClipEmbeddingModel> models;

  Boot4HealthIndicator(List<ClipEmbeddingModel> models) {
    this.models = models;
  }

  @Override
  protected void doHealthCheck(Health.Builder health) {
    health.up().withDetails(HealthCheck.run(models));
  }
}
