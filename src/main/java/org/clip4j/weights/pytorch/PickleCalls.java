package org.clip4j.weights.pytorch;

import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import org.clip4j.io.IoErrors;
import org.clip4j.weights.internal.StridedView;
import org.clip4j.weights.tensors.TensorType;

/**
 * All that a pickle may name: PyTorch's storages, the functions that rebuild a tensor from one
 * (torch/_utils.py), Python's containers, and TorchScript's classes, which become records of their
 * attributes.
 */
final class PickleCalls {
  private static final Map<String, TensorType> STORAGES =
      Map.of(
          "FloatStorage", TensorType.F32,
          "HalfStorage", TensorType.F16,
          "BFloat16Storage", TensorType.BF16,
          "DoubleStorage", TensorType.F64,
          "LongStorage", TensorType.I64,
          "IntStorage", TensorType.I32,
          "ShortStorage", TensorType.I16,
          "CharStorage", TensorType.I8,
          "ByteStorage", TensorType.U8,
          "BoolStorage", TensorType.BOOL);

  private static final Map<String, Function> FUNCTIONS =
      Map.ofEntries(
          Map.entry("collections.OrderedDict", Function.DICT),
          Map.entry("builtins.set", Function.SET),
          Map.entry("__builtin__.set", Function.SET),
          Map.entry("builtins.frozenset", Function.SET),
          Map.entry("__builtin__.frozenset", Function.SET),
          Map.entry("_codecs.encode", Function.ENCODE),
          Map.entry("torch.Size", Function.FIRST),
          Map.entry("torch._utils._rebuild_tensor", Function.TENSOR),
          Map.entry("torch._utils._rebuild_tensor_v2", Function.TENSOR),
          Map.entry("torch._utils._rebuild_parameter", Function.FIRST),
          Map.entry("torch._utils._rebuild_parameter_with_state", Function.FIRST),
          Map.entry("torch.jit._pickle.build_intlist", Function.FIRST),
          Map.entry("torch.jit._pickle.build_doublelist", Function.FIRST),
          Map.entry("torch.jit._pickle.build_boollist", Function.FIRST),
          Map.entry("torch.jit._pickle.build_tensorlist", Function.FIRST),
          Map.entry("torch.jit._pickle.restore_type_tag", Function.FIRST));

  /** What calling a name gives. */
  private enum Function {
    DICT,
    SET,
    ENCODE,
    TENSOR,
    /** Its first argument. */
    FIRST
  }

  /** A class of storages. */
  private record StorageType(TensorType type) {}

  /** A class of TorchScript. */
  private record ScriptClass(String name) {}

  /** The bytes behind tensors, by the name that the archive has for them. */
  record Storage(TensorType type, String key, long elements) {}

  /** A tensor, known to lie within its storage. */
  record Tensor(Storage storage, StridedView view) {}

  /** A module of TorchScript: its attributes by name. */
  record Script(Map<Key, Object> attributes) {}

  /** What a pickle asks for and does not get; the message goes on from "its pickle ". */
  static final class Refused extends Exception {
    private static final long serialVersionUID = 1L;

    Refused(String message) {
      super(message);
    }
  }

  private PickleCalls() {}

  /** What stands for a name. */
  static Object global(String module, String name) throws Refused {
    if (module.equals("torch") && STORAGES.containsKey(name)) {
      return new StorageType(STORAGES.get(name));
    }
    if (module.equals("__torch__") || module.startsWith("__torch__.")) {
      return new ScriptClass(module + "." + name);
    }
    Function function = FUNCTIONS.get(module + "." + name);
    if (function == null) {
      throw new Refused(
          "needs "
              + IoErrors.quote(module + "." + name)
              + ", which only Python can make; read are tensors, numbers, texts and containers of"
              + " them. In Python, save model.state_dict() alone, best as safetensors");
    }
    return function;
  }

  /** The storage that a persistent id names. */
  static Storage storage(Object id) throws Refused {
    if (id instanceof Object[] parts
        && parts.length >= 5
        && "storage".equals(parts[0])
        && parts[1] instanceof StorageType storage
        && parts[2] instanceof String key
        && parts[4] instanceof Long elements
        && elements >= 0) {
      if (parts.length > 5 && parts[5] != null) {
        throw new Refused(
            "shows a part of a storage as a storage; save the file anew with PyTorch");
      }
      return new Storage(storage.type, key, elements);
    }
    throw new Refused(
        "refers to something else than a storage of numbers"
            + (id instanceof Object[] parts && parts.length > 0 && parts[0] instanceof String what
                ? ", a " + IoErrors.quote(what)
                : "")
            + "; in Python, save model.state_dict() alone, best as safetensors");
  }

  /** About the bytes that a call makes of its arguments: each is copied once at most. */
  static long cost(Object arguments) {
    long cost = 200;
    if (arguments instanceof Object[] args) {
      for (Object arg : args) {
        if (arg instanceof List<?> list) {
          cost += 80L * list.size();
        } else if (arg instanceof Map<?, ?> map) {
          cost += 48L * map.size();
        } else if (arg instanceof Object[] tuple) {
          cost += 8L * tuple.length;
        } else if (arg instanceof String text) {
          cost += text.length();
        }
      }
    }
    return cost;
  }

  static Object call(Object function, Object arguments) throws Refused {
    if (!(function instanceof Function known) || !(arguments instanceof Object[] args)) {
      throw new Refused("calls " + kind(function) + " with " + kind(arguments));
    }
    return switch (known) {
      case DICT -> dict(args);
      case SET -> set(args);
      case ENCODE -> encode(args);
      case TENSOR -> tensor(args);
      case FIRST -> {
        if (args.length == 0) {
          throw new Refused("calls a function without arguments");
        }
        yield args[0];
      }
    };
  }

