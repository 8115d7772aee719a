package org.clip4j.springai;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.net.URI;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.clip4j.Clip;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.springframework.ai.content.Media;
import org.springframework.ai.document.Document;
import org.springframework.ai.embedding.EmbeddingOptions;
import org.springframework.ai.embedding.EmbeddingRequest;
import org.springframework.ai.embedding.EmbeddingResponse;
import org.springframework.ai.embedding.TokenCountBatchingStrategy;
import org.springframework.core.io.FileSystemResource;
import org.springframework.util.MimeTypeUtils;

/** Spring AI's way to a model, beside the front door, on transformers' golden model. */
class ClipEmbeddingModelTest {
  private static final Path GOLDEN = Path.of("src/test/resources/golden");
  private static final Path IMAGE = GOLDEN.resolve("preprocess/rgb.png");
  private static final Path OTHER_IMAGE = GOLDEN.resolve("preprocess/gray.png");
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

  private static Document picture(Path file) {
    Media media = new Media(MimeTypeUtils.IMAGE_PNG, new FileSystemResource(file));
    return new Document(media, Map.of("file", file.toString()));
  }

  private static void assertSame(float[] found, float[] expected) {
    assertThat(found).containsExactly(expected, within(1e-5f));
  }

  @Test
  void documents_are_embedded_by_their_image_or_their_text_in_order() {
    List<float[]> found =
        model.embed(
            List.of(picture(IMAGE), new Document("a dog"), picture(OTHER_IMAGE)),
            EmbeddingOptions.builder().build(),
            new TokenCountBatchingStrategy());
    assertThat(found).hasSize(3);
    assertSame(found.get(0), clip.encodeImage(IMAGE));
    assertSame(found.get(1), clip.encodeText("a dog"));
    assertSame(found.get(2), clip.encodeImage(OTHER_IMAGE));
    assertSame(model.embed(picture(OTHER_IMAGE)), clip.encodeImage(OTHER_IMAGE));
    assertSame(model.embed(new Document("a dog", Map.of("n", 1))), clip.encodeText("a dog"));
  }

  @Test
  void texts_get_the_embeddings_of_the_front_door() {
    assertSame(model.embed("a dog"), clip.encodeText("a dog"));
    EmbeddingResponse response = model.embedForResponse(List.of("a cat", "a dog"));
    assertThat(response.getResults()).hasSize(2);
    assertThat(response.getResults().get(1).getIndex()).isEqualTo(1);
    assertSame(response.getResults().get(1).getOutput(), clip.encodeText("a dog"));
    assertThat(response.getMetadata().getModel()).isEqualTo("hf-clip");
    assertThat(model.dimensions()).isEqualTo(clip.embedDim());
  }

  @Test
  void what_cannot_be_embedded_is_named() {
    Document address =
        new Document(
            new Media(MimeTypeUtils.IMAGE_PNG, URI.create("http://localhost:1/secret.png")),
            Map.of());
    assertThatIllegalArgumentException()
        .isThrownBy(() -> model.embed(address))
        .withMessageContaining(address.getId())
        .withMessageContaining("nothing is fetched");
    Document sound =
        new Document(
            new Media(MimeTypeUtils.parseMimeType("audio/wav"), new FileSystemResource(IMAGE)),
            Map.of());
    assertThatIllegalArgumentException()
        .isThrownBy(() -> model.embed(sound))
        .withMessageContaining("audio/wav");
    EmbeddingOptions shorter = EmbeddingOptions.builder().dimensions(8).build();
    assertThatIllegalArgumentException()
        .isThrownBy(() -> model.call(new EmbeddingRequest(List.of("a dog"), shorter)))
        .withMessageContaining("8 dimensions");
    EmbeddingOptions other = EmbeddingOptions.builder().model("another").build();
    assertThatIllegalArgumentException()
        .isThrownBy(() -> model.call(new EmbeddingRequest(List.of("a dog"), other)))
        .withMessageContaining("another")
        .withMessageContaining("hf-clip");
  }
}
