package org.clip4j.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import org.clip4j.engine.internal.HostMemory;
import org.clip4j.loss.Similarity;
import org.clip4j.model.ClipConfig;
import org.clip4j.model.ClipModel;
import org.clip4j.model.Forward;
import org.clip4j.model.LoraAdapter;
import org.clip4j.model.ParameterSource;
import org.clip4j.weights.safetensors.SafeTensors;

/** The golden transformers model, and what peft computes with adapters of it. */
public final class LoraCase implements AutoCloseable {
  public static final Path FOLDER = Path.of("src/test/resources/lora");

  public final Checkpoint checkpoint;
  public final SafeTensors expected;
  private final SafeTensors inputs;

  public LoraCase() throws IOException {
    Path golden = Golden.folder("hf-clip");
    checkpoint = Checkpoint.open(golden);
    inputs = SafeTensors.open(golden.resolve("expected.safetensors"));
    expected = SafeTensors.open(FOLDER.resolve("expected.safetensors"));
  }

  public ClipConfig config() {
    return checkpoint.config();
  }

  public ClipModel model() {
    return model(checkpoint.parameters());
  }

  public ClipModel model(ParameterSource parameters) {
    return ClipModel.load(checkpoint.config(), parameters);
  }

  public LoraAdapter adapter(String name) throws IOException {
    return PeftAdapter.read(FOLDER.resolve(name), config());
  }

  public NDArray pixels(NDManager manager) {
    Shape shape = new Shape(inputs.tensors().get("pixel_values").shape());
    return HostMemory.upload(manager, shape, inputs.floats("pixel_values"));
  }

  public int size() {
    return (int) (long) inputs.tensors().get("input_ids").shape().get(0);
  }

  public NDArray ids(NDManager manager) {
    Shape shape = new Shape(inputs.tensors().get("input_ids").shape());
    return HostMemory.upload(manager, shape, inputs.longs("input_ids"));
  }

  /** Features of unit length, of images and then of texts. */
  public float[][] features(ClipModel model, Forward pass) {
    try (NDManager manager = model.manager().newSubManager()) {
      Similarity similarity = new Similarity(manager);
      return new float[][] {
        similarity.normalize(model.encodeImage(pass, pixels(manager))).toFloatArray(),
        similarity.normalize(model.encodeText(pass, ids(manager))).toFloatArray()
      };
    }
  }

  /** Compares features with peft's. */
  public void assertFeatures(float[][] found, String name) {
    assertClose(found[0], expected.floats(name + ".image_features"), 2e-5, 0);
    assertClose(found[1], expected.floats(name + ".text_features"), 2e-5, 0);
  }

  public static void assertClose(float[] found, FloatBuffer expected, double abs, double rel) {
    assertThat(found).hasSize(expected.remaining());
    for (int i = 0; i < found.length; i++) {
      double truth = expected.get(expected.position() + i);
      assertThat((double) found[i]).isCloseTo(truth, within(abs + rel * Math.abs(truth)));
    }
  }

  @Override
  public void close() throws IOException {
    checkpoint.close();
    inputs.close();
    expected.close();
  }
}
