package org.clip4j.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.clip4j.Clip;
import org.clip4j.model.BertConfig;
import org.clip4j.model.ClipModel;
import org.clip4j.model.EncoderHead;
import org.clip4j.model.EncoderPooling;
import org.clip4j.model.EncoderShape;
import org.clip4j.model.Forward;
import org.clip4j.model.ParameterSpec;
import org.clip4j.model.Trace;
import org.clip4j.text.Tokenizer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the golden cases of text models beside an image model do not reach. */
class TextModelTest {
  @TempDir Path scratch;
  private Path images;
  private Path texts;

  @BeforeEach
  void copy_the_golden_cases() throws IOException {
    images = Golden.folder("sentences-distilbert");
    texts = copy(images.resolve("text"), scratch.resolve("small-multilingual"));
    StringBuilder vocabulary = new StringBuilder("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n");
    for (char c = 'a'; c <= 'z'; c++) {
      vocabulary.append(c).append("\n##").append(c).append('\n');
    }
    Files.writeString(texts.resolve("vocab.txt"), vocabulary + "Ä\n##é\n!\n");
    Files.writeString(
        texts.resolve("tokenizer_config.json"),
        "{\"tokenizer_class\": \"DistilBertTokenizer\", \"do_lower_case\": false}");
  }

  private static Path copy(Path from, Path to) throws IOException {
    try (Stream<Path> files = Files.walk(from)) {
      for (Path file : files.toList()) {
        Files.copy(file, to.resolve(from.relativize(file).toString()));
      }
    }
    return to;
  }

  private void edit(String file, String what, String by) throws IOException {
    String text = Files.readString(texts.resolve(file));
    assertThat(text).contains(what);
    Files.writeString(texts.resolve(file), text.replace(what, by));
  }

  @Test
  void a_text_model_gives_the_architecture_of_its_tower() throws IOException {
    try (Checkpoint both = Checkpoint.open(images).withTextModel(texts)) {
      assertThat(both.config().text())
          .isEqualTo(
              new BertConfig(
                  EncoderShape.builder()
                      .setContextLength(16)
                      .setVocabSize(60)
                      .setWidth(24)
                      .setHeads(2)
                      .setLayers(2)
                      .setMlpWidth(40)
                      .optPooling(EncoderPooling.MEAN)
                      .optHead(EncoderHead.LINEAR)
                      .optModelName("small-multilingual")
                      .build(),
                  24,
                  0,
                  false));
      assertThat(ParameterSpec.of(both.config()))
          .extracting(ParameterSpec::name)
          .contains("text.transformer.transformer.layer.1.attention.q_lin.weight");
    }
    Path mclip = Golden.folder("mclip");
    try (Checkpoint both = Checkpoint.open(mclip).withTextModel(mclip.resolve("text"))) {
      BertConfig text = (BertConfig) both.config().text();
      assertThat(text.contextLength()).isEqualTo(22); // 24 positions, of which 2 are not counted
      assertThat(text.head()).isEqualTo(EncoderHead.AFFINE);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"mclip", "sentences-distilbert"})
  void the_two_are_written_as_one_folder(String name) throws IOException {
    Path golden = Golden.folder(name);
    Path written = scratch.resolve("written");
    try (Checkpoint both = Checkpoint.open(golden).withTextModel(golden.resolve("text"))) {
      CheckpointWriter.of(both.config(), both.transform(), both.parameters())
          .optMadeFrom(both.origins())
          .write(written, Layout.OPENCLIP);
      try (Checkpoint again = Checkpoint.open(written)) {
        assertThat(again.config()).isEqualTo(both.config());
        assertThat(again.origins()).extracting(ModelOrigin::name).startsWith(name, "text");
        for (ParameterSpec spec : ParameterSpec.of(both.config())) {
          assertThat(again.parameters().read(spec.name()))
              .isEqualTo(both.parameters().read(spec.name()));
        }
      }
    }
  }

  @Test
  void its_tokenizer_counts_and_texts_go_to_it_as_they_are() throws IOException {
    Path written = scratch.resolve("written");
    String text = "caf&eacute; Ä!";
    float[] expected;
    try (Clip clip = Clip.loader(images).optTextModel(texts.toString()).load()) {
      expected = clip.encodeText(text);
      clip.save(written, Layout.OPENCLIP);
    }
    try (Checkpoint both = Checkpoint.open(images).withTextModel(texts);
        Tokenizer tokenizer = both.tokenizer().orElseThrow();
        Checkpoint again = Checkpoint.open(written);
        Tokenizer same = again.tokenizer().orElseThrow();
        Clip clip = Clip.load(written)) {
      int[] ids = tokenizer.encode(text);
      assertThat(ids).startsWith(2).endsWith(3).contains(57); // Ä
      assertThat(same.encode(text)).isEqualTo(ids);
      assertThat(clip.encodeText(text)).containsExactly(expected, within(1e-6f));
    }
  }

  @Test
  void the_transformer_may_lie_in_a_folder_of_its_own() throws IOException {
    Path inner = Files.createDirectory(texts.resolve("0_Transformer"));
    for (String file :
        List.of("config.json", "model.safetensors", "sentence_bert_config.json", "vocab.txt")) {
      Files.move(texts.resolve(file), inner.resolve(file));
    }
    edit("modules.json", "\"path\": \"\"", "\"path\": \"0_Transformer\"");
    try (Checkpoint both = Checkpoint.open(images).withTextModel(texts);
        Tokenizer tokenizer = both.tokenizer().orElseThrow()) {
      assertThat(both.config().text().contextLength()).isEqualTo(16);
      assertThat(tokenizer.contextLength()).isEqualTo(16);
    }
  }

