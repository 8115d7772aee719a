package org.clip4j.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.clip4j.engine.Precision;
import org.clip4j.model.AppliedAdapter;
import org.clip4j.model.ClipConfig;
import org.clip4j.model.ClipModel;
import org.clip4j.model.Forward;
import org.clip4j.model.LoraAdapter;
import org.clip4j.model.LoraAdapter.LowRank;
import org.clip4j.model.LoraOptions;
import org.clip4j.model.ParameterSpec;
import org.clip4j.train.SmallTraining;
import org.clip4j.weights.safetensors.SafeTensors;
import org.clip4j.weights.safetensors.SafeTensorsWriter;
import org.clip4j.weights.tensors.CheckpointException;
import org.clip4j.weights.tensors.TensorInfo;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PeftAdapterTest {
  @TempDir Path folder;
  private LoraCase golden;

  @BeforeEach
  void open() throws IOException {
    golden = new LoraCase();
  }

  @AfterEach
  void close() throws IOException {
    golden.close();
  }

  private static Map<String, IntBuffer> bits(ClipModel model) {
    Map<String, IntBuffer> bits = new TreeMap<>();
    for (ParameterSpec spec : model.specs()) {
      FloatBuffer values = model.values().read(spec.name());
      int[] all = new int[values.remaining()];
      Arrays.setAll(all, i -> Float.floatToRawIntBits(values.get(i)));
      bits.put(spec.name(), IntBuffer.wrap(all));
    }
    return bits;
  }

  @ParameterizedTest
  @ValueSource(strings = {"attention", "every", "blocks"})
  void a_merged_adapter_gives_the_features_of_peft(String name) throws IOException {
    LoraAdapter adapter = golden.adapter(name);
    try (ClipModel model =
        golden.model(adapter.addedTo(golden.config(), golden.checkpoint.parameters()))) {
      golden.assertFeatures(golden.features(model, Forward.EVALUATE), name);
    }
    try (ClipModel model = golden.model()) {
      Map<String, IntBuffer> before = bits(model);
      model.prepareImages(Precision.FP32);
      model.adapters().merge(adapter);
      golden.assertFeatures(golden.features(model, Forward.EVALUATE), name);
      model.prepareImages(Precision.FP32);
      golden.assertFeatures(golden.features(model, Forward.EVALUATE), name);
      assertThatThrownBy(() -> model.adapters().merge(adapter))
          .hasMessageContaining("unmerge it first");
      model.adapters().unmerge();
      assertThat(bits(model)).isEqualTo(before);
      assertThatThrownBy(model.adapters()::unmerge).hasMessageContaining("no adapter is merged");
    }
  }

  @Test
  void adapters_are_switched_and_stacked_from_call_to_call() throws IOException {
    try (ClipModel model = golden.model()) {
      float[][] plain = golden.features(model, Forward.EVALUATE);
      Map<String, IntBuffer> before = bits(model);
      LoraAdapter both =
          LoraAdapter.stacked(List.of(golden.adapter("attention"), golden.adapter("blocks")));
      try (AppliedAdapter a = model.adapters().apply(golden.adapter("attention"));
          AppliedAdapter b = model.adapters().apply(golden.adapter("blocks"));
          AppliedAdapter stacked = model.adapters().apply(both)) {
        for (int i = 0; i < 2; i++) {
          golden.assertFeatures(golden.features(model, Forward.EVALUATE.with(a)), "attention");
          golden.assertFeatures(golden.features(model, Forward.EVALUATE.with(b)), "blocks");
          golden.assertFeatures(golden.features(model, Forward.EVALUATE.with(stacked)), "both");
          golden.assertFeatures(golden.features(model, Forward.TRAIN.with(b)), "blocks");
          assertThat(golden.features(model, Forward.EVALUATE)).isDeepEqualTo(plain);
        }
      }
      model.adapters().merge(both);
      golden.assertFeatures(golden.features(model, Forward.EVALUATE), "both");
      model.adapters().unmerge();
      assertThat(bits(model)).isEqualTo(before);
    }
  }

  @Test
  void what_adds_to_projections_is_applied_and_not_trained() throws IOException {
    LoraAdapter every = golden.adapter("every");
    try (ClipModel model = golden.model()) {
      model.prepareImages(Precision.FP32);
      float[][] plain = golden.features(model, Forward.EVALUATE);
      try (AppliedAdapter applied = model.adapters().apply(every)) {
        golden.assertFeatures(golden.features(model, Forward.EVALUATE.with(applied)), "every");
      }
      assertThat(golden.features(model, Forward.EVALUATE)).isDeepEqualTo(plain);
      assertThatThrownBy(() -> model.adapters().attach(every))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("apply or merge the adapter");
    }
  }

  @Test
  void an_adapter_that_peft_pickled_is_read() throws IOException {
    LoraAdapter adapter = golden.adapter("attention");
    assertThat(golden.adapter("old").maps()).usingRecursiveComparison().isEqualTo(adapter.maps());
  }

  /** Where transformers' towers by themselves have names without the tower's. */
  @ParameterizedTest
  @CsvSource({"CLIPVisionModel, vision_model.", "CLIPTextModel, text_model."})
  void an_adapter_of_one_tower_is_read_for_the_whole_model(String type, String tower)
      throws IOException {
    Path from = LoraCase.FOLDER.resolve("attention");
    String config = Files.readString(from.resolve(PeftAdapter.CONFIG));
    Files.writeString(folder.resolve(PeftAdapter.CONFIG), config.replace("CLIPModel", type));
    writeTower(from, tower);
    LoraAdapter found = PeftAdapter.read(folder, golden.config());
    boolean images = tower.startsWith("vision");
    assertThat(found.maps())
        .usingRecursiveComparison()
        .isEqualTo(
            golden.adapter("attention").maps().stream()
                .filter(map -> map.parameter().startsWith("visual.") == images)
                .toList());
    Files.writeString(folder.resolve(PeftAdapter.CONFIG), config.replace("CLIPModel", ""));
    assertThat(PeftAdapter.read(folder, golden.config()).maps()) // by the shapes
        .usingRecursiveComparison()
        .isEqualTo(found.maps());
    Files.writeString(folder.resolve(PeftAdapter.CONFIG), config);
    assertThatThrownBy(() -> PeftAdapter.read(folder, golden.config()))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("of one tower by itself");
  }

  private void writeTower(Path from, String tower) throws IOException {
    String prefix = "base_model.model.";
    Path file = folder.resolve(PeftAdapter.WEIGHTS);
    try (SafeTensors all = SafeTensors.open(from.resolve(PeftAdapter.WEIGHTS))) {
      List<TensorInfo> chosen =
          all.tensors().values().stream()
              .filter(info -> info.name().startsWith(prefix + tower))
              .toList();
      List<SafeTensorsWriter.Entry> entries =
          chosen.stream()
              .map(
                  info ->
                      new SafeTensorsWriter.Entry(
                          info.name().replace(tower, ""), info.type(), info.shape()))
              .toList();
      try (SafeTensorsWriter writer = SafeTensorsWriter.create(file, entries, Map.of())) {
        for (TensorInfo info : chosen) {
          writer.write(info.name().replace(tower, ""), all.floats(info.name()));
        }
        writer.commit();
      }
    }
  }

  /** A module of transformers is called head, too, and torch does not call a layer within it. */
  @Test
  void what_adds_to_the_heads_of_siglip_is_written_and_computed_as_by_peft() throws IOException {
    try (Checkpoint siglip = Checkpoint.open(Golden.folder("hf-siglip"))) {
      List<LowRank> maps =
          Stream.of("text.text_projection.weight", "visual.trunk.attn_pool.proj.weight")
              .map(name -> new LowRank(name, 0, 48, 48, 1, 1, new float[48], new float[48]))
              .toList();
      LoraAdapter adapter = new LoraAdapter(LoraOptions.DEFAULT, maps, null);
      PeftAdapter.write(folder, siglip.config(), adapter);
      assertThat(Files.readString(folder.resolve(PeftAdapter.CONFIG)))
          .contains("\"text_model.head\"", "\"vision_model.head.attention.out_proj\"");
      assertThat(PeftAdapter.read(folder, siglip.config()).maps())
          .extracting(LowRank::parameter)
          .containsExactly("text.text_projection.weight");
    }
  }

  @Test
  void an_adapter_with_a_name_of_its_own_is_found_in_its_folder() throws IOException {
    PeftAdapter.write(folder.resolve("emoji"), golden.config(), golden.adapter("blocks"));
    assertThatThrownBy(() -> PeftAdapter.read(folder, golden.config()))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("holds no adapter_config.json")
        .hasMessageContaining(folder.resolve("emoji").toString());
  }

  /** What peft computes with such a folder is checked by examples/peers/make_lora.py --check. */
  @ParameterizedTest
  @ValueSource(strings = {"attention", "every", "blocks"})
  void an_adapter_is_written_as_it_was_read(String name) throws IOException {
    LoraAdapter adapter = golden.adapter(name).withBase(golden.checkpoint.parameters());
    PeftAdapter.write(folder, golden.config(), adapter);
    assertThat(PeftAdapter.isIn(folder)).isTrue();
    LoraAdapter again = PeftAdapter.read(folder, golden.config());
    assertThat(again).usingRecursiveComparison().isEqualTo(adapter);
    try (SafeTensors ours = SafeTensors.open(folder.resolve(PeftAdapter.WEIGHTS));
        SafeTensors theirs =
            SafeTensors.open(LoraCase.FOLDER.resolve(name).resolve(PeftAdapter.WEIGHTS))) {
      assertThat(ours.tensors().keySet()).isEqualTo(theirs.tensors().keySet());
      for (String tensor : ours.tensors().keySet()) {
        assertThat(ours.floats(tensor)).isEqualTo(theirs.floats(tensor));
      }
    }
  }

  @Test
  void some_layers_are_written_by_their_whole_names() throws IOException {
    LoraOptions options =
        LoraOptions.builder().optTargets(LoraOptions.Target.KEY).optLayers(1).build();
    LoraAdapter adapter = LoraAdapter.create(golden.config(), options, 3);
    assertThat(adapter.maps()).hasSize(2);
    PeftAdapter.write(folder, golden.config(), adapter);
    assertThat(Files.readString(folder.resolve(PeftAdapter.CONFIG)))
        .contains("\"text_model.encoder.layers.1.self_attn.k_proj\"", "\"use_rslora\": true");
    assertThat(PeftAdapter.read(folder, golden.config()).maps())
        .usingRecursiveComparison()
        .isEqualTo(adapter.maps());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "\"r\": 2 | \"r\": 0 | r is 0: expected a whole number from 1",
        "\"r\": 2 | \"r\": 3 | 30 differences",
        "\"peft_type\": \"LORA\" | \"peft_type\": \"IA3\" | adapters of type LORA",
        "\"use_dora\": false | \"use_dora\": true | use_dora is true",
        "\"bias\": \"none\" | \"bias\": \"all\" | bias",
        "\"k_proj\" | \"out_proj\" | missing: base_model.model.text_model.encoder.layers.0.self_attn.out_proj.lora_A.weight",
        "\"lora_dropout\": 0.25 | \"lora_dropout\": 1.5 | lora_dropout is 1.5",
        "\"modules_to_save\": null | \"modules_to_save\": [\"visual_projection\"] | modules_to_save",
        "\"lora_alpha\": 1 | \"lora_alpha\": \"much\" | lora_alpha",
        "\"init_lora_weights\": true | \"init_lora_weights\": \"pissa_niter_4\" | path_initial_model_for_weight_conversion",
        "\"init_lora_weights\": true | \"init_lora_weights\": \"olora\" | init_lora_weights",
        "\"kasa_config\": null | \"kasa_config\": {\"beta\": 1e-4} | kasa_config",
        "\"revision\": null | \"use_something_new\": true | use_something_new is true",
      })
  void what_is_no_adapter_of_ours_is_refused(String from, String to, String message)
      throws IOException {
    assertRefused(text -> text.replace(from, to), message);
  }

  private void assertRefused(UnaryOperator<String> change, String message) throws IOException {
    Path from = LoraCase.FOLDER.resolve("attention");
    Files.copy(from.resolve(PeftAdapter.WEIGHTS), folder.resolve(PeftAdapter.WEIGHTS));
    String config = Files.readString(from.resolve(PeftAdapter.CONFIG));
    assertThat(change.apply(config)).isNotEqualTo(config);
    Files.writeString(folder.resolve(PeftAdapter.CONFIG), change.apply(config));
    assertThatThrownBy(() -> PeftAdapter.read(folder, golden.config()))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining(folder.toString())
        .hasMessageContaining(message);
  }

  @Test
  void an_adapter_of_another_model_is_refused() throws IOException {
    assertThatThrownBy(
            () -> PeftAdapter.read(LoraCase.FOLDER.resolve("blocks"), ClipConfig.named("ViT-B-32")))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("no adapter of this model")
        .hasMessageContaining("expected [2, 512], found");
    assertThatThrownBy(
            () -> PeftAdapter.read(LoraCase.FOLDER.resolve("blocks"), ClipConfig.named("RN50")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("transformers");
    LoraAdapter adapter = golden.adapter("attention");
    try (ClipModel other = ClipModel.create(golden.config(), 1)) {
      other.adapters().merge(adapter);
      other.adapters().unmerge();
      LoraAdapter bound = adapter.withBase(golden.checkpoint.parameters());
      assertThatThrownBy(() -> other.adapters().merge(bound))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("trained on other weights");
      assertThatThrownBy(() -> other.adapters().apply(bound))
          .hasMessageContaining("trained on other weights");
    }
    try (ClipModel other = ClipModel.create(SmallTraining.RESNET, 1)) {
      assertThatThrownBy(() -> other.adapters().attach(adapter))
          .hasMessageContaining("of another model");
    }
    assertThatThrownBy(() -> PeftAdapter.read(folder, golden.config()))
        .hasMessageContaining("adapter_config.json: it does not exist");
  }

  @Test
  void options_out_of_their_range_are_refused() {
    assertThatThrownBy(() -> LoraOptions.builder().optRank(0).build())
        .hasMessageContaining("rank of an adapter must be at least 1, found 0");
    assertThatThrownBy(() -> LoraOptions.builder().optDropout(1).build())
        .hasMessageContaining("below 1, found 1.0");
    assertThatThrownBy(() -> LoraOptions.builder().optTargets().build())
        .hasMessageContaining("needs a map");
    LoraOptions far = LoraOptions.builder().optLayers(7).build();
    assertThatThrownBy(() -> LoraAdapter.create(golden.config(), far, 1))
        .hasMessageContaining("no layer 7");
    assertThatThrownBy(() -> LoraAdapter.create(ClipConfig.named("RN50"), LoraOptions.DEFAULT, 1))
        .hasMessageContaining("ModifiedResNet");
  }
}
