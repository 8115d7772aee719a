package org.clip4j.langchain4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.langchain4j.data.embedding.Embedding;
import dev.langchain4j.data.message.ContentType;
import dev.langchain4j.data.message.ImageContent;
import dev.langchain4j.data.message.TextContent;
import dev.langchain4j.data.segment.TextSegment;
import dev.langchain4j.exception.UnsupportedFeatureException;
import dev.langchain4j.model.embedding.request.EmbeddingInput;
import dev.langchain4j.model.embedding.request.EmbeddingInputType;
import dev.langchain4j.model.embedding.request.EmbeddingRequest;
import dev.langchain4j.model.embedding.response.EmbeddingResponse;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.clip4j.Clip;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** LangChain4j's way to a model, beside the front door, on transformers' golden model. */
class ClipEmbeddingModelTest {
  private static final Path GOLDEN = Path.of("src/test/resources/golden");
  private static final Path IMAGE = GOLDEN.resolve("preprocess/rgb.png");
  private static final Path OTHER_IMAGE = GOLDEN.resolve("preprocess/baseline.jpg");
  private static Clip clip;
  private static ClipEmbeddingModel model;

  @BeforeAll
  static void load() {
    clip = Clip.load(GOLDEN.resolve("hf-clip"));
    model = ClipEmbeddingModel.of(clip, "hf-clip");
  }

  @AfterAll
  static void close() {
    clip.close();
  }

  private static EmbeddingRequest request(EmbeddingInput... inputs) {
    return EmbeddingRequest.builder().inputs(List.of(inputs)).build();
  }

  private static EmbeddingInput image(Path file) {
    return EmbeddingInput.from(ImageContent.from(file, "image/png"));
  }

  private static void assertSame(Embedding found, float[] expected) {
    assertThat(found.vector()).containsExactly(expected, within(1e-5f));
  }

  @Test
  void texts_and_images_get_the_embeddings_of_the_front_door_in_order() {
    EmbeddingResponse response =
        model.embed(
            request(
                image(IMAGE),
                EmbeddingInput.from("a dog"),
                image(OTHER_IMAGE),
                EmbeddingInput.from(TextContent.from("a photo of a cat"))));
    assertThat(response.embeddings()).hasSize(4);
    assertSame(response.embeddings().get(0), clip.encodeImage(IMAGE));
    assertSame(response.embeddings().get(1), clip.encodeText("a dog"));
    assertSame(response.embeddings().get(2), clip.encodeImage(OTHER_IMAGE));
    assertSame(response.embeddings().get(3), clip.encodeText("a photo of a cat"));
    assertThat(response.modelName()).isEqualTo("hf-clip");
  }

  @Test
  void text_segments_are_embedded_one_by_one_and_all_at_once() {
    assertSame(model.embed("a dog").content(), clip.encodeText("a dog"));
    List<TextSegment> segments = new ArrayList<>();
    for (int i = 0; i < 300; i++) { // more than one batch
      segments.add(TextSegment.from("a photo of thing " + i));
    }
    List<Embedding> all = model.embedAll(segments).content();
    assertThat(all).hasSize(300);
    for (int i = 0; i < 300; i += 37) {
      assertSame(all.get(i), clip.encodeText(segments.get(i).text()));
    }
    assertThat(model.embedAll(List.of()).content()).isEmpty();
  }

  @Test
  void the_model_says_what_it_is() {
    assertThat(model.modelName()).isEqualTo("hf-clip");
    assertThat(model.dimension()).isEqualTo(clip.embedDim());
    assertThat(model.supportedContentTypes())
        .containsExactlyInAnyOrder(ContentType.TEXT, ContentType.IMAGE);
  }

  @Test
  void queries_and_documents_are_embedded_alike_and_other_parameters_refused() {
    EmbeddingRequest query =
        EmbeddingRequest.builder()
            .inputs(List.of(EmbeddingInput.from("a dog")))
            .inputType(EmbeddingInputType.QUERY)
            .build();
    assertSame(model.embed(query).embeddings().get(0), clip.encodeText("a dog"));
    EmbeddingRequest shorter =
        EmbeddingRequest.builder()
            .inputs(List.of(EmbeddingInput.from("a dog")))
            .dimensions(8)
            .build();
    assertThatThrownBy(() -> model.embed(shorter))
        .isInstanceOf(UnsupportedFeatureException.class)
        .hasMessageContaining("dimensions");
  }

  @Test
  void inputs_that_cannot_be_embedded_are_named() {
    EmbeddingInput text = EmbeddingInput.from("a dog");
    EmbeddingInput address =
        EmbeddingInput.from(ImageContent.from("http://localhost:1/secret.png"));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> model.embed(request(text, address)))
        .withMessageContaining("input 2")
        .withMessageContaining("nothing is fetched");
    EmbeddingInput both =
        EmbeddingInput.from(TextContent.from("a dog"), ImageContent.from(IMAGE, "image/png"));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> model.embed(request(both)))
        .withMessageContaining("input 1")
        .withMessageContaining("2 contents");
    EmbeddingInput broken = EmbeddingInput.from(ImageContent.from("AAAA", "image/png"));
    assertThatThrownBy(() -> model.embed(request(broken))).isInstanceOf(UncheckedIOException.class);
  }
}
