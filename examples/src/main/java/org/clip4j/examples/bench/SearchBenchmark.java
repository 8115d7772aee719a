package org.clip4j.examples.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.clip4j.examples.options.Range;
import org.clip4j.search.Embeddings;
import org.clip4j.search.ExactIndex;
import org.clip4j.search.Hit;
import org.clip4j.search.Quantization;
import org.clip4j.search.lucene.Filter;
import org.clip4j.search.lucene.IndexEntry;
import org.clip4j.search.lucene.LuceneIndex;
import org.clip4j.search.lucene.SearchQuery;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Times searches in an index, and how much of the exact answer its graph gives. */
@Command(
    name = "search",
    mixinStandardHelpOptions = true,
    description = {
      "Builds an index of generated vectors, opens it, and prints latency, recall against exact",
      "scoring (ties count), build time and size. Searches use one thread;",
      "taskset -c 0 keeps the rest of the JVM on its core too."
    })
public final class SearchBenchmark implements Callable<Integer> {
  /** What the vectors are like. */
  enum Kind {
    /**
     * As embeddings are: around some hundred centres, along few of the directions, with noise in
     * all.
     */
    EMBEDDINGS,
    /** As these, and 16,000 rows are copies of one vector. */
    COPIES,
    /** As these, and 10,000 rows are 200 copies each of 50 vectors. */
    GROUPS,
    /** Spread evenly over the sphere: no vector is much nearer than others, the hardest case. */
    UNIFORM
  }

  private static final int CENTRES = 200;
  private static final int DIRECTIONS = 48;

  @Option(names = "--rows", defaultValue = "100000", description = "Vectors in the index.")
  @Range(min = 1)
  private int rows;

  @Option(names = "--dimensions", defaultValue = "512", description = "Values of a vector.")
  @Range(min = 1)
  private int dimensions;

  @Option(names = "--queries", defaultValue = "500", description = "Searches that are timed.")
  @Range(min = 1)
  private int queries;

  @Option(names = "--k", defaultValue = "10", description = "Rows that a search finds.")
  @Range(min = 1)
  private int k;

  @Option(names = "--kind", defaultValue = "embeddings", description = "${COMPLETION-CANDIDATES}.")
  private Kind kind;

  @Option(
      names = "--candidates",
      split = ",",
      defaultValue = "64",
      description = "Vectors that a search keeps on its way, one figure for each.")
  @Range(min = 1)
  private int[] candidates;

  @Option(names = "--int8", description = "Searches by vectors of a byte for each value.")
  private boolean int8;

  @Option(names = "--threads", defaultValue = "2", description = "Threads that build the graph.")
  @Range(min = 1)
  private int threads;

  @Option(names = "--seed", defaultValue = "0", description = "Of the generated vectors.")
  private long seed;

  @Option(
      names = "--embeddings",
      paramLabel = "DIR",
      description = "Searches what Embed wrote there in place of generated vectors.")
  private Path embeddings;

  @Option(
      names = "--asked",
      paramLabel = "DIR",
      description = {
        "Queries that Embed wrote there, of texts for example; otherwise some of the",
        "embeddings are taken out and asked for."
      })
  private Path asked;

  @Option(
      names = "--keep",
      paramLabel = "DIR",
      description = "Keeps the index there, and uses it if it is there already.")
  private Path keep;