  @Test
  void the_licences_of_both_are_named() throws IOException {
    Path own = copy(images, scratch.resolve("images"));
    Files.writeString(own.resolve("README.md"), "---\nlicense: mit\n---\n");
    Files.writeString(texts.resolve("README.md"), "---\nlicense: apache-2.0\n---\n");
    try (Checkpoint both = Checkpoint.open(own).withTextModel(texts)) {
      assertThat(both.licence()).isEqualTo("mit, apache-2.0");
      assertThat(both.origins())
          .extracting(ModelOrigin::licence)
          .containsExactly("mit", "apache-2.0");
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "2_Dense/config.json | \"out_features\": 20 | \"out_features\": 24 | embeddings of 24 numbers",
        "2_Dense/config.json | \"in_features\": 24 | \"in_features\": 32 | the transformer has 24",
        "2_Dense/config.json | linear.Identity | activation.Tanh | supported is torch.nn.modules.linear.Identity",
        "modules.json | models.Dense | models.LSTM | supported are Transformer, Pooling, Dense",
        "modules.json | \"2_Dense\" | \"../elsewhere\" | expected the name of a folder beside it",
        "modules.json | models.Pooling | models.Normalize | lacks a Transformer or a Pooling",
        "1_Pooling/config.json | \"pooling_mode_max_tokens\": false | \"pooling_mode_max_tokens\": true | one of mean, cls and lasttoken",
        "config.json | \"distilbert\" | \"gpt2\" | no such text tower is known; known are bert",
        "config.json | \"n_layers\": 2 | \"n_layers\": 3 | missing:  transformer.layer.2.attention.q_lin.weight",
        "config.json | \"n_layers\": 2 | \"n_layers\": 1 | surplus:  transformer.layer.1.attention.q_lin.weight",
      })
  void what_does_not_fit_is_named(String file, String what, String by, String message)
      throws IOException {
    edit(file, what, by);
    try (Checkpoint own = Checkpoint.open(images)) {
      assertThatThrownBy(() -> own.withTextModel(texts)).hasMessageContaining(message);
    }
  }

  @Test
  void a_text_model_alone_says_what_it_needs() throws IOException {
    for (Path alone : List.of(texts, Golden.folder("mclip").resolve("text"))) {
      assertThatThrownBy(() -> Checkpoint.open(alone))
          .hasMessageContaining("is a text model alone")
          .hasMessageContaining("load the image model that its card names");
    }
    try (Checkpoint own = Checkpoint.open(images)) {
      assertThatThrownBy(() -> own.withTextModel(images))
          .hasMessageContaining("holds no text model")
          .hasMessageContaining("modules.json");
    }
  }

  @Test
  void an_unknown_base_of_mclip_says_where_its_configuration_belongs() throws IOException {
    texts = copy(Golden.folder("mclip").resolve("text"), scratch.resolve("mclip"));
    edit("config.json", "\"small-xlmr\"", "\"someone/xlmr\"");
    try (Checkpoint own = Checkpoint.open(images)) {
      assertThatThrownBy(() -> own.withTextModel(texts))
          .hasMessageContaining("modelBase is \"someone/xlmr\"")
          .hasMessageContaining("put its config.json");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "openclip-roberta",
        "openclip-bert-pooler",
        "openclip-mt5",
        "openclip-m2m",
        "sentences-bert-last"
      })
  void what_is_explained_of_a_text_is_its_embedding(String name) throws IOException {
    Path folder = Golden.folder(name);
    Path own = folder.resolve("text");
    try (Checkpoint opened = Checkpoint.open(folder);
        Checkpoint both = Files.isDirectory(own) ? opened.withTextModel(own) : opened;
        ClipModel model = ClipModel.load(both.config(), both.parameters());
        NDManager manager = model.manager().newSubManager()) {
      NDArray ids = manager.create(new long[] {2, 17, 30, 8, 3}, new Shape(1, 5));
      float[] expected = model.encodeText(Forward.EVALUATE, ids).toFloatArray();
      Trace trace = model.traceText(ids);
      assertThat(trace.embedding().toFloatArray()).containsExactly(expected, within(2e-5f));
      assertThat(trace.states()).hasSize(both.config().text().layers() + 1);
      float[] pooled = trace.pooled();
      int only = name.equals("sentences-bert-last") ? 4 : 0;
      boolean mean = name.equals("openclip-roberta") || name.equals("openclip-mt5");
      assertThat(pooled[only]).isEqualTo(mean ? 0.2f : 1f);
      for (NDArray attention : trace.attention()) {
        for (float sum : attention.sum(new int[] {-1}).toFloatArray()) {
          assertThat(sum).isCloseTo(1f, within(1e-5f));
        }
      }
    }
  }

  @Test
  void a_tokenizer_of_another_size_is_refused() throws IOException {
    Files.write(
        texts.resolve("vocab.txt"),
        "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n".getBytes(StandardCharsets.UTF_8));
    try (Checkpoint both = Checkpoint.open(images).withTextModel(texts)) {
      assertThatThrownBy(both::tokenizer).hasMessageContaining("has 5 tokens");
    }
  }
}
