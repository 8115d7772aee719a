package org.clip4j.search.lucene;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.apache.lucene.document.Document;
import org.apache.lucene.index.Term;
import org.apache.lucene.search.BooleanClause.Occur;
import org.apache.lucene.search.BooleanQuery;
import org.apache.lucene.search.FieldExistsQuery;
import org.apache.lucene.search.HitQueue;
import org.apache.lucene.search.KnnFloatVectorQuery;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.ScoreDoc;
import org.apache.lucene.search.TermInSetQuery;
import org.apache.lucene.search.TermQuery;
import org.apache.lucene.search.TopDocs;
import org.apache.lucene.util.BytesRef;
import org.apache.lucene.util.VectorUtil;

/** One search in one state of an index. */
final class IndexSearch {
  /** Among so few vectors, comparing with all takes no longer than the graph. */
  private static final int EXACT_UP_TO = 1000;

  /** The graph is left where this share of all vectors is asked for. */
  private static final int SHARE_FOR_GRAPH = 8;

  private static final int MOST_COPIES = 1 << 20;

  private final CheckedSearcher searcher;
  private final SearchQuery query;
  private final float[] vector; // of length 1
  private final Query filter; // null for none
  private final Query amongKept;

  /** A document that keeps its vector, and how similar that is to the query. */
  private record Scored(int doc, float score, float[] vector) {}

  IndexSearch(CheckedSearcher searcher, IndexFields fields, SearchQuery query) throws IOException {
    this.searcher = searcher;
    this.query = query;
    vector = unit(query.vector);
    filter = query.filter == null ? null : fields.query(query.filter);
    amongKept = filter == null || !searcher.hasCopies() ? filter : withKeepersOfCopies(filter);
  }

  private static float[] unit(float[] vector) {
    double length = SearchQuery.length(vector);
    if (length == 0) {
      throw new IllegalArgumentException(
          "the query has the length 0, so that nothing is similar to it; subtract less from it");
    }
    float[] unit = new float[vector.length];
    for (int i = 0; i < unit.length; i++) {
      unit[i] = (float) (vector[i] / length);
    }
    return unit;
  }

  /** Documents that match, and those that keep the vector of a copy that matches. */
  private Query withKeepersOfCopies(Query matching) throws IOException {
    Query copies =
        new BooleanQuery.Builder()
            .add(matching, Occur.FILTER)
            .add(new FieldExistsQuery(CheckedSearcher.COPY), Occur.FILTER)
            .build();
    Set<BytesRef> keys = new HashSet<>();
    for (int doc : searcher.all(copies, Integer.MAX_VALUE)) {
      keys.add(searcher.key(CheckedSearcher.COPY, doc));
    }
    return new BooleanQuery.Builder()
        .add(matching, Occur.SHOULD)
        .add(new TermInSetQuery(CheckedSearcher.KEPT, keys), Occur.SHOULD)
        .build();
  }

  List<Match> run() throws IOException {
    Relevance relevance = query.asksForRelevance() ? relevance() : null;
    boolean exact = query.exact || searcher.distinct() <= EXACT_UP_TO;
    for (long want = query.candidates(); ; want *= 4) {
      exact |= want > searcher.distinct() / SHARE_FOR_GRAPH;
      int most = (int) Math.min(want, Math.max(1, searcher.distinct()));
      List<Scored> ranked = exact ? scan(most) : graph(most);
      List<List<Match>> groups = new ArrayList<>();
      boolean enough = select(ranked, relevance, groups);
      if (enough || exact && ranked.size() < want) {
        return groups.stream().map(IndexSearch::fold).toList();
      }
      // Where the graph gives fewer than it was asked for, it is not connected.
      exact |= ranked.size() < most;
    }
  }

  /** Puts the others of a group into its first. */
  private static Match fold(List<Match> group) {
    Match head = group.get(0);
    return new Match(
        head.id(), head.score(), head.fields(), head.chance(), group.subList(1, group.size()));
  }

  private Relevance relevance() throws IOException {
    float[][] sample = searcher.sample();
    float[] scores = new float[sample.length];
    for (int i = 0; i < scores.length; i++) {
      scores[i] = VectorUtil.dotProduct(vector, sample[i]);
    }
    int judged = amongKept == null ? searcher.distinct() : searcher.count(amongKept);
    return new Relevance(scores, judged);
  }

