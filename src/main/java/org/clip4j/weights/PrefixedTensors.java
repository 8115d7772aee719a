package org.clip4j.weights;

import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/** The tensors of a file under one prefix, which is cut off their names. */
final class PrefixedTensors implements TensorFile {
  private final TensorFile whole;
  private final String prefix;
  private final Map<String, TensorInfo> tensors;

  PrefixedTensors(TensorFile whole, String prefix) {
    this.whole = whole;
    this.prefix = prefix;
    Map<String, TensorInfo> found = new LinkedHashMap<>();
    for (TensorInfo info : whole.tensors().values()) {
      if (info.name().startsWith(prefix)) {
        String name = info.name().substring(prefix.length());
        found.put(name, new TensorInfo(name, info.type(), info.shape()));
      }
    }
    tensors = Collections.unmodifiableMap(found);
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
  public void copy(String name, long from, FloatBuffer target) {
    whole.copy(prefix + name, from, target);
  }

  @Override
  public long[] longs(String name) {
    return whole.longs(prefix + name);
  }

  @Override
  public void close() throws IOException {
    whole.close();
  }
}
