package org.clip4j.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.clip4j.Clip;
import org.clip4j.image.ImageTransform;
import org.clip4j.model.ClipConfig;
import org.clip4j.model.ClipModel;
import org.clip4j.model.ParameterSpec;
import org.clip4j.model.StretchedContext;
import org.clip4j.model.TextConfig;
import org.clip4j.model.VitConfig;
import org.clip4j.text.Tokenizer;
import org.clip4j.weights.pytorch.PyTorchArchive;
import org.clip4j.weights.safetensors.SafeTensors;
import org.clip4j.weights.safetensors.SafeTensorsWriter;
import org.clip4j.weights.tensors.CheckpointException;
import org.clip4j.weights.tensors.TensorType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Texts of 248 tokens; that the numbers are the publisher's, the golden cases tell. */
class LongClipTest {
  private static final Path MODEL = Golden.folder("long-clip").resolve("model.pt");
  private static final int WIDTH = 64;

  @TempDir Path folder;

  @Test
  void a_state_dict_with_two_positional_embeddings_says_itself_what_it_is() throws IOException {
    try (Checkpoint checkpoint = Checkpoint.open(MODEL);
        PyTorchArchive stored = PyTorchArchive.open(MODEL)) {
      assertThat(checkpoint.config().text().contextLength()).isEqualTo(248);
      assertThat(checkpoint.config().quickGelu()).isTrue();
      FloatBuffer joined = checkpoint.parameters().read("positional_embedding");
      int kept = StretchedContext.KEPT * WIDTH;
      assertThat(joined.slice(0, kept))
          .isEqualTo(stored.floats("positional_embedding").slice(0, kept));
      int rest = joined.remaining() - kept;
      assertThat(joined.slice(kept, rest))
          .isEqualTo(stored.floats("positional_embedding_res").slice(kept, rest));
      for (int from : new int[] {0, kept - 3, kept, kept + 5}) {
        FloatBuffer part = FloatBuffer.allocate(7);
        checkpoint.parameters().copy("positional_embedding", from, part);
        assertThat(part.flip()).as("from %d", from).isEqualTo(joined.slice(from, 7));
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Layout.class)
  void it_is_saved_with_one_positional_embedding_in_every_layout(Layout layout) throws IOException {
    try (Clip clip = Clip.loader(MODEL).load()) {
      clip.save(folder, layout);
    }
    try (Checkpoint saved = Checkpoint.open(folder);
        Checkpoint published = Checkpoint.open(MODEL)) {
      assertThat(saved.config().text().contextLength()).isEqualTo(248);
      for (ParameterSpec spec : ParameterSpec.of(published.config())) {
        assertThat(saved.parameters().read(spec.name()))
            .as(spec.name())
            .isEqualTo(published.parameters().read(spec.name()));
      }
    }
  }

  @Test
  void positional_embeddings_that_do_not_fit_each_other_are_an_error() throws IOException {
    Path file = folder.resolve("odd.safetensors");
    List<SafeTensorsWriter.Entry> entries =
        List.of(
            new SafeTensorsWriter.Entry("positional_embedding", TensorType.F32, List.of(77L, 4L)),
            new SafeTensorsWriter.Entry(
                "positional_embedding_res", TensorType.F32, List.of(248L, 4L)));
    try (SafeTensorsWriter writer = SafeTensorsWriter.create(file, entries, Map.of())) {
      for (SafeTensorsWriter.Entry entry : entries) {
        writer.write(entry.name(), FloatBuffer.allocate((int) entry.count()));
      }
      writer.commit();
    }
    assertThatThrownBy(() -> Checkpoint.open(file))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContainingAll("odd.safetensors", "positional_embedding_res", "[77, 4]");
  }

  private static ClipConfig small(int width, int vocabulary) {
    VitConfig vision =
        VitConfig.builder()
            .setImageSize(16)
            .setPatchSize(8)
            .setWidth(8)
            .setLayers(1)
            .optHeadWidth(4)
            .build();
    TextConfig text =
        TextConfig.builder()
            .setVocabSize(vocabulary)
            .setWidth(width)
            .setHeads(2)
            .setLayers(1)
            .build();
    return new ClipConfig(6, vision, text, true);
  }

  @Test
  void positions_are_stretched_as_the_published_code_does() throws IOException {
    ClipConfig config = small(4, 30);
    try (SafeTensors expected =
        SafeTensors.open(Golden.folder("long-clip").resolve("positions.safetensors"))) {
      StretchedContext stretched = new StretchedContext(expected::floats, config);
      StretchedContext positions =
          new StretchedContext(
              name ->
                  name.equals("positional_embedding")
                      ? expected.floats("before")
                      : stretched.read(name),
              config);
      assertThat(StretchedContext.stretched(config).text().contextLength()).isEqualTo(248);
      FloatBuffer after = expected.floats("after");
      FloatBuffer found = positions.read("positional_embedding");
      assertThat(found.remaining()).isEqualTo(after.remaining());
      for (int i = 0; i < after.remaining(); i++) {
        assertThat(found.get(i)).as("value %d", i).isCloseTo(after.get(i), within(1e-6f));
      }
      assertThat(positions.read("after")).isEqualTo(after); // all others stay
    }
  }

  @ParameterizedTest
  @EnumSource(Layout.class)
  void a_stretched_model_takes_and_keeps_texts_of_248_tokens(Layout layout) throws IOException {
    ClipConfig config = small(8, 49408);
    Path model = folder.resolve("short");
    try (ClipModel made = ClipModel.create(config, 1)) {
      Checkpoint.save(model, layout, config, ImageTransform.openai(16, 16), made.values());
    }
    Path saved = folder.resolve("long");
    String caption = "a red boat ".repeat(70);
    float[] embedding;
    try (Clip clip = Clip.loader(model).optStretchedContext().load()) {
      embedding = clip.encodeText(caption);
      clip.save(saved, layout);
    }
    try (Checkpoint checkpoint = Checkpoint.open(saved);
        Tokenizer tokenizer = checkpoint.tokenizer().orElseThrow();
        Clip clip = Clip.load(saved)) {
      assertThat(tokenizer.encode(caption)).hasSize(212);
      assertThat(clip.encodeText(caption)).isEqualTo(embedding);
      assertThat(clip.encodeText(caption)).isNotEqualTo(clip.encodeText("a red boat ".repeat(60)));
    }
  }

  @Test
  void what_cannot_be_stretched_is_named() throws IOException {
    try (Checkpoint bert = Checkpoint.open(Golden.folder("openclip-roberta"));
        Checkpoint clip = Checkpoint.open(Golden.folder("openai-vit").resolve("model.pt"))) {
      assertThatThrownBy(bert::withStretchedContext).hasMessageContaining("cannot be stretched");
      assertThatThrownBy(clip::withStretchedContext).hasMessageContaining("16 positions");
    }
  }
}
