package org.clip4j.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.clip4j.image.ImageTransform;
import org.clip4j.model.ClipConfig;
import org.clip4j.model.ParameterSource;
import org.clip4j.model.ParameterSpec;
import org.clip4j.model.TextConfig;
import org.clip4j.model.TextPooling;
import org.clip4j.model.TokenizerOptions;
import org.clip4j.model.VitConfig;
import org.clip4j.text.ClipTokenizer;
import org.clip4j.text.Tokenizer;
import org.clip4j.text.json.TokenizerJson;
import org.clip4j.weights.tensors.CheckpointException;
import org.clip4j.weights.tensors.TensorInfo;
import org.clip4j.weights.tensors.TensorType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Forms in which publishers leave their models, beyond the two folders that this library writes.
 */
class PublishedCheckpointTest {
  private static final ClipConfig TINY =
      new ClipConfig(
          6,
          VitConfig.builder()
              .setImageSize(16)
              .setPatchSize(8)
              .setWidth(12)
              .setLayers(2)
              .optHeadWidth(4)
              .optMlpRatio(2.0)
              .build(),
          TextConfig.builder()
              .setContextLength(7)
              .setVocabSize(30)
              .setWidth(8)
              .setHeads(2)
              .setLayers(1)
              .optMlpRatio(2.0)
              .build(),
          false);

  @TempDir Path folder;

  private static Path openAi(String file) {
    return Golden.folder("openai-vit").resolve(file);
  }

  @Test
  void the_architecture_of_an_archive_of_openai_s_is_inferred() throws IOException {
    try (Checkpoint checkpoint = Checkpoint.open(openAi("model.pt"))) {
      assertThat(checkpoint.config())
          .isEqualTo(
              new ClipConfig(
                  16,
                  VitConfig.builder()
                      .setImageSize(32)
                      .setPatchSize(8)
                      .setWidth(64)
                      .setLayers(2)
                      .build(),
                  TextConfig.builder()
                      .setContextLength(16)
                      .setVocabSize(500)
                      .setWidth(64)
                      .setHeads(1)
                      .setLayers(2)
                      .build(),
                  true));
      assertThat(checkpoint.transform()).isEqualTo(ImageTransform.openai(32, 32));
      assertThat(checkpoint.tensors().get("visual.proj").type()).isEqualTo(TensorType.F16);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"state_dict.pt", "epoch_3.pt"})
  void tensors_alone_need_a_named_architecture(String file) throws IOException {
    assertThatThrownBy(() -> Checkpoint.open(openAi(file)))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContainingAll(file, "activation", "name the architecture");
    try (Checkpoint archive = Checkpoint.open(openAi("model.pt"));
        Checkpoint checkpoint = Checkpoint.open(openAi(file), archive.config())) {
      for (ParameterSpec spec : ParameterSpec.of(archive.config())) {
        assertThat(checkpoint.parameters().read(spec.name()))
            .as(spec.name())
            .isEqualTo(archive.parameters().read(spec.name()));
      }
    }
  }

  @Test
  void a_file_that_fits_named_architectures_lists_them() {
    List<ParameterSpec> specs = ParameterSpec.of(ClipConfig.named("RN50"));
    Map<String, TensorInfo> tensors = new HashMap<>();
    specs.forEach(
        spec ->
            tensors.put(spec.name(), new TensorInfo(spec.name(), TensorType.F32, spec.shape())));
    assertThat(OpenAiArchitecture.candidates(tensors)).containsExactly("RN50", "RN50-quickgelu");
  }

  @Test
  void a_folder_of_several_archives_asks_which() {
    assertThatThrownBy(() -> Checkpoint.open(Golden.folder("openai-vit")))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContainingAll("epoch_3.pt", "model.pt", "state_dict.pt", "choose");
  }

  @Test
  void an_activation_that_is_not_the_checkpoint_s_is_an_error_naming_both() throws IOException {
    try (Checkpoint archive = Checkpoint.open(openAi("model.pt"))) {
      ClipConfig c = archive.config();
      ClipConfig gelu = new ClipConfig(c.embedDim(), c.vision(), c.text(), false);
      assertThatThrownBy(() -> Checkpoint.open(openAi("model.pt"), gelu))
          .isInstanceOf(CheckpointException.class)
          .hasMessageContainingAll("model.pt", "quick_gelu: true and false");
    }
  }

