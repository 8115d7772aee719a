package org.clip4j.data;

import java.nio.file.Path;
import java.util.List;

/** Where image-text pairs come from. */
public final class Pairs {

  private Pairs() {}

  /**
   * Pairs listed in a table of image files and captions (CSV or TSV, UTF-8, with a header).
   *
   * <pre>{@code
   * PairSource pairs = Pairs.table(Path.of("captions.tsv")).columns("file", "caption").build();
   * }</pre>
   */
  public static PairTable.Builder table(Path table) {
    return new PairTable.Builder(table);
  }

  /** These pairs; the list is copied. */
  public static PairSource of(List<ImageTextPair> pairs) {
    List<ImageTextPair> kept = List.copyOf(pairs);
    return new PairSource() {
      @Override
      public int size() {
        return kept.size();
      }

      @Override
      public ImageTextPair get(int index) {
        return kept.get(index);
      }
    };
  }
}
