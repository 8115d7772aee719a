/**
 * Image-text pairs, and the loader that feeds a training run with them.
 *
 * <p>{@link org.clip4j.data.Pairs} makes {@link org.clip4j.data.PairFeed}s. A {@link
 * org.clip4j.data.PairSource} gives pairs by index: from a table, JSON lines, folders, or generated
 * ({@link org.clip4j.data.ColouredShapes}). {@link org.clip4j.data.PairShards} streams tar files,
 * and a {@link org.clip4j.data.PairMixture} mixes feeds by weight. They hold text or places only;
 * an image is read when its turn comes.
 *
 * <p>{@link org.clip4j.data.PairLoader} takes the pairs in a new order each epoch, decodes and
 * augments images ahead on its own threads and hands out {@link org.clip4j.data.PairBatch}es that
 * depend on the seed alone, so that a run can be repeated, and resumed from any {@link
 * org.clip4j.data.LoaderPosition}. Inside, an {@code EpochCursor} gives the order of an epoch,
 * which is a function of feed, seed and epoch and can skip ahead; what of it is damaged is left out
 * in that order, so a position needs nothing but counts.
 */
@NullMarked
package org.clip4j.data;

import org.jspecify.annotations.NullMarked;
