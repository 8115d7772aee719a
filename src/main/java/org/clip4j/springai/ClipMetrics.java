package org.clip4j.springai;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.binder.MeterBinder;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * What Micrometer sees of models: {@code clip4j.inputs} counts what was embedded, {@code
 * clip4j.calls} times the calls, and {@code clip4j.queue} is how many of them have not ended.
 */
final class ClipMetrics implements MeterBinder {
  private final List<ClipEmbeddingModel> models;

  ClipMetrics(List<ClipEmbeddingModel> models) {
    this.models = models;
  }

  @Override
  public void bindTo(MeterRegistry registry) {
    for (ClipEmbeddingModel model : models) {
      Gauge.builder("clip4j.queue", model, each -> each.clip().callsInFlight())
          .description("Calls of the model that have begun and not ended")
          .tags("model", model.name())
          .register(registry);
      for (String input : List.of("image", "text")) { // so that a rate begins at 0
        inputs(registry, model, input);
        calls(registry, model, input, "none");
      }
      model.addListener(
          (input, count, nanos, failure) -> {
            if (failure == null) {
              inputs(registry, model, input).increment(count);
            }
            String error = failure == null ? "none" : failure.getClass().getSimpleName();
            calls(registry, model, input, error).record(nanos, TimeUnit.NANOSECONDS);
          });
    }
  }

  private static Counter inputs(MeterRegistry registry, ClipEmbeddingModel model, String input) {
    return Counter.builder("clip4j.inputs")
        .description("Images and texts embedded")
        .tags("model", model.name(), "input", input)
        .register(registry);
  }

  private static Timer calls(
      MeterRegistry registry, ClipEmbeddingModel model, String input, String error) {
    return Timer.builder("clip4j.calls")
        .description("Time from asking for embeddings to having them, waiting included")
        .tags("model", model.name(), "input", input, "error", error)
        .register(registry);
  }
}
