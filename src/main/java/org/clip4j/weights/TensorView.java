package org.clip4j.weights;

import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import org.clip4j.weights.tensors.TensorFile;

/** The tensors of a file as another publisher has them; closing this closes the file. */
abstract class TensorView implements TensorFile {
  final TensorFile whole;

  /** {@link TensorFile#copy} or {@link TensorFile#copyFinite} of the whole file. */
  interface Copy {
    void copy(String stored, long from, FloatBuffer target);
  }

  TensorView(TensorFile whole) {
    this.whole = whole;
  }

  /** Reads values of one of these tensors from the file. */
  abstract void copy(String name, long from, FloatBuffer target, Copy source);

  /** What the file calls one of these tensors. */
  String stored(String name) {
    return name;
  }

  @Override
  public final Path file() {
    return whole.file();
  }

  @Override
  public final void copy(String name, long from, FloatBuffer target) {
    copy(name, from, target, whole::copy);
  }

  @Override
  public final void copyFinite(String name, long from, FloatBuffer target) {
    copy(name, from, target, whole::copyFinite);
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