  private List<Scored> scan(int most) throws IOException {
    HitQueue top = new HitQueue(most, false); // of equal scores, the lower document is better
    searcher.vectors(
        amongKept,
        (doc, values) -> {
          float score = VectorUtil.dotProduct(vector, values.vectorValue());
          if (top.size() < most || score > top.top().score) {
            top.insertWithOverflow(new ScoreDoc(doc, score));
          }
        });
    List<Scored> ranked = new ArrayList<>();
    while (top.size() > 0) {
      ScoreDoc each = top.pop();
      ranked.add(scored(each.doc, each.score, null));
    }
    Collections.reverse(ranked);
    return ranked;
  }

  private List<Scored> graph(int most) throws IOException {
    TopDocs found =
        searcher.search(
            new KnnFloatVectorQuery(CheckedSearcher.VECTOR, vector, most, amongKept), most);
    List<Scored> ranked = new ArrayList<>();
    for (ScoreDoc each : found.scoreDocs) { // int8 vectors rank roughly; the exact ones decide
      float[] other = searcher.vector(each.doc);
      ranked.add(scored(each.doc, VectorUtil.dotProduct(vector, other), other));
    }
    ranked.sort(
        Comparator.comparingDouble((Scored each) -> -each.score).thenComparingInt(Scored::doc));
    return ranked;
  }

  /** Keeps the vector only where it is looked at again. */
  private Scored scored(int doc, float score, float[] known) throws IOException {
    boolean needed = query.excluded != null || query.folds() || searcher.hasCopies();
    return new Scored(doc, score, !needed ? null : known != null ? known : searcher.vector(doc));
  }

  /**
   * Takes what is found, the best first, near duplicates in one group if the query folds.
   *
   * @return whether no further candidates are needed
   */
  private boolean select(List<Scored> ranked, Relevance relevance, List<List<Match>> groups)
      throws IOException {
    double[] chances = new double[ranked.size()];
    Arrays.fill(chances, Double.NaN);
    int relevant = ranked.size();
    if (relevance != null) {
      float[] scores = new float[ranked.size()];
      for (int i = 0; i < scores.length; i++) {
        scores[i] = ranked.get(i).score;
      }
      chances = relevance.chances(scores);
      relevant = 0;
      while (relevant < chances.length && chances[relevant] <= query.falseDiscoveryRate) {
        relevant++;
      }
    }
    List<Scored> heads = new ArrayList<>();
    for (int i = 0; i < relevant; i++) {
      Scored each = ranked.get(i);
      if (isExcluded(each)) {
        continue;
      }
      int head = query.folds() ? headOf(each, heads) : -1;
      if (head < 0 && groups.size() >= query.topK) {
        return true;
      }
      int room = query.folds() ? MOST_COPIES : query.topK - groups.size();
      List<Match> same = new ArrayList<>();
      for (int doc : entries(each, room)) {
        same.add(match(doc, each.score, chances[i]));
      }
      if (head >= 0) {
        groups.get(head).addAll(same);
      } else if (query.folds()) {
        heads.add(each);
        groups.add(same);
      } else {
        same.forEach(match -> groups.add(List.of(match)));
      }
    }
    return relevant < ranked.size() || !query.folds() && groups.size() >= query.topK;
  }

  private boolean isExcluded(Scored each) {
    if (query.excluded == null) {
      return false;
    }
    double cosine =
        VectorUtil.dotProduct(query.excluded, each.vector) / SearchQuery.length(query.excluded);
    return cosine >= (Float.isNaN(query.excludedFrom) ? each.score : query.excludedFrom);
  }

  /** The first of the better ones of which this is a near duplicate; -1 if of none. */
  private int headOf(Scored each, List<Scored> heads) {
    for (int i = 0; i < heads.size(); i++) {
      if (VectorUtil.dotProduct(heads.get(i).vector, each.vector) >= query.foldFrom) {
        return i;
      }
    }
    return -1;
  }

  /** The documents with the vector that match the filter. */
  private List<Integer> entries(Scored each, int most) throws IOException {
    if (!searcher.hasCopies()) {
      return List.of(each.doc);
    }
    Term copies = new Term(CheckedSearcher.COPY, VectorKey.of(each.vector));
    if (searcher.reader().docFreq(copies) == 0) {
      return List.of(each.doc);
    }
    Query same =
        new BooleanQuery.Builder()
            .add(new TermQuery(copies), Occur.SHOULD)
            .add(new TermQuery(new Term(CheckedSearcher.KEPT, copies.bytes())), Occur.SHOULD)
            .build();
    if (filter != null) {
      same = new BooleanQuery.Builder().add(same, Occur.FILTER).add(filter, Occur.FILTER).build();
    }
    return searcher.all(same, most);
  }

  private Match match(int doc, float score, double chance) throws IOException {
    Document stored = IndexFields.stored(searcher.reader(), doc);
    return new Match(
        stored.get(CheckedSearcher.ID), score, IndexFields.read(stored), chance, List.of());
  }
}
