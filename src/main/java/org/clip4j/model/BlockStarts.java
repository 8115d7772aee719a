package org.clip4j.model;

import org.clip4j.model.ParameterSpec.Init;

/** Initial values of a block's linear maps; the biases of queries, keys and values start as 0. */
record BlockStarts(
    Init inProj, Init outProj, Init outBias, Init fc, Init fcBias, Init proj, Init projBias) {
  private static final Init ZERO = Init.constant(0);

  /** Gives PyTorch's own, which OpenCLIP keeps for images. */
  static BlockStarts pyTorch(int width, int mlpWidth) {
    Init wide = Init.uniformOf(width);
    Init hidden = Init.uniformOf(mlpWidth);
    Init xavier = Init.uniform(Math.sqrt(6.0 / (4 * width)));
    return new BlockStarts(xavier, wide, ZERO, wide, wide, hidden, hidden);
  }

  /** Gives PyTorch's own of linear maps, which timm keeps where it says {@code reset}. */
  static BlockStarts reset(int width, int mlpWidth) {
    Init wide = Init.uniformOf(width);
    Init hidden = Init.uniformOf(mlpWidth);
    return new BlockStarts(wide, wide, wide, wide, wide, hidden, hidden);
  }

  /** Gives OpenAI's for texts, where the weights that end a branch are scaled by the depth. */
  static BlockStarts openAi(int width, int mlpWidth, int layers) {
    Init proj = Init.normal(Math.pow(width, -0.5) * Math.pow(2.0 * layers, -0.5));
    return new BlockStarts(
        Init.normal(Math.pow(width, -0.5)),
        proj,
        ZERO,
        Init.normal(Math.pow(2.0 * width, -0.5)),
        Init.uniformOf(width),
        proj,
        Init.uniformOf(mlpWidth));
  }

  static BlockStarts timm() {
    Init weight = Init.normal(0.02);
    return new BlockStarts(weight, weight, ZERO, weight, ZERO, weight, ZERO);
  }

  /** Gives EVA's, where the weights that end a branch are divided by the depth so far. */
  static BlockStarts eva(int block) {
    BlockStarts timm = timm();
    Init end = Init.normal(0.02 / Math.sqrt(2.0 * (block + 1)));
    return new BlockStarts(timm.inProj, end, ZERO, timm.fc, timm.fcBias, end, timm.projBias);
  }
}
