package org.clip4j.weights;

import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.clip4j.model.ClipConfig;
import org.clip4j.model.ParameterSource;
import org.clip4j.model.ParameterSpec;
import org.clip4j.weights.safetensors.SafeTensorsWriter;
import org.clip4j.weights.tensors.CheckpointException;
import org.clip4j.weights.tensors.TensorInfo;
import org.clip4j.weights.tensors.TensorType;

/**
 * Which stored tensors make up which parameter, for one layout and one model. The same list of
 * mappings loads and saves, so what one does the other undoes; it also maps whatever else has a
 * parameter's shape, such as gradients.
 *
 * <p>Immutable, safe for use by several threads; the sources it gives are as safe as those they
 * wrap.
 */
final class KeyMap {
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
          "text.transformer.embeddings.position_ids",
          "text.transformer.embeddings.token_type_ids",
          "text.transformer.embed_positions.weights",
          "text_model.embeddings.position_ids",
          // of text models by themselves, whose pooler is not asked
          "embeddings.position_ids",
          "pooler.dense.weight",
          "pooler.dense.bias",
          "transformer.embeddings.position_ids",
          "transformer.pooler.dense.weight",
          "transformer.pooler.dense.bias",
          "vision_model.embeddings.position_ids");

  /** CoCa's decoder of captions, which no embedding needs. */
  static final String CAPTIONS = "text_decoder.";

  private final Map<String, Part> byCanonical = new LinkedHashMap<>();
  private final Map<String, Part> byStored = new LinkedHashMap<>();

  /**
   * Parameters and the stored tensors that hold them: the values of the ones, one after the other,
   * are those of the others.
   *
   * @param canonical one parameter or more, under OpenCLIP's names
   * @param stored one tensor or more
   * @param transposed whether the one stored tensor is the one parameter's transpose
   */
  record Mapping(
      List<ParameterSpec> canonical, List<SafeTensorsWriter.Entry> stored, boolean transposed) {

    static Mapping same(ParameterSpec canonical, SafeTensorsWriter.Entry stored) {
      return new Mapping(List.of(canonical), List.of(stored), false);
    }

    private Mapping renamed(UnaryOperator<String> rename) {
      return new Mapping(
          canonical,
          stored.stream()
              .map(e -> new SafeTensorsWriter.Entry(rename.apply(e.name()), e.type(), e.shape()))
              .toList(),
          transposed);
    }

    private List<Piece> side(boolean ofParameters) {
      return ofParameters
          ? canonical.stream().map(s -> new Piece(s.name(), s.shape(), s.count())).toList()
          : stored.stream().map(e -> new Piece(e.name(), e.shape(), e.count())).toList();
    }
  }

  /** A parameter or a stored tensor. */
  private record Piece(String name, List<Long> shape, long count) {}

  /** Where a parameter or a stored tensor stands in its mapping. */
  private record Part(Mapping mapping, int index, boolean parameter) {
    SafeTensorsWriter.Entry stored() {
      return mapping.stored().get(index);
    }

    long count() {
      return mapping.side(parameter).get(index).count();
    }

    /** Copies its values from what the other side has. */
    void copy(ParameterSource source, long from, FloatBuffer target) {
      List<Piece> others = mapping.side(!parameter);
      if (mapping.transposed()) {
        Piece only = others.get(0);
        FloatBuffer values = transpose(source.read(only.name()), only.shape());
        target.put(values.slice((int) from, target.remaining()));
        return;
      }
      long start = from;
      for (Piece before : mapping.side(parameter).subList(0, index)) {
        start += before.count();
      }
      for (Piece part : others) {
        start = copyOverlap(source, part.name(), part.count(), start, target);
      }
    }

    /**
     * Copies what a tensor has of the values wanted, which lie in it or in the ones after it.
     *
     * @param start index of the first value still wanted, counted from the tensor's own first
     * @return the same for the tensor after it
     */
    private static long copyOverlap(
        ParameterSource source, String name, long count, long start, FloatBuffer target) {
      int overlap = (int) Math.min(target.remaining(), count - start);
      if (overlap > 0) {
        source.copy(name, start, target.slice(target.position(), overlap));
        target.position(target.position() + overlap);
      }
      return Math.max(start - count, 0);
    }

    private static FloatBuffer transpose(FloatBuffer values, List<Long> shape) {
      int rows = Math.toIntExact(shape.get(0));
      int columns = Math.toIntExact(shape.get(1));
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

  private KeyMap(List<Mapping> mappings) {
    for (Mapping mapping : mappings) {
      for (int i = 0; i < mapping.canonical().size(); i++) {
        byCanonical.put(mapping.canonical().get(i).name(), new Part(mapping, i, true));
      }
      for (int i = 0; i < mapping.stored().size(); i++) {
        byStored.put(mapping.stored().get(i).name(), new Part(mapping, i, false));
      }
    }
  }

  /**
   * The map of one layout for one model.
   *
   * @throws IllegalArgumentException if the layout cannot hold the model; the message says why
   */
  static KeyMap of(Layout layout, ClipConfig config) {
    return new KeyMap(
        switch (layout) {
          case OPENCLIP -> same(ParameterSpec.of(config));
          case TRANSFORMERS -> TransformersKeys.mappings(config);
        });
  }

  /** The map of parameters that are stored under their own names. */
  static KeyMap of(List<ParameterSpec> specs) {
    return new KeyMap(same(specs));
  }

  /** OpenCLIP's names are our own; only BatchNorm's counters are integers in the file. */
  private static List<Mapping> same(List<ParameterSpec> specs) {
    List<Mapping> mappings = new ArrayList<>();
    for (ParameterSpec spec : specs) {
      boolean counter = spec.name().endsWith(".num_batches_tracked");
      TensorType type = counter ? TensorType.I64 : TensorType.F32;
      mappings.add(
          Mapping.same(spec, new SafeTensorsWriter.Entry(spec.name(), type, spec.shape())));
    }
    return mappings;
  }

  /**
   * The map of some parameters that a file has under other names.
   *
   * @param prefix of the parameters' names
   * @param stored gives the name in the file
   */
  static KeyMap renamed(ClipConfig config, String prefix, UnaryOperator<String> stored) {
    return new KeyMap(
        same(ParameterSpec.of(config)).stream()
            .filter(same -> same.canonical().get(0).name().startsWith(prefix))
            .map(same -> same.renamed(stored))
            .toList());
  }

  /** Every tensor of the layout, with the type and shape that saving gives it. */
  List<SafeTensorsWriter.Entry> storedTensors() {
    return byStored.values().stream().map(Part::stored).toList();
  }

  /**
   * Where the values of a stored matrix are in the parameters.
   *
   * @param parameter under OpenCLIP's name
   * @param from its first row there
   * @param rows of the stored matrix
   * @param columns of the stored matrix
   * @param transposed whether the parameter is its transpose
   */
  record Rows(String parameter, long from, long rows, long columns, boolean transposed) {}

  /** Lists the stored matrices that are rows of one parameter, by their names. */
  Map<String, Rows> matrices() {
    Map<String, Rows> matrices = new LinkedHashMap<>();
    byStored.forEach(
        (name, part) -> {
          List<Long> shape = part.stored().shape();
          if (shape.size() == 2 && part.mapping().canonical().size() == 1) {
            String parameter = part.mapping().canonical().get(0).name();
            boolean transposed = part.mapping().transposed();
            matrices.put(
                name,
                new Rows(
                    parameter,
                    part.index() * shape.get(0),
                    shape.get(0),
                    shape.get(1),
                    transposed));
          }
        });
    return matrices;
  }

  /** Gives parameters under OpenCLIP's names, read from a source under the layout's names. */
  ParameterSource toCanonical(ParameterSource stored) {
    return new Mapped(byCanonical, stored);
  }

  /** Gives tensors under the layout's names, read from a source under OpenCLIP's names. */
  ParameterSource toStored(ParameterSource canonical) {
    return new Mapped(byStored, canonical);
  }

  /** Gives one side's values, piece by piece, of a source of the other's. */
  private record Mapped(Map<String, Part> parts, ParameterSource other) implements ParameterSource {
    @Override
    public FloatBuffer read(String name) {
      FloatBuffer values = FloatBuffer.allocate(Math.toIntExact(part(name).count()));
      copy(name, 0, values);
      return values.flip();
    }

    @Override
    public void copy(String name, long from, FloatBuffer target) {
      part(name).copy(other, from, target);
    }

    private Part part(String name) {
      Part part = parts.get(name);
      if (part == null) {
        throw new IllegalArgumentException("the model has no '" + name + "'");
      }
      return part;
    }
  }

  /** Whether only the number of dimensions differs, which publishers write as they like. */
  private static boolean isOneNumber(TensorInfo found, SafeTensorsWriter.Entry wanted) {
    return wanted.name().startsWith("logit_")
        && wanted.count() == 1
        && found.shape().stream().allMatch(size -> size == 1);
  }

  /**
   * Compares what a file holds with what the model needs.
   *
   * @throws CheckpointException if tensors are missing, left over or of another shape; it lists all
   */
  void check(Path file, Map<String, TensorInfo> found) throws CheckpointException {
    List<String> problems = new ArrayList<>();
    for (Part part : byStored.values()) {
      SafeTensorsWriter.Entry wanted = part.stored();
      TensorInfo info = found.get(wanted.name());
      if (info == null) {
        problems.add("missing:  " + wanted.name() + ", expected " + wanted.shape());
      } else if (!info.shape().equals(wanted.shape()) && !isOneNumber(info, wanted)) {
        problems.add(
            "shape:    "
                + wanted.name()
                + ", expected "
                + wanted.shape()
                + ", found "
                + info.shape());
      } else if (!info.type().isFloat()
          && !(wanted.type() == TensorType.I64 && info.type().isInteger())) {
        problems.add("type:     " + wanted.name() + ", expected floats, found " + info.type());
      }
    }
    for (TensorInfo info : found.values()) {
      if (!byStored.containsKey(info.name())
          && !IGNORED.contains(info.name())
          && !info.name().startsWith(CAPTIONS)) {
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