  @ParameterizedTest
  @CsvSource({
    "models--apple--DFN5B-CLIP-ViT-H-14/snapshots/abc, true",
    "models--apple--DFN2B-CLIP-ViT-L-14/snapshots/abc, true",
    "models--apple--DFN2B-CLIP-ViT-L-14-39B/snapshots/abc, false",
    "models--openai--clip-vit-base-patch32/snapshots/abc, true",
    "models--facebook--metaclip-b32-400m/snapshots/abc, true",
    "models--laion--CLIP-ViT-B-32-laion2B-s34B-b79K/snapshots/abc, false",
    "models--timm--vit_base_patch32_clip_224.metaclip_2pt5b/snapshots/abc, true",
    "quickgelu-experiments/run, false"
  })
  void a_publisher_known_for_quick_gelu_is_not_loaded_with_gelu(String path, boolean known)
      throws IOException {
    Path target = folder.resolve(path);
    Checkpoint.save(target, Layout.OPENCLIP, TINY, ImageTransform.openai(16, 16), zeros(TINY));
    if (known) {
      assertThatThrownBy(() -> Checkpoint.open(target))
          .isInstanceOf(CheckpointException.class)
          .hasMessageContainingAll("QuickGELU", "says GELU", "quick_gelu");
    } else {
      Checkpoint.open(target).close();
    }
    ClipConfig quick = new ClipConfig(TINY.embedDim(), TINY.vision(), TINY.text(), true);
    Checkpoint.save(target, Layout.OPENCLIP, quick, ImageTransform.openai(16, 16), zeros(TINY));
    Checkpoint.open(target).close();
  }

  private static ParameterSource zeros(ClipConfig config) {
    return name ->
        ParameterSpec.of(config).stream()
            .filter(spec -> spec.name().equals(name))
            .map(spec -> FloatBuffer.allocate((int) spec.count()))
            .findFirst()
            .orElseThrow();
  }

  @Test
  void what_config_json_cannot_say_comes_back_all_the_same() throws IOException {
    try (Checkpoint original = Checkpoint.open(Golden.folder("openclip-eos-pool"))) {
      CheckpointWriter.of(original.config(), original.transform(), original.parameters())
          .write(folder, Layout.TRANSFORMERS);
      assertThat(folder.resolve("config.json")).content().contains("open_clip_model_cfg");
      try (Checkpoint written = Checkpoint.open(folder)) {
        assertThat(written.config()).isEqualTo(original.config());
      }
    }
    Path config = folder.resolve("config.json");
    Files.writeString(config, Files.readString(config).replace("\"gelu\"", "\"quick_gelu\""));
    assertThatThrownBy(() -> Checkpoint.open(folder))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContainingAll("open_clip_model_cfg", "another model");
  }

  @ParameterizedTest
  @CsvSource({"F16, 2", "BF16, 2", "F32, 4"})
  void half_precision_is_half_the_size_and_reads_as_rounded(TensorType type, int bytes)
      throws IOException {
    try (Checkpoint original = Checkpoint.open(Golden.folder("hf-siglip"))) {
      CheckpointWriter.of(original.config(), original.transform(), original.parameters())
          .optType(type)
          .write(folder, Layout.TRANSFORMERS);
      long values =
          ParameterSpec.of(original.config()).stream().mapToLong(ParameterSpec::count).sum();
      assertThat(Files.size(folder.resolve("model.safetensors")))
          .isBetween(bytes * values, bytes * values + 20_000);
      try (Checkpoint written = Checkpoint.open(folder)) {
        assertThat(written.config()).isEqualTo(original.config());
        assertThat(written.transform()).isEqualTo(original.transform());
        float before = original.parameters().read("logit_scale").get(0);
        float after = written.parameters().read("logit_scale").get(0);
        assertThat(Math.abs(before - after))
            .isLessThanOrEqualTo(before / (type == TensorType.F32 ? 1e9f : 256));
      }
    }
  }

