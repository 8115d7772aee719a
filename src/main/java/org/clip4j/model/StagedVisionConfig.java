package org.clip4j.model;

import java.util.List;

/** Describes an image tower whose blocks stand in stages, each of which has a grid of its own. */
public sealed interface StagedVisionConfig extends VisionConfig
    permits ResNetConfig, TimmStagedConfig {

  /** Returns the number of blocks of each stage. */
  List<Integer> layers();

  @Override
  default int blocks() {
    return layers().stream().mapToInt(Integer::intValue).sum();
  }

  @Override
  default long valuesOfImage(int patches) {
    return (long) imageHeight() * imageWidth() * width() / 16;
  }
}
