package org.clip4j.search.lucene;

import java.util.Map;

/**
 * Holds what a {@link LuceneIndex} keeps under an id.
 *
 * @param id 1 to 32,766 bytes in UTF-8, unique in its index
 * @param vector E finite values of unit length
 * @param fields what can be filtered by and is given back: a {@link String}, a {@link Number} (kept
 *     as a double), an {@link java.time.Instant} (kept to the microsecond), or a {@link
 *     java.util.Collection} of one of these; a field has the type of the first value that an index
 *     sees of it
 */
public record IndexEntry(String id, float[] vector, Map<String, ?> fields) {

  /** Refuses what is missing, and copies the rest. */
  public IndexEntry {
    if (id == null || vector == null) {
      throw new IllegalArgumentException("an entry has an id and a vector");
    }
    fields.forEach(
        (name, value) -> {
          if (name == null || value == null) {
            throw new IllegalArgumentException(
                "entry \"" + id + "\": the field " + name + " is " + value + "; leave it out");
          }
        });
    vector = vector.clone();
    fields = Map.copyOf(fields);
  }

  /** Returns a copy of the vector. */
  @Override
  public float[] vector() {
    return vector.clone();
  }

  /** Makes an entry without fields. */
  public IndexEntry(String id, float[] vector) {
    this(id, vector, Map.of());
  }
}