  @Test
  void a_model_carries_its_tokenizer_from_folder_to_folder() throws IOException {
    Path named = folder.resolve("named");
    TextConfig t =
        TextConfig.builder()
            .setContextLength(16)
            .setVocabSize(1600)
            .setWidth(8)
            .setHeads(2)
            .setLayers(1)
            .optMlpRatio(2.0)
            .optPooling(TextPooling.EOS)
            .optEosId(1)
            .optTokenizer(new TokenizerOptions("org/name", "canonicalize", false))
            .build();
    ClipConfig config = new ClipConfig(6, TINY.vision(), t, false);
    Checkpoint.save(named, Layout.OPENCLIP, config, ImageTransform.openai(16, 16), zeros(config));
    try (Checkpoint without = Checkpoint.open(named)) {
      assertThat(without.tokenizer()).isEmpty();
    }
    try (Stream<Path> files = Files.list(Path.of("src/test/resources/tokenizers/siglip"))) {
      for (Path file : files.filter(f -> !f.toString().endsWith(".jsonl")).toList()) {
        Files.copy(file, named.resolve(file.getFileName()));
      }
    }
    Path other = folder.resolve("other");
    int[] ids;
    try (Checkpoint checkpoint = Checkpoint.open(named);
        Tokenizer tokenizer = checkpoint.tokenizer().orElseThrow()) {
      assertThat(tokenizer).isInstanceOf(TokenizerJson.class);
      ids = tokenizer.encode("A photo, of the CAT!");
      CheckpointWriter.of(config, checkpoint.transform(), checkpoint.parameters())
          .optTokenizer(tokenizer)
          .write(other, Layout.TRANSFORMERS);
    }
    try (Checkpoint checkpoint = Checkpoint.open(other);
        Tokenizer tokenizer = checkpoint.tokenizer().orElseThrow()) {
      assertThat(tokenizer.encode("A photo, of the CAT!")).isEqualTo(ids);
    }
  }

  @Test
  void clip_s_own_vocabulary_gets_clip_s_own_tokenizer() throws IOException {
    try (Checkpoint checkpoint = Checkpoint.open(Golden.folder("hf-clip"));
        Tokenizer tokenizer = checkpoint.tokenizer().orElseThrow()) {
      assertThat(tokenizer).isInstanceOf(ClipTokenizer.class);
    }
  }

  /** Four values of the grid: of the rows 0, 3, the last and 2. */
  private static void assertGrid(FloatBuffer values, float... expected) {
    int rows = values.remaining() / 64 - 1;
    float[] found = {
      values.get(64), values.get(64 * 4 + 5), values.get(64 * rows + 63), values.get(64 * 3 + 10)
    };
    assertThat(found).containsExactly(expected, within(2e-7f));
  }

  /** Values by torch.nn.functional.interpolate(bicubic, antialias) of torch 2.13. */
  @Test
  void positional_embeddings_are_resampled_on_request_only() throws IOException {
    try (Checkpoint checkpoint = Checkpoint.open(Golden.folder("openclip-vit"))) {
      Checkpoint larger = checkpoint.withImageSize(56, 40);
      assertThat(larger.config().vision().imageHeight()).isEqualTo(56);
      assertThat(larger.transform().width()).isEqualTo(40);
      FloatBuffer values = larger.parameters().read("visual.positional_embedding");
      assertThat(values.remaining()).isEqualTo((7 * 5 + 1) * 64);
      FloatBuffer own = checkpoint.parameters().read("visual.positional_embedding");
      assertThat(own.remaining()).isEqualTo((4 * 4 + 1) * 64);
      assertThat(values.slice(0, 64)).isEqualTo(own.slice(0, 64)); // the class token's
      assertGrid(values, -0.0094115f, -0.2097962f, 0.0398059f, 0.0894125f);
      FloatBuffer smaller =
          checkpoint.withImageSize(24, 16).parameters().read("visual.positional_embedding");
      assertGrid(smaller, -0.0389125f, 0.0320842f, 0.0368468f, 0.0331852f);
      assertThatThrownBy(() -> checkpoint.withImageSize(4, 4)).hasMessageContaining("patch_size");
    }
    try (Checkpoint anySize = Checkpoint.open(Golden.folder("openclip-convnext"))) {
      Checkpoint larger = anySize.withImageSize(96, 128);
      assertThat(larger.config().vision().imageWidth()).isEqualTo(128);
      assertThat(larger.transform().height()).isEqualTo(96);
      assertThat(larger.parameters()).isSameAs(anySize.parameters());
    }
    try (Checkpoint timm = Checkpoint.open(Golden.folder("openclip-timm-vit"))) {
      FloatBuffer values = timm.withImageSize(56, 40).parameters().read("visual.trunk.pos_embed");
      assertThat(values.remaining()).isEqualTo((7 * 5 + 1) * 48);
      float[] found = {
        values.get(7), values.get(48), values.get(48 * 4 + 5), values.get(48 * 36 - 1)
      };
      float[] expected = {-0.0316126f, 0.1457107f, 0.0614365f, 0.0079986f};
      assertThat(found).containsExactly(expected, within(2e-7f)); // timm's resample_abs_pos_embed
    }
    try (Checkpoint resNet = Checkpoint.open(Golden.folder("openclip-rn"))) {
      assertThatThrownBy(() -> resNet.withImageSize(96, 96)).hasMessageContaining("ModifiedResNet");
    }
  }
}
