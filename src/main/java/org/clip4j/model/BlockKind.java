package org.clip4j.model;

import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;

/** What the blocks of one tower share: their parameters, and the functions that compute them. */
interface BlockKind {

  /** Declares the parameters of a block. */
  Parameters parameters();

  /**
   * Lists the maps of a block that adapters add to, in the order of {@link LoraOptions.Target}.
   *
   * @param declared by {@link #parameters}
   * @param prefix of the block's names, with the final dot
   */
  List<LoraPlace> places(Parameters declared, String prefix);

  /** Lists the maps of each of some blocks. */
  default List<List<LoraPlace>> places(String prefix, int layers) {
    Parameters declared = parameters();
    return IntStream.range(0, layers).mapToObj(i -> places(declared, prefix + i + ".")).toList();
  }

  /** Gives the functions that the blocks call, see {@link ResidualAttentionBlock}. */
  String source(TowerKernels.Use use);

  /**
   * Whether the functions for laid-out weights have {@code stack} and {@code stack_at}, which
   * compute all blocks in one call.
   */
  default boolean stacks() {
    return false;
  }

  /** Returns the activation of the MLPs. */
  Activation activation();

  /**
   * Names the maps that are not laid out.
   *
   * @param pooled whether of a block whose output is computed at one row of each sequence
   */
  Set<String> unprepared(boolean pooled);
}
