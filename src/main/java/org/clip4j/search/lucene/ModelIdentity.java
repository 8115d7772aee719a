package org.clip4j.search.lucene;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.clip4j.io.Limits;
import org.clip4j.search.Embeddings;

/**
 * Says which model made embeddings: those of different ones cannot be compared, though they may
 * have the same length. What is not known is empty, and not compared.
 *
 * @param name where it comes from: a hub name, a folder or a file; only shown
 * @param revision of the hub's; only shown
 * @param weights a checksum of all parameters
 * @param dimensions E, the length of its embeddings
 * @param precision in which it computes
 * @param transform the preprocessing of images, in words
 */
public record ModelIdentity(
    String name,
    String revision,
    String weights,
    int dimensions,
    String precision,
    String transform) {
  private static final String PREFIX = "model.";

  /** Refuses what is missing: empty is for what is not known. */
  public ModelIdentity {
    if (name == null
        || revision == null
        || weights == null
        || precision == null
        || transform == null) {
      throw new IllegalArgumentException("what is not known of a model is empty, not null");
    }
    Limits.atLeast("values of an embedding", 1, dimensions);
  }

  /**
   * Reads what a folder of embeddings says of its model: the facts {@code weights}, {@code
   * precision} and {@code transform} and the notes {@code model} and {@code revision}.
   */
  public static ModelIdentity of(Embeddings embeddings) {
    Map<String, String> facts = embeddings.facts();
    Map<String, String> notes = embeddings.notes();
    return new ModelIdentity(
        notes.getOrDefault("model", ""),
        notes.getOrDefault("revision", ""),
        facts.getOrDefault("weights", ""),
        embeddings.dimensions(),
        facts.getOrDefault("precision", ""),
        facts.getOrDefault("transform", ""));
  }

  /** Lists what tells this model from another, as "weights A, not B"; nothing if nothing does. */
  public List<String> differences(ModelIdentity other) {
    List<String> differences = new ArrayList<>();
    Map<String, String> others = other.compared();
    compared()
        .forEach(
            (what, value) -> {
              String otherValue = others.get(what);
              if (!value.isEmpty() && !otherValue.isEmpty() && !value.equals(otherValue)) {
                differences.add(what + " " + value + ", not " + otherValue);
              }
            });
    return differences;
  }

  private Map<String, String> compared() {
    Map<String, String> compared = new LinkedHashMap<>();
    compared.put("dimensions", String.valueOf(dimensions));
    compared.put("weights", weights);
    compared.put("precision", precision);
    compared.put("transform", transform);
    return compared;
  }

  Map<String, String> toMap() {
    Map<String, String> map = new LinkedHashMap<>();
    map.put(PREFIX + "name", name);
    map.put(PREFIX + "revision", revision);
    compared().forEach((what, value) -> map.put(PREFIX + what, value));
    return map;
  }

  /** Of a map that {@link #toMap} made; null if it holds none. */
  static ModelIdentity fromMap(Map<String, String> map) {
    return map.get(PREFIX + "name") == null
        ? null
        : new ModelIdentity(
            map.get(PREFIX + "name"),
            map.get(PREFIX + "revision"),
            map.get(PREFIX + "weights"),
            Integer.parseInt(map.get(PREFIX + "dimensions")),
            map.get(PREFIX + "precision"),
            map.get(PREFIX + "transform"));
  }

  @Override
  public String toString() {
    StringBuilder text = new StringBuilder(name.isEmpty() ? "a model without a name" : name);
    if (!revision.isEmpty()) {
      text.append(" at ").append(revision);
    }
    text.append(" (").append(dimensions).append(" values");
    for (String part : List.of(weights, precision)) {
      text.append(part.isEmpty() ? "" : ", " + part);
    }
    return text.append(')').toString();
  }
}
