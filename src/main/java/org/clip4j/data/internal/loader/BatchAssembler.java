package org.clip4j.data.internal.loader;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import org.clip4j.data.Drawn;
import org.clip4j.data.EpochCursor;
import org.clip4j.data.PairFeed;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The loader's own thread: has the pairs of each epoch decoded ahead by others, and puts them into
 * batches in the epoch's order. What comes out therefore never depends on which decoder is faster,
 * nor on their number: which pairs are taken follows from the order and from what is damaged.
 */
final class BatchAssembler implements Runnable {
  private static final Logger LOG = LoggerFactory.getLogger(PairLoader.class);

  /** What all epochs share. */
  record Settings(PairFeed feed, int imageBytes, int batchSize, long seed, int window) {}

  /** A pair on its way; no result when it is known to be damaged. */
  private record Pending(Drawn drawn, Future<PairDecoder.Loaded> result) {}

  private final Settings settings;
  private final LoaderPosition start;
  private final ExecutorService decoders;
  private final PairDecoder decoder;
  private final SkippedPairs skippedPairs;
  private final BatchQueue queue;
  private boolean warned; // of too large a batch size

  BatchAssembler(
      Settings settings,
      LoaderPosition start,
      ExecutorService decoders,
      PairDecoder decoder,
      SkippedPairs skippedPairs,
      BatchQueue queue) {
    this.settings = settings;
    this.start = start;
    this.decoders = decoders;
    this.decoder = decoder;
    this.skippedPairs = skippedPairs;
    this.queue = queue;
  }

  @Override
  public void run() {
    try {
      skippedPairs.open(start.equals(LoaderPosition.START));
      LoaderPosition from = start;
      while (true) {
        try (EpochCursor cursor = settings.feed.epoch(settings.seed, from.epoch())) {
          from = new Epoch(cursor, from).run();
        }
      }
    } catch (InterruptedException e) {
      // The loader was closed.
    } catch (ExecutionException e) {
      queue.fail(e.getCause());
    } catch (IOException | RuntimeException | Error e) {
      queue.fail(e);
    } finally {
      skippedPairs.close();
    }
  }

  /** One epoch, or what a position leaves of it. All places are counted from the epoch's start. */
  private final class Epoch {
    private final EpochCursor cursor;
    private final LoaderPosition from;
    private final int batchSize = settings.batchSize;
    private final long first;
    private final ArrayDeque<Drawn> planned = new ArrayDeque<>();
    private final ArrayDeque<Pending> ahead = new ArrayDeque<>();
    private long known; // pairs that the cursor has given
    private boolean ended; // it has no more
    private long submitted;
    private long consumed;
    private long skipped; // since the position
    private long used; // since the position
    private int batch;
    private BatchDraft draft;

    Epoch(EpochCursor cursor, LoaderPosition from) throws IOException {
      this.cursor = cursor;
      this.from = from;
      first = cursor.skip(from.offset());
      known = first;
      submitted = first;
      consumed = first;
      batch = from.batch();
    }

    LoaderPosition run() throws IOException, InterruptedException, ExecutionException {
      while (true) {
        // 1. Have pairs decoded ahead, but none that only an incomplete last batch could use.
        while (ahead.size() < settings.window && reaches(submitted)) {
          ahead.add(submit(planned.remove()));
          submitted++;
        }
        // 2. Take the next in order, unless too many before it were damaged for a whole batch.
        if (!reaches(consumed)) {
          break;
        }
        Pending pending = ahead.remove();
        PairDecoder.Loaded loaded = pending.result == null ? null : pending.result.get();
        if (Thread.interrupted()) {
          throw new InterruptedException(); // reads fail while closing; not to be reported
        }
        consumed++;
        if (loaded == null || loaded.why() != null) {
          skipped++;
          if (loaded != null) {
            skippedPairs.add(loaded);
          }
          long size = cursor.size();
          checkShare(size < 0 ? -1 : (from.epoch() + 1) * size);
          continue;
        }
        // 3. Add it to the batch.
        skippedPairs.report();
        if (draft == null) {
          queue.awaitRoom();
          draft = new BatchDraft(rows(), settings.imageBytes);
        }
        draft.add(loaded);
        if (draft.size() == batchSize) {
          put(false);
        }
      }
      ahead.forEach(pending -> cancel(pending.result));
      if (cursor.size() < 0) {
        checkShare(read());
      }
      if (batch == 0) {
        if (draft == null) {
          throw known == 0
              ? new IOException(settings.feed.name() + " has no pairs")
              : skippedPairs.nothingReadable(known);
        }
        warnOfSmallBatch();
        put(true);
      }
      // Readable pairs that made no whole batch were not used: they count as not read.
      return position(from.epoch() + 1, 0, 0, draft == null ? 0 : draft.size());
    }

    private void warnOfSmallBatch() {
      if (!warned) {
        warned = true;
        LOG.warn(
            "The batch size is {}, but {} gives {} pairs that can be read: each epoch is one batch"
                + " of {}",
            batchSize,
            settings.feed.name(),
            draft.size(),
            draft.size());
      }
    }

    /** A small set is one batch, and needs no array for more. */
    private int rows() {
      return (int) Math.min(batchSize, ended ? known : batchSize);
    }

    /**
     * Whether a batch can use the pair at this place, if all from the next on are readable. Looks
     * as far ahead in the order as it must to tell.
     */
    private boolean reaches(long place) throws IOException {
      while (place >= end() && !ended) {
        Drawn drawn = cursor.next();
        if (drawn == null) {
          ended = true;
        } else {
          planned.add(drawn);
          known++;
        }
      }
      return place < end();
    }

    private long end() {
      long wholeBatches = (known - first - skipped) / batchSize;
      return ended && wholeBatches == 0 && from.batch() == 0
          ? known // the set is smaller than a batch
          : first + wholeBatches * batchSize + skipped;
    }

    private void checkShare(long whole) throws IOException {
      skippedPairs.check(from.skipped() + skipped, read(), whole);
    }

    private long read() {
      return from.read() + consumed - first;
    }

    private void put(boolean last) {
      used += draft.size();
      int epoch = from.epoch();
      LoaderPosition next =
          last ? position(epoch + 1, 0, 0, 0) : position(epoch, batch + 1, consumed, 0);
      queue.put(draft.batch(epoch, batch, next));
      batch++;
      draft = null;
    }

    private LoaderPosition position(int epoch, int batch, long offset, int unread) {
      return new LoaderPosition(
          epoch, batch, offset, read() - unread, from.used() + used, from.skipped() + skipped);
    }
  }

  private static void cancel(Future<?> result) {
    if (result != null) {
      result.cancel(false);
    }
  }

  private Pending submit(Drawn drawn) {
    return new Pending(
        drawn,
        skippedPairs.contains(drawn.id()) ? null : decoders.submit(() -> decoder.load(drawn)));
  }
}
