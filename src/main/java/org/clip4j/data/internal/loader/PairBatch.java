package org.clip4j.data.internal.loader;

import java.util.List;
import org.clip4j.data.PairSource;
import org.clip4j.text.TokenBatch;

/**
 * N image-text pairs, ready for the encoders. Row n of every part belongs to the same pair. The
 * arrays are the receiver's: the loader keeps no reference to them.
 *
 * @param size N
 * @param pixels row-major [N, 3, H, W], uint8, transformed but not normalised
 * @param tokens N rows of token ids; do not modify the rows, the loader uses them again
 * @param captions the N captions that were drawn
 * @param captionIds per row the first row with the same token ids, so equal numbers mean that the
 *     text encoder sees equal captions
 * @param names the N images' names, as messages have them
 * @param imageIds per row the first row with the same name, so equal numbers mean the same image,
 *     augmented differently perhaps
 * @param indices per row the pair's index in its {@link PairSource}; in a mixture the sources'
 *     indices each count from 0; -1 for pairs without an index, as those of shards
 * @param epoch from 0
 * @param indexInEpoch from 0
 * @param next where the following batch starts: a loader started there continues as if it had never
 *     stopped
 */
public record PairBatch(
    int size,
    byte[] pixels,
    TokenBatch tokens,
    List<String> captions,
    int[] captionIds,
    List<String> names,
    int[] imageIds,
    int[] indices,
    int epoch,
    int indexInEpoch,
    LoaderPosition next) {}