  @Override
  public Integer call() throws IOException {
    float[][] vectors = embeddings == null ? vectors(rows + queries) : shuffled(embeddings);
    float[][] asked = this.asked == null ? vectors : shuffled(this.asked);
    int rows = this.asked == null ? vectors.length - queries : vectors.length;
    if (rows < k || asked.length < queries) {
      throw new IOException(
          "there are too few embeddings for " + queries + " queries; --queries asks fewer");
    }
    asked = Arrays.copyOfRange(asked, asked.length - queries, asked.length);
    float[][] stored = Arrays.copyOf(vectors, rows);
    dimensions = stored[0].length;
    if (embeddings == null) {
      copy(stored);
    }
    Path folder = Files.createTempDirectory("search-benchmark");
    try {
      System.out.printf(
          Locale.ROOT,
          "%,d vectors (%s) of %d values%n",
          rows,
          embeddings == null ? kind.name().toLowerCase(Locale.ROOT) : embeddings,
          dimensions);
      List<List<Hit>> truth;
      try (ExactIndex exact = ExactIndex.create(dimensions)) {
        exact.add(stored);
        time("exact", asked, query -> exact.search(query, k));
        truth = exact.search(asked, k);
      }
      for (Quantization form : List.of(Quantization.INT8, Quantization.BINARY)) {
        searchCodes(stored, asked, truth, form, folder.resolve(form.name()));
      }
      Path place = keep != null ? keep : folder.resolve("index");
      if (!Files.exists(place)) {
        build(stored, place);
      }
      search(asked, truth, place);
    } finally {
      delete(folder);
    }
    return 0;
  }

  private float[][] shuffled(Path folder) throws IOException {
    try (Embeddings read = Embeddings.open(folder)) {
      float[][] all = new float[read.size()][];
      Arrays.setAll(all, read.index()::vector);
      Collections.shuffle(Arrays.asList(all), new Random(seed));
      return all;
    }
  }

  /** Replaces some rows by copies of others. */
  private void copy(float[][] stored) {
    int copies = kind == Kind.COPIES ? 16_000 : kind == Kind.GROUPS ? 10_000 : 0;
    int groups = kind == Kind.COPIES ? 1 : 50;
    for (int i = 0; i < Math.min(copies, stored.length); i++) {
      stored[stored.length - 1 - i] = stored[i % groups].clone();
    }
    if (copies > 0) {
      Collections.shuffle(Arrays.asList(stored), new Random(seed));
    }
  }

  /** Searches an exact index on disk through a short form of its rows. */
  private void searchCodes(
      float[][] stored, float[][] asked, List<List<Hit>> truth, Quantization form, Path folder)
      throws IOException {
    String name = "exact, " + form.name().toLowerCase(Locale.ROOT);
    try (ExactIndex index = ExactIndex.builder().optQuantization(form).create(stored[0].length)) {
      index.add(stored);
      index.save(folder);
    }
    long start = System.nanoTime();
    try (ExactIndex index = ExactIndex.open(folder)) {
      double exactBytes = 4.0 * stored.length * stored[0].length;
      report(
          name,
          "opened in %.2f s, searches %.1f MiB in memory, %.1f x less",
          seconds(start),
          index.searchedBytes() / (double) (1 << 20),
          exactBytes / index.searchedBytes());
      time(name, asked, query -> index.search(query, k));
      double found = 0;
      for (int i = 0; i < asked.length; i++) {
        float least = least(truth.get(i));
        found += index.search(asked[i], k).stream().filter(hit -> hit.score() >= least).count();
      }
      report(name, "recall@%d %.4f", k, found / truth.get(0).size() / asked.length);
    }
  }

  /** The score that a hit needs to count as one of the best; ties do. */
  private static float least(List<Hit> truth) {
    return truth.get(truth.size() - 1).score() - 1e-6f;
  }

  private void build(float[][] stored, Path folder) throws IOException {
    long start = System.nanoTime();
    try (LuceneIndex index =
        LuceneIndex.builder(folder)
            .optDimensions(dimensions)
            .optThreads(threads)
            .optInt8(int8)
            .create()) {
      List<IndexEntry> entries = new ArrayList<>();
      for (int i = 0; i < stored.length; i++) {
        entries.add(new IndexEntry(String.valueOf(i), stored[i], Map.of("tenth", i % 10)));
      }
      index.addAll(entries);
      report("index", "added in %.1f s by %d threads", seconds(start), threads);
      index.compact();
    }
    report("index", "built in %.1f s, %d MiB", seconds(start), mebibytes(folder));
  }

