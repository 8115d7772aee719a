package org.clip4j.explain;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Holds what an encoder computes on the way from an image or a text to its embedding. L counts the
 * tokens of a text, or the patches of an image and the class token before them, if there is one.
 *
 * @param hiddenStates the output of the embedding of patches or tokens, and of each block, each [L,
 *     D]; of a ModifiedResNet those of the stem and of each bottleneck, each [channels, rows,
 *     columns]
 * @param attention of each block [heads, L, L]: how much each token (second dimension) looks at
 *     each other (third dimension), which adds up to 1; empty for a ModifiedResNet
 * @param poolingAttention of the learned query by which SigLIP pools the patches, [heads, 1, L],
 *     and of the queries by which CoCa does, of several those that are averaged; null for other
 *     encoders
 * @param patchEmbeddings [rows, columns, E], unit length: what the encoder's head makes of each
 *     patch alone, so that it can be compared with texts (as MaskCLIP does, Zhou et al. 2022, where
 *     the last block keeps its attention); null for texts and for a ModifiedResNet
 */
public record Activations(
    List<FloatTensor> hiddenStates,
    List<FloatTensor> attention,
    @Nullable FloatTensor poolingAttention,
    @Nullable FloatTensor patchEmbeddings) {

  /** Copies the lists. */
  public Activations {
    hiddenStates = List.copyOf(hiddenStates);
    attention = List.copyOf(attention);
  }
}
