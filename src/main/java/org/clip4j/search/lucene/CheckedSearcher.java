package org.clip4j.search.lucene;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.lucene.document.Document;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.FloatVectorValues;
import org.apache.lucene.index.IndexReader;
import org.apache.lucene.index.LeafReaderContext;
import org.apache.lucene.index.ReaderUtil;
import org.apache.lucene.index.SortedDocValues;
import org.apache.lucene.index.Term;
import org.apache.lucene.search.DocIdSetIterator;
import org.apache.lucene.search.FieldExistsQuery;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.ScoreMode;
import org.apache.lucene.search.Scorer;
import org.apache.lucene.search.Sort;
import org.apache.lucene.search.TermQuery;
import org.apache.lucene.search.TopDocs;
import org.apache.lucene.search.Weight;
import org.apache.lucene.util.Bits;
import org.apache.lucene.util.BytesRef;
import org.clip4j.io.MappedFile;

/**
 * A state of a {@link LuceneIndex}, as one searches it: a document for each entry.
 *
 * <p>Of entries with the same vector one keeps it, the others refer to it by its key. In a graph of
 * neighbours equal vectors would know nothing but each other, and a search that meets them would
 * not get out again.
 */
final class CheckedSearcher extends IndexSearcher {
  static final String ID = "id";
  static final String VECTOR = "vector";

  /** The vector's key, in the entry that keeps it. */
  static final String KEPT = "kept";

  /** The vector's key, in entries with the same vector. */
  static final String COPY = "copy";

  private static final int SAMPLE = 4096;

  private final List<MappedFile> files;
  private final int distinct;
  private final boolean hasCopies;
  private float[][] sample; // guarded by this

  CheckedSearcher(IndexReader reader, Path folder) throws IOException {
    super(reader);
    files = IndexFiles.mapped(folder, reader);
    distinct = count(new FieldExistsQuery(VECTOR));
    hasCopies = distinct < reader.numDocs();
  }

  DirectoryReader reader() {
    return (DirectoryReader) getIndexReader();
  }

  void requireWhole() throws IOException {
    MappedFile.requireWhole(files);
  }

  /** How many different vectors there are. */
  int distinct() {
    return distinct;
  }

  boolean hasCopies() {
    return hasCopies;
  }

  boolean has(Term term) throws IOException {
    return first(term) >= 0;
  }

  /** The first document that has a term; -1 if none does. */
  int first(Term term) throws IOException {
    List<Integer> found = all(new TermQuery(term), 1);
    return found.isEmpty() ? -1 : found.get(0);
  }

  /** The first documents that a query matches, in the index's order. */
  List<Integer> all(Query query, int most) throws IOException {
    TopDocs found = search(query, Math.min(most, Math.max(1, reader().maxDoc())), Sort.INDEXORDER);
    List<Integer> docs = new ArrayList<>(found.scoreDocs.length);
    for (var each : found.scoreDocs) {
      docs.add(each.doc);
    }
    return docs;
  }

  private LeafReaderContext leaf(int doc) {
    return reader().leaves().get(ReaderUtil.subIndex(doc, reader().leaves()));
  }

  /** A key of a document, null if it has none of this kind. */
  BytesRef key(String kind, int doc) throws IOException {
    LeafReaderContext leaf = leaf(doc);
    SortedDocValues values = leaf.reader().getSortedDocValues(kind);
    return values != null && values.advanceExact(doc - leaf.docBase)
        ? BytesRef.deepCopyOf(values.lookupOrd(values.ordValue()))
        : null;
  }

  /** A copy of the vector that a document keeps. */
  float[] vector(int doc) throws IOException {
    LeafReaderContext leaf = leaf(doc);
    FloatVectorValues values = leaf.reader().getFloatVectorValues(VECTOR);
    if (values.advance(doc - leaf.docBase) != doc - leaf.docBase) {
      throw new IllegalStateException("document " + doc + " keeps no vector");
    }
    return values.vectorValue().clone();
  }

  /** The entry of a document. */
  IndexEntry entry(int doc) throws IOException {
    Document stored = IndexFields.stored(reader(), doc);
    BytesRef copyOf = key(COPY, doc);
    int keeper = copyOf == null ? doc : first(new Term(KEPT, copyOf));
    return new IndexEntry(stored.get(ID), vector(keeper), IndexFields.read(stored));
  }

  /** What is done with a document that keeps a vector; the values stand there. */
  @FunctionalInterface
  interface VectorVisitor {
    void visit(int doc, FloatVectorValues values) throws IOException;
  }

  /** Goes through all vectors that are kept by documents which a query matches; null for all. */
  void vectors(Query among, VectorVisitor visitor) throws IOException {
    Weight weight =
        among == null ? null : createWeight(rewrite(among), ScoreMode.COMPLETE_NO_SCORES, 1);
    for (LeafReaderContext leaf : reader().leaves()) {
      FloatVectorValues values = leaf.reader().getFloatVectorValues(VECTOR);
      Scorer scorer = weight == null ? null : weight.scorer(leaf);
      if (values == null || weight != null && scorer == null) {
        continue;
      }
      DocIdSetIterator docs = weight == null ? values : scorer.iterator();
      Bits live = leaf.reader().getLiveDocs();
      for (int doc = docs.nextDoc(); doc != DocIdSetIterator.NO_MORE_DOCS; doc = docs.nextDoc()) {
        if (values.docID() < doc) {
          values.advance(doc);
        }
        if (values.docID() == doc && (live == null || live.get(doc))) {
          visitor.visit(leaf.docBase + doc, values);
        }
      }
    }
  }

  /** Some of the vectors, evenly taken; all if there are few. */
  synchronized float[][] sample() throws IOException {
    if (sample == null) {
      int every = Math.max(1, (distinct + SAMPLE - 1) / SAMPLE);
      EveryNth some = new EveryNth(every);
      vectors(null, some);
      sample = some.vectors.toArray(float[][]::new);
    }
    return sample;
  }

  /** Keeps one vector of each so many. */
  private static final class EveryNth implements VectorVisitor {
    private final int every;
    private final List<float[]> vectors = new ArrayList<>();
    private int seen;

    EveryNth(int every) {
      this.every = every;
    }

    @Override
    public void visit(int doc, FloatVectorValues values) throws IOException {
      if (seen++ % every == 0) {
        vectors.add(values.vectorValue().clone());
      }
    }
  }
}
