package org.clip4j.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/** A stack of residual attention blocks. What lies between two of them is closed at once. */
final class Transformer {
  private final TowerKernels kernels;
  private final List<ResidualAttentionBlock> blocks;
  private final boolean stacks;
  private volatile Prepared prepared;

  /**
   * All blocks' weights, laid out for inference.
   *
   * @param linear what laid them out
   * @param parameters as the kernel named {@code method} takes them
   */
  private record Prepared(PreparedLinear linear, String method, NDList parameters) {}

  /**
   * Takes the parameters of one tower.
   *
   * @param kernels of {@link BlockKind#source}, among others
   * @param prefix of the blocks' names, up to their numbers
   */
  Transformer(
      BlockKind kind,
      TowerKernels kernels,
      Map<String, NDArray> parameters,
      String prefix,
      int layers) {
    this.kernels = kernels;
    stacks = kind.stacks();
    Parameters declared = kind.parameters();
    blocks =
        IntStream.range(0, layers)
            .mapToObj(
                i ->
                    new ResidualAttentionBlock(
                        kind, declared, kernels, parameters, prefix + i + "."))
            .toList();
  }

  /**
   * Lays the weights out for inference.
   *
   * @param linear lays them out and owns them; null to go back to the weights as they are
   * @param pooled whether {@link #forwardAt} will be asked for, instead of {@link #forward}
   */
  void prepare(PreparedLinear linear, boolean pooled) {
    prepared = null;
    NDList all = new NDList();
    for (int i = 0; i < blocks.size(); i++) {
      all.addAll(blocks.get(i).prepare(linear, pooled && i == blocks.size() - 1));
    }
    if (linear != null && stacks) {
      prepared = new Prepared(linear, pooled ? "stack_at" : "stack", all);
    }
  }

  /**
   * The output of the last block.
   *
   * @param x [N, L, D], closed unless hidden states are wanted
   * @param hiddenStates given x and each block's output; null if not wanted
   * @param context what the blocks take besides
   * @return [N, L, D]
   */
  NDArray forward(Forward pass, NDArray x, Consumer<NDArray> hiddenStates, NDArray... context) {
    Optional<NDArray> last =
        hiddenStates == null ? inOneCall(pass, "stack", context, x) : Optional.empty();
    return last.orElseGet(() -> forward(pass, x, blocks, hiddenStates, context));
  }

  /** Computes the first blocks alone, and shows x and the output of each. */
  void states(
      Forward pass, NDArray x, int count, Consumer<NDArray> hiddenStates, NDArray... context) {
    forward(pass, x, blocks.subList(0, count), hiddenStates, context);
  }

  /**
   * The output of the last block at one row of each sequence; of that block only this is computed,
   * unless hidden states are wanted.
   *
   * @param x [N, L, D], closed unless hidden states are wanted
   * @param row [N], int64; any array where the first row is taken
   * @param hiddenStates given x and each block's complete output; null if not wanted
   * @param context what the blocks take besides
   * @return [N, D]
   */
  NDArray forwardAt(
      Forward pass, NDArray x, NDArray row, Consumer<NDArray> hiddenStates, NDArray... context) {
    if (hiddenStates != null) {
      return kernels.call(pass, "at", forward(pass, x, hiddenStates, context), row);
    }
    Optional<NDArray> result = inOneCall(pass, "stack_at", context, x, row);
    if (result.isPresent()) {
      return result.get();
    }
    int last = blocks.size() - 1;
    NDArray before = forward(pass, x, blocks.subList(0, last), null, context);
    NDArray pooled = blocks.get(last).forwardAt(pass, before, row, context);
    before.close();
    return pooled;
  }

  /** Computes all blocks by prepared weights, if these serve; closes x then. */
  private Optional<NDArray> inOneCall(
      Forward pass, String method, NDArray[] context, NDArray x, NDArray... row) {
    Prepared now = prepared;
    if (now == null
        || !now.method.equals(method)
        || pass.adapter() != null
        || !now.linear.serves(pass, x.size(0) * x.size(1))) {
      return Optional.empty();
    }
    List<Object> arguments = new ArrayList<>(List.of(x));
    arguments.addAll(List.of(row));
    arguments.addAll(List.of(context));
    arguments.add(now.parameters);
    NDArray result = kernels.call(now.linear, method, arguments.toArray());
    x.close();
    return Optional.of(result);
  }

  /**
   * Records the blocks.
   *
   * @param x [N, L, D], not recorded itself
   * @param attention given the attention of each block, [N, H, L, L]
   * @param context what the blocks take besides
   * @return x and each block's output, [N, L, D]
   */
  List<NDArray> explain(NDArray x, Consumer<NDArray> attention, NDArray... context) {
    x.setRequiresGradient(true);
    List<NDArray> states = new ArrayList<>(List.of(x));
    for (ResidualAttentionBlock block : blocks) {
      NDList found = block.explain(states.get(states.size() - 1), context);
      states.add(found.get(0));
      attention.accept(found.get(1));
    }
    return states;
  }

  /** Autograd keeps what it needs of the arrays that are closed. */
  private static NDArray forward(
      Forward pass,
      NDArray x,
      List<ResidualAttentionBlock> blocks,
      Consumer<NDArray> hiddenStates,
      NDArray... context) {
    if (hiddenStates != null) {
      hiddenStates.accept(x);
    }
    for (ResidualAttentionBlock block : blocks) {
      NDArray next = block.forward(pass, x, context);
      if (hiddenStates == null) {
        x.close();
      } else {
        hiddenStates.accept(next);
      }
      x = next;
    }
    return x;
  }
}
