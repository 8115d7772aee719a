package org.clip4j.quantize;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.clip4j.encode.Encoder;
import org.clip4j.encode.ImageSource;
import org.clip4j.engine.InputLevels;
import org.clip4j.engine.internal.Processor;
import org.clip4j.io.Limits;
import org.clip4j.io.StagedFiles;
import org.clip4j.model.ClipModel;
import org.clip4j.model.InputObserver;
import org.clip4j.model.InputObserver.LinearMap;
import org.clip4j.model.ParameterSpec;
import org.clip4j.text.Tokenizer;
import org.clip4j.weights.Checkpoint;
import org.clip4j.weights.CheckpointWriter;
import org.clip4j.weights.Layout;
import org.jspecify.annotations.Nullable;

/**
 * Turns the linear maps of a checkpoint's transformer blocks into 8-bit integers: weights with a
 * scale per output channel, inputs of 256 levels whose range is measured on typical images and
 * texts. Every second input calibrates, the others tell what it costs; a checkpoint that misses a
 * bar of {@link QuantizationReport} is not written unless asked for.
 *
 * <p>On CPUs whose processor multiplies 8-bit integers (AVX-512 VNNI, AVX-VNNI or ARM's dot
 * products) such a model is several times faster; elsewhere it computes the same numbers at the
 * speed of float32.
 */
public final class Quantizer {
  /** The end of the name of a text encoder's table, whose rows are rounded in any case. */
  private static final String TABLE = "token_embedding.weight";

  /** A mean cosine from which on no map is kept in float32. */
  private static final double GOOD = 0.995;

  /** The largest share of maps that are kept in float32. */
  private static final double MOST_KEPT = 0.25;

  private final Checkpoint checkpoint;
  private List<? extends ImageSource> images = List.of();
  private List<String> texts = List.of();
  private boolean paired;
  private double smoothing = 0.5;
  private boolean force;
  private Consumer<String> progress = step -> {};

  private Quantizer(Checkpoint checkpoint) {
    this.checkpoint = checkpoint;
  }

  /**
   * Starts with a checkpoint, which stays the caller's to close.
   *
   * @throws IllegalArgumentException if its weights are integers already
   */
  public static Quantizer of(Checkpoint checkpoint) {
    if (!checkpoint.inputLevels().isEmpty()) {
      throw new IllegalArgumentException(
          checkpoint.weights() + " holds weights of 8-bit integers already; take the original");
    }
    return new Quantizer(checkpoint);
  }

  /**
   * Tells whether this processor multiplies 8-bit integers faster than floats; empty where the
   * system does not tell. Without the instructions such a model computes the same numbers at about
   * the speed of float32.
   */
  public static Optional<Boolean> isFastHere() {
    return Processor.multipliesBytes();
  }

  /** Takes typical images; a few hundred are enough, two are needed. */
  public Quantizer setImages(List<? extends ImageSource> images) {
    this.images = List.copyOf(images);
    paired = false;
    return this;
  }

  /** Takes typical texts; a few hundred are enough, two are needed. */
  public Quantizer setTexts(List<String> texts) {
    this.texts = List.copyOf(texts);
    paired = false;
    return this;
  }

  /**
   * Takes images and the caption of each, so that the loss of recall is measured too.
   *
   * @throws IllegalArgumentException if there are not as many
   */
  public Quantizer setPairs(List<? extends ImageSource> images, List<String> captions) {
    if (images.size() != captions.size()) {
      throw new IllegalArgumentException(
          images.size() + " images need as many captions, found " + captions.size());
    }
    setImages(images).setTexts(captions);
    paired = true;
    return this;
  }

  /**
   * Sets what part of the difference between channels is moved from inputs into weights.
   *
   * @param strength from 0 (weights stay as they are) to 1; 0.5 by default
   */
  public Quantizer optSmoothing(double strength) {
    smoothing = Limits.within("the smoothing", 0, 1, strength);
    return this;
  }

  /** Writes a checkpoint also if it misses a bar; it then says so. */
  public Quantizer optForce(boolean force) {
    this.force = force;
    return this;
  }

  /** Sets a listener that receives in words what begins. */
  public Quantizer optProgress(Consumer<String> listener) {
    progress = listener;
    return this;
  }

