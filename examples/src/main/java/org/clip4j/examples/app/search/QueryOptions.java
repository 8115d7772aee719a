package org.clip4j.examples.app.search;

import java.util.List;
import org.clip4j.examples.options.Range;
import picocli.CommandLine.Option;

/** Options that say which rows are shown. */
public final class QueryOptions {
  @Option(names = "--top", defaultValue = "20", paramLabel = "K", description = "How many to show.")
  @Range(min = 1)
  private int top;

  @Option(
      names = "--where",
      paramLabel = "FILTER",
      description =
          "Only among rows that match; may be given several times. " + SearchFilters.SYNTAX)
  private List<String> where = List.of();

  @Option(
      names = "--relevance",
      paramLabel = "RATE",
      description =
          "Shows only what stands out from the rest, perhaps nothing; of what is shown at most this"
              + " share should be irrelevant, for example 0.3.")
  @Range(above = 0, below = 1)
  private Double relevance;

  @Option(
      names = "--fold",
      paramLabel = "COSINE",
      description = "Folds rows that are at least so similar to a better one into it.")
  @Range(above = -1, max = 1)
  private Float fold;

  @Option(
      names = "--without",
      paramLabel = "TEXT",
      description = "What is not wanted: it is subtracted from the query.")
  private String without;

  /** How to search. */
  public ImageSearch.Options options() {
    return new ImageSearch.Options(top, where, relevance, fold, without);
  }
}
