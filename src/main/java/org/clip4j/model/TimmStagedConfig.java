package org.clip4j.model;

/**
 * Describes one of timm's staged towers as OpenCLIP uses it: the mean of the last grid and a head
 * on it. It takes images of other sizes, since none of its parameters depends on the grid.
 */
public sealed interface TimmStagedConfig extends StagedVisionConfig
    permits ConvNextConfig, FastVitConfig, SwinConfig {

  /** Returns what follows the pooled features. */
  TimmHead head();

  /** Returns the number of pooled features. */
  int features();

  /** Returns the same tower with another head. */
  TimmStagedConfig withHead(TimmHead other);

  @Override
  TimmStagedConfig withImageSize(int height, int width);
}
