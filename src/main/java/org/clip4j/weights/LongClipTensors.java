package org.clip4j.weights;

import java.nio.FloatBuffer;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.clip4j.model.StretchedContext;
import org.clip4j.weights.tensors.CheckpointException;
import org.clip4j.weights.tensors.TensorFile;
import org.clip4j.weights.tensors.TensorInfo;

/**
 * A view of Long-CLIP's tensors (Zhang et al. 2024, arXiv 2403.15378) with one positional embedding
 * in place of two: the text encoder adds the first {@value StretchedContext#KEPT} rows of the one,
 * which stay as CLIP's, and the other rows of the one that was trained further.
 */
final class LongClipTensors extends TensorView {
  private static final String KEPT = "positional_embedding";
  private static final String TRAINED = "positional_embedding_res";

  private final Map<String, TensorInfo> tensors;
  private final long kept;

  private LongClipTensors(TensorFile whole) throws CheckpointException {
    super(whole);
    TensorInfo first = whole.tensors().get(KEPT);
    TensorInfo other = whole.tensors().get(TRAINED);
    if (first == null || first.shape().size() != 2 || !first.shape().equals(other.shape())) {
      throw new CheckpointException(
          whole.file()
              + " needs a '"
              + KEPT
              + "' of the shape of its '"
              + TRAINED
              + "', "
              + other.shape()
              + ", as Long-CLIP's checkpoints have, found "
              + (first == null ? "none" : first.shape()));
    }
    kept = Math.min(StretchedContext.KEPT, first.shape().get(0)) * first.shape().get(1);
    Map<String, TensorInfo> found = new LinkedHashMap<>(whole.tensors());
    found.remove(TRAINED);
    tensors = Collections.unmodifiableMap(found);
  }

  /** Whether a file's tensors are Long-CLIP's. */
  static boolean isLongClip(TensorFile file) {
    return file.tensors().containsKey(TRAINED);
  }

  /**
   * Joins the two positional embeddings.
   *
   * @return the file itself, if it does not have them
   * @throws CheckpointException if their shapes do not fit
   */
  static TensorFile of(TensorFile file) throws CheckpointException {
    return isLongClip(file) ? new LongClipTensors(file) : file;
  }

  @Override
  public Map<String, TensorInfo> tensors() {
    return tensors;
  }

  @Override
  public void copy(String name, long from, FloatBuffer target, boolean finite) {
    if (!name.equals(KEPT)) {
      whole.copy(name, from, target, finite);
      return;
    }
    int first = (int) Math.max(0, Math.min(target.remaining(), kept - from));
    whole.copy(KEPT, from, target.slice(target.position(), first), finite);
    target.position(target.position() + first);
    whole.copy(TRAINED, from + first, target, finite);
  }
}
