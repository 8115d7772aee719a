package org.clip4j.train.internal.step;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/** The largest differences from the golden data, case by stage, for docs/fidelity.md. */
final class FidelityReport {
  private static final List<String> STAGES =
      List.of("features", "hidden states", "gradients", "loss", "trained");

  /** Largest difference, and largest share of what was allowed for it. */
  private record Worst(double difference, double share) {}

  private final Map<String, Map<String, Worst>> cases = new TreeMap<>();

  synchronized void add(String name, String stage, double difference, double allowed) {
    Map<String, Worst> stages = cases.computeIfAbsent(name, n -> new TreeMap<>());
    Worst worst = stages.get(stage);
    if (worst == null || difference > worst.difference || difference / allowed > worst.share) {
      stages.put(
          stage,
          new Worst(
              Math.max(difference, worst == null ? 0 : worst.difference),
              Math.max(difference / allowed, worst == null ? 0 : worst.share)));
    }
  }

  String toMarkdown() {
    StringBuilder text = new StringBuilder("| case |");
    STAGES.forEach(stage -> text.append(' ').append(stage).append(" |"));
    text.append("\n|---|").append("---|".repeat(STAGES.size())).append('\n');
    cases.forEach(
        (name, stages) -> {
          text.append("| `").append(name).append("` |");
          for (String stage : STAGES) {
            Worst worst = stages.get(stage);
            text.append(
                worst == null
                    ? " |"
                    : String.format(
                        Locale.ROOT, " %.1e (%.0f %%) |", worst.difference, 100 * worst.share));
          }
          text.append('\n');
        });
    return text.toString();
  }
}
