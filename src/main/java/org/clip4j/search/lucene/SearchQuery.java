package org.clip4j.search.lucene;

import org.clip4j.io.Limits;
import org.jspecify.annotations.Nullable;

/**
 * Says what to look for in a {@link LuceneIndex}.
 *
 * <pre>{@code
 * SearchQuery.of(clip.encodeText("a beach")).optTopK(20).optWithout(clip.encodeText("people"), 0.5f)
 *     .optWhere(Filter.equal("kind", "photo")).optRelevance(0.1)
 * }</pre>
 *
 * <p>Not safe for use by several threads.
 */
public final class SearchQuery {
  /** At least as many rows are looked at as near, so that few searches miss one. */
  private static final int LEAST_CANDIDATES = 64;

  final float[] vector;
  int topK = 10;
  int candidates;
  boolean exact;
  Filter filter;
  float[] excluded;
  float excludedFrom = Float.NaN;
  double falseDiscoveryRate = 1;
  float foldFrom = Float.POSITIVE_INFINITY;

  private SearchQuery(float[] vector) {
    this.vector = vector;
  }

  /**
   * Looks for entries whose vectors are most similar to this one.
   *
   * @param vector E finite values, of any length but 0
   */
  public static SearchQuery of(float[] vector) {
    return new SearchQuery(vector.clone());
  }

  /** Sets how many entries are found, at most; 10 by default. */
  public SearchQuery optTopK(int topK) {
    this.topK = Limits.atLeast("topK", 1, topK);
    return this;
  }

  /**
   * Sets how many vectors the search keeps on its way through the graph; twice topK by default, and
   * 64 at least. More find more of the most similar and take longer.
   */
  public SearchQuery optCandidates(int candidates) {
    this.candidates = Limits.atLeast("the number of candidates", 1, candidates);
    return this;
  }

  /** Compares with every vector instead of following the graph. */
  public SearchQuery optExact(boolean exact) {
    this.exact = exact;
    return this;
  }

  /** Searches only among entries that the filter matches; null for all. */
  public SearchQuery optWhere(@Nullable Filter filter) {
    this.filter = filter;
    return this;
  }

  /**
   * Subtracts what is not wanted: the search is for the direction of the query less that of the
   * other, and scores are cosines with that.
   *
   * @param unwanted E values
   * @param weight how much of it is subtracted, above 0; a half is a good start
   */
  public SearchQuery optWithout(float[] unwanted, float weight) {
    Limits.aboveZero("the weight of what is unwanted", weight);
    if (unwanted.length != vector.length) {
      throw new IllegalArgumentException(
          "what is unwanted has " + unwanted.length + " values, the query " + vector.length);
    }
    double ofQuery = length(vector);
    double ofUnwanted = length(unwanted);
    for (int i = 0; i < vector.length; i++) {
      vector[i] = (float) (vector[i] / ofQuery - weight * unwanted[i] / ofUnwanted);
    }
    return this;
  }

  static double length(float[] vector) {
    double sum = 0;
    for (float value : vector) {
      sum += (double) value * value;
    }
    return Math.sqrt(sum);
  }

  /**
   * Leaves out what is more similar to another vector than to the query.
   *
   * @param unwanted E values
   */
  public SearchQuery optExcluding(float[] unwanted) {
    return optExcluding(unwanted, Float.NaN);
  }

  /**
   * Leaves out what is similar to another vector.
   *
   * @param unwanted E values
   * @param cosine from which on entries are left out, -1 to 1
   */
  public SearchQuery optExcluding(float[] unwanted, float cosine) {
    excluded = unwanted.clone();
    excludedFrom = cosine;
    return this;
  }

  /**
   * Gives only entries that are relevant, perhaps none: those whose scores stand out from the
   * distribution of the scores of all entries for this query, by the rule of Benjamini and
   * Hochberg. It needs some dozens of different vectors, most of them irrelevant.
   *
   * @param falseDiscoveryRate how large a share of what is found may be irrelevant, on average; of
   *     0 to 1, both excluded
   */
  public SearchQuery optRelevance(double falseDiscoveryRate) {
    this.falseDiscoveryRate = Limits.fraction("the false-discovery rate", falseDiscoveryRate);
    return this;
  }

  /**
   * Folds near duplicates of a better entry into it, so that they take no places of their own.
   *
   * @param cosine between the two, from which on one is a near duplicate; 0.95 is a good start
   */
  public SearchQuery optFold(float cosine) {
    if (!(cosine > -1 && cosine <= 1)) {
      throw new IllegalArgumentException("a cosine is above -1 and at most 1, found " + cosine);
    }
    foldFrom = cosine;
    return this;
  }

  boolean folds() {
    return foldFrom <= 1;
  }

  boolean asksForRelevance() {
    return falseDiscoveryRate < 1;
  }

  int candidates() {
    return Math.max(
        topK,
        candidates > 0 ? candidates : Math.max(LEAST_CANDIDATES, 2 * Math.min(topK, 1 << 29)));
  }
}
