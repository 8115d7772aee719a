package org.clip4j.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.clip4j.Clip;
import org.clip4j.encode.ImageSource;
import org.clip4j.engine.InputLevels;
import org.clip4j.engine.internal.HostMemory;
import org.clip4j.explain.Explainer;
import org.clip4j.explain.Explanation;
import org.clip4j.explain.TokenRelevance;
import org.clip4j.image.ImageTransform;
import org.clip4j.image.RgbImage;
import org.clip4j.model.AttentionalPoolerConfig;
import org.clip4j.model.ClipConfig;
import org.clip4j.model.ClipConfigJson;
import org.clip4j.model.ClipModel;
import org.clip4j.model.Forward;
import org.clip4j.model.InputObserver;
import org.clip4j.model.TextTransformerConfig;
import org.clip4j.model.Trace;
import org.clip4j.model.VitConfig;
import org.clip4j.weights.safetensors.SafeTensors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** CoCa as a dual encoder: what its golden cases do not reach. */
class CocaTest {
  private static final int CONTEXT = 15;

  @TempDir private Path scratch;

  @ParameterizedTest
  @ValueSource(strings = {"openclip-coca", "openclip-coca-mean"})
  void what_is_saved_has_no_decoder_and_gives_the_same_embeddings(String name) throws IOException {
    try (Checkpoint published = Checkpoint.open(Golden.folder(name))) {
      assertThat(published.tensors().keySet()).anyMatch(key -> key.startsWith("text_decoder."));
      Checkpoint.save(
          scratch,
          Layout.OPENCLIP,
          published.config(),
          published.transform(),
          published.parameters());
      try (Checkpoint saved = Checkpoint.open(scratch)) {
        assertThat(saved.config()).isEqualTo(published.config());
        assertThat(saved.tensors().keySet()).noneMatch(key -> key.startsWith("text_decoder."));
        assertThat(Files.readString(scratch.resolve("open_clip_config.json")))
            .doesNotContain("multimodal_cfg")
            .contains("\"attentional_pool\": true", "\"embed_cls\": true");
        for (String parameter : saved.tensors().keySet()) {
          assertThat(saved.parameters().read(parameter))
              .isEqualTo(published.parameters().read(parameter));
        }
      }
      assertThatThrownBy(
              () ->
                  Checkpoint.save(
                      scratch,
                      Layout.TRANSFORMERS,
                      published.config(),
                      published.transform(),
                      published.parameters()))
          .hasMessageContainingAll("a text tower with a class token", "OPENCLIP");
    }
  }

  /** As OpenCLIP computes it from these weights with norm_kwargs of an eps of 0.1. */
  @Test
  void the_pooler_has_norms_of_its_own_epsilon() throws IOException {
    try (Checkpoint published = Checkpoint.open(Golden.folder("openclip-coca"));
        SafeTensors golden =
            SafeTensors.open(Golden.folder("openclip-coca").resolve("expected.safetensors"))) {
      ClipConfig config = published.config();
      VitConfig tower = (VitConfig) config.vision();
      VitConfig vision = tower.withShape(tower.shape().toBuilder().optNormEpsilon(0.1).build());
      ClipConfig other =
          new ClipConfig(
              config.embedDim(), vision, config.text(), false, true, config.initLogitScale(), null);
      try (ClipModel model = ClipModel.load(other, published.parameters());
          NDManager call = model.manager().newSubManager()) {
        float[] pixels = new float[3 * 32 * 32];
        golden.floats("pixel_values").get(pixels);
        NDArray image = call.create(pixels, new Shape(1, 3, 32, 32));
        float[] found = model.encodeImage(Forward.EVALUATE, image).normalize(2, 1).toFloatArray();
        float[] expected = {-0.100083f, -0.195566f, 0.072365f, -0.159507f, 0.273258f, 0.097044f};
        for (int i = 0; i < expected.length; i++) {
          assertThat(found[i]).isCloseTo(expected[i], within(2e-5f));
        }
      }
    }
  }

