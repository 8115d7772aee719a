package org.clip4j.weights.tensors;

import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;

/** The tensors of a file, or some of them, under other names. */
final class RenamedTensors implements TensorFile {
  private final TensorFile whole;
  private final Map<String, String> inWhole;
  private final Map<String, TensorInfo> tensors;

  private RenamedTensors(TensorFile whole, Map<String, String> inWhole) {
    this.whole = whole;
    this.inWhole = inWhole;
    Map<String, TensorInfo> found = new LinkedHashMap<>();
    inWhole.forEach(
        (name, old) -> {
          TensorInfo info = whole.tensors().get(old);
          found.put(name, new TensorInfo(name, info.type(), info.shape()));
        });
    tensors = Collections.unmodifiableMap(found);
  }

  /** Those whose names begin with a prefix, without it. */
  static TensorFile under(TensorFile whole, String prefix) {
    Map<String, String> inWhole = new LinkedHashMap<>();
    for (String name : whole.tensors().keySet()) {
      if (name.startsWith(prefix)) {
        inWhole.put(name.substring(prefix.length()), name);
      }
    }
    return new RenamedTensors(whole, inWhole);
  }

  /** All of them; empty if two would have one name. */
  static Optional<TensorFile> all(TensorFile whole, UnaryOperator<String> rename) {
    Map<String, String> inWhole = new LinkedHashMap<>();
    for (String name : whole.tensors().keySet()) {
      if (inWhole.put(rename.apply(name), name) != null) {
        return Optional.empty();
      }
    }
    return Optional.of(new RenamedTensors(whole, inWhole));
  }

  private String old(String name) {
    return inWhole.getOrDefault(name, name);
  }

  @Override
  public Path file() {
    return whole.file();
  }

  @Override
  public Map<String, TensorInfo> tensors() {
    return tensors;
  }

  @Override
  public void copy(String name, long from, FloatBuffer target, boolean finite) {
    whole.copy(old(name), from, target, finite);
  }

  @Override
  public long[] longs(String name) {
    return whole.longs(old(name));
  }

  @Override
  public void close() throws IOException {
    whole.close();
  }
}
