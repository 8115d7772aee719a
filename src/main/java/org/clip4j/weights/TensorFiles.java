package org.clip4j.weights;

import java.io.IOException;
import java.nio.file.Path;
import org.clip4j.weights.pytorch.PyTorchArchive;
import org.clip4j.weights.safetensors.SafeTensors;
import org.clip4j.weights.tensors.CheckpointException;
import org.clip4j.weights.tensors.TensorFile;

/** Opens weight files of any kind. */
public final class TensorFiles {
  private TensorFiles() {}

  /**
   * Opens a file of any kind that is known: safetensors, a PyTorch archive, or the {@code
   * .index.json} of a set of either.
   *
   * @throws CheckpointException if the file is none of these or damaged
   */
  public static TensorFile open(Path file) throws IOException {
    if (file.toString().endsWith(ShardedTensors.INDEX_ENDING)) {
      return ShardedTensors.open(file);
    }
    return PyTorchArchive.looksLikeOne(file) ? PyTorchArchive.open(file) : SafeTensors.open(file);
  }
}