  /** Published weights have the mask of the padding one place too far to the right. */
  @Test
  void the_class_token_sees_the_text_and_one_token_of_its_padding() throws IOException {
    try (Checkpoint published = Checkpoint.open(Golden.folder("openclip-coca"));
        ClipModel model = ClipModel.load(published.config(), published.parameters());
        NDManager call = model.manager().newSubManager()) {
      long[] ids = new long[CONTEXT];
      IntStream.range(0, 4).forEach(i -> ids[i] = 11 + i);
      Trace padded = model.traceText(HostMemory.upload(call, new Shape(1, CONTEXT), ids));
      Trace cut = model.traceText(HostMemory.upload(call, new Shape(1, 4), Arrays.copyOf(ids, 4)));
      for (Trace trace : List.of(padded, cut)) {
        int tokens = trace.pooled().length;
        assertThat(trace.states().get(0).size(1)).isEqualTo(tokens);
        assertThat(trace.pooled()[0]).isEqualTo(1);
        float[] first = trace.attention().get(1).get("0, 0, 0").toFloatArray(); // of the first head
        assertThat(first[0]).isZero();
        assertThat(Arrays.copyOfRange(first, 1, 6)).doesNotContain(0f);
        assertThat(Arrays.copyOfRange(first, 6, tokens + 1)).containsOnly(0f);
      }
      assertThat(cut.pooled()).hasSize(6);
      float[] expected = padded.embedding().toFloatArray();
      for (int i = 0; i < expected.length; i++) {
        assertThat(cut.embedding().toFloatArray()[i]).isCloseTo(expected[i], within(1e-5f));
      }
    }
  }

  @Test
  void integers_of_8_bits_give_nearly_the_same() throws IOException {
    Path folder = Golden.folder("openclip-coca");
    try (Checkpoint published = Checkpoint.open(folder);
        SafeTensors golden = SafeTensors.open(folder.resolve("expected.safetensors"));
        ClipModel model = ClipModel.load(published.config(), published.parameters());
        NDManager call = model.manager().newSubManager()) {
      NDArray ids = HostMemory.upload(call, new Shape(4, CONTEXT), golden.longs("input_ids"));
      NDArray pixels =
          HostMemory.upload(call, new Shape(4, 3, 32, 32), golden.floats("pixel_values"));
      InputObserver texts = model.observeTexts();
      InputObserver images = model.observeImages().orElseThrow();
      for (int pass = 0; pass < 2; pass++) {
        model.encodeText(Forward.EVALUATE, ids);
        model.encodeImage(Forward.EVALUATE, pixels);
        if (pass == 0) {
          texts.measureErrors();
          images.measureErrors();
        }
      }
      model.quantizeTexts(levels(texts));
      model.quantizeImages(levels(images));
      assertNear(golden, "text", model.encodeText(Forward.EVALUATE, ids));
      assertNear(golden, "image", model.encodeImage(Forward.EVALUATE, pixels));
    }
  }

  private static Map<String, InputLevels> levels(InputObserver observer) {
    Map<String, InputLevels> levels = new LinkedHashMap<>();
    observer.maps().forEach(map -> levels.put(map.name(), map.levels()));
    return levels;
  }

  /** Compares the cosines of each row with the publisher's. */
  private static void assertNear(SafeTensors golden, String tower, NDArray found) {
    NDArray unit = found.div(found.norm(new int[] {1}, true));
    FloatBuffer expected = golden.floats(tower + "_features");
    NDArray truth = HostMemory.upload(found.getManager(), found.getShape(), expected);
    float[] cosines = unit.mul(truth).sum(new int[] {1}).toFloatArray();
    for (float cosine : cosines) {
      assertThat(cosine).isBetween(0.99f, 0.999999f);
    }
  }