  private static Object dict(Object[] args) throws Refused {
    LinkedHashMap<Key, Object> dict = new LinkedHashMap<>();
    if (args.length > 0) { // Python 2 gives a list of pairs
      for (Object pair : items(args)) {
        if (pair instanceof Object[] tuple && tuple.length == 2) {
          dict.put(key(tuple[0]), tuple[1]);
        } else if (pair instanceof ArrayList<?> list && list.size() == 2) {
          dict.put(key(list.get(0)), list.get(1));
        } else {
          throw new Refused("makes a dict of " + kind(pair));
        }
      }
    }
    return dict;
  }

  private static Object set(Object[] args) throws Refused {
    LinkedHashSet<Key> set = new LinkedHashSet<>();
    for (Object item : items(args)) {
      set.add(key(item));
    }
    return set;
  }

  private static List<?> items(Object[] args) throws Refused {
    if (args.length != 1 || !(args[0] instanceof ArrayList<?> list)) {
      throw new Refused("makes a container of " + kind(args.length == 0 ? null : args[0]));
    }
    return list;
  }

  /** How protocol 2 writes bytes: a text whose characters are their values. */
  private static Object encode(Object[] args) throws Refused {
    if (args.length != 2 || !(args[0] instanceof String text) || !"latin1".equals(args[1])) {
      throw new Refused("encodes " + kind(args.length == 0 ? null : args[0]));
    }
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }

  private static Tensor tensor(Object[] args) throws Refused {
    if (args.length < 4
        || !(args[0] instanceof Storage storage)
        || !(args[1] instanceof Long offset)) {
      throw new Refused("makes a tensor of something else than a storage and a place in it");
    }
    StridedView view = new StridedView(offset, longs(args[2]), longs(args[3]));
    String problem = view.problem(storage.elements);
    if (problem != null) {
      throw new Refused(
          "has a tensor that "
              + problem
              + ": offset "
              + offset
              + ", shape "
              + shown(view.shape())
              + ", strides "
              + shown(view.stride()));
    }
    return new Tensor(storage, view);
  }

  private static String shown(long[] values) {
    return values.length > 64 ? values.length + " numbers" : Arrays.toString(values);
  }

  private static long[] longs(Object tuple) throws Refused {
    Object[] items = tuple instanceof ArrayList<?> list ? list.toArray() : null;
    if (tuple instanceof Object[] array) {
      items = array;
    }
    if (items == null || items.length > 64) {
      throw new Refused("has a tensor whose shape is " + kind(tuple));
    }
    long[] values = new long[items.length];
    for (int i = 0; i < values.length; i++) {
      if (!(items[i] instanceof Long value)) {
        throw new Refused("has a tensor whose shape holds " + kind(items[i]));
      }
      values[i] = value;
    }
    return values;
  }

  static Object newObject(Object type, Object arguments) throws Refused {
    if (type instanceof ScriptClass && arguments instanceof Object[] args && args.length == 0) {
      return new Script(new LinkedHashMap<>());
    }
    throw new Refused("makes an object of " + kind(type) + " with " + kind(arguments));
  }

  /** Gives an object its attributes. */
  @SuppressWarnings("unchecked")
  static void setState(Object object, Object state) throws Refused {
    if (state instanceof LinkedHashMap<?, ?> attributes) {
      if (object instanceof Script script) {
        script.attributes.putAll((Map<Key, Object>) attributes); // all keys are
        return;
      }
      if (object instanceof LinkedHashMap) {
        return; // an OrderedDict's _metadata, module versions that no tensor depends on
      }
    }
    throw new Refused("sets attributes of " + kind(object) + " from " + kind(state));
  }

  static void setItems(Map<Key, Object> dict, Object[] items) throws Refused {
    if (items.length % 2 != 0) {
      throw new Refused("has a dict with a key without a value");
    }
    for (int i = 0; i < items.length; i += 2) {
      dict.put(key(items[i]), items[i + 1]);
    }
  }

  /**
   * A key of a dict or an element of a set. Keys of one hash have an order even where their types
   * differ: without it Java's maps compare each of them with all others.
   */
  record Key(Comparable<?> value) implements Comparable<Key> {
    @Override
    @SuppressWarnings({"unchecked", "rawtypes"})
    public int compareTo(Key other) {
      int byType = type().compareTo(other.type());
      return byType != 0 || value == null ? byType : ((Comparable) value).compareTo(other.value);
    }

    private String type() {
      return value == null ? "" : value.getClass().getName();
    }

    @Override
    public String toString() {
      return String.valueOf(value);
    }
  }

  /** A value as a key; no container, whose hash would take all that is in it. */
  static Key key(Object value) throws Refused {
    if (value == null
        || value instanceof String
        || value instanceof Long
        || value instanceof BigInteger
        || value instanceof Double
        || value instanceof Boolean) {
      return new Key((Comparable<?>) value);
    }
    throw new Refused("has " + kind(value) + " as a key or in a set");
  }

  /** For messages. */
  static String kind(Object value) {
    if (value == null) {
      return "None";
    }
    if (value instanceof Object[]) {
      return "a tuple";
    }
    if (value instanceof ScriptClass type) {
      return "the class " + IoErrors.quote(type.name);
    }
    if (value instanceof Map) {
      return "a dict";
    }
    if (value instanceof byte[]) {
      return "bytes";
    }
    return "a " + value.getClass().getSimpleName();
  }
}
