package org.clip4j.search.lucene;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Says which entries of a {@link LuceneIndex} a search is among. Values are strings, numbers or
 * instants, as the field's own; an entry whose field has several values matches if one of them
 * does, and one without the field does not.
 *
 * <pre>{@code
 * Filter filter = Filter.all(
 *     Filter.equal("kind", "photo"), Filter.range("year", 2010, null), Filter.not(Filter.anyOf("place", "Oslo", "Rome")));
 * }</pre>
 */
public sealed interface Filter {

  /** Matches entries with one of these values. */
  record AnyOf(String field, List<?> values) implements Filter {}

  /** Matches entries with a value of at least the first and at most the last; null for no bound. */
  record Range(String field, @Nullable Object from, @Nullable Object to) implements Filter {}

  /** Matches entries that another filter does not match. */
  record Not(Filter filter) implements Filter {}

  /** Matches entries that all filters match. */
  record All(List<Filter> filters) implements Filter {}

  /** Matches entries that one filter at least matches. */
  record Any(List<Filter> filters) implements Filter {}

  /** Matches entries with this value. */
  static Filter equal(String field, Object value) {
    return new AnyOf(field, List.of(value));
  }

  /** Matches entries with one of these values. */
  static Filter anyOf(String field, Object... values) {
    return new AnyOf(field, List.of(values));
  }

  /** Matches entries with a value between two, both included; null for no bound. */
  static Filter range(String field, @Nullable Object from, @Nullable Object to) {
    return new Range(field, from, to);
  }

  /** Matches entries that the filter does not match, those without its field included. */
  static Filter not(Filter filter) {
    return new Not(filter);
  }

  /** Matches entries that all of them match. */
  static Filter all(Filter... filters) {
    return new All(List.of(filters));
  }

  /** Matches entries that one of them at least matches. */
  static Filter any(Filter... filters) {
    return new Any(List.of(filters));
  }
}
