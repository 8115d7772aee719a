package org.clip4j.engine.internal;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** How linear maps by weights that stay as they are are laid out, and computed. */
public interface LinearLayout {

  /** What is done with a product; the kernels are proved for each. */
  enum Operation {
    /** {@code self.packed}. */
    PRODUCT,
    /** {@code self.packed_act}. */
    ACTIVATION,
    /** {@code self.packed_add}. */
    SUM
  }

  /**
   * A map in its place.
   *
   * @param name of the map in the model
   * @param weights the names of the parameters that its rows are of, which follow one another
   * @param norm the beginning of the names of the layer norm that gives its inputs, if one does
   * @param next the map that takes what an {@link Operation#ACTIVATION} gives, if there is one
   * @param operation what is done with its products
   */
  record Place(
      String name,
      List<String> weights,
      @Nullable String norm,
      @Nullable String next,
      Operation operation) {}

  /** What kernels take as a weight and its bias. */
  record Laid(NDArray weight, NDArray bias) {}

  /** Whether these are the fastest for so many rows; elsewhere use the weights as they are. */
  boolean serves(long rows);

  /**
   * Gives the functions {@code self.packed(x, w, b, outputs)}, {@code self.packed_act(x, w, b)},
   * which applies the activation and may leave zeros after the outputs, and {@code
   * self.packed_add(x, y, w, b)}, which adds x to the product of y. x is float32 in all of them; y
   * is that, or what {@code self.packed_act} gave.
   */
  String source();

  /**
   * Gives the number by which the weight and the bias before the activation are to be multiplied,
   * and the weight after it divided.
   */
  double factor();

  /**
   * Lays a weight and its bias out, or some of their rows.
   *
   * @param owner of the results, which only kernels of {@link #source} may see
   * @param place of the map
   * @param weight [outputs, inputs], float32, an element of a {@link TorchScript#list}
   * @param bias [outputs], the same; null for zeros
   * @param from the first row
   * @param weightRows multiplied into one row of the weight each; as many as there are in the
   *     results
   * @param biasRows multiplied into one value of the bias each
   */
  Laid lay(
      NDManager owner,
      Place place,
      NDArray weight,
      @Nullable NDArray bias,
      long from,
      NDArray weightRows,
      NDArray biasRows);

  /**
   * Lays a table out whose rows are looked up, [rows, values], float32.
   *
   * @return 8-bit integers, and what each row of them is to be multiplied by; empty where tables
   *     stay as they are
   */
  default Optional<Laid> layTable(NDManager owner, NDArray table) {
    return Optional.empty();
  }
}
