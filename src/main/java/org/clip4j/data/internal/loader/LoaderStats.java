package org.clip4j.data.internal.loader;

import java.time.Duration;

/**
 * How a loader is doing. Counts are of all epochs, those before the position that the loader was
 * started at included, up to the last batch that was taken: {@code read = used + skipped}.
 *
 * @param read pairs whose turn came
 * @param used pairs in batches
 * @param skipped pairs left out since they were damaged; a pair counts each time its turn comes
 * @param waited how long {@link PairLoader#next()} waited for batches, since the loader started
 * @param elapsed from the first call of {@link PairLoader#next()} to the end of the latest
 */
public record LoaderStats(long read, long used, long skipped, Duration waited, Duration elapsed) {}
