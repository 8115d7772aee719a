package org.clip4j.data;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.clip4j.data.internal.DataDigest;
import org.clip4j.data.internal.shards.ShardCounts;
import org.clip4j.data.internal.shards.ShardNames;
import org.clip4j.data.internal.shards.ShardScanner;
import org.clip4j.data.internal.shards.TarEntries;
import org.clip4j.image.ImageDecoder;
import org.clip4j.io.Limits;

/**
 * Reads pairs in tar files as WebDataset writes them, see {@link Pairs#shards(String)}: entries
 * whose names agree up to the first dot of the file name are one sample, an image (jpg, jpeg, png
 * or webp) with a caption (txt, or json).
 *
 * <p>Shards are read forward, in a new order each epoch, through a shuffle buffer that holds places
 * and not pixels; an image is read when it leaves the buffer. Memory therefore depends on the size
 * of the buffer, not on the shards. What cannot be used counts as one damaged pair each: a sample
 * without image or caption, an entry too large or stored sparsely, and a shard that is cut off or
 * damaged, from there on, under the shard's name. Files may be hostile; entry names are never
 * followed.
 */
public final class PairShards implements PairFeed {
  private final String name;
  private final List<Path> files;
  private final long[] bytes; // of each file
  private final int[] samples; // of each file, -1 if not counted; guarded by this
  private final int bufferSize;
  private final long maxImageBytes;
  private final List<String> captionKeys;
  private final boolean preferJson;
  private final ImageDecoder decoder;
  private final long declaredPairs;
  private final ShardCounts index; // null for none

  private PairShards(Builder builder, List<Path> files, long[] bytes) throws IOException {
    this.name = builder.name;
    this.files = List.copyOf(files);
    this.bytes = bytes;
    this.bufferSize = builder.bufferSize;
    this.maxImageBytes = builder.maxImageBytes;
    this.captionKeys = builder.captionKeys;
    this.preferJson = builder.preferJson;
    this.decoder = builder.decoder;
    this.declaredPairs = builder.pairs;
    this.index = builder.index == null ? null : new ShardCounts(builder.index);
    samples = new int[files.size()];
    Arrays.fill(samples, -1);
    if (index != null) {
      Map<String, Integer> counted = index.read();
      for (int i = 0; i < samples.length; i++) {
        samples[i] = counted.getOrDefault(ShardCounts.key(files.get(i), bytes[i]), -1);
      }
    }
  }

  @Override
  public String name() {
    return name;
  }

  /** Returns how many shards there are. */
  public int count() {
    return files.size();
  }

  /**
   * Returns the number declared by {@link Builder#optPairs}; otherwise counts the samples, damaged
   * ones included, which reads every header once.
   */
  @Override
  public long pairsPerEpoch() throws IOException {
    if (declaredPairs > 0) {
      return declaredPairs;
    }
    long total = 0;
    for (int shard = 0; shard < files.size(); shard++) {
      int known = samples(shard);
      if (known < 0) {
        known = 0;
        try (ShardScanner scanner = scan(shard)) {
          while (scanner.next() != null) {
            known++;
          }
        }
        learn(shard, known);
      }
      total += known;
    }
    return total;
  }

  /** Returns a digest of the shards' names and sizes. */
  @Override
  public Map<String, String> digest() {
    DataDigest.Hash names = new DataDigest.Hash();
    DataDigest.Hash sizes = new DataDigest.Hash();
    for (int i = 0; i < bytes.length; i++) {
      names.add(files.get(i).getFileName().toString());
      sizes.add(bytes[i]);
    }
    return Map.of(
        "shards", String.valueOf(bytes.length),
        "shard names", names.value(),
        "shard sizes", sizes.value(),
        "shuffle buffer", String.valueOf(bufferSize));
  }

  @Override
  public EpochCursor epoch(long seed, int epoch) {
    return new ShardCursor(this, seed, epoch);
  }

  int bufferSize() {
    return bufferSize;
  }

  Path file(int shard) {
    return files.get(shard);
  }

  /** Samples in a shard; -1 if not counted. */
  synchronized int samples(int shard) {
    return samples[shard];
  }