  /**
   * Calibrates, measures and writes.
   *
   * @param folder is created if it does not exist; what it held is replaced at the end
   * @return what it costs
   * @throws QuantizationRefusedException if a bar is missed, and that was not allowed by {@link
   *     #optForce}; nothing is written
   * @throws IllegalStateException if there are fewer than two images or texts
   * @throws IllegalArgumentException if OpenCLIP's layout, in which integers are kept, has no such
   *     model
   * @throws IOException if a file cannot be read or written
   */
  public QuantizationReport write(Path folder) throws IOException {
    Layout.OPENCLIP.requireHolds(checkpoint.config());
    if (images.size() < 2 || texts.size() < 2) {
      throw new IllegalStateException(
          "calibration needs two images and two texts at least, found "
              + images.size()
              + " and "
              + texts.size());
    }
    try (Tokenizer tokenizer =
        checkpoint
            .tokenizer()
            .orElseThrow(
                () ->
                    new IOException(
                        checkpoint.weights() + " has no tokenizer to encode texts with"))) {
      return write(folder, tokenizer);
    }
  }

  private QuantizationReport write(Path folder, Tokenizer tokenizer) throws IOException {
    Embedded exact;
    SmoothedWeights smoothed;
    try (ClipModel model = ClipModel.load(checkpoint.config(), checkpoint.parameters())) {
      progress.accept("encoding in float32");
      exact = embed(model, tokenizer, null);
      progress.accept("looking at the inputs of linear maps");
      smoothed =
          SmoothedWeights.of(
              checkpoint.parameters(), model.specs(), observe(model, tokenizer, false), smoothing);
    }
    try (ClipModel model = ClipModel.load(checkpoint.config(), smoothed)) {
      progress.accept("choosing the levels of inputs");
      List<LinearMap> maps = observe(model, tokenizer, true);
      Map<String, InputLevels> levels = new LinkedHashMap<>();
      maps.forEach(map -> levels.put(map.name(), map.levels()));
      progress.accept("measuring what it costs");
      Set<String> kept = new TreeSet<>();
      Embedded found = embed(model, tokenizer, levels);
      if (found.cosine(exact) < GOOD) {
        progress.accept("looking for maps that are better kept in float32");
        kept.addAll(costly(model, tokenizer, levels, exact, found));
        kept.forEach(levels::remove);
        found = embed(model, tokenizer, levels);
      }
      QuantizationReport report = report(exact, found, levels, kept);
      if (!force && !report.misses().isEmpty()) {
        throw new QuantizationRefusedException(report);
      }
      progress.accept("writing");
      Set<String> weights =
          maps.stream()
              .filter(map -> levels.containsKey(map.name()))
              .flatMap(map -> map.weights().stream())
              .collect(Collectors.toSet());
      maps.stream()
          .filter(map -> !levels.containsKey(map.name()))
          .forEach(map -> map.weights().forEach(weights::remove));
      model.specs().stream()
          .map(ParameterSpec::name)
          .filter(name -> name.endsWith(TABLE))
          .forEach(weights::add);
      CheckpointWriter.of(checkpoint.config(), checkpoint.transform(), model.values())
          .optTokenizer(tokenizer)
          .optMadeFrom(checkpoint.origins())
          .optQuantized(weights, levels)
          .write(folder, Layout.OPENCLIP);
      write(folder.resolve("quantization.json"), report);
      return report;
    }
  }

  /** Writes the measurements for people; nothing reads them. */
  private static void write(Path file, QuantizationReport report) throws IOException {
    Gson gson = new GsonBuilder().setPrettyPrinting().create();
    JsonObject json = gson.toJsonTree(report).getAsJsonObject();
    json.addProperty("misses_a_bar", !report.misses().isEmpty());
    StagedFiles.replace(file, gson.toJson(json) + "\n");
  }

  /** Of each block's two halves, those without whose rounding the embeddings differ least. */
  private Set<String> costly(
      ClipModel model,
      Tokenizer tokenizer,
      Map<String, InputLevels> levels,
      Embedded exact,
      Embedded rounded) {
    Map<String, List<String>> parts =
        levels.keySet().stream()
            .collect(
                Collectors.groupingBy(
                    map -> map.replaceFirst("(attn|mlp)\\..*$", "$1"),
                    LinkedHashMap::new,
                    Collectors.toList()));
    record Gain(List<String> maps, double cosine) {}
    List<Gain> gains = new ArrayList<>();
    for (List<String> part : parts.values()) {
      Map<String, InputLevels> others = new LinkedHashMap<>(levels);
      part.forEach(others::remove);
      gains.add(new Gain(part, embed(model, tokenizer, others).cosine(exact)));
    }
    gains.sort(Comparator.comparingDouble(Gain::cosine).reversed());
    Set<String> kept = new TreeSet<>();
    double cosine = rounded.cosine(exact);
    for (Gain gain : gains) {
      if (cosine >= GOOD || kept.size() + gain.maps.size() > MOST_KEPT * levels.size()) {
        break;
      }
      kept.addAll(gain.maps);
      Map<String, InputLevels> others = new LinkedHashMap<>(levels);
      kept.forEach(others::remove);
      cosine = embed(model, tokenizer, others).cosine(exact);
    }
    return kept;
  }

