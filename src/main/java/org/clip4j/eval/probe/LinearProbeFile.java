package org.clip4j.eval.probe;

import com.google.gson.JsonArray;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.clip4j.weights.safetensors.SafeTensors;
import org.clip4j.weights.safetensors.SafeTensorsWriter;
import org.clip4j.weights.safetensors.SafeTensorsWriter.Entry;
import org.clip4j.weights.tensors.TensorInfo;
import org.clip4j.weights.tensors.TensorType;

/**
 * A probe as a safetensors file: {@code weight} [K, D] and {@code bias} [K] as of PyTorch's Linear,
 * and in the metadata {@code class_names}, a JSON list.
 */
final class LinearProbeFile {
  private static final String WEIGHT = "weight";
  private static final String BIAS = "bias";
  private static final String CLASS_NAMES = "class_names";

  private LinearProbeFile() {}

  /** What a file holds. */
  record Content(List<String> classNames, LinearClassifier classifier) {}

  static void write(Path file, Content content) throws IOException {
    LinearClassifier classifier = content.classifier;
    int classes = classifier.classes();
    int width = classifier.width();
    JsonArray names = new JsonArray();
    content.classNames.forEach(names::add);
    FloatBuffer weights = FloatBuffer.allocate(Math.multiplyExact(classes, width));
    for (float[] row : classifier.weights()) {
      weights.put(row);
    }
    try (SafeTensorsWriter writer =
        SafeTensorsWriter.create(
            file,
            List.of(
                new Entry(WEIGHT, TensorType.F32, classes, width),
                new Entry(BIAS, TensorType.F32, classes)),
            Map.of(CLASS_NAMES, names.toString()))) {
      writer.write(WEIGHT, weights.flip());
      writer.write(BIAS, FloatBuffer.wrap(classifier.intercepts()));
      writer.commit();
    }
  }

  static Content read(Path file) throws IOException {
    try (SafeTensors tensors = SafeTensors.open(file)) {
      List<String> names = names(file, tensors.metadata().get(CLASS_NAMES));
      TensorInfo weight = tensors.tensors().get(WEIGHT);
      TensorInfo bias = tensors.tensors().get(BIAS);
      int classes = names.size();
      if (weight == null
          || bias == null
          || weight.shape().size() != 2
          || weight.shape().get(0) != classes
          || weight.shape().get(1) == 0
          || !bias.shape().equals(List.of((long) classes))) {
        throw new IOException(
            file
                + " is no linear probe of its "
                + classes
                + " classes: it has "
                + describe(tensors));
      }
      FloatBuffer all = tensors.floats(WEIGHT);
      float[][] weights = new float[classes][Math.toIntExact(weight.shape().get(1))];
      for (float[] row : weights) {
        all.get(row);
      }
      float[] intercepts = new float[classes];
      tensors.floats(BIAS).get(intercepts);
      return new Content(names, new LinearClassifier(weights, intercepts));
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }

  private static List<String> names(Path file, String json) throws IOException {
    if (json == null) {
      throw new IOException(file + " is no linear probe: its metadata has no " + CLASS_NAMES);
    }
    List<String> names = new ArrayList<>();
    try {
      JsonParser.parseString(json).getAsJsonArray().forEach(name -> names.add(name.getAsString()));
    } catch (JsonParseException | IllegalStateException | UnsupportedOperationException e) {
      throw new IOException(file + " has " + CLASS_NAMES + " that are no JSON list of names", e);
    }
    return List.copyOf(names);
  }

  private static String describe(SafeTensors tensors) {
    List<String> all = new ArrayList<>();
    tensors.tensors().values().forEach(info -> all.add(info.name() + " " + info.shape()));
    return String.join(", ", all);
  }
}
