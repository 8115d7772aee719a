/**
 * Image-text pairs, images with labels, and where they come from.
 *
 * <p>{@link org.clip4j.data.Pairs} makes {@link org.clip4j.data.PairFeed}s. A {@link
 * org.clip4j.data.PairSource} gives pairs by index: from a table, JSON lines or folders. {@link
 * org.clip4j.data.PairShards} streams tar files, and a {@link org.clip4j.data.PairMixture} mixes
 * feeds by weight. They hold text or places only; an image is read when its turn comes.
 *
 * <p>A feed opens an {@link org.clip4j.data.EpochCursor} for each epoch: its order is a function of
 * feed, seed and epoch and can skip ahead, and what of it is damaged is left out in that order, so
 * that a run can be repeated, and resumed from a place that counts describe. The loader that
 * training takes its batches from is in {@code data.internal.loader}.
 */
@NullMarked
package org.clip4j.data;

import org.jspecify.annotations.NullMarked;
