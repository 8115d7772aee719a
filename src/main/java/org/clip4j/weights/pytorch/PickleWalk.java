package org.clip4j.weights.pytorch;

import java.math.BigInteger;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.clip4j.io.IoErrors;
import org.clip4j.weights.pytorch.PickleCalls.Script;
import org.clip4j.weights.pytorch.PickleCalls.Tensor;
import org.clip4j.weights.tensors.CheckpointException;

/**
 * Finds the tensors and scalars in what a pickle holds, under the paths that lead to them. Values
 * may refer to each other and to themselves, so depth, steps and the lengths of paths are limited.
 */
final class PickleWalk {
  private static final int MAX_DEPTH = 64;
  private static final int MAX_STEPS = 200_000;
  private static final int MAX_PATH = 1000;
  private static final int MAX_PATHS = 8 << 20; // characters, of all together

  private final Path file;
  private final Map<String, Tensor> tensors = new LinkedHashMap<>();
  private final Map<String, Object> scalars = new LinkedHashMap<>();
  private int steps;
  private int characters;

  PickleWalk(Path file) {
    this.file = file;
  }

  Map<String, Tensor> tensors() {
    return tensors;
  }

  Map<String, Object> scalars() {
    return scalars;
  }

  /** Walks through a value and all that it holds. */
  void visit(Object root) throws CheckpointException {
    visit(root, "", 0);
  }

  private void visit(Object value, String path, int depth) throws CheckpointException {
    if (depth > MAX_DEPTH) {
      throw bad("more than " + MAX_DEPTH + " deep, or hold themselves", path);
    }
    if (value instanceof Script script) {
      visitMap(script.attributes(), path, depth);
    } else if (value instanceof Map<?, ?> map) {
      visitMap(map, path, depth);
    } else if (value instanceof ArrayList<?> list) {
      visitList(list, path, depth);
    } else if (value instanceof Object[] tuple) {
      visitList(Arrays.asList(tuple), path, depth);
    } else if (value instanceof Tensor tensor) {
      put(tensors, path, tensor);
    } else if (value instanceof String
        || value instanceof Long
        || value instanceof BigInteger
        || value instanceof Double
        || value instanceof Boolean) {
      put(scalars, path, value);
    }
  }

  private void visitMap(Map<?, ?> map, String path, int depth) throws CheckpointException {
    for (Map.Entry<?, ?> entry : map.entrySet()) {
      step(entry.getValue(), path, String.valueOf(entry.getKey()), depth);
    }
  }

  private void visitList(List<?> list, String path, int depth) throws CheckpointException {
    for (int i = 0; i < list.size(); i++) {
      step(list.get(i), path, Integer.toString(i), depth);
    }
  }

  private void step(Object value, String path, String key, int depth) throws CheckpointException {
    if (++steps > MAX_STEPS) {
      throw bad("in more than " + MAX_STEPS + " places", path);
    }
    int length = (path.isEmpty() ? 0 : path.length() + 1) + key.length();
    characters += length;
    if (length > MAX_PATH || characters > MAX_PATHS) {
      throw bad("under names that are too long", path);
    }
    visit(value, path.isEmpty() ? key : path + "." + key, depth + 1);
  }

  private <T> void put(Map<String, T> map, String path, T value) throws CheckpointException {
    if (map.put(path, value) != null) {
      throw PyTorchArchive.bad(file, "it has two values " + IoErrors.quote(path));
    }
  }

  private CheckpointException bad(String what, String path) {
    return PyTorchArchive.bad(
        file, "its values are nested " + what + ", at " + IoErrors.quote(path));
  }
}
