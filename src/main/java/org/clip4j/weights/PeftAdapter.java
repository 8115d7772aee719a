package org.clip4j.weights;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.clip4j.io.IoErrors;
import org.clip4j.io.StagedFiles;
import org.clip4j.model.ClipConfig;
import org.clip4j.model.LoraAdapter;
import org.clip4j.model.LoraAdapter.LowRank;
import org.clip4j.model.LoraOptions;
import org.clip4j.weights.KeyMap.Rows;
import org.clip4j.weights.safetensors.SafeTensors;
import org.clip4j.weights.safetensors.SafeTensorsWriter;
import org.clip4j.weights.safetensors.SafeTensorsWriter.Entry;
import org.clip4j.weights.tensors.CheckpointException;
import org.clip4j.weights.tensors.TensorFile;
import org.clip4j.weights.tensors.TensorInfo;
import org.clip4j.weights.tensors.TensorType;
import org.jspecify.annotations.Nullable;

/**
 * Reads and writes an adapter on disk as Python's {@code peft} leaves it beside a model of
 * transformers: a folder with {@code adapter_config.json} and {@code adapter_model.safetensors},
 * and nothing of the model itself.
 *
 * <p>The metadata of the tensors' file names the checksum of the weights that the adapter was
 * trained on, which {@code peft} does not read; where it is there, {@link LoraAdapter#requireFits}
 * refuses other weights.
 */
public final class PeftAdapter {
  /** The name of the file that says what the adapter is. */
  public static final String CONFIG = "adapter_config.json";

  /** The adapter's matrices. */
  public static final String WEIGHTS = "adapter_model.safetensors";

  /** The same of older versions of peft. */
  private static final String OLD_WEIGHTS = "adapter_model.bin";

  private static final String BASE = "clip4j_base";
  private static final String PREFIX = "base_model.model.";
  private static final String IMAGES = "vision_model.";
  private static final String TEXTS = "text_model.";

  /** A layer that torch's MultiheadAttention does not call, so that with peft it adds nothing. */
  private static final String UNCALLED = "head.attention.out_proj";

  private static final String A = ".lora_A.weight";
  private static final String B = ".lora_B.weight";

  private PeftAdapter() {}

  /** Returns whether a folder holds an adapter. */
  public static boolean isIn(Path folder) {
    return Files.isRegularFile(folder.resolve(CONFIG));
  }

  /**
   * Reads an adapter of a model.
   *
   * @param folder with the two files
   * @throws CheckpointException if it is no adapter of this library's kinds, or one of another
   *     model
   */
  public static LoraAdapter read(Path folder, ClipConfig config) throws IOException {
    return IoErrors.worded(folder, () -> readFolder(folder, config));
  }

  private static LoraAdapter readFolder(Path folder, ClipConfig config) throws IOException {
    PeftConfig json = PeftConfig.read(folder);
    Path file = folder.resolve(WEIGHTS);
    Path old = folder.resolve(OLD_WEIGHTS);
    boolean isOld = !Files.isRegularFile(file) && Files.isRegularFile(old);
    try (TensorFile tensors = TensorFiles.open(isOld ? old : file)) {
      String base = tensors instanceof SafeTensors safe ? safe.metadata().get(BASE) : null;
      return read(json, tensors, keys(config).matrices(), base);
    }
  }

