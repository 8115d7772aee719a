package org.clip4j.search.lucene;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.lucene.index.Term;

/**
 * What was written since the reader was made: terms that documents got, or that no document has any
 * more. Asked before the reader, it saves making a new one for every entry that is added.
 *
 * <p>Whoever writes records a term after the writer has it, under a lock on that term. While a
 * reader is made there are two generations; the older goes when the reader is there, which has it.
 */
final class PendingKeys {
  private record Generations(Map<Term, Boolean> now, Map<Term, Boolean> before) {}

  private volatile Generations generations = new Generations(new ConcurrentHashMap<>(), Map.of());

  /** Whether a document has the term; null if nothing is pending of it, and the reader knows. */
  Boolean get(Term term) {
    Generations both = generations;
    Boolean found = both.now.get(term);
    return found != null ? found : both.before.get(term);
  }

  /** Records it. */
  void put(Term term, boolean present) {
    generations.now.put(term, present);
  }

  /** How many terms the next reader will know. */
  int size() {
    return generations.now.size();
  }

  /** Whether the reader knows all. */
  boolean isEmpty() {
    Generations both = generations;
    return both.now.isEmpty() && both.before.isEmpty();
  }

  /** Begins a generation, before a reader is made. */
  void begin() {
    generations = new Generations(new ConcurrentHashMap<>(), generations.now);
  }

  /** Forgets the older one, after the reader was made. */
  void end() {
    generations = new Generations(generations.now, Map.of());
  }
}
