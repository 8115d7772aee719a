package org.clip4j.model;

/**
 * The text tower, in the vocabulary of OpenCLIP's {@code text_cfg}.
 *
 * @param contextLength most tokens of a text, start and end tokens included
 * @param vocabSize number of token ids
 * @param width D
 * @param heads H
 * @param layers residual attention blocks
 * @param mlpRatio hidden width of the MLP over D
 * @param lsInitValue initial value of LayerScale, or null for none
 */
public record TextConfig(
    int contextLength,
    int vocabSize,
    int width,
    int heads,
    int layers,
    double mlpRatio,
    Double lsInitValue) {

  /** Hidden width of the MLP of each block. */
  public int mlpWidth() {
    return (int) (width * mlpRatio);
  }
}
