package org.clip4j.model;

import java.io.Serializable;
import java.util.HashSet;
import java.util.List;

/**
 * Describes a decoder of masks beside a CLIP model (Lüddecke and Ecker 2022, "Image Segmentation
 * Using Text and Image Prompts", arXiv 2112.10003, section 3): a small transformer over what some
 * blocks of the image tower put out, modulated by the embedding of a text or of an example image.
 *
 * @param width of its blocks, 64 in the published models
 * @param heads of its blocks
 * @param mlpWidth hidden width of the MLP of its blocks
 * @param extractLayers the blocks of the image tower whose output is taken, from 0; there are as
 *     many blocks in the decoder, of which the first takes the last of these
 * @param conditionalLayer the block before which the embedding modulates, from 0
 * @param refined whether a convolution and two transposed ones make masks of the last block's
 *     output, and not one transposed convolution
 */
public record MaskDecoderConfig(
    int width,
    int heads,
    int mlpWidth,
    List<Integer> extractLayers,
    int conditionalLayer,
    boolean refined)
    implements Serializable {

  /** Checks that the sizes fit each other. */
  public MaskDecoderConfig {
    extractLayers = List.copyOf(extractLayers);
    Checks.positive("reduce_dim", width);
    Checks.positive("decoder_num_attention_heads", heads);
    Checks.positive("decoder_intermediate_size", mlpWidth);
    if (width % heads != 0) {
      throw Checks.bad("decoder_num_attention_heads", heads, "must divide reduce_dim, " + width);
    }
    if (extractLayers.isEmpty() || new HashSet<>(extractLayers).size() != extractLayers.size()) {
      throw Checks.bad("extract_layers", extractLayers, "expected different blocks, one at least");
    }
    if (conditionalLayer < 0 || conditionalLayer >= extractLayers.size()) {
      throw Checks.bad(
          "conditional_layer",
          conditionalLayer,
          "must be one of the decoder's " + extractLayers.size() + " blocks, from 0");
    }
  }

  /**
   * Checks that a model has what the decoder takes.
   *
   * @throws IllegalArgumentException if its image tower is no Vision Transformer with so many
   *     blocks, or its patches are too small for a refined decoder
   */
  public void requireFits(ClipConfig clip) {
    if (!(clip.vision() instanceof VitConfig vision)) {
      throw new IllegalArgumentException(
          "a decoder of masks takes the states of a Vision Transformer, not of a "
              + clip.vision().family());
    }
    for (int layer : extractLayers) {
      if (layer < 0 || layer >= vision.layers()) {
        throw Checks.bad(
            "extract_layers",
            extractLayers,
            "the image tower has the blocks 0 to " + (vision.layers() - 1));
      }
    }
    if (refined && vision.patchSize() < 4) {
      throw Checks.bad("patch_size", vision.patchSize(), "a refined decoder takes 4 at least");
    }
  }

  /** Counts the blocks of the image tower that have to be computed. */
  public int blocks() {
    return extractLayers.stream().mapToInt(layer -> layer + 1).max().orElseThrow();
  }
}
