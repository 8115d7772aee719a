package org.clip4j.data.internal.loader;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.clip4j.data.PairFeed;
import org.clip4j.data.PairSource;
import org.clip4j.data.UnreadableImages;
import org.clip4j.image.Augmentation;
import org.clip4j.image.ImageTransform;
import org.clip4j.io.DaemonThreads;
import org.clip4j.io.Limits;
import org.clip4j.text.Tokenizer;

/**
 * Turns pairs into batches for training, decoding and augmenting ahead on threads of its own.
 *
 * <p>Batches come without end, epoch after epoch. Each epoch visits the pairs in a new order and
 * draws one caption per pair; of a {@link PairSource} every order is equally likely. All batches
 * are full: a last incomplete one is dropped, unless fewer pairs can be read than make one batch,
 * which then come as one smaller batch an epoch. For equal pairs, options and start the batches are
 * equal, byte by byte, whatever the number of threads and their timing.
 *
 * <p>A damaged pair, whose image or caption cannot be read, is logged once, written to the ledger
 * if there is one, and left out from then on; the next pair takes its place. Too large a share of
 * damaged pairs ends the loading, see {@link Builder#optMaxSkippedShare}.
 *
 * <p>One thread takes the batches; {@link #close()} and the counters may be called by any.
 */
public final class PairLoader implements AutoCloseable {
  private final BatchAssembler.Settings settings;
  private final PairDecoder decoder;
  private final int threads;
  private final LoaderCache cache;
  private final BatchQueue queue;
  private final SkippedPairs skipped;

  private LoaderPosition taken = LoaderPosition.START;
  private long firstNanos; // when the first batch was asked for
  private long elapsedNanos = -1;
  private Thread assembler;
  private ExecutorService decoders;
  private boolean closed;

  private PairLoader(Builder builder, BatchAssembler.Settings settings) {
    this.settings = settings;
    this.threads = builder.threads;
    this.skipped = new SkippedPairs(builder.maxSkippedShare, builder.ledger);
    this.cache = new LoaderCache(builder.cacheBytes);
    this.decoder =
        new PairDecoder(
            builder.transform, builder.augmentation, builder.tokenizer, builder.seed, cache);
    this.queue = new BatchQueue(builder.prefetch);
  }

  /** Starts a loader's options. */
  public static Builder builder() {
    return new Builder();
  }

  /**
   * Starts at a position that an earlier loader's batch gave as {@link PairBatch#next()}. The pairs
   * before it are not read. With the same pairs and options the batches are those that the earlier
   * loader would have given next.
   *
   * @throws IllegalStateException if the loader was started, by this or by {@link #next()}, or
   *     closed
   */
  public synchronized void start(LoaderPosition position) {
    if (closed) {
      throw new IllegalStateException("the loader is closed");
    }
    if (assembler != null) {
      throw new IllegalStateException("the loader was started already; make another one");
    }
    taken = position;
    decoders = Executors.newFixedThreadPool(threads, DaemonThreads.named("clip4j-decoder"));
    assembler =
        DaemonThreads.named("clip4j-loader")
            .newThread(new BatchAssembler(settings, position, decoders, decoder, skipped, queue));
    assembler.start();
  }

  /**
   * The next batch; waits until it is there. The first call starts the loader at epoch 0 unless
   * {@link #start} did.
   *
   * @throws IOException if an epoch ends without one readable image, too many pairs are damaged, or
   *     the ledger cannot be read or written
   * @throws InterruptedException if the calling thread is interrupted; the loader stays usable
   * @throws IllegalStateException if the loader is closed, also while waiting, or if a source, the
   *     transform or the tokenizer failed unexpectedly; that failure is the cause's cause
   */
  public PairBatch next() throws IOException, InterruptedException {
    synchronized (this) {
      if (assembler == null && !closed) {
        start(LoaderPosition.START);
      }
      if (elapsedNanos < 0) {
        firstNanos = System.nanoTime();
        elapsedNanos = 0;
      }
    }
    PairBatch batch = queue.take();
    synchronized (this) {
      elapsedNanos = System.nanoTime() - firstNanos;
      taken = batch.next();
    }
    return batch;
  }

  /** Counts of pairs, and how long the consumer waited, up to the last batch that was taken. */
  public synchronized LoaderStats stats() {
    return new LoaderStats(
        taken.read(),
        taken.used(),
        taken.skipped(),
        Duration.ofNanos(queue.waitedNanos()),
        Duration.ofNanos(Math.max(0, elapsedNanos)));
  }

  /**
   * The damaged pairs found so far, those decoded ahead included, and after a resumption those that
   * the ledger lists.
   */
  public UnreadableImages unreadable() {
    return skipped.snapshot();
  }

  /** Bytes of images and token ids that are kept for the coming epochs. */
  public long cachedBytes() {
    return cache.usedBytes();
  }

  /**
   * Stops the threads, at the latest when the images that they are decoding are done, without
   * waiting for them. A thread waiting in {@link #next()} gets an IllegalStateException.
   */
  @Override
  public synchronized void close() {
    closed = true;
    queue.close();
    if (assembler != null) {
      assembler.interrupt(); // first, so that it does not report reads that the next line breaks
      decoders.shutdownNow();
    }
  }

