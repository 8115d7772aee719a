package org.clip4j.train;

import ai.djl.ndarray.NDArray;
import com.google.gson.JsonObject;
import java.util.Map;

/**
 * A part of a training whose state a checkpoint keeps: the optimizer, the averaged weights, the
 * loss scale.
 */
interface StatefulPart {

  /** What its entries stand under in a checkpoint, for example {@code optimizer}. */
  String stateName();

  /**
   * The state's tensors by name, live: written out to save them, filled in place to restore them.
   * All are float32; names and shapes follow from the model and the settings alone, in a fixed
   * order.
   */
  Map<String, NDArray> tensors();

  /** The rest of the state; empty if there is none. */
  JsonObject scalars();

  /**
   * Takes back what {@link #scalars} gave.
   *
   * @throws IllegalArgumentException naming what is missing or out of range
   */
  void restoreScalars(JsonObject scalars);
}
