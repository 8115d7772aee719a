package org.clip4j.data;

import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.function.IntFunction;
import org.clip4j.data.internal.shards.ShardNames;

/** Opens image-text pairs from folders, tables, shards or memory. */
public final class Pairs {

  private Pairs() {}

  /**
   * Reads a table of image files and captions (CSV or TSV, UTF-8, with a header).
   *
   * <pre>{@code
   * PairSource pairs = Pairs.table(Path.of("captions.tsv")).setColumns("file", "caption").build();
   * }</pre>
   */
  public static PairTable.Builder table(Path table) {
    return new PairTable.Builder(table);
  }

  /**
   * Reads pairs from a file that has a JSON object on each line (UTF-8).
   *
   * <pre>{@code
   * PairSource pairs = Pairs.jsonLines(Path.of("captions.jsonl")).setKeys("image", "caption").build();
   * }</pre>
   */
  public static JsonLines jsonLines(Path file) {
    return new JsonLines(file);
  }

  /** Reads a folder of images, each with a {@code .txt} of the same name beside it. */
  public static ImageFolder folder(Path folder) {
    return new ImageFolder(folder);
  }

  /**
   * Reads WebDataset shards.
   *
   * @param pattern a tar file, or several as {@code train-{000000..000015}.tar}, or a folder of
   *     them
   * @throws IllegalArgumentException if a range in braces counts down, or means over a million
   */
  public static PairShards.Builder shards(String pattern) {
    return new PairShards.Builder(
        pattern, ShardNames.expand(pattern).stream().map(Path::of).toList());
  }

  /** Reads WebDataset shards: tar files, or folders of them, in this order. */
  public static PairShards.Builder shards(List<Path> places) {
    return new PairShards.Builder(
        places.size() == 1 ? places.get(0).toString() : places.size() + " shards", places);
  }

  /**
   * Mixes several of these, by weight.
   *
   * <pre>{@code
   * PairFeed pairs = Pairs.mixture().add(photos, 0.8).add(drawings, 0.2).build();
   * }</pre>
   */
  public static PairMixture.Builder mixture() {
    return new PairMixture.Builder();
  }

  /** Gives these pairs; the list is copied. */
  public static PairSource of(List<ImageTextPair> pairs) {
    List<ImageTextPair> kept = List.copyOf(pairs);
    return of("pairs", kept.size(), kept::get);
  }

  /**
   * Gives pairs that a function makes.
   *
   * @param name for messages
   * @param pair makes the pair of an index from 0 to {@code size} - 1, always the same, for several
   *     threads
   */
  public static PairSource of(String name, int size, IntFunction<ImageTextPair> pair) {
    record Made(String name, int size, IntFunction<ImageTextPair> pair) implements PairSource {
      @Override
      public ImageTextPair get(int index) {
        return pair.apply(Objects.checkIndex(index, size));
      }
    }
    return new Made(name, size, pair);
  }
}
