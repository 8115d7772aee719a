package org.clip4j.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.clip4j.image.ImageTransform;
import org.clip4j.model.ClipConfig;
import org.clip4j.model.ParameterSource;
import org.clip4j.model.ParameterSpec;
import org.clip4j.model.ResNetConfig;
import org.clip4j.model.TextConfig;
import org.clip4j.model.TimmVitConfig;
import org.clip4j.model.VisionConfig;
import org.clip4j.model.VisionShape;
import org.clip4j.model.VitConfig;
import org.clip4j.weights.safetensors.SafeTensors;
import org.clip4j.weights.safetensors.SafeTensorsWriter;
import org.clip4j.weights.tensors.CheckpointException;
import org.clip4j.weights.tensors.TensorInfo;
import org.clip4j.weights.tensors.TensorType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CheckpointTest {
  static final VitConfig VISION =
      VitConfig.builder()
          .setImageSize(16)
          .setPatchSize(8)
          .setWidth(12)
          .setLayers(2)
          .optHeadWidth(4)
          .optMlpRatio(2.0)
          .build();
  static final TextConfig TEXT =
      TextConfig.builder()
          .setContextLength(7)
          .setVocabSize(30)
          .setWidth(8)
          .setHeads(2)
          .setLayers(1)
          .optMlpRatio(2.0)
          .build();
  static final ClipConfig TINY = new ClipConfig(6, VISION, TEXT, false);

  @TempDir Path folder;

  /** Each value tells which parameter it is of and where it stands. */
  static ParameterSource numbered(ClipConfig config) {
    List<ParameterSpec> specs = ParameterSpec.of(config);
    return name -> {
      for (int i = 0; i < specs.size(); i++) {
        if (specs.get(i).name().equals(name)) {
          FloatBuffer values = FloatBuffer.allocate((int) specs.get(i).count());
          for (int j = 0; j < values.capacity(); j++) {
            values.put(j, 1000 * i + j);
          }
          return values;
        }
      }
      throw new AssertionError(name);
    };
  }

  static ImageTransform openai(ClipConfig config) {
    return ImageTransform.openai(config.vision().imageHeight(), config.vision().imageWidth());
  }

  private Path saved(Layout layout, ClipConfig config) throws IOException {
    return saved(folder, layout, config);
  }

  static Path saved(Path folder, Layout layout, ClipConfig config) throws IOException {
    Path path = folder.resolve(layout.name());
    Checkpoint.save(path, layout, config, openai(config), numbered(config));
    return path;
  }

  static Map<String, List<Object>> contents(Path weights) throws IOException {
    Map<String, List<Object>> contents = new TreeMap<>();
    try (SafeTensors tensors = SafeTensors.open(weights)) {
      for (TensorInfo info : tensors.tensors().values()) {
        contents.put(info.name(), List.of(info.type(), info.shape(), tensors.bytes(info.name())));
      }
    }
    return contents;
  }

  @ParameterizedTest
  @CsvSource({
    "openclip-vit, OPENCLIP, 62",
    "openclip-vit-quickgelu, OPENCLIP, 70",
    "openclip-rn, OPENCLIP, 171",
    "hf-clip, TRANSFORMERS, 74"
  })
  void a_golden_checkpoint_opens_with_every_parameter_in_its_shape(
      String name, Layout layout, int parameters) throws IOException {
    try (Checkpoint checkpoint = Checkpoint.open(Golden.folder(name))) {
      assertThat(checkpoint.layout()).isEqualTo(layout);
      assertThat(checkpoint.transform()).isEqualTo(openai(checkpoint.config()));
      List<ParameterSpec> specs = ParameterSpec.of(checkpoint.config());
      assertThat(specs).hasSize(parameters);
      for (ParameterSpec spec : specs) {
        assertThat(checkpoint.parameters().read(spec.name()).remaining())
            .as(spec.name())
            .isEqualTo((int) spec.count());
      }
    }
  }

  @Test
  void the_golden_configurations_are_understood() throws IOException {
    assertThat(config("hf-clip"))
        .isEqualTo(
            new ClipConfig(
                24,
                VitConfig.builder()
                    .setImageSize(48)
                    .setPatchSize(8)
                    .setWidth(64)
                    .setLayers(3)
                    .optHeadWidth(16)
                    .optMlpRatio(2.5)
                    .build(),
                TextConfig.builder()
                    .setContextLength(77)
                    .setVocabSize(49408)
                    .setWidth(32)
                    .setHeads(2)
                    .setLayers(2)
                    .optMlpRatio(3.0)
                    .build(),
                true));
    assertThat(config("openclip-vit-quickgelu").vision())
        .isEqualTo(
            VitConfig.builder()
                .setImageSize(32, 48)
                .setPatchSize(8)
                .setWidth(60)
                .setLayers(2)
                .optHeadWidth(20)
                .optMlpRatio(3.7)
                .optLsInitValue(0.1)
                .build());
    assertThat(config("openclip-rn").vision())
        .isEqualTo(ResNetConfig.of(64, 8, List.of(1, 2, 1, 1)));
  }

  private static ClipConfig config(String golden) throws IOException {
    try (Checkpoint checkpoint = Checkpoint.open(Golden.folder(golden))) {
      return checkpoint.config();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"openclip-vit", "openclip-vit-quickgelu", "openclip-rn", "hf-clip"})
  void loading_and_saving_keeps_every_bit(String name) throws IOException {
    Path golden = Golden.folder(name);
    try (Checkpoint checkpoint = Checkpoint.open(golden)) {
      Checkpoint.save(
          folder,
          checkpoint.layout(),
          checkpoint.config(),
          checkpoint.transform(),
          checkpoint.parameters());
      String weights = checkpoint.layout().weightsFile();
      assertThat(contents(folder.resolve(weights))).isEqualTo(contents(golden.resolve(weights)));
      try (Checkpoint again = Checkpoint.open(folder)) {
        assertThat(again.config()).isEqualTo(checkpoint.config());
        assertThat(again.transform()).isEqualTo(checkpoint.transform());
      }
    }
  }

  @Test
  void a_transformers_file_is_written_byte_for_byte_as_python_writes_it() throws IOException {
    try (Checkpoint checkpoint = Checkpoint.open(Golden.folder("hf-clip"))) {
      Checkpoint.save(
          folder,
          checkpoint.layout(),
          checkpoint.config(),
          checkpoint.transform(),
          checkpoint.parameters());
    }
    assertThat(folder.resolve("model.safetensors"))
        .hasSameBinaryContentAs(Golden.folder("hf-clip").resolve("model.safetensors"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"openclip-vit", "hf-clip", "openclip-siglip", "openclip-eos-pool"})
  void going_to_the_other_layout_and_back_keeps_every_bit(String name) throws IOException {
    Path golden = Golden.folder(name);
    Path there = folder.resolve("there");
    Path back = folder.resolve("back");
    Layout layout;
    try (Checkpoint checkpoint = Checkpoint.open(golden)) {
      layout = checkpoint.layout();
      Layout other = layout == Layout.OPENCLIP ? Layout.TRANSFORMERS : Layout.OPENCLIP;
      Checkpoint.save(
          there, other, checkpoint.config(), checkpoint.transform(), checkpoint.parameters());
    }
    try (Checkpoint checkpoint = Checkpoint.open(there)) {
      assertThat(checkpoint.config()).isEqualTo(config(name));
      Checkpoint.save(
          back, layout, checkpoint.config(), checkpoint.transform(), checkpoint.parameters());
    }
    String weights = layout.weightsFile();
    assertThat(contents(back.resolve(weights))).isEqualTo(contents(golden.resolve(weights)));
  }

  /** Languages that write other digits, and one with an i of its own. */
  @ParameterizedTest
  @ValueSource(strings = {"ar", "fa", "mr", "tr"})
  void golden_conversions_are_the_same_in_every_locale(String language) throws IOException {
    Map<String, String> expected = converted(folder.resolve("root"));
    Locale before = Locale.getDefault();
    try {
      Locale.setDefault(new Locale.Builder().setLanguage(language).build());
      assertThat(converted(folder.resolve(language))).isEqualTo(expected);
    } finally {
      Locale.setDefault(before);
    }
    assertThat(expected).containsKey("hf-clipTRANSFORMERStokenizer_config.json");
  }

  /** The text files of golden checkpoints, written anew. */
  private static Map<String, String> converted(Path folder) throws IOException {
    Map<String, String> texts = new TreeMap<>();
    for (Layout layout : Layout.values()) {
      String other = layout == Layout.OPENCLIP ? "openclip-vit-quickgelu" : "hf-siglip";
      for (String golden : List.of("hf-clip", other)) {
        Path to = folder.resolve(golden + layout);
        try (Checkpoint checkpoint = Checkpoint.open(Golden.folder(golden))) {
          CheckpointWriter.of(checkpoint.config(), checkpoint.transform(), checkpoint.parameters())
              .write(to, layout);
        }
        for (String name : names(to)) {
          if (name.endsWith(".json")) {
            texts.put(golden + layout + name, Files.readString(to.resolve(name)));
          }
        }
      }
    }
    return texts;
  }

  static TreeSet<String> names(Path folder) throws IOException {
    TreeSet<String> names = new TreeSet<>();
    try (Stream<Path> files = Files.list(folder)) {
      files.forEach(file -> names.add(file.getFileName().toString()));
    }
    return names;
  }

  @Test
  void stored_tensors_are_cut_and_transposed_and_put_together_again() {
    KeyMap keys = KeyMap.of(Layout.TRANSFORMERS, TINY);
    ParameterSource canonical = numbered(TINY);
    ParameterSource stored = keys.toStored(canonical);
    FloatBuffer proj = canonical.read("visual.proj"); // [12, 6]
    FloatBuffer projection = stored.read("visual_projection.weight"); // [6, 12]
    assertThat(projection.get(projection.position() + 2 * 12 + 5)).isEqualTo(proj.get(5 * 6 + 2));
    FloatBuffer inProj = canonical.read("transformer.resblocks.0.attn.in_proj_weight"); // [24, 8]
    FloatBuffer key = stored.read("text_model.encoder.layers.0.self_attn.k_proj.weight");
    assertThat(key.get(key.position() + 3)).isEqualTo(inProj.get(8 * 8 + 3));
    FloatBuffer value = stored.read("text_model.encoder.layers.0.self_attn.v_proj.weight");
    assertThat(value.get(value.position() + 3)).isEqualTo(inProj.get(16 * 8 + 3));
    ParameterSource back = keys.toCanonical(stored);
    for (ParameterSpec spec : ParameterSpec.of(TINY)) {
      assertThat(back.read(spec.name())).as(spec.name()).isEqualTo(canonical.read(spec.name()));
    }
    assertThatThrownBy(() -> back.read("visual.ls_1")).hasMessageContaining("'visual.ls_1'");
  }

  @Test
  void what_the_transformers_layout_cannot_hold_is_refused() {
    VitConfig wide =
        VitConfig.builder()
            .setImageSize(16, 24)
            .setPatchSize(8)
            .setWidth(12)
            .setLayers(2)
            .optHeadWidth(4)
            .optMlpRatio(2.0)
            .build();
    VitConfig scaled =
        VitConfig.builder()
            .setImageSize(16)
            .setPatchSize(8)
            .setWidth(12)
            .setLayers(2)
            .optHeadWidth(4)
            .optMlpRatio(2.0)
            .optLsInitValue(0.1)
            .build();
    VisionConfig resNet = ResNetConfig.of(32, 8, List.of(1, 1, 1, 1));
    VisionConfig timm =
        new TimmVitConfig(
            VisionShape.builder()
                .setImageSize(16)
                .setPatchSize(8)
                .setWidth(12)
                .setLayers(2)
                .setHeads(3)
                .build(),
            true,
            false,
            false);
    for (VisionConfig vision : List.of(wide, scaled, resNet, timm)) {
      ClipConfig config = new ClipConfig(6, vision, TEXT, false);
      assertThatThrownBy(() -> saved(Layout.TRANSFORMERS, config))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageMatching(
              ".*not have (images that are not square \\(16 x 24\\)|LayerScale|a ModifiedResNet"
                  + "|a timm ViT);.*");
    }
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void a_transform_of_another_size_than_the_model_s_is_refused() {
    assertThatThrownBy(
            () ->
                Checkpoint.save(
                    folder, Layout.OPENCLIP, TINY, ImageTransform.openai(24, 24), numbered(TINY)))
        .hasMessageContainingAll("24 x 24", "16 x 16");
  }

  @Test
  void all_differences_between_tensors_and_configuration_are_one_error() throws IOException {
    Path path = saved(Layout.OPENCLIP, TINY);
    Path config = path.resolve("open_clip_config.json");
    Files.writeString(
        config,
        Files.readString(config)
            .replace("\"embed_dim\": 6", "\"embed_dim\": 5")
            .replace("\"layers\": 2", "\"layers\": 1")
            .replace("\"mlp_ratio\": 2.0\n", "\"mlp_ratio\": 2.0, \"ls_init_value\": 1\n"));
    assertThatThrownBy(() -> Checkpoint.open(path))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContainingAll(
            "open_clip_model.safetensors",
            "visual.proj, expected [12, 5], found [12, 6]",
            "missing:  transformer.resblocks.0.ls_1.gamma, expected [8]",
            "surplus:  visual.transformer.resblocks.1.ln_1.weight, found F32 [12]");
  }

  @Test
  void masks_and_positions_that_exporters_add_are_ignored() throws IOException {
    Path path = saved(Layout.TRANSFORMERS, TINY);
    KeyMap keys = KeyMap.of(Layout.TRANSFORMERS, TINY);
    List<SafeTensorsWriter.Entry> entries = new ArrayList<>(keys.storedTensors());
    String positions = "text_model.embeddings.position_ids";
    entries.add(new SafeTensorsWriter.Entry(positions, TensorType.I64, 1, 7));
    Path weights = path.resolve("model.safetensors");
    try (SafeTensorsWriter writer = SafeTensorsWriter.create(weights, entries, Map.of())) {
      ParameterSource stored = keys.toStored(numbered(TINY));
      for (SafeTensorsWriter.Entry entry : keys.storedTensors()) {
        writer.write(entry.name(), stored);
      }
      writer.write(positions, FloatBuffer.allocate(7));
      writer.commit();
    }
    try (Checkpoint checkpoint = Checkpoint.open(path)) {
      assertThat(checkpoint.config()).isEqualTo(TINY);
    }
  }

  /** OpenCLIP's nonscalar_logit_scale; both read either. */
  @Test
  void a_logit_scale_may_be_a_list_of_one_number() throws IOException {
    Path path = saved(Layout.OPENCLIP, TINY);
    Path weights = path.resolve("open_clip_model.safetensors");
    List<SafeTensorsWriter.Entry> entries =
        KeyMap.of(Layout.OPENCLIP, TINY).storedTensors().stream()
            .map(
                e ->
                    e.name().equals("logit_scale")
                        ? new SafeTensorsWriter.Entry(e.name(), e.type(), 1)
                        : e)
            .toList();
    try (SafeTensorsWriter writer = SafeTensorsWriter.create(weights, entries, Map.of())) {
      for (SafeTensorsWriter.Entry entry : entries) {
        writer.write(entry.name(), numbered(TINY));
      }
      writer.commit();
    }
    Path config = path.resolve("open_clip_config.json");
    Files.writeString(
        config,
        Files.readString(config)
            .replace("\"embed_dim\": 6", "\"embed_dim\": 6, \"nonscalar_logit_scale\": true"));
    try (Checkpoint checkpoint = Checkpoint.open(path)) {
      assertThat(checkpoint.tensors().get("logit_scale").shape()).containsExactly(1L);
      assertThat(checkpoint.parameters().read("logit_scale"))
          .isEqualTo(numbered(TINY).read("logit_scale"));
    }
  }

  /** The folder of its CLIPModel, and that of its Transformer since version 5.4. */
  @ParameterizedTest
  @CsvSource({"0_CLIPModel, models.CLIPModel", "'', base.modules.transformer.Transformer"})
  void a_clip_of_sentence_transformers_opens(String path, String type) throws IOException {
    Path inner = Files.createDirectories(folder.resolve("clip").resolve(path));
    Checkpoint.save(inner, Layout.TRANSFORMERS, TINY, openai(TINY), numbered(TINY));
    Files.writeString(
        folder.resolve("clip").resolve("modules.json"),
        String.format(
            Locale.ROOT,
            "[{\"idx\": 0, \"name\": \"0\", \"path\": \"%s\", \"type\": \"sentence_transformers.%s\"}]",
            path,
            type));
    try (Checkpoint checkpoint = Checkpoint.open(folder.resolve("clip"))) {
      assertThat(checkpoint.config()).isEqualTo(TINY);
    }
  }

  @Test
  void a_folder_with_both_layouts_asks_for_a_choice() throws IOException {
    for (Layout layout : Layout.values()) {
      Checkpoint.save(folder, layout, TINY, openai(TINY), numbered(TINY));
    }
    assertThatThrownBy(() -> Checkpoint.open(folder))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContainingAll("open_clip_model.safetensors", "model.safetensors", "choose");
    for (Layout layout : Layout.values()) {
      try (Checkpoint checkpoint = Checkpoint.open(folder.resolve(layout.weightsFile()))) {
        assertThat(checkpoint.layout()).isEqualTo(layout);
      }
    }
    Files.delete(folder.resolve("config.json"));
    Files.move(folder.resolve("open_clip_model.safetensors"), folder.resolve("mine.safetensors"));
    assertThatThrownBy(() -> Checkpoint.open(folder))
        .hasMessageContainingAll(
            "openclip lacks open_clip_model.safetensors", "transformers lacks config.json");
    try (Checkpoint checkpoint = Checkpoint.open(folder.resolve("mine.safetensors"))) {
      assertThat(checkpoint.layout()).isEqualTo(Layout.OPENCLIP);
    }
  }

  @Test
  void what_is_no_checkpoint_says_what_is_missing() throws IOException {
    assertThatThrownBy(() -> Checkpoint.open(folder.resolve("nowhere")))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("nowhere");
    Files.writeString(folder.resolve("config.json"), "{}");
    assertThatThrownBy(() -> Checkpoint.open(folder))
        .hasMessageContaining("transformers lacks model.safetensors");
    Files.writeString(folder.resolve("pytorch_model.bin"), "");
    assertThatThrownBy(() -> Checkpoint.open(folder))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("pytorch_model.bin");
    Files.delete(folder.resolve("config.json"));
    Path alone = folder.resolve("other.safetensors");
    Files.copy(saved(Layout.OPENCLIP, TINY).resolve("open_clip_model.safetensors"), alone);
    assertThatThrownBy(() -> Checkpoint.open(alone))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContainingAll("other.safetensors", "name the architecture", "activation");
    try (Checkpoint checkpoint = Checkpoint.open(alone, TINY)) {
      assertThat(checkpoint.config()).isEqualTo(TINY);
    }
  }
}