  /** Embeddings of what does not calibrate. */
  private record Embedded(float[][] images, float[][] texts) {
    double cosine(Embedded exact) {
      return Math.min(mean(cosines(images, exact.images)), mean(cosines(texts, exact.texts)));
    }
  }

  private Embedded embed(
      ClipModel model, Tokenizer tokenizer, @Nullable Map<String, InputLevels> levels) {
    try (Encoder encoder =
        levels == null
            ? new Encoder(model, checkpoint.transform(), tokenizer)
            : Encoder.ofQuantized(model, checkpoint.transform(), tokenizer, levels)) {
      return new Embedded(
          encoder.encodeImages(half(images, 1)), encoder.encodeTexts(half(texts, 1)));
    }
  }

  private static <T> List<T> half(List<? extends T> all, int first) {
    List<T> half = new ArrayList<>();
    for (int i = first; i < all.size(); i += 2) {
      half.add(all.get(i));
    }
    return half;
  }

  /** What the maps of the blocks have for inputs; the patches' embedding takes pixels. */
  private List<LinearMap> observe(ClipModel model, Tokenizer tokenizer, boolean levels) {
    List<InputObserver> observers = new ArrayList<>();
    model.observeImages().ifPresent(observers::add);
    observers.add(model.observeTexts());
    try (Encoder encoder = new Encoder(model, checkpoint.transform(), tokenizer)) {
      for (int pass = 0; pass < (levels ? 2 : 1); pass++) {
        if (pass == 1) {
          observers.forEach(InputObserver::measureErrors);
        }
        encoder.encodeImages(half(images, 0));
        encoder.encodeTexts(half(texts, 0));
      }
    }
    List<LinearMap> maps = new ArrayList<>();
    observers.forEach(observer -> maps.addAll(observer.maps()));
    maps.removeIf(map -> !map.name().matches(".*\\.\\d+\\.(attn|mlp)\\..*"));
    return maps;
  }

  private QuantizationReport report(
      Embedded exact, Embedded found, Map<String, InputLevels> levels, Set<String> kept) {
    double[] ofImages = cosines(found.images, exact.images);
    double[] ofTexts = cosines(found.texts, exact.texts);
    int[] before = best(exact);
    int[] now = best(found);
    long same = IntStream.range(0, now.length).filter(i -> now[i] == before[i]).count();
    return new QuantizationReport(
        ofImages.length,
        ofTexts.length,
        mean(ofImages),
        least(ofImages),
        mean(ofTexts),
        least(ofTexts),
        (double) same / now.length,
        paired ? recall(before) - recall(now) : null,
        levels.size(),
        List.copyOf(kept));
  }

  /** The text of which each image is most alike. */
  private static int[] best(Embedded embedded) {
    return Arrays.stream(embedded.images)
        .mapToInt(
            image ->
                IntStream.range(0, embedded.texts.length)
                    .boxed()
                    .max(Comparator.comparingDouble(t -> dot(image, embedded.texts[t])))
                    .orElseThrow())
        .toArray();
  }

  private double recall(int[] best) {
    List<String> captions = half(texts, 1);
    long right =
        IntStream.range(0, best.length)
            .filter(i -> captions.get(best[i]).equals(captions.get(i)))
            .count();
    return (double) right / best.length;
  }

  private static double[] cosines(float[][] found, float[][] exact) {
    return IntStream.range(0, found.length).mapToDouble(i -> dot(found[i], exact[i])).toArray();
  }

  private static double dot(float[] a, float[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += (double) a[i] * b[i];
    }
    return sum;
  }

  private static double mean(double[] values) {
    return Arrays.stream(values).average().orElse(Double.NaN);
  }

  private static double least(double[] values) {
    return Arrays.stream(values).min().orElse(Double.NaN);
  }
}
