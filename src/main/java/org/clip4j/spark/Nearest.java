package org.clip4j.spark;

import com.esotericsoftware.kryo.DefaultSerializer;
import com.esotericsoftware.kryo.serializers.JavaSerializer;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.clip4j.eval.internal.Dot;
import org.jspecify.annotations.Nullable;

/**
 * The rows that are most similar to each of some queries, among those seen so far, and how many
 * reach a threshold. Of equal ones that with the lower id is nearer, so that neither the order nor
 * the partitions matter. What cannot be compared (NaN) is near to nothing.
 */
@DefaultSerializer(JavaSerializer.class)
final class Nearest implements Serializable {
  private static final long serialVersionUID = 1;

  /**
   * A row beside a query.
   *
   * @param cosine of the two
   */
  record Match(@Nullable String id, float cosine) implements Serializable {}

  private static final Comparator<Match> BEST_FIRST =
      Comparator.comparing(Match::cosine, Comparator.reverseOrder()).thenComparing(Match::id);

  private final int k;
  private final double threshold;
  private final List<List<Match>> best = new ArrayList<>(); // of each query, best first
  private final long[] reaching;
  private long rows;

  Nearest(int queries, int k, double threshold) {
    this.k = k;
    this.threshold = threshold;
    reaching = new long[queries];
    for (int i = 0; i < queries; i++) {
      best.add(new ArrayList<>());
    }
  }

  /** Compares a block of rows with all queries. */
  void add(float[][] queries, List<EmbeddingRow> block) {
    rows += block.size();
    for (int q = 0; q < queries.length; q++) {
      List<Match> own = best.get(q);
      for (EmbeddingRow row : block) {
        float cosine = Dot.of(queries[q], row.vector()) + 0f; // -0 is 0
        if (cosine >= threshold) {
          reaching[q]++;
        }
        boolean isAmongBest = own.size() < k || cosine >= own.get(k - 1).cosine();
        if (isAmongBest && !Float.isNaN(cosine)) {
          insert(own, new Match(row.id(), cosine));
        }
      }
    }
  }

  private void insert(List<Match> own, Match match) {
    int at = own.size();
    while (at > 0 && BEST_FIRST.compare(match, own.get(at - 1)) < 0) {
      at--;
    }
    own.add(at, match);
    if (own.size() > k) {
      own.remove(k);
    }
  }

  /** Adds what was found among other rows. */
  Nearest add(Nearest other) {
    rows += other.rows;
    for (int q = 0; q < reaching.length; q++) {
      reaching[q] += other.reaching[q];
      for (Match match : other.best.get(q)) {
        insert(best.get(q), match);
      }
    }
    return this;
  }

  List<Match> best(int query) {
    return best.get(query);
  }

  long reaching(int query) {
    return reaching[query];
  }

  long rows() {
    return rows;
  }
}
