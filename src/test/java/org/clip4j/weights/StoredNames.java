package org.clip4j.weights;

import org.clip4j.model.ParameterSource;

/** Gives a checkpoint's names to whatever has its parameters' shapes, such as gradients. */
public final class StoredNames {
  private StoredNames() {}

  public static ParameterSource of(Checkpoint checkpoint, ParameterSource canonical) {
    return checkpoint.keys().toStored(canonical);
  }
}
