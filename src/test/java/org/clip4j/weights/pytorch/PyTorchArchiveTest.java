package org.clip4j.weights.pytorch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.entry;

import java.io.IOException;
import java.math.BigInteger;
import java.nio.FloatBuffer;
import org.clip4j.weights.Archives;
import org.clip4j.weights.TensorFiles;
import org.clip4j.weights.safetensors.SafeTensors;
import org.clip4j.weights.tensors.CheckpointException;
import org.clip4j.weights.tensors.TensorFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PyTorchArchiveTest {
  @ParameterizedTest
  @ValueSource(
      strings = {
        "odd-2.pt",
        "odd-3.pt",
        "odd-4.pt",
        "odd-5.pt",
        "odd-legacy-2.pt",
        "odd-legacy-4.pt"
      })
  void every_kind_of_tensor_reads_as_in_python(String name) throws IOException {
    try (TensorFile found = TensorFiles.open(Archives.file(name));
        SafeTensors expected = SafeTensors.open(Archives.file("odd.safetensors"))) {
      Archives.assertSame(found, expected);
      assertThat(((PyTorchArchive) found).isTorchScript()).isFalse();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"odd-2.pt", "odd-4.pt", "odd-legacy-2.pt"})
  void numbers_and_texts_are_found_beside_the_tensors(String name) throws IOException {
    try (PyTorchArchive archive = PyTorchArchive.open(Archives.file(name))) {
      assertThat(archive.scalars())
          .contains(
              entry("epoch", 7L),
              entry("name", "run \u00e9 \ud83d\ude00"),
              entry("rate", 0.125),
              entry("yes", true),
              entry("large", 1L << 40),
              entry("negative", -3L),
              entry("huge", BigInteger.TWO.pow(70)),
              entry("size.1", 3L),
              entry("long text", "x".repeat(300)),
              entry("pair.1", 1L),
              entry("optimizer.param_groups.0.lr", 0.25))
          .doesNotContainKeys("nothing", "bytes", "numbers", "list.2", "state_dict._metadata");
    }
  }

  @Test
  void a_prefix_narrows_an_archive_to_a_model() throws IOException {
    try (TensorFile archive = TensorFiles.open(Archives.file("odd-2.pt"))) {
      TensorFile model = archive.under("state_dict.module");
      assertThat(model.tensors()).containsOnlyKeys("weight", "bias");
      assertThat(model.tensors().get("weight").name()).isEqualTo("weight");
      assertThat(model.floats("weight")).isEqualTo(archive.floats("state_dict.module.weight"));
      TensorFile state = archive.under("optimizer").under("state").under("0");
      assertThat(state.tensors()).containsOnlyKeys("step", "exp_avg", "exp_avg_sq");
      assertThat(state.floats("step").get()).isEqualTo(1);
      assertThatThrownBy(() -> state.longs("step"))
          .hasMessageContainingAll("optimizer.state.0.step", "F32", "integers");
    }
  }

  @Test
  void a_torchscript_archive_shows_its_modules_parameters() throws IOException {
    try (PyTorchArchive archive = PyTorchArchive.open(Archives.file("script.pt"));
        SafeTensors expected = SafeTensors.open(Archives.file("script.safetensors"))) {
      assertThat(archive.isTorchScript()).isTrue();
      Archives.assertSame(archive, expected);
    }
  }

  @Test
  void a_pickled_class_is_refused_by_its_name() {
    assertThatThrownBy(() -> PyTorchArchive.open(Archives.file("module.pt")))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContainingAll("module.pt", "'torch.nn.modules.linear.Linear'", "state_dict()");
    assertThatThrownBy(() -> PyTorchArchive.open(Archives.file("complex.pt")))
        .hasMessageContainingAll("complex.pt", "'torch.ComplexFloatStorage'");
  }

  @Test
  void reading_after_closing_or_more_than_there_is_is_an_error() throws IOException {
    PyTorchArchive archive = PyTorchArchive.open(Archives.file("odd-2.pt"));
    for (String name : new String[] {"transposed", "offset"}) {
      assertThatThrownBy(() -> archive.copy(name, 0, FloatBuffer.allocate(1000)))
          .hasMessageContainingAll(name, "asked for are 1000 from 0");
      assertThatThrownBy(() -> archive.longs(name)).hasMessageContainingAll(name, "integers");
    }
    assertThatThrownBy(() -> archive.floats("no")).hasMessageContainingAll("odd-2.pt", "'no'");
    archive.close();
    assertThatThrownBy(() -> archive.floats("transposed"))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("closed");
  }
}
