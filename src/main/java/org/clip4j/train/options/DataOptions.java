package org.clip4j.train.options;

import org.clip4j.image.Augmentation;
import org.clip4j.image.ImageTransform;
import org.clip4j.io.Limits;
import org.clip4j.text.Tokenizer;
import org.jspecify.annotations.Nullable;

/**
 * Says how pairs become the model's input.
 *
 * @param transform how images become it; null for OpenAI's transform at the model's image size
 * @param tokenizer what turns captions into token ids; null for OpenAI's tokenizer
 * @param augmentation random views of the images in place of the transform; null for none
 * @param patchDropout the share of a ViT's patches, below 1, that is left out; -1 for what the
 *     model's configuration says
 * @param spreadDuplicates whether pairs of a batch with the same caption or the same image are no
 *     negatives of each other
 * @param maxSkippedShare the share of damaged pairs beyond which the training ends with an error
 * @param decodeThreads threads that decode images; 0 for one less than there are cores, at least
 *     one
 * @param imageCacheBytes Java memory in which transformed images are kept from epoch to epoch
 */
public record DataOptions(
    @Nullable ImageTransform transform,
    @Nullable Tokenizer tokenizer,
    @Nullable Augmentation augmentation,
    double patchDropout,
    boolean spreadDuplicates,
    double maxSkippedShare,
    int decodeThreads,
    long imageCacheBytes) {

  /** The options of a training that sets none. */
  public static final DataOptions DEFAULT =
      new DataOptions(null, null, null, -1, false, 0.01, 0, Runtime.getRuntime().maxMemory() / 4);

  /** Checks the ranges. */
  public DataOptions {
    if (patchDropout != -1) {
      Limits.share("patch dropout", patchDropout);
    }
    Limits.atLeast("decode threads", 0, decodeThreads);
    Limits.atLeast("image cache bytes", 0, imageCacheBytes);
  }

  /** Starts with the defaults. */
  public static Builder builder() {
    return DEFAULT.toBuilder();
  }

  /** Starts with these options. */
  public Builder toBuilder() {
    return new Builder(this);
  }

  /** Sets the options that differ from the defaults. */
  public static final class Builder {
    private @Nullable ImageTransform transform;
    private @Nullable Tokenizer tokenizer;
    private @Nullable Augmentation augmentation;
    private double patchDropout;
    private boolean spreadDuplicates;
    private double maxSkippedShare;
    private int decodeThreads;
    private long imageCacheBytes;

    private Builder(DataOptions from) {
      transform = from.transform;
      tokenizer = from.tokenizer;
      augmentation = from.augmentation;
      patchDropout = from.patchDropout;
      spreadDuplicates = from.spreadDuplicates;
      maxSkippedShare = from.maxSkippedShare;
      decodeThreads = from.decodeThreads;
      imageCacheBytes = from.imageCacheBytes;
    }

    /**
     * Sets how images become the model's input; by default OpenAI's transform at the model's image
     * size.
     */
    public Builder optTransform(@Nullable ImageTransform transform) {
      this.transform = transform;
      return this;
    }

    /**
     * Sets what turns captions into token ids; by default OpenAI's tokenizer. A model of another
     * vocabulary needs its own. The caller closes it, after the training.
     */
    public Builder optTokenizer(@Nullable Tokenizer tokenizer) {
      this.tokenizer = tokenizer;
      return this;
    }

    /**
     * Sets random views of the images to train on, in place of the transform; by default none.
     * {@link Augmentation#openClip()} is OpenCLIP's default.
     */
    public Builder optAugmentation(@Nullable Augmentation augmentation) {
      this.augmentation = augmentation;
      return this;
    }

    /**
     * Sets the share of a ViT's patches, at least 0 and below 1, that is left out, drawn anew for
     * each image and step (Li et al. 2023, "Scaling Language-Image Pre-training via Masking"); by
     * default what the model's configuration says, most often 0.
     */
    public Builder optPatchDropout(double share) {
      this.patchDropout = Limits.share("patch dropout", share);
      return this;
    }

    /**
     * Sets whether pairs of a batch with the same caption or the same image are no negatives of
     * each other: the loss then spreads its targets evenly over them. By default false, as in the
     * paper. For data in which one caption fits many images, or one image has many captions.
     */
    public Builder optSpreadDuplicates(boolean spread) {
      this.spreadDuplicates = spread;
      return this;
    }

    /**
     * Sets the share of damaged pairs beyond which the training ends with an error; by default
     * 0.01. The damaged pairs are listed in {@code skipped.jsonl} in the output folder.
     */
    public Builder optMaxSkippedShare(double share) {
      this.maxSkippedShare = share;
      return this;
    }

    /** Sets how many threads decode images; by default one less than there are cores. */
    public Builder optDecodeThreads(int threads) {
      this.decodeThreads = Limits.atLeast("decode threads", 1, threads);
      return this;
    }

    /**
     * Sets the Java memory in which transformed images are kept from epoch to epoch; by default a
     * quarter of the heap.
     */
    public Builder optImageCacheBytes(long bytes) {
      this.imageCacheBytes = bytes;
      return this;
    }

    /**
     * Builds the options.
     *
     * @throws IllegalArgumentException if one is out of its range
     */
    public DataOptions build() {
      return new DataOptions(
          transform,
          tokenizer,
          augmentation,
          patchDropout,
          spreadDuplicates,
          maxSkippedShare,
          decodeThreads,
          imageCacheBytes);
    }
  }
}
