package org.clip4j.train.internal.checkpoint;

import ai.djl.ndarray.NDArray;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.clip4j.engine.internal.HostMemory;
import org.clip4j.io.IoErrors;
import org.clip4j.io.StagedFiles;
import org.clip4j.model.ClipConfig;
import org.clip4j.model.ClipModel;
import org.clip4j.model.LoraAdapter;
import org.clip4j.model.ParameterSource;
import org.clip4j.model.ParameterSpec;
import org.clip4j.weights.Checkpoint;
import org.clip4j.weights.PeftAdapter;
import org.clip4j.weights.safetensors.SafeTensors;
import org.clip4j.weights.safetensors.SafeTensorsWriter;
import org.clip4j.weights.tensors.TensorInfo;
import org.clip4j.weights.tensors.TensorType;

/**
 * A training's state between two steps, in a folder: the model in files of its own, as {@link
 * Checkpoint} opens them; {@code state.safetensors} with the losses so far and the tensors of each
 * {@link StatefulPart}; and {@code run.json} with the rest, and the size and checksum of every
 * file.
 *
 * @param folder where it is
 * @param state all but the tensors
 * @param former whether it is of format 1, whose names of the model's settings are no longer known
 */
record StepCheckpoint(Path folder, RunState state, boolean former) {
  static final String RUN_FILE = "run.json";
  private static final String TENSOR_FILE = "state.safetensors";
  private static final String LOSSES = "losses";
  private static final int FORMAT = 2;

  /** Writes the tensors of a training beside its model. */
  static void writeTensors(Path folder, float[] losses, List<? extends StatefulPart> parts)
      throws IOException {
    Map<String, NDArray> tensors = tensors(parts);
    List<SafeTensorsWriter.Entry> entries = new ArrayList<>();
    entries.add(new SafeTensorsWriter.Entry(LOSSES, TensorType.F32, losses.length));
    tensors.forEach(
        (name, tensor) ->
            entries.add(
                new SafeTensorsWriter.Entry(name, TensorType.F32, tensor.getShape().getShape())));
    try (SafeTensorsWriter writer =
        SafeTensorsWriter.create(folder.resolve(TENSOR_FILE), entries, Map.of())) {
      writer.write(LOSSES, FloatBuffer.wrap(losses));
      ParameterSource values = valuesOf(tensors);
      for (String name : tensors.keySet()) {
        writer.write(name, values);
      }
      writer.commit();
    }
  }

  private static ParameterSource valuesOf(Map<String, NDArray> tensors) {
    return new ParameterSource() {
      @Override
      public FloatBuffer read(String name) {
        return HostMemory.view(tensors.get(name));
      }

      @Override
      public void copy(String name, long from, FloatBuffer target) {
        HostMemory.download(tensors.get(name), from, target);
      }
    };
  }

  private static Map<String, NDArray> tensors(List<? extends StatefulPart> parts) {
    Map<String, NDArray> tensors = new LinkedHashMap<>();
    for (StatefulPart part : parts) {
      part.tensors().forEach((name, tensor) -> tensors.put(part.stateName() + "." + name, tensor));
    }
    return tensors;
  }

  /** Writes the state and what the folder's files are to be; the last of a checkpoint's files. */
  static void writeState(Path folder, RunState state) throws IOException {
    JsonObject run = new JsonObject();
    run.addProperty("format", FORMAT);
    state.toJson().entrySet().forEach(entry -> run.add(entry.getKey(), entry.getValue()));
    JsonObject files = new JsonObject();
    for (Map.Entry<String, String> file : fingerprints(folder).entrySet()) {
      files.addProperty(file.getKey(), file.getValue());
    }
    run.add("files", files);
    JsonObject json = new JsonObject();
    json.addProperty("checksum", RunFiles.fingerprint(run.toString()));
    json.add("run", run);
    StagedFiles.replace(
        folder.resolve(RUN_FILE),
        new GsonBuilder().setPrettyPrinting().disableHtmlEscaping().create().toJson(json) + "\n");
  }

  private static Map<String, String> fingerprints(Path folder) throws IOException {
    List<Path> files;
    try (Stream<Path> list = Files.list(folder)) {
      files = list.filter(file -> !file.endsWith(RUN_FILE)).toList();
    }
    Map<String, String> fingerprints = new TreeMap<>();
    for (Path file : files) {
      fingerprints.put(file.getFileName().toString(), RunFiles.fingerprint(file));
    }
    return fingerprints;
  }

