package org.clip4j.search;

import io.github.jbellis.jvector.graph.similarity.BuildScoreProvider;
import io.github.jbellis.jvector.graph.similarity.ScoreFunction;
import io.github.jbellis.jvector.graph.similarity.SearchScoreProvider;
import io.github.jbellis.jvector.vector.types.VectorFloat;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.List;

/** How jvector compares rows: where they are, without copies of its own. */
final class GraphScores implements BuildScoreProvider {
  private final Vectors vectors;

  GraphScores(Vectors vectors) {
    this.vectors = vectors;
  }

  /** Scores against a row. */
  static Scorer of(Vectors vectors, int row) {
    Scorer scorer = new Scorer(new float[vectors.dimensions()], vectors.pieces());
    scorer.copy(row, scorer.query);
    return scorer;
  }

  @Override
  public boolean isExact() {
    return true;
  }

  @Override
  public VectorFloat<?> approximateCentroid() {
    throw new UnsupportedOperationException("only cleanup() needs it, which is never called");
  }

  @Override
  public SearchScoreProvider searchProviderFor(VectorFloat<?> vector) {
    throw new UnsupportedOperationException("rows are added by number");
  }

  @Override
  public SearchScoreProvider searchProviderFor(int row) {
    return of(vectors, row);
  }

  @Override
  public SearchScoreProvider diversityProviderFor(int row) {
    return of(vectors, row);
  }

  /** Scores of one query, for one thread: (1 + cosine) / 2, since jvector wants none below 0. */
  static final class Scorer implements ScoreFunction.ExactScoreFunction, SearchScoreProvider {
    private final float[] query;
    private final int[] firsts;
    private final FloatBuffer[] values;
    private final float[] scratch;

    /**
     * @param query unit length
     */
    Scorer(float[] query, List<Vectors.Piece> pieces) {
      this.query = query;
      firsts = pieces.stream().mapToInt(Vectors.Piece::first).toArray();
      values = pieces.stream().map(Vectors.Piece::values).toArray(FloatBuffer[]::new);
      scratch = new float[query.length];
    }

    @Override
    public float similarityTo(int row) {
      return (1 + product(row)) / 2;
    }

    float product(int row) {
      int piece = piece(row);
      int at = (row - firsts[piece]) * query.length;
      if (values[piece].hasArray()) {
        return InnerProducts.of(query, values[piece].array(), at);
      }
      values[piece].get(at, scratch, 0, query.length);
      return InnerProducts.of(query, scratch, 0);
    }

    private void copy(int row, float[] into) {
      int piece = piece(row);
      values[piece].get((row - firsts[piece]) * into.length, into, 0, into.length);
    }

    private int piece(int row) {
      int found = Arrays.binarySearch(firsts, row);
      return found >= 0 ? found : -found - 2;
    }

    @Override
    public ScoreFunction scoreFunction() {
      return this;
    }

    @Override
    public ExactScoreFunction reranker() {
      return null; // the scores are exact
    }

    @Override
    public ExactScoreFunction exactScoreFunction() {
      return this;
    }
  }
}
