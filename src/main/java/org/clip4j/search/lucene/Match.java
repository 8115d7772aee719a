package org.clip4j.search.lucene;

import java.util.List;
import java.util.Map;

/**
 * Describes an entry that a search in a {@link LuceneIndex} found.
 *
 * @param id of the entry
 * @param score its cosine similarity with the query
 * @param fields of the entry: strings, doubles and instants, or lists of them
 * @param chance the largest false-discovery rate, of 0 to 1, at which the entry would be left out:
 *     of all entries up to this one so large a share is expected to be irrelevant; NaN unless the
 *     query asks for relevance
 * @param folded near duplicates, the most similar to the query first; empty unless the query folds
 */
public record Match(
    String id, float score, Map<String, Object> fields, double chance, List<Match> folded) {

  /** Copies what is mutable. */
  public Match {
    fields = Map.copyOf(fields);
    folded = List.copyOf(folded);
  }
}
