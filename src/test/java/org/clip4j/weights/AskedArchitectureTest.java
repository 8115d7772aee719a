package org.clip4j.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Collectors;
import org.clip4j.image.ImageTransform;
import org.clip4j.model.ClipConfig;
import org.clip4j.model.ClipConfigJson;
import org.clip4j.model.ParameterSpec;
import org.clip4j.weights.tensors.CheckpointException;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** An architecture that is asked for must compute what the checkpoint's own does. */
class AskedArchitectureTest {
  private static final String OWN =
      """
      {"embed_dim": 6, "quick_gelu": false,
       "vision_cfg": {"image_size": 16, "patch_size": 8, "width": 12, "layers": 2, "head_width": 4,
                      "mlp_ratio": 2},
       "text_cfg": {"context_length": 7, "vocab_size": 30, "width": 8, "heads": 2, "layers": 1,
                    "mlp_ratio": 2}}
      """;

  @TempDir Path folder;

  private Path saved(Layout layout) throws IOException {
    ClipConfig config = ClipConfigJson.read(JsonParser.parseString(OWN).getAsJsonObject());
    Map<String, Integer> sizes =
        ParameterSpec.of(config).stream()
            .collect(Collectors.toMap(ParameterSpec::name, spec -> (int) spec.count()));
    Path path = folder.resolve(layout.name());
    ImageTransform transform = ImageTransform.openai(16, 16);
    Checkpoint.save(path, layout, config, transform, name -> FloatBuffer.allocate(sizes.get(name)));
    return path;
  }

  /** The checkpoint's own with another value at one place, such as {@code text_cfg.heads}. */
  private static ClipConfig asked(String where, String value) {
    JsonObject config = JsonParser.parseString(OWN).getAsJsonObject();
    int dot = where.indexOf('.');
    JsonObject place = dot < 0 ? config : config.getAsJsonObject(where.substring(0, dot));
    place.add(where.substring(dot + 1), JsonParser.parseString(value));
    return ClipConfigJson.read(config);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "quick_gelu | true | quick_gelu: false and true",
        "vision_cfg.head_width | 6 | vision_cfg.head_width: 4 and 6",
        "vision_cfg.pool_type | 'avg' | vision_cfg.pool_type: not set and \"avg\"",
        "vision_cfg.norm_kwargs | {\"eps\": 1e-6} | vision_cfg.norm_kwargs: not set and {\"eps\":",
        "vision_cfg.layers | 3 | vision_cfg.layers: 2 and 3",
        "text_cfg.heads | 4 | text_cfg.heads: 2 and 4",
        "text_cfg.no_causal_mask | true | text_cfg.no_causal_mask: not set and true",
        "text_cfg.act_kwargs | {\"approximate\": \"tanh\"} | text_cfg.act_kwargs: not set and {",
        "text_cfg.context_length | 8 | text_cfg.context_length: 7 and 8",
      })
  void what_would_change_numbers_is_an_error_that_names_both_values(
      String where, String value, String difference) throws IOException {
    ClipConfig asked = asked(where, value);
    for (Layout layout : Layout.values()) {
      Path path = saved(layout);
      assertThatThrownBy(() -> Checkpoint.open(path, asked))
          .isInstanceOf(CheckpointException.class)
          .hasMessageContainingAll(
              path.resolve(layout.weightsFile()).toString(), difference, "leave the architecture");
    }
  }

  @ParameterizedTest
  @CsvSource({
    "custom_text, true",
    "init_logit_scale, 1.5",
    "vision_cfg.patch_dropout, 0.5",
    "text_cfg.pool_type, 'argmax'"
  })
  void what_changes_no_number_is_taken(String where, String value) throws IOException {
    ClipConfig asked = asked(where, value);
    for (Layout layout : Layout.values()) {
      try (Checkpoint opened = Checkpoint.open(saved(layout), asked)) {
        assertThat(opened.config().initLogitScale()).isEqualTo(asked.initLogitScale());
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"OPENCLIP, true", "TRANSFORMERS, false"}) // the latter's file has no word for it
  void another_tokenizer_is_an_error_where_the_checkpoint_names_its_own(
      Layout layout, boolean refused) throws IOException {
    ClipConfig asked = asked("text_cfg.hf_tokenizer_name", "\"some/tokenizer\"");
    Path path = saved(layout);
    if (refused) {
      assertThatThrownBy(() -> Checkpoint.open(path, asked))
          .hasMessageContaining("tokenizer: ")
          .hasMessageContaining("some/tokenizer");
    } else {
      Checkpoint.open(path, asked).close();
    }
  }
}