  @Test
  void an_explanation_names_the_words_and_not_the_class_token() throws IOException {
    ClipConfig config =
        new ClipConfig(
            32,
            VitConfig.builder()
                .setImageSize(32)
                .setPatchSize(8)
                .setWidth(64)
                .setLayers(2)
                .optPooler(new AttentionalPoolerConfig(3, 4))
                .build(),
            TextTransformerConfig.builder()
                .setContextLength(9)
                .setWidth(32)
                .setHeads(2)
                .setLayers(2)
                .optEmbedCls(true)
                .build(),
            false);
    try (Clip clip = Clip.of(ClipModel.create(config, 1), ImageTransform.openai(32, 32));
        Explainer explainer = clip.explainer()) {
      RgbImage image = new RgbImage(40, 40, new byte[3 * 40 * 40]);
      for (String text : List.of("a dog", "a dog and a cat and a hen and a pig")) {
        Explanation why = explainer.explain(ImageSource.of(image), List.of(text)).get(0);
        double expected = Clip.cosine(clip.encodeImage(image), clip.encodeText(text));
        assertThat(why.cosine()).isCloseTo(expected, within(1e-5));
        assertThat(why.heatMap().values()).hasSize(16);
        assertThat(why.tokens().stream().map(TokenRelevance::word))
            .startsWith("", "a", "dog")
            .hasSize(text.length() > 9 ? 9 : 4);
      }
    }
  }

  @Test
  void a_trace_of_an_image_ends_in_the_embedding() throws IOException {
    try (Checkpoint published = Checkpoint.open(Golden.folder("openclip-coca"));
        SafeTensors expected =
            SafeTensors.open(Golden.folder("openclip-coca").resolve("expected.safetensors"));
        ClipModel model = ClipModel.load(published.config(), published.parameters());
        NDManager call = model.manager().newSubManager()) {
      FloatBuffer values = expected.floats("pixel_values");
      NDArray pixels =
          HostMemory.upload(call, new Shape(4, 3, 32, 32), values).get("0:1").duplicate();
      pixels.attach(call);
      Trace trace = model.traceImage(pixels);
      float[] found = trace.embedding().toFloatArray();
      float[] whole = model.encodeImage(Forward.EVALUATE, pixels).toFloatArray();
      for (int i = 0; i < whole.length; i++) {
        assertThat(found[i]).isCloseTo(whole[i], within(1e-5f));
      }
      assertThat(trace.poolingAttention().getShape()).isEqualTo(new Shape(1, 3, 1, 17));
      assertThat(model.embedPatches(trace.states().get(2)).getShape()).isEqualTo(new Shape(16, 24));
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "'attentional_pool': 'parallel' | | vision_cfg.attentional_pool; parallel",
        "'attentional_pool': true, 'attn_pooler_heads': 5 | | vision_cfg.attn_pooler_heads; 5; 32",
        "'attentional_pool': true, 'pool_type': 'avg', 'attn_pooler_queries': 1 | | queries; 1;"
            + " mean",
        "| 'embed_cls': true, 'vocab_size': 10, 'pad_id': 10 | text_cfg.pad_id; 10",
      })
  void options_that_do_not_fit_are_named(String vision, String text, String words) {
    String json =
        "{'embed_dim': 32, 'vision_cfg': {"
            + (vision == null ? "" : vision)
            + "}, 'text_cfg': {"
            + (text == null ? "" : text)
            + "}}";
    assertThatThrownBy(
            () ->
                ClipConfigJson.read(
                    JsonParser.parseString(json.replace('\'', '"')).getAsJsonObject()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll(words.split("; "));
  }

  @Test
  void a_tokenizer_with_another_padding_is_refused() {
    TextTransformerConfig text =
        TextTransformerConfig.builder().optEmbedCls(true).optPadId(3).build();
    assertThatThrownBy(() -> text.requirePadding(0))
        .hasMessageContainingAll("text_cfg.pad_id", "3", "0", "tokenizer");
    text.requirePadding(3);
    text.toBuilder().optEmbedCls(false).build().requirePadding(0);
  }
}
