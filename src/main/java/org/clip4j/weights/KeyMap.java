package org.clip4j.weights;

import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.clip4j.model.ClipConfig;
import org.clip4j.model.ParameterSource;
import org.clip4j.model.ParameterSpec;

/**
 * Which stored tensors make up which parameter, for one layout and one model. The same list of
 * mappings loads and saves, so what one does the other undoes; it also maps whatever else has a
 * parameter's shape, such as gradients.
 *
 * <p>Immutable, safe for use by several threads; the sources it gives are as safe as those they
 * wrap.
 */
public final class KeyMap {
  /**
   * Tensors that some exporters add and that no parameter needs: masks and position indices that
   * follow from the architecture, and the sizes that OpenAI's archives carry.
   */
  private static final Set<String> IGNORED =
      Set.of(
          "attn_mask",
          "input_resolution",
          "context_length",
          "vocab_size",
          "text_model.embeddings.position_ids",
          "vision_model.embeddings.position_ids");

  private final Map<String, Mapping> byCanonical = new LinkedHashMap<>();
  private final Map<String, Part> byStored = new LinkedHashMap<>();

  /**
   * One parameter and the stored tensors that hold it.
   *
   * @param canonical the parameter, under OpenCLIP's name
   * @param stored one tensor, or several that are concatenated along the first dimension
   * @param transposed whether the one stored tensor is the parameter's transpose
   */
  record Mapping(
      ParameterSpec canonical, List<SafeTensorsWriter.Entry> stored, boolean transposed) {

    /** The values of one of the stored tensors, cut out of the parameter's. */
    FloatBuffer part(FloatBuffer values, int index) {
      requireCount(canonical.name(), canonical.shape(), values);
      if (transposed) {
        return transpose(values, canonical.shape());
      }
      int count = values.remaining() / stored.size(); // the parts are of one size
      return values.slice(values.position() + index * count, count);
    }

    /** Reads the parameter's values, put together. */
    void copy(ParameterSource source, FloatBuffer target) {
      requireCount(canonical.name(), canonical.shape(), target);
      if (transposed) {
        SafeTensorsWriter.Entry only = stored.get(0);
        FloatBuffer values = source.read(only.name());
        requireCount(only.name(), only.shape(), values);
        target.put(transpose(values, only.shape()));
        return;
      }
      int count = target.remaining() / stored.size(); // the parts are of one size
      for (SafeTensorsWriter.Entry part : stored) {
        source.copy(part.name(), target.slice(target.position(), count));
        target.position(target.position() + count);
      }
    }

    private static void requireCount(String name, long[] shape, FloatBuffer values) {
      long count = 1;
      for (long dim : shape) {
        count *= dim;
      }
      if (values.remaining() != count) {
        throw new IllegalArgumentException(
            "'"
                + name
                + "' "
                + Arrays.toString(shape)
                + " needs "
                + count
                + " values, found "
                + values.remaining());
      }
    }

    private static FloatBuffer transpose(FloatBuffer values, long[] shape) {
      int rows = (int) shape[0];
      int columns = (int) shape[1];
      float[] transposed = new float[rows * columns];
      int at = values.position();
      for (int r = 0; r < rows; r++) {
        for (int c = 0; c < columns; c++) {
          transposed[c * rows + r] = values.get(at++);
        }
      }
      return FloatBuffer.wrap(transposed);
    }
  }

  private record Part(Mapping mapping, int index) {
    SafeTensorsWriter.Entry entry() {
      return mapping.stored().get(index);
    }
  }

  /** Takes each stored tensor in turn. */
  @FunctionalInterface
  interface StoredConsumer {
    void accept(String name, FloatBuffer values) throws IOException;
  }

  private KeyMap(List<Mapping> mappings) {
    for (Mapping mapping : mappings) {
      byCanonical.put(mapping.canonical().name(), mapping);
      for (int i = 0; i < mapping.stored().size(); i++) {
        byStored.put(mapping.stored().get(i).name(), new Part(mapping, i));
      }
    }
  }

