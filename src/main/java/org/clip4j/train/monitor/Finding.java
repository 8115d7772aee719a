package org.clip4j.train.monitor;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Describes something that is wrong with a training, found while it runs.
 *
 * @param id which of the things that are looked for, for example {@code learning-rate-too-high}
 * @param step after which it was found
 * @param message what is wrong and by what it was seen, one sentence or two
 * @param remedy what to do
 * @param evidence the numbers in the message by name
 */
public record Finding(
    String id, long step, String message, String remedy, Map<String, Double> evidence) {

  /** Copies the evidence, in its order. */
  public Finding {
    evidence = Collections.unmodifiableMap(new LinkedHashMap<>(evidence));
  }

  @Override
  public String toString() {
    return "step " + step + ": " + message + " " + remedy + " [" + id + "]";
  }
}
