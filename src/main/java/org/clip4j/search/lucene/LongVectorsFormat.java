package org.clip4j.search.lucene;

import java.io.IOException;
import org.apache.lucene.codecs.Codec;
import org.apache.lucene.codecs.KnnVectorsFormat;
import org.apache.lucene.codecs.KnnVectorsReader;
import org.apache.lucene.codecs.KnnVectorsWriter;
import org.apache.lucene.codecs.lucene912.Lucene912Codec;
import org.apache.lucene.codecs.lucene99.Lucene99HnswScalarQuantizedVectorsFormat;
import org.apache.lucene.codecs.lucene99.Lucene99HnswVectorsFormat;
import org.apache.lucene.index.SegmentReadState;
import org.apache.lucene.index.SegmentWriteState;

/**
 * Lucene's own vector format without its bound of 1,024 values, which is checked when vectors are
 * added and nowhere else. It keeps Lucene's name: what is written is read by the format that Lucene
 * finds under that name, so that nothing of ours has to be registered, and any Lucene reads it.
 */
final class LongVectorsFormat extends KnnVectorsFormat {
  /** The longest vectors: those of the largest models, twice over. */
  static final int MAX_DIMENSIONS = 4096;

  private final KnnVectorsFormat format;

  private LongVectorsFormat(KnnVectorsFormat format) {
    super(format.getName());
    this.format = format;
  }

  /**
   * Lucene's codec with this format for vectors.
   *
   * @param degree edges of a vector in the graph
   * @param beam vectors looked at as neighbours of a new one
   * @param int8 whether the graph is searched by vectors of a byte for each value
   */
  static Codec codec(int degree, int beam, boolean int8) {
    return new Lucene912Codec() {
      @Override
      public KnnVectorsFormat getKnnVectorsFormatForField(String field) {
        return new LongVectorsFormat(
            int8
                ? new Lucene99HnswScalarQuantizedVectorsFormat(degree, beam)
                : new Lucene99HnswVectorsFormat(degree, beam));
      }
    };
  }

  @Override
  public KnnVectorsWriter fieldsWriter(SegmentWriteState state) throws IOException {
    return format.fieldsWriter(state);
  }

  @Override
  public KnnVectorsReader fieldsReader(SegmentReadState state) throws IOException {
    return format.fieldsReader(state);
  }

  @Override
  public int getMaxDimensions(String fieldName) {
    return MAX_DIMENSIONS;
  }
}
