package org.clip4j.train.internal.checkpoint;

import ai.djl.ndarray.NDArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.util.Map;

/**
 * A part of a training whose state a checkpoint keeps: the optimizer, the averaged weights, the
 * loss scale.
 */
public interface StatefulPart {

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

  /** A number of {@link #restoreScalars}. */
  static double number(JsonObject scalars, String name) {
    JsonElement value = scalars.get(name);
    if (!(value instanceof JsonPrimitive primitive) || !primitive.isNumber()) {
      throw new IllegalArgumentException(name + " must be a number, found " + value);
    }
    return primitive.getAsDouble();
  }

  /** A number of {@link #restoreScalars} that counts something. */
  static long count(JsonObject scalars, String name) {
    double value = number(scalars, name);
    if (!(value >= 0 && value <= 1L << 53 && value == Math.rint(value))) {
      throw new IllegalArgumentException(
          name + " must be a whole number of at least 0, found " + value);
    }
    return (long) value;
  }
}