  private void search(float[][] asked, List<List<Hit>> truth, Path folder) throws IOException {
    long start = System.nanoTime();
    try (LuceneIndex index = LuceneIndex.open(folder)) {
      report("index", "opened and checked in %.2f s", seconds(start));
      for (int each : candidates) {
        String name = "index, " + each + " candidates";
        time(name, asked, query -> index.search(query(query, each)));
        double found = 0;
        for (int i = 0; i < asked.length; i++) {
          float least = least(truth.get(i));
          found +=
              index.search(query(asked[i], each)).stream()
                  .filter(match -> match.score() >= least)
                  .count();
        }
        report(name, "recall@%d %.4f", k, found / k / asked.length);
      }
      Filter tenth = Filter.equal("tenth", 3);
      time("filtered to a tenth", asked, query -> index.search(query(query, 64).optWhere(tenth)));
      double found = 0;
      for (float[] query : asked) {
        Set<String> ids = new HashSet<>();
        index
            .search(query(query, 64).optWhere(tenth).optExact(true))
            .forEach(match -> ids.add(match.id()));
        found +=
            index.search(query(query, 64).optWhere(tenth)).stream()
                .filter(match -> ids.contains(match.id()))
                .count();
      }
      report("filtered to a tenth", "recall@%d %.4f", k, found / k / asked.length);
      time("relevance", asked, query -> index.search(query(query, 64).optRelevance(0.1)));
    }
  }

  private SearchQuery query(float[] vector, int candidates) {
    return SearchQuery.of(vector).optTopK(k).optCandidates(candidates);
  }

  private interface Search {
    Object of(float[] query) throws IOException;
  }

  private void time(String name, float[][] asked, Search search) throws IOException {
    for (float[] query : asked) { // compiles, and brings the files into memory
      search.of(query);
    }
    double[] milliseconds = new double[asked.length];
    for (int i = 0; i < asked.length; i++) {
      long start = System.nanoTime();
      search.of(asked[i]);
      milliseconds[i] = 1e3 * seconds(start);
    }
    Arrays.sort(milliseconds);
    report(
        name,
        "one query: p50 %.2f ms, p95 %.2f ms",
        milliseconds[asked.length / 2],
        milliseconds[asked.length * 95 / 100]);
  }

  private float[][] vectors(int count) {
    Random random = new Random(seed);
    float[][] directions = gaussians(random, DIRECTIONS, dimensions, 1);
    float[][] centres = gaussians(random, CENTRES, DIRECTIONS, 1);
    float[][] vectors = new float[count][];
    for (int i = 0; i < count; i++) {
      float[] vector = gaussians(random, 1, dimensions, kind == Kind.UNIFORM ? 1 : 1.5f)[0];
      if (kind != Kind.UNIFORM) {
        float[] centre = centres[random.nextInt(CENTRES)];
        for (int d = 0; d < DIRECTIONS; d++) {
          float along = centre[d] + 0.8f * (float) random.nextGaussian();
          for (int j = 0; j < dimensions; j++) {
            vector[j] += along * directions[d][j];
          }
        }
      }
      vectors[i] = unit(vector);
    }
    return vectors;
  }

  private static float[][] gaussians(Random random, int rows, int columns, float deviation) {
    float[][] values = new float[rows][columns];
    for (float[] row : values) {
      for (int i = 0; i < columns; i++) {
        row[i] = deviation * (float) random.nextGaussian();
      }
    }
    return values;
  }

  private static float[] unit(float[] vector) {
    double sum = 0;
    for (float value : vector) {
      sum += value * value;
    }
    for (int i = 0; i < vector.length; i++) {
      vector[i] /= (float) Math.sqrt(sum);
    }
    return vector;
  }

  private static double seconds(long start) {
    return (System.nanoTime() - start) / 1e9;
  }

  private static long mebibytes(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.mapToLong(file -> file.toFile().length()).sum() >> 20;
    }
  }

  private static void report(String name, String format, Object... values) {
    System.out.printf(
        Locale.ROOT, "  %-22s %s%n", name, String.format(Locale.ROOT, format, values));
  }

  private static void delete(Path folder) throws IOException {
    try (Stream<Path> all = Files.walk(folder)) {
      for (Path path : all.sorted((a, b) -> b.getNameCount() - a.getNameCount()).toList()) {
        Files.delete(path);
      }
    }
  }
}
