package org.clip4j.data;

import java.util.List;
import java.util.Map;
import org.clip4j.data.internal.DataDigest;
import org.clip4j.encode.ImageFile;

/**
 * Gives image-text pairs with random access. Implementations are immutable and safe for use by
 * several threads.
 */
public interface PairSource extends PairFeed {

  /** Returns the number of pairs. */
  int size();

  @Override
  default String name() {
    return "pairs";
  }

  /** Returns {@link #size()}. */
  @Override
  default long pairsPerEpoch() {
    return size();
  }

  /** Opens all pairs, every order equally likely. */
  @Override
  default EpochCursor epoch(long seed, int epoch) {
    return new ShuffledCursor(this, seed, epoch);
  }

  @Override
  default Map<String, String> digest() {
    DataDigest.Hash images = new DataDigest.Hash();
    DataDigest.Hash captions = new DataDigest.Hash();
    for (int i = 0; i < size(); i++) {
      ImageTextPair pair = get(i);
      images.add(pair.image() instanceof ImageFile file ? file.file() : pair.image().name());
      captions.add(pair.captions().size());
      pair.captions().forEach(captions::add);
    }
    return Map.of(
        "pairs", String.valueOf(size()),
        "image names", images.value(),
        "captions", captions.value());
  }

  /**
   * Returns one pair.
   *
   * @param index from 0 to {@link #size()} - 1
   */
  ImageTextPair get(int index);

  /** Returns only the pairs at these indices, in this order. */
  default PairSource select(List<Integer> indices) {
    List<Integer> kept = List.copyOf(indices);
    return Pairs.of(name(), kept.size(), index -> get(kept.get(index)));
  }

  /**
   * Divides the pairs at random into those to train on and those to keep for testing. The held-out
   * pairs are a uniform sample without replacement of {@code round(size * heldOutFraction)} pairs,
   * the same for the same size, fraction and seed on every machine and Java version.
   *
   * <p>Pairs are divided, not images: where several pairs share an image, one may land on each
   * side. Give such images one pair with several captions.
   *
   * @param heldOutFraction in (0, 1)
   * @param seed of the draw
   * @throws IllegalArgumentException if either side would be empty
   */
  default Split split(double heldOutFraction, long seed) {
    return Split.of(this, heldOutFraction, seed);
  }
}
