package org.clip4j.weights;

import java.io.IOException;
import java.nio.file.Path;
import org.clip4j.weights.tensors.TensorFile;

/** The tensors of a file as another publisher has them; closing this closes the file. */
abstract class TensorView implements TensorFile {
  final TensorFile whole;

  TensorView(TensorFile whole) {
    this.whole = whole;
  }

  /** What the file calls one of these tensors. */
  String stored(String name) {
    return name;
  }

  @Override
  public final Path file() {
    return whole.file();
  }

  @Override
  public final long[] longs(String name) {
    return whole.longs(stored(name));
  }

  @Override
  public final void close() throws IOException {
    whole.close();
  }
}
