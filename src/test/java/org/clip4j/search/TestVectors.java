package org.clip4j.search;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.clip4j.io.Checksums;

/** Generated vectors, and the plain way to search them. */
public final class TestVectors {
  private TestVectors() {}

  /** Vectors of unit length, spread evenly. */
  public static float[][] uniform(int rows, int dimensions, long seed) {
    Random random = new Random(seed);
    float[][] vectors = new float[rows][dimensions];
    for (float[] vector : vectors) {
      double sum = 0;
      for (int i = 0; i < dimensions; i++) {
        vector[i] = (float) random.nextGaussian();
        sum += vector[i] * vector[i];
      }
      for (int i = 0; i < dimensions; i++) {
        vector[i] /= (float) Math.sqrt(sum);
      }
    }
    return vectors;
  }

  /** Writes a matrix of at least one row. */
  static void write(Path file, float[][] vectors) throws IOException {
    Vectors rows = new Vectors(Vectors.Arrangement.ROWS, vectors[0].length);
    rows.add(vectors);
    NpyFile.write(file, rows.dimensions(), rows.pieces());
  }

  /** The best k by a loop in double precision; ties to the lower row. */
  public static List<Integer> nearest(float[][] vectors, float[] query, int k) {
    List<Integer> rows = new ArrayList<>();
    double[] scores = new double[vectors.length];
    for (int i = 0; i < vectors.length; i++) {
      rows.add(i);
      for (int d = 0; d < query.length; d++) {
        scores[i] += (double) query[d] * vectors[i][d];
      }
    }
    rows.sort(Comparator.comparingDouble((Integer i) -> -scores[i]).thenComparing(i -> i));
    return rows.subList(0, Math.min(k, rows.size()));
  }

  public static List<Integer> rows(List<Hit> hits) {
    return hits.stream().map(Hit::row).toList();
  }

  /** The names of a folder's files and checksums of their content, but for the lock. */
  public static TreeMap<String, Long> files(Path folder) throws IOException {
    TreeMap<String, Long> files = new TreeMap<>();
    try (Stream<Path> all = Files.list(folder)) {
      for (Path file : all.toList()) {
        if (!file.getFileName().toString().equals(".lock")) {
          files.put(file.getFileName().toString(), Checksums.of(file));
        }
      }
    }
    return files;
  }

  /** Opens an index and searches it. */
  interface Opener {
    List<List<Hit>> search(Path folder) throws IOException;
  }

  /**
   * Changes each byte of each file, cuts and lengthens each, and takes each away: opening must fail
   * with an {@link IOException} that names a file in the folder, or the answer be the same.
   */
  public static void checkDamage(Path folder, Opener opener) throws IOException {
    List<List<Hit>> expected = opener.search(folder);
    int refused = 0;
    int same = 0;
    for (String name : files(folder).keySet()) {
      Path file = folder.resolve(name);
      byte[] whole = Files.readAllBytes(file);
      for (int i = 0; i <= whole.length + 1; i++) {
        byte[] damaged = whole.clone();
        if (i < whole.length) {
          damaged[i] ^= (byte) (1 << i % 8);
        } else {
          damaged = Arrays.copyOf(whole, i == whole.length ? i - 1 : i);
        }
        try {
          Files.write(file, damaged);
          assertThat(opener.search(folder)).as(name + " byte " + i).isEqualTo(expected);
          same++;
        } catch (IOException e) {
          assertThat(e).hasMessageContaining(folder.toString());
          refused++;
        }
      }
      Files.delete(file);
      assertThatThrownBy(() -> opener.search(folder))
          .isInstanceOf(IOException.class)
          .hasMessageContaining(name);
      Files.write(file, whole);
    }
    assertThat(opener.search(folder)).isEqualTo(expected);
    // Only white space in JSON may change without harm.
    assertThat(same).isLessThan(refused / 5);
  }
}