  /**
   * Opens a checkpoint and reads all of its files once, to see that they are what was written.
   *
   * @throws IOException if anything is missing or damaged; the message names it
   * @throws IllegalStateException if a newer version of the library wrote it
   */
  static StepCheckpoint open(Path folder) throws IOException {
    Path file = folder.resolve(RUN_FILE);
    JsonObject json = RunFiles.readJson(file);
    try {
      JsonObject run = RunState.object(json, "run");
      JsonElement checksum = json.get("checksum");
      if (!new JsonPrimitive(RunFiles.fingerprint(run.toString())).equals(checksum)) {
        throw new IOException(file + " was changed: its checksum is not " + checksum);
      }
      long format = StatefulPart.count(run, "format");
      if (format < 1 || format > FORMAT) {
        throw new IllegalStateException(
            file
                + " is of format "
                + format
                + ", this version of the library reads 1 to "
                + FORMAT);
      }
      for (Map.Entry<String, JsonElement> entry : RunState.object(run, "files").entrySet()) {
        check(folder, entry.getKey(), entry.getValue().getAsString());
      }
      RunState state = RunState.fromJson(run);
      boolean former = format == 1;
      return new StepCheckpoint(folder, former ? state.ofFormerSettings() : state, former);
    } catch (IllegalArgumentException | UnsupportedOperationException | ArithmeticException e) {
      throw new IOException(file + ": " + IoErrors.message(e), e);
    }
  }

  private static void check(Path folder, String name, String expected) throws IOException {
    if (!Path.of(name).equals(Path.of(name).getFileName())) {
      throw new IOException(folder.resolve(RUN_FILE) + " names a file elsewhere: " + name);
    }
    Path file = folder.resolve(name);
    if (!Files.isRegularFile(file)) {
      throw new IOException(file + " is missing");
    }
    String found = RunFiles.fingerprint(file);
    if (!found.equals(expected)) {
      throw new IOException(file + " is damaged: " + expected + " were written, found " + found);
    }
  }

  /**
   * Puts the saved values into a model and the parts of a training, in place.
   *
   * @return the loss of each step so far
   * @throws IOException if the model or the parts are not those that were saved
   */
  float[] restore(ClipModel model, List<? extends StatefulPart> parts) throws IOException {
    if (former) {
      checkArchitecture(model.config());
    }
    if (model.adapters().isAttached()) {
      restoreAdapter(model);
    } else {
      restoreWeights(model);
    }
    float[] losses;
    Map<String, NDArray> tensors = tensors(parts);
    try (SafeTensors saved = SafeTensors.open(folder.resolve(TENSOR_FILE))) {
      checkTensors(saved, tensors);
      losses = new float[Math.toIntExact(saved.tensors().get(LOSSES).count())];
      saved.copy(LOSSES, 0, FloatBuffer.wrap(losses));
      tensors.forEach(
          (name, tensor) ->
              HostMemory.overwrite(tensor, (from, memory) -> saved.copy(name, from, memory)));
    }
    for (StatefulPart part : parts) {
      try {
        part.restoreScalars(RunState.object(state.parts(), part.stateName()));
      } catch (IllegalArgumentException e) {
        throw new IOException(folder.resolve(RUN_FILE) + ": " + IoErrors.message(e), e);
      }
    }
    return losses;
  }

  private void restoreAdapter(ClipModel model) throws IOException {
    LoraAdapter saved = PeftAdapter.read(folder, model.config());
    try {
      model.adapters().restore(saved);
    } catch (IllegalArgumentException e) {
      throw new IOException(folder + ": " + IoErrors.message(e), e);
    }
  }

  private void restoreWeights(ClipModel model) throws IOException {
    try (Checkpoint saved = Checkpoint.open(folder, model.config())) {
      for (ParameterSpec spec : model.specs()) {
        HostMemory.overwrite(
            model.parameters().get(spec.name()),
            (from, memory) -> saved.parameters().copy(spec.name(), from, memory));
      }
    }
  }

  private void checkArchitecture(ClipConfig expected) throws IOException {
    try (Checkpoint saved = Checkpoint.open(folder)) {
      if (!saved.config().withCustomText(expected.customText()).equals(expected)) {
        throw new IOException(
            folder + " holds a model of another architecture than the one that is to be trained");
      }
    }
  }

  private void checkTensors(SafeTensors saved, Map<String, NDArray> expected) throws IOException {
    Map<String, String> then = new TreeMap<>();
    for (TensorInfo info : saved.tensors().values()) {
      then.put(info.name(), info.shape().toString());
    }
    Map<String, String> now = new TreeMap<>();
    now.put(LOSSES, List.of(state.step()).toString());
    expected.forEach(
        (name, tensor) -> now.put(name, Arrays.toString(tensor.getShape().getShape())));
    List<String> differences = RunState.differences(then, now, Set.of());
    if (!differences.isEmpty()) {
      throw new IOException(
          saved.file()
              + " has other tensors than this training's; the first of "
              + differences.size()
              + " differences is "
              + differences.get(0));
    }
  }
}
