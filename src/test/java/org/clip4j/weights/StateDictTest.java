package org.clip4j.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.clip4j.Clip;
import org.clip4j.weights.safetensors.SafeTensors;
import org.clip4j.weights.safetensors.SafeTensorsWriter;
import org.clip4j.weights.tensors.CheckpointException;
import org.clip4j.weights.tensors.TensorFile;
import org.clip4j.weights.tensors.TensorInfo;
import org.clip4j.weights.tensors.TensorType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Files whose tensors are named or valued in other ways than a publisher's. */
class StateDictTest {
  @TempDir Path folder;

  /** A golden checkpoint whose tensors have other names, or several. */
  @SafeVarargs
  private Path renamed(String golden, UnaryOperator<String>... names) throws IOException {
    return written(golden, (name, values) -> values, names);
  }

  /** Changes the values of a tensor. */
  private interface Change {
    FloatBuffer of(String name, FloatBuffer values);
  }

  @SafeVarargs
  private Path written(String golden, Change change, UnaryOperator<String>... names)
      throws IOException {
    Path source = Golden.folder(golden);
    Layout layout = golden.startsWith("hf") ? Layout.TRANSFORMERS : Layout.OPENCLIP;
    Path config = folder.resolve(layout.configFile());
    Files.copy(source.resolve(layout.configFile()), config);
    try (SafeTensors tensors = SafeTensors.open(source.resolve(layout.weightsFile()))) {
      List<SafeTensorsWriter.Entry> entries = new ArrayList<>();
      for (TensorInfo info : tensors.tensors().values()) {
        for (UnaryOperator<String> rename : names) {
          entries.add(
              new SafeTensorsWriter.Entry(rename.apply(info.name()), TensorType.F32, info.shape()));
        }
      }
      Path file = folder.resolve(layout.weightsFile());
      try (SafeTensorsWriter writer = SafeTensorsWriter.create(file, entries, Map.of())) {
        for (TensorInfo info : tensors.tensors().values()) {
          for (UnaryOperator<String> rename : names) {
            FloatBuffer values = FloatBuffer.allocate((int) info.count());
            values.put(tensors.floats(info.name())).flip();
            writer.write(rename.apply(info.name()), change.of(info.name(), values));
          }
        }
        writer.commit();
      }
    }
    return folder;
  }

