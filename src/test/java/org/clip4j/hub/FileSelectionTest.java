package org.clip4j.hub;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FileSelectionTest {

  private static final String ALL =
      "open_clip_config.json config.json open_clip_model.safetensors model.safetensors"
          + " model.safetensors.index.json open_clip_pytorch_model.bin pytorch_model.bin"
          + " pytorch_model.bin.index.json";

  /** Each line takes away what the one before it chose. */
  @ParameterizedTest
  @CsvSource({
    "'', open_clip_config.json, open_clip_model.safetensors, false",
    "open_clip_model.safetensors, config.json, model.safetensors, false",
    "open_clip_model.safetensors model.safetensors, config.json, model.safetensors.index.json, true",
    "open_clip_model.safetensors model.safetensors model.safetensors.index.json,"
        + " open_clip_config.json, open_clip_pytorch_model.bin, false",
    "open_clip_config.json model.safetensors model.safetensors.index.json, config.json,"
        + " pytorch_model.bin, false",
    "open_clip_config.json model.safetensors model.safetensors.index.json pytorch_model.bin,"
        + " config.json, pytorch_model.bin.index.json, true",
    "open_clip_config.json, config.json, model.safetensors, false",
    "config.json, open_clip_config.json, open_clip_model.safetensors, false",
  })
  void safetensors_go_before_pickles_and_openclip_before_transformers(
      String without, String config, String weights, boolean sharded) {
    Set<String> names = new TreeSet<>(List.of(ALL.split(" ")));
    names.removeAll(List.of(without.split(" ")));
    FileSelection chosen = FileSelection.all(names, false).get(0);
    // beside OpenCLIP's, config.json may be that of a text tower
    boolean another = names.contains("config.json") && !config.equals("config.json");
    List<String> extras = another ? List.of("config.json") : List.of();
    assertThat(chosen).isEqualTo(new FileSelection(config, weights, extras));
    assertThat(chosen.isSharded()).isEqualTo(sharded);
  }

  @Test
  void what_belongs_to_the_model_comes_along_and_nothing_else() {
    Set<String> openai =
        Set.of(
            ".gitattributes",
            "README.md",
            "config.json",
            "flax_model.msgpack",
            "merges.txt",
            "model.safetensors",
            "preprocessor_config.json",
            "pytorch_model.bin",
            "special_tokens_map.json",
            "tf_model.h5",
            "tokenizer.json",
            "tokenizer_config.json",
            "vocab.json");
    assertThat(FileSelection.all(openai, false).get(0).files())
        .containsExactly(
            "config.json",
            "tokenizer.json",
            "tokenizer_config.json",
            "special_tokens_map.json",
            "vocab.json",
            "merges.txt",
            "preprocessor_config.json",
            "README.md",
            "model.safetensors");
    assertThat(FileSelection.all(openai, false))
        .extracting(FileSelection::weights)
        .containsExactly("model.safetensors", "pytorch_model.bin");
  }

  @Test
  void a_clip_of_sentence_transformers_lies_in_a_folder_of_its_own() {
    Set<String> names =
        Set.of(
            "README.md",
            "modules.json",
            "config_sentence_transformers.json",
            "0_CLIPModel/config.json",
            "0_CLIPModel/merges.txt",
            "0_CLIPModel/preprocessor_config.json",
            "0_CLIPModel/pytorch_model.bin",
            "0_CLIPModel/vocab.json");
    assertThat(FileSelection.all(names, false))
        .extracting(FileSelection::files)
        .containsExactly(
            List.of(
                "0_CLIPModel/config.json",
                "0_CLIPModel/vocab.json",
                "0_CLIPModel/merges.txt",
                "0_CLIPModel/preprocessor_config.json",
                "0_CLIPModel/pytorch_model.bin"));
    assertThat(FileSelection.KNOWN_NAMES).contains("0_CLIPModel/vocab.json");
  }

  @Test
  void weights_without_their_configuration_are_no_model() {
    assertThat(FileSelection.all(Set.of("open_clip_config.json", "model.safetensors"), false))
        .isEmpty();
    assertThat(FileSelection.all(Set.of("sub/config.json", "sub/model.safetensors"), false))
        .isEmpty();
  }

  @Test
  void bare_weights_of_openclip_are_a_model_for_who_names_the_architecture() {
    Set<String> names = Set.of("open_clip_pytorch_model.bin", "pytorch_model.bin", "README.md");
    assertThat(FileSelection.all(names, false)).isEmpty();
    assertThat(FileSelection.all(names, true))
        .extracting(FileSelection::files)
        .containsExactly(List.of("README.md", "open_clip_pytorch_model.bin"));
  }

  @ParameterizedTest
  @CsvSource({
    "model.safetensors, config.json",
    "config.json, model.safetensors",
    "open_clip_config.json, open_clip_model.safetensors",
    "pytorch_model.bin open_clip_config.json, config.json",
    "x, 'open_clip_config.json and open_clip_model.safetensors, or config.json and"
        + " model.safetensors'",
  })
  void what_is_lacking_is_told_from_what_is_there(String names, String lack) {
    assertThat(FileSelection.lack(Set.of(names.split(" ")))).isEqualTo(lack);
  }

  @Test
  void shards_have_the_kind_of_their_index() {
    assertThat(new FileSelection("", "model.safetensors.index.json", List.of()).shardSuffix())
        .isEqualTo(".safetensors");
    assertThat(new FileSelection("", "pytorch_model.bin.index.json", List.of()).shardSuffix())
        .isEqualTo(".bin");
  }
}
