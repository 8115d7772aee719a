package org.clip4j.model;

import java.util.List;
import org.clip4j.model.ClipModel.Tower;
import org.clip4j.model.LoraOptions.Target;

/**
 * A linear map of a block, as an adapter adds to it.
 *
 * @param target which of the block's
 * @param parameter the weight, in OpenCLIP's naming
 * @param from the first of its rows in the weight
 */
record LoraPlace(Target target, String parameter, long from, long outputs, long inputs) {

  /** As {@link LoraAdapter.LowRank#key}. */
  String key() {
    return parameter + "@" + from;
  }

  /** Lists the maps of each block of a tower; none where it has no blocks. */
  static List<List<LoraPlace>> blocks(ClipConfig config, Tower tower) {
    return tower == Tower.IMAGES
        ? ImageDeclaration.of(config).adaptable()
        : TextDeclaration.of(config).adaptable();
  }
}