  private static KeyMap keys(ClipConfig config) {
    try {
      return KeyMap.of(Layout.TRANSFORMERS, config);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          "adapters have the names of transformers' models, which have none of this architecture ("
              + IoErrors.message(e)
              + ")",
          e);
    }
  }

  private static LoraAdapter read(
      PeftConfig json, TensorFile tensors, Map<String, Rows> matrices, @Nullable String base)
      throws IOException {
    LoraOptions options = json.options();
    String of = json.base();
    String tower = tower(of, tensors, matrices);
    Map<String, Rows> modules = new LinkedHashMap<>(); // by the names that the file has
    Set<String> towers = new HashSet<>();
    List<String> problems = new ArrayList<>();
    for (TensorInfo info : tensors.tensors().values()) {
      String name = info.name();
      String module = module(name);
      Rows rows = module == null ? null : matrices.get(module + ".weight");
      if (module != null && rows == null) { // of a tower by itself
        rows = matrices.get(tower + module + ".weight");
      }
      if (module == null) {
        problems.add("surplus: " + name + ", no matrix of a linear layer's adapter");
      } else if (rows == null) {
        problems.add(
            "surplus: "
                + name
                + ", the model has no linear layer "
                + module
                + (tower.isEmpty() && matrices.containsKey(TEXTS + module + ".weight")
                    ? "; the adapter is of one tower by itself, and neither its base_model_class nor"
                        + " its shapes say which: save one of the whole model"
                    : ""));
      } else {
        modules.put(module, rows);
        towers.add(first(module));
      }
    }
    Map<String, Integer> ranks = json.ranks(modules.keySet());
    Map<String, Double> alphas = json.alphas(modules.keySet());
    List<LowRank> maps = new ArrayList<>();
    for (Map.Entry<String, Rows> each : modules.entrySet()) {
      String module = each.getKey();
      Rows rows = each.getValue();
      int rank = ranks.getOrDefault(module, options.rank());
      boolean fits =
          fits(tensors, PREFIX + module + A, problems, List.of((long) rank, rows.columns()))
              & fits(tensors, PREFIX + module + B, problems, List.of(rows.rows(), (long) rank));
      if (fits && !module.endsWith(UNCALLED)) {
        double scale = options.scale(alphas.getOrDefault(module, options.alpha()), rank);
        float[] a = values(tensors, PREFIX + module + A);
        float[] b = values(tensors, PREFIX + module + B);
        maps.add(map(rows, rank, scale, a, b));
      }
    }
    boolean whole = !of.isEmpty() && tower.isEmpty();
    Set<Rows> found = new HashSet<>(modules.values());
    json.targeted(matrices.keySet()).stream()
        .filter(module -> whole || towers.contains(first(module)))
        .filter(module -> !found.contains(matrices.get(module + ".weight")))
        .forEach(module -> problems.add("missing: " + PREFIX + module + A));
    if (!problems.isEmpty() || maps.isEmpty()) {
      throw new CheckpointException(
          tensors.file()
              + " is no adapter of this model"
              + (problems.isEmpty()
                  ? ": it holds nothing"
                  : ", "
                      + problems.size()
                      + " differences:\n  "
                      + String.join("\n  ", problems.subList(0, Math.min(20, problems.size())))));
    }
    return new LoraAdapter(options, maps, base);
  }

  /**
   * What the names in the file lack where the adapter is of one tower by itself; empty where they
   * lack nothing, or that is not known.
   */
  private static String tower(String base, TensorFile tensors, Map<String, Rows> matrices) {
    if (base.contains("Vision") || base.contains("Text")) {
      return base.contains("Vision") ? IMAGES : TEXTS;
    }
    List<String> fitting =
        Stream.of(IMAGES, TEXTS)
            .filter(tower -> tensors.tensors().values().stream().allMatch(fits(tower, matrices)))
            .toList();
    return base.isEmpty() && fitting.size() == 1 ? fitting.get(0) : "";
  }

  private static Predicate<TensorInfo> fits(String tower, Map<String, Rows> matrices) {
    return info -> {
      String module = module(info.name());
      Rows rows = module == null ? null : matrices.get(tower + module + ".weight");
      return rows != null
          && info.shape().size() == 2
          && (info.name().endsWith(A)
              ? info.shape().get(1) == rows.columns()
              : info.shape().get(0) == rows.rows());
    };
  }

  /** Null where the name is none that an adapter of a linear layer has. */
  private static String module(String name) {
    String end = name.endsWith(A) ? A : B;
    return name.startsWith(PREFIX) && name.endsWith(end)
        ? name.substring(PREFIX.length(), name.length() - end.length())
        : null;
  }

  private static boolean fits(
      TensorFile tensors, String name, List<String> problems, List<Long> shape) {
    TensorInfo info = tensors.tensors().get(name);
    boolean fits = info != null && info.shape().equals(shape) && info.type().isFloat();
    if (!fits) {
      problems.add(
          (info == null ? "missing: " : "shape:   ")
              + name
              + ", expected "
              + shape
              + (info == null ? "" : ", found " + info.describe()));
    }
    return fits;
  }

  private static float[] values(TensorFile tensors, String name) {
    float[] values = new float[tensors.arraySize(name)];
    tensors.copyFinite(name, 0, FloatBuffer.wrap(values));
    return values;
  }

  /** Where the parameter is the stored matrix's transpose, so is what is added. */
  private static LowRank map(Rows rows, int rank, double scale, float[] a, float[] b) {
    int in = Math.toIntExact(rows.columns());
    int out = Math.toIntExact(rows.rows());
    return rows.transposed()
        ? new LowRank(
            rows.parameter(),
            0,
            in,
            out,
            rank,
            scale,
            transposed(b, out, rank),
            transposed(a, rank, in))
        : new LowRank(rows.parameter(), rows.from(), out, in, rank, scale, a, b);
  }

  private static float[] transposed(float[] values, int rows, int columns) {
    float[] result = new float[values.length];
    for (int i = 0; i < values.length; i++) {
      result[i % columns * rows + i / columns] = values[i];
    }
    return result;
  }

  /**
   * Writes an adapter of a model.
   *
   * @param folder is created if it does not exist
   * @throws IllegalArgumentException if transformers has no such architecture
   */
  public static void write(Path folder, ClipConfig config, LoraAdapter adapter) throws IOException {
    Map<String, LowRank> modules = modules(config, adapter);
    try {
      Files.createDirectories(folder);
      try (StagedFiles staged = new StagedFiles()) {
        Path file = folder.resolve(WEIGHTS);
        List<Entry> entries = new ArrayList<>();
        modules.forEach(
            (module, map) -> {
              entries.add(new Entry(PREFIX + module + A, TensorType.F32, map.rank(), map.inputs()));
              entries.add(
                  new Entry(PREFIX + module + B, TensorType.F32, map.outputs(), map.rank()));
            });
        Map<String, String> metadata =
            adapter.base() == null ? Map.of() : Map.of(BASE, adapter.base());
        try (SafeTensorsWriter writer =
            SafeTensorsWriter.to(staged.create(file), file, entries, metadata)) {
          for (Map.Entry<String, LowRank> module : modules.entrySet()) {
            LowRank map = module.getValue();
            writer.write(PREFIX + module.getKey() + A, FloatBuffer.wrap(map.a()));
            writer.write(PREFIX + module.getKey() + B, FloatBuffer.wrap(map.b()));
          }
          writer.commit();
        }
        JsonObject json = config(adapter.options(), modules, keys(config).matrices().keySet());
        staged.write(folder.resolve(CONFIG), CheckpointFields.format(json));
        staged.commit();
      }
    } catch (IOException e) {
      throw IoErrors.worded(folder, e);
    }
  }

  /** The additions as the stored matrices have them, by the names of their modules. */
  private static Map<String, LowRank> modules(ClipConfig config, LoraAdapter adapter) {
    Map<String, LowRank> byKey = new HashMap<>();
    adapter.maps().forEach(map -> byKey.put(map.parameter() + "@" + map.from(), map));
    Map<String, LowRank> modules = new TreeMap<>();
    keys(config)
        .matrices()
        .forEach(
            (name, rows) -> {
              LowRank map = byKey.remove(rows.parameter() + "@" + rows.from());
              if (map != null) {
                String module = name.substring(0, name.length() - ".weight".length());
                Rows self =
                    new Rows(
                        map.parameter(),
                        map.from(),
                        map.outputs(),
                        map.inputs(),
                        rows.transposed());
                modules.put(module, map(self, map.rank(), map.scale(), map.a(), map.b()));
              }
            });
    if (!byKey.isEmpty()) {
      throw new IllegalArgumentException(
          "the adapter is of another model: this one has no " + new TreeSet<>(byKey.keySet()));
    }
    return modules;
  }

  private static JsonObject config(
      LoraOptions options, Map<String, LowRank> modules, Set<String> weights) {
    JsonObject json = new JsonObject();
    json.addProperty("peft_type", "LORA");
    json.addProperty("inference_mode", true);
    json.addProperty("r", options.rank());
    json.addProperty("lora_alpha", number(options.alpha()));
    json.addProperty("lora_dropout", options.dropout());
    json.addProperty("use_rslora", options.rankStabilized());
    json.addProperty("bias", "none");
    json.addProperty("fan_in_fan_out", false);
    JsonObject ranks = new JsonObject();
    JsonObject alphas = new JsonObject();
    modules.forEach(
        (module, map) -> {
          if (map.rank() != options.rank()) {
            ranks.addProperty(module, map.rank());
          }
          if (map.scale() != options.scale(options.alpha(), map.rank())) {
            alphas.addProperty(module, number(map.scale() / options.scale(1, map.rank())));
          }
        });
    json.add("rank_pattern", ranks);
    json.add("alpha_pattern", alphas);
    JsonArray targets = new JsonArray();
    targets(modules.keySet(), weights).forEach(targets::add);
    json.add("target_modules", targets);
    return json;
  }

  /** PEFT writes whole numbers as such. */
  private static Number number(double value) {
    return value == Math.rint(value) && Math.abs(value) < 1e9 ? (Number) (long) value : value;
  }

  /** The last part of a name where all modules of that name are adapted, else the whole name. */
  private static Set<String> targets(Set<String> modules, Set<String> weights) {
    Map<String, Integer> missing = new LinkedHashMap<>();
    for (String weight : weights) {
      String module = weight.substring(0, weight.length() - ".weight".length());
      missing.merge(last(module), modules.contains(module) ? 0 : 1, Integer::sum);
      for (int dot = module.lastIndexOf('.'); dot > 0; dot = module.lastIndexOf('.', dot - 1)) {
        missing.merge(last(module.substring(0, dot)), 1, Integer::sum); // no linear layer
      }
    }
    Set<String> targets = new TreeSet<>();
    for (String module : modules) {
      targets.add(missing.get(last(module)) == 0 ? last(module) : module);
    }
    return targets;
  }

  private static String first(String module) {
    return module.substring(0, (module + ".").indexOf('.'));
  }

  private static String last(String module) {
    return module.substring(module.lastIndexOf('.') + 1);
  }
}
