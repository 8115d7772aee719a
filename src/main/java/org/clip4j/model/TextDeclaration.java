package org.clip4j.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.util.List;
import java.util.Map;

/**
 * What a family of text towers declares: its parameters, and how a tower is made of them.
 *
 * @param prefix what precedes all names in checkpoints
 * @param blocks what precedes a block's number in its names
 * @param parameters those around the blocks, and the blocks among them
 * @param kind what the blocks share
 * @param maker makes the tower
 */
record TextDeclaration(
    TextConfig text,
    String prefix,
    String blocks,
    Parameters parameters,
    BlockKind kind,
    Maker maker) {

  /** Makes a tower of the parameters of a model; the manager owns the kernels. */
  interface Maker {
    TextTower make(TextDeclaration declared, NDManager manager, Map<String, NDArray> parameters);
  }

  /** Declares the text tower of a model; the one place that knows every family. */
  static TextDeclaration of(ClipConfig config) {
    TextConfig text = config.text();
    if (text instanceof TextTransformerConfig tower) {
      return TextTransformer.declare(config, tower);
    } else if (text instanceof BertConfig tower) {
      return BertEncoder.declare(config, tower);
    } else if (text instanceof T5Config tower) {
      return T5Encoder.declare(config, tower);
    }
    return M2mEncoder.declare(config, (M2mConfig) text);
  }

  TextTower tower(NDManager manager, Map<String, NDArray> all) {
    return maker.make(this, manager, all);
  }

  /** See {@link ImageDeclaration#adaptable}. */
  List<List<LoraPlace>> adaptable() {
    return kind.places(prefix + blocks, text.layers());
  }
}
