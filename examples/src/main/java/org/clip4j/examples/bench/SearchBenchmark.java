package org.clip4j.examples.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.clip4j.examples.Range;
import org.clip4j.search.ApproximateIndex;
import org.clip4j.search.ExactIndex;
import org.clip4j.search.Hit;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Times searches in both indices, and how much of the exact answer the approximate one gives. */
@Command(
    name = "search",
    mixinStandardHelpOptions = true,
    showDefaultValues = true,
    description = {
      "Builds an exact and an approximate index of generated vectors, saves and opens them,",
      "and prints latency, recall, build time and size. Searches use one thread;",
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
      names = "--beams",
      split = ",",
      defaultValue = "100",
      description = "Widths of the approximate index's search beam; 0 for the exact index only.")
  @Range(min = 1)
  private int[] beams;

  @Option(names = "--threads", defaultValue = "2", description = "Threads that build the graph.")
  @Range(min = 1)
  private int threads;

  @Option(names = "--seed", defaultValue = "0", description = "Of the generated vectors.")
  private long seed;

  @Option(
      names = "--keep",
      paramLabel = "DIR",
      description = "Keeps the approximate index there, and uses it if it is there already.")
  private Path keep;

  @Override
  public Integer call() throws IOException {
    float[][] vectors = vectors(rows + queries);
    float[][] asked = Arrays.copyOfRange(vectors, rows, rows + queries);
    float[][] stored = Arrays.copyOf(vectors, rows);
    Path folder = Files.createTempDirectory("search-benchmark");
    try {
      System.out.printf(
          Locale.ROOT,
          "%,d %s vectors of %d%n",
          rows,
          kind.name().toLowerCase(Locale.ROOT),
          dimensions);
      List<List<Hit>> truth = exact(stored, asked, folder.resolve("exact"));
      if (beams[0] > 0) {
        Path place = keep != null ? keep : folder.resolve("approximate");
        if (!Files.exists(place)) {
          build(stored, place);
        }
        approximate(asked, truth, place);
      }
    } finally {
      delete(folder);
    }
    return 0;
  }

  private List<List<Hit>> exact(float[][] stored, float[][] asked, Path folder) throws IOException {
    long start = System.nanoTime();
    try (ExactIndex index = ExactIndex.create(dimensions)) {
      index.add(stored);
      report("exact", "added in %.1f s", seconds(start));
      start = System.nanoTime();
      index.save(folder);
    }
    report("exact", "saved in %.1f s, %d MiB", seconds(start), mebibytes(folder));
    start = System.nanoTime();
    try (ExactIndex index = ExactIndex.open(folder)) {
      report("exact", "opened and checked in %.2f s", seconds(start));
      time("exact", asked, query -> index.search(query, k));
      start = System.nanoTime();
      List<List<Hit>> truth = index.search(asked, k);
      report("exact", "%d queries at once: %.2f ms each", queries, 1e3 * seconds(start) / queries);
      return truth;
    }
  }

  private void build(float[][] stored, Path folder) throws IOException {
    long start = System.nanoTime();
    try (ApproximateIndex index =
        ApproximateIndex.builder(dimensions).optThreads(threads).build()) {
      index.add(stored);
      report("approximate", "built in %.1f s by %d threads", seconds(start), threads);
      start = System.nanoTime();
      index.save(folder);
    }
    report("approximate", "saved in %.1f s, %d MiB", seconds(start), mebibytes(folder));
  }

  private void approximate(float[][] asked, List<List<Hit>> truth, Path folder) throws IOException {
    long start = System.nanoTime();
    try (ApproximateIndex index = ApproximateIndex.open(folder)) {
      report("approximate", "opened and checked in %.2f s", seconds(start));
      for (int beam : beams) {
        String name = "approximate, beam " + beam;
        time(name, asked, query -> index.search(new float[][] {query}, k, beam).get(0));
        report(name, "recall@%d %.4f", k, recall(index.search(asked, k, beam), truth));
      }
    }
  }

  private interface Search {
    List<Hit> of(float[] query);
  }

  private void time(String name, float[][] asked, Search search) {
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

  private double recall(List<List<Hit>> found, List<List<Hit>> truth) {
    int hits = 0;
    int all = 0;
    for (int i = 0; i < truth.size(); i++) {
      Set<Integer> rowsFound = new HashSet<>();
      found.get(i).forEach(hit -> rowsFound.add(hit.row()));
      all += truth.get(i).size();
      hits += (int) truth.get(i).stream().filter(hit -> rowsFound.contains(hit.row())).count();
    }
    return hits / (double) all;
  }

  private float[][] vectors(int count) {
    Random random = new Random(seed);
    float[][] directions = gaussians(random, DIRECTIONS, dimensions, 1);
    float[][] centres = gaussians(random, CENTRES, DIRECTIONS, 1);
    float[][] vectors = new float[count][];
    for (int i = 0; i < count; i++) {
      float[] vector = gaussians(random, 1, dimensions, kind == Kind.UNIFORM ? 1 : 1.5f)[0];
      if (kind == Kind.EMBEDDINGS) {
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