  synchronized void learn(int shard, int count) throws IOException {
    if (samples[shard] != count) {
      samples[shard] = count;
      if (index != null) {
        index.add(files.get(shard), bytes[shard], count);
      }
    }
  }

  ShardScanner scan(int shard) throws IOException {
    return new ShardScanner(new TarEntries(files.get(shard)), maxImageBytes, preferJson);
  }

  ShardSample reading(int shard, ShardScanner.Sample sample) {
    return new ShardSample(files.get(shard), sample, captionKeys, decoder);
  }

  /** Says how to read shards. Not safe for use by several threads. */
  public static final class Builder {
    private final String name;
    private final List<Path> places;
    private int bufferSize = 5000;
    private long maxImageBytes = 64 << 20;
    private List<String> captionKeys = List.of("caption");
    private boolean preferJson;
    private ImageDecoder decoder = ImageDecoder.defaults();
    private long pairs;
    private Path index;

    Builder(String name, List<Path> places) {
      this.name = name;
      this.places = List.copyOf(places);
    }

    /**
     * Sets the number of samples among which the next is drawn; 5000 by default, 1 to keep the
     * order in a shard. About 200 bytes of memory each.
     */
    public Builder optShuffleBuffer(int samples) {
      this.bufferSize = Limits.atLeast("samples in the shuffle buffer", 1, samples);
      return this;
    }

    /**
     * Takes captions from the json even where there is a txt, under these keys: a caption or a list
     * of captions, of all of which each epoch draws one. By default the whole txt is the caption,
     * and only without it the json's {@code caption}.
     */
    public Builder optJsonCaptions(String... keys) {
      if (keys.length == 0) {
        throw new IllegalArgumentException("name at least one caption key");
      }
      this.captionKeys = List.of(keys);
      this.preferJson = true;
      return this;
    }

    /**
     * Sets the size of the largest encoded image, 64 MiB by default; a larger one is a damaged
     * sample.
     */
    public Builder optMaxImageBytes(int bytes) {
      this.maxImageBytes = Limits.atLeast("bytes of the largest image", 1, bytes);
      return this;
    }

    /** Sets how images are decoded; by default transparency is dropped. */
    public Builder optDecoder(ImageDecoder decoder) {
      this.decoder = Objects.requireNonNull(decoder, "decoder");
      return this;
    }

    /**
     * Sets how many pairs there are, to spare counting them; only schedules and progress depend on
     * it.
     */
    public Builder optPairs(long pairs) {
      this.pairs = Limits.atLeast("pairs", 1, pairs);
      return this;
    }

    /**
     * Sets a file that keeps how many samples each shard has, filled as shards are read. With it a
     * later process counts and resumes without opening shards again. A shard of another size is
     * counted anew.
     */
    public Builder optIndex(Path file) {
      this.index = Objects.requireNonNull(file, "index");
      return this;
    }

    /**
     * Finds the shards, and looks at the beginning of the first.
     *
     * @throws IOException if one is missing, there are none, or one is named twice or is compressed
     */
    public PairShards build() throws IOException {
      List<Path> files = new ArrayList<>();
      for (Path place : places) {
        files.addAll(ShardNames.in(place));
      }
      long[] bytes = new long[files.size()];
      for (int i = 0; i < bytes.length; i++) {
        Path file = files.get(i);
        if (!Files.isRegularFile(file)) {
          throw new NoSuchFileException(file.toString(), null, "no such shard");
        }
        String compression = i == 0 ? TarEntries.compression(file) : null;
        if (compression == null && file.toString().matches(".*\\.(t?gz|zst|bz2|xz)")) {
          compression = "is compressed, so places in it cannot be looked up; unpack it to .tar";
        }
        if (compression != null) {
          throw new IOException(file + " " + compression);
        }
        bytes[i] = Files.size(file);
      }
      if (files.isEmpty() || new HashSet<>(files).size() < files.size()) {
        throw new IOException(name + (files.isEmpty() ? " names no shard" : " names one twice"));
      }
      return new PairShards(this, files, bytes);
    }
  }
}