  /**
   * The map of one layout for one model.
   *
   * @throws IllegalArgumentException if the layout cannot hold the model; the message says why
   */
  public static KeyMap of(Layout layout, ClipConfig config) {
    return new KeyMap(
        switch (layout) {
          case OPENCLIP -> openClip(config);
          case TRANSFORMERS -> TransformersKeys.mappings(config);
        });
  }

  /** OpenCLIP's names are our own; only BatchNorm's counters are integers in the file. */
  private static List<Mapping> openClip(ClipConfig config) {
    List<Mapping> mappings = new ArrayList<>();
    for (ParameterSpec spec : ParameterSpec.of(config)) {
      boolean counter = spec.name().endsWith(".num_batches_tracked");
      TensorType type = counter ? TensorType.I64 : TensorType.F32;
      mappings.add(
          new Mapping(
              spec, List.of(new SafeTensorsWriter.Entry(spec.name(), type, spec.shape())), false));
    }
    return mappings;
  }

  /** Every tensor of the layout, with the type and shape that saving gives it. */
  public List<SafeTensorsWriter.Entry> storedTensors() {
    return byStored.values().stream().map(Part::entry).toList();
  }

  /** Gives parameters under OpenCLIP's names, read from a source under the layout's names. */
  public ParameterSource toCanonical(ParameterSource stored) {
    return new ParameterSource() {
      @Override
      public FloatBuffer read(String name) {
        Mapping mapping = get(byCanonical, name);
        FloatBuffer values = FloatBuffer.allocate(Math.toIntExact(mapping.canonical().count()));
        mapping.copy(stored, values);
        return values.flip();
      }

      @Override
      public void copy(String name, FloatBuffer target) {
        get(byCanonical, name).copy(stored, target);
      }
    };
  }

  /** Gives tensors under the layout's names, read from a source under OpenCLIP's names. */
  public ParameterSource toStored(ParameterSource canonical) {
    return name -> {
      Part part = get(byStored, name);
      return part.mapping().part(canonical.read(part.mapping().canonical().name()), part.index());
    };
  }

  /** As {@link #toStored}, for all tensors, reading each parameter once. */
  void forEachStored(ParameterSource canonical, StoredConsumer consumer) throws IOException {
    for (Mapping mapping : byCanonical.values()) {
      FloatBuffer values = canonical.read(mapping.canonical().name());
      for (int i = 0; i < mapping.stored().size(); i++) {
        consumer.accept(mapping.stored().get(i).name(), mapping.part(values, i));
      }
    }
  }

  private static <T> T get(Map<String, T> map, String name) {
    T value = map.get(name);
    if (value == null) {
      throw new IllegalArgumentException("the model has no '" + name + "'");
    }
    return value;
  }

  /**
   * Compares what a file holds with what the model needs.
   *
   * @throws CheckpointException if tensors are missing, left over or of another shape; it lists all
   */
  void check(Path file, Map<String, TensorInfo> found) throws CheckpointException {
    List<String> problems = new ArrayList<>();
    for (Part part : byStored.values()) {
      SafeTensorsWriter.Entry wanted = part.entry();
      String expected = Arrays.toString(wanted.shape());
      TensorInfo info = found.get(wanted.name());
      if (info == null) {
        problems.add("missing:  " + wanted.name() + ", expected " + expected);
      } else if (!Arrays.equals(info.shape(), wanted.shape())) {
        problems.add(
            "shape:    "
                + wanted.name()
                + ", expected "
                + expected
                + ", found "
                + Arrays.toString(info.shape()));
      } else if (!info.type().isFloat()
          && !(wanted.type() == TensorType.I64 && info.type().isInteger())) {
        problems.add("type:     " + wanted.name() + ", expected floats, found " + info.type());
      }
    }
    for (TensorInfo info : found.values()) {
      if (!byStored.containsKey(info.name()) && !IGNORED.contains(info.name())) {
        problems.add("surplus:  " + info.name() + ", found " + info.describe());
      }
    }
    if (!problems.isEmpty()) {
      throw new CheckpointException(
          file
              + " does not fit the model that its configuration describes, "
              + problems.size()
              + " differences:\n  "
              + String.join("\n  ", problems));
    }
  }
}