  private static void assertSameModel(Path found, String golden) throws IOException {
    try (Checkpoint model = Checkpoint.open(found);
        Checkpoint expected = Checkpoint.open(Golden.folder(golden))) {
      assertThat(model.tensors().keySet())
          .containsExactlyInAnyOrderElementsOf(expected.tensors().keySet());
      for (String name : List.of("logit_scale", "token_embedding.weight", "visual.conv1.weight")) {
        assertThat(model.parameters().read(name)).isEqualTo(expected.parameters().read(name));
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "openclip-vit, module.",
    "openclip-vit, _orig_mod.",
    "openclip-vit, _orig_mod.module.",
    "openclip-vit, module._orig_mod.",
    "openclip-vit, state_dict.module.",
    "openclip-vit, state_dict.model._orig_mod.",
    "openclip-vit, model_state_dict.clip.",
    "hf-clip, model.",
    "hf-clip, clip.",
    "hf-clip, model.clip_model._orig_mod.",
    "hf-clip, state_dict.net.",
  })
  void a_wrapped_model_is_read_as_the_model_itself(String golden, String prefix)
      throws IOException {
    assertSameModel(renamed(golden, name -> prefix + name), golden);
  }

  @Test
  void towers_that_were_compiled_or_sharded_alone_are_read() throws IOException {
    Path found =
        renamed(
            "hf-clip",
            name ->
                name.replace("vision_model.", "vision_model._orig_mod.")
                    .replace("layers.0.", "layers.0._fsdp_wrapped_module."));

    assertSameModel(found, "hf-clip");
  }

  /** The names of its published archives, which were trained on several devices. */
  @ParameterizedTest
  @ValueSource(strings = {"", ".module"})
  void the_towers_of_tinyclip_are_read(String wrapper) throws IOException {
    Path found =
        renamed(
            "openclip-vit",
            name ->
                "state_dict."
                    + (name.equals("logit_scale")
                        ? "_logit_scale"
                        : name.startsWith("visual.") ? "_image_encoder" : "_text_encoder")
                    + wrapper
                    + "."
                    + name);

    assertSameModel(found, "openclip-vit");
  }

  @Test
  void what_lies_beside_the_model_in_a_training_checkpoint_is_passed_over() throws IOException {
    Path found = renamed("openclip-vit", n -> "model." + n, n -> "ema." + n, n -> "optimizer." + n);

    assertSameModel(found, "openclip-vit");
  }

  @Test
  void an_unknown_prefix_is_named_in_one_line_with_the_way_out() throws IOException {
    Path found = renamed("openclip-vit", name -> "student.backbone." + name);

    assertThatThrownBy(() -> Checkpoint.open(found))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContainingAll(
            "prefix 'student.backbone.'", "k.removeprefix('student.backbone.')")
        .hasMessageNotContaining("\n");
  }

  @Test
  void two_models_under_known_prefixes_are_both_named() throws IOException {
    Path found = renamed("openclip-vit", name -> "model." + name, name -> "clip." + name);

    assertThatThrownBy(() -> Checkpoint.open(found))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContainingAll("'clip.', 'model.'", "one is to be chosen");
  }

  @Test
  void timm_s_configuration_beside_openclip_s_files_is_not_taken_for_transformers()
      throws IOException {
    Path found = renamed("openclip-vit", name -> name);
    Files.writeString(
        folder.resolve("config.json"),
        "{\"architecture\": \"vit_base_patch16_clip_224\", \"num_classes\": 512,"
            + " \"pretrained_cfg\": {\"tag\": \"openai\"}}");
    Files.write(folder.resolve("model.safetensors"), new byte[10]); // the image tower alone

    assertSameModel(found, "openclip-vit");
    Files.delete(folder.resolve("open_clip_config.json"));
    assertThatThrownBy(() -> Checkpoint.open(found))
        .hasMessageContaining("config.json (the one there is timm's)");
  }

  @ParameterizedTest
  @EnumSource(names = {"F32", "F16", "BF16"})
  void a_weight_that_is_not_finite_is_an_error_that_names_file_and_tensor(TensorType type)
      throws IOException {
    for (float bad : new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY}) {
      Path file = folder.resolve(type + "-" + bad + ".safetensors");
      FloatBuffer values = FloatBuffer.allocate(70_000);
      values.put(69_999, bad);
      SafeTensorsWriter.Entry entry = new SafeTensorsWriter.Entry("w", TensorType.F32, 70_000);
      try (SafeTensorsWriter writer = SafeTensorsWriter.create(file, List.of(entry), Map.of())) {
        writer.write("w", values);
        writer.commit();
      }
      if (type != TensorType.F32) {
        narrow(file, type);
      }
      try (TensorFile tensors = TensorFiles.open(file)) {
        FloatBuffer read = FloatBuffer.allocate(70_000);
        tensors.copy("w", 0, read);
        assertThat(read.get(69_999))
            .isEqualTo(Float.valueOf(bad)); // the file itself may hold what it wants
        assertThatThrownBy(() -> tensors.copyFinite("w", 0, FloatBuffer.allocate(70_000)))
            .isInstanceOf(UncheckedIOException.class)
            .hasMessageContainingAll(file + ": 'w' holds " + bad + " at index 69999");
        tensors.copyFinite("w", 0, FloatBuffer.allocate(69_999));
      }
    }
  }

  /** Writes the file's one tensor in another type: its upper halves, or what binary16 has. */
  private static void narrow(Path file, TensorType type) throws IOException {
    byte[] bytes;
    try (SafeTensors tensors = SafeTensors.open(file)) {
      FloatBuffer values = tensors.floats("w");
      bytes = new byte[2 * values.remaining()];
      for (int i = 0; i < values.remaining(); i++) {
        int bits = Float.floatToRawIntBits(values.get(i)) >>> 16;
        if (type == TensorType.F16 && bits != 0) {
          bits = (bits & 0x8000) | 0x7C00 | (Float.isNaN(values.get(i)) ? 1 : 0);
        }
        bytes[2 * i] = (byte) bits;
        bytes[2 * i + 1] = (byte) (bits >> 8);
      }
    }
    String header =
        "{\"w\":{\"dtype\":\"%s\",\"shape\":[70000],\"data_offsets\":[0,140000]}}"
            .formatted(type.name());
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(
        ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(header.length()).array());
    out.writeBytes(header.getBytes(StandardCharsets.US_ASCII));
    out.writeBytes(bytes);
    Files.write(file, out.toByteArray());
  }

  @ParameterizedTest
  @ValueSource(strings = {"hf-clip", "openclip-vit"})
  void a_model_with_nan_does_not_load(String golden) throws IOException {
    Path found =
        written(
            golden,
            (name, values) -> name.equals("logit_scale") ? values : values.put(3, Float.NaN),
            name -> "model." + name);

    try (Checkpoint checkpoint = Checkpoint.open(found)) {
      assertThatThrownBy(() -> checkpoint.parameters().read("visual.conv1.weight"))
          .isInstanceOf(UncheckedIOException.class)
          .hasMessageContainingAll("safetensors: 'model.vis", "holds NaN at index 3");
    }
  }

  @Test
  void a_logit_scale_whose_exponential_is_infinite_does_not_load() throws IOException {
    Path found =
        written(
            "openclip-vit",
            (name, values) -> name.equals("logit_scale") ? values.put(0, 100) : values,
            name -> name);

    assertThatThrownBy(() -> Clip.load(found))
        .isInstanceOf(UncheckedIOException.class)
        .hasMessageContainingAll("safetensors: the exponential of logit_scale", "too large");
  }
}