  /** Options of a loader. Not safe for use by several threads. */
  public static final class Builder {
    private PairFeed pairs;
    private ImageTransform transform;
    private Augmentation augmentation;
    private Tokenizer tokenizer;
    private int batchSize;
    private long seed;
    private int threads = Math.max(1, Runtime.getRuntime().availableProcessors() - 1);
    private int prefetch = 3;
    private long cacheBytes = Runtime.getRuntime().maxMemory() / 4;
    private double maxSkippedShare = 0.01;
    private Path ledger;

    private Builder() {}

    /** The pairs to load; at least one. */
    public Builder setPairs(PairFeed pairs) {
      this.pairs = Objects.requireNonNull(pairs, "pairs");
      return this;
    }

    /** What every image goes through; it gives the batches their height and width. */
    public Builder setTransform(ImageTransform transform) {
      this.transform = transform;
      return this;
    }

    /**
     * Random views in place of the transform, which then gives the height and width alone. They
     * depend on the seed, the epoch and the pair. None by default.
     */
    public Builder optAugmentation(Augmentation augmentation) {
      this.augmentation = Objects.requireNonNull(augmentation, "augmentation");
      return this;
    }

    /** What turns captions into token ids. */
    public Builder setTokenizer(Tokenizer tokenizer) {
      this.tokenizer = Objects.requireNonNull(tokenizer, "tokenizer");
      return this;
    }

    /** Pairs in a batch, N; at least 1. */
    public Builder setBatchSize(int batchSize) {
      this.batchSize = Limits.atLeast("the batch size", 1, batchSize);
      return this;
    }

    /** Seed of the order, of the captions drawn and of augmentation; 0 by default. */
    public Builder optSeed(long seed) {
      this.seed = seed;
      return this;
    }

    /** Threads that decode; by default one less than there are cores, at least 1. */
    public Builder optThreads(int threads) {
      this.threads = Limits.atLeast("the number of threads", 1, threads);
      return this;
    }

    /**
     * How many batches may be in memory before they are asked for, the one being filled included; 3
     * by default. Besides these, each thread decodes at most 4 images ahead.
     */
    public Builder optPrefetch(int batches) {
      this.prefetch = Limits.atLeast("the number of batches to prefetch", 1, batches);
      return this;
    }

    /**
     * Heap to spend on keeping images and token ids, so that later epochs need not decode them
     * again; by default a quarter of the maximum heap, 0 for none. Images are kept transformed, or
     * with augmentation as they were decoded, which takes 3 bytes a pixel. When it is full, the
     * other pairs are read every epoch.
     */
    public Builder optCacheBytes(long bytes) {
      this.cacheBytes = Limits.atLeast("bytes of the cache", 0, bytes);
      return this;
    }

    /**
     * The share of damaged pairs beyond which loading ends, with the first reasons; 0.01 by
     * default, 1 for no limit.
     *
     * <p>Looked at whenever a pair is skipped. Loading ends as soon as more pairs were skipped than
     * this share of an epoch's pairs, times the epochs begun: at the latest when the first epoch
     * ends. It ends sooner where the pairs skipped exceed this share of those read by six standard
     * deviations, more than the order can bring about; the first 1,000 pairs count as 1,000 from
     * the start. For shards, whose number of pairs only an epoch's end tells, the first rule is
     * looked at there.
     */
    public Builder optMaxSkippedShare(double share) {
      this.maxSkippedShare = Limits.within("the share of skipped pairs", 0, 1, share);
      return this;
    }

    /**
     * A file to list damaged pairs in: a JSON object a line with the pair's source, sample (file,
     * or shard and key), reason and id, written once for each pair. None by default.
     *
     * <p>A loader that starts at the beginning begins the file anew. One that is resumed appends,
     * and takes the pairs listed for damaged without looking at them again, so that it goes on
     * exactly as before; to have repaired pairs back, start anew or delete the file.
     */
    public Builder optLedger(Path file) {
      this.ledger = Objects.requireNonNull(file, "ledger");
      return this;
    }

    /**
     * The loader; it starts no thread before it is started.
     *
     * @throws IllegalStateException if a required option is missing
     * @throws IllegalArgumentException if there are no pairs, or a batch does not fit into a Java
     *     array
     */
    public PairLoader build() {
      if (pairs == null || transform == null || tokenizer == null || batchSize == 0) {
        throw new IllegalStateException(
            "a loader needs setPairs, setTransform, setTokenizer and setBatchSize");
      }
      long rows = batchSize;
      if (pairs instanceof PairSource source) {
        if (source.size() == 0) {
          throw new IllegalArgumentException("there are no pairs to load");
        }
        rows = Math.min(batchSize, source.size());
      }
      int imageBytes = transform.bytes();
      if (rows * imageBytes > Integer.MAX_VALUE - 8) {
        throw new IllegalArgumentException(
            "a batch of "
                + rows
                + " images of "
                + transform.height()
                + " x "
                + transform.width()
                + " pixels exceeds 2 GiB; use at most "
                + (Integer.MAX_VALUE - 8) / imageBytes
                + " a batch");
      }
      return new PairLoader(
          this, new BatchAssembler.Settings(pairs, imageBytes, batchSize, seed, 4 * threads));
    }
  }
}
