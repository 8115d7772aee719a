package org.clip4j.langchain4j;

import dev.langchain4j.data.embedding.Embedding;
import dev.langchain4j.data.image.Image;
import dev.langchain4j.data.message.Content;
import dev.langchain4j.data.message.ContentType;
import dev.langchain4j.data.message.ImageContent;
import dev.langchain4j.data.message.TextContent;
import dev.langchain4j.model.embedding.EmbeddingModel;
import dev.langchain4j.model.embedding.request.EmbeddingInput;
import dev.langchain4j.model.embedding.request.EmbeddingParameter;
import dev.langchain4j.model.embedding.request.EmbeddingRequest;
import dev.langchain4j.model.embedding.request.EmbeddingRequestParameters;
import dev.langchain4j.model.embedding.response.EmbeddingResponse;
import java.util.Arrays;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.clip4j.Clip;

/**
 * Makes a {@link Clip} LangChain4j's embedding model: texts and images become vectors of unit
 * length in one space, so that a text finds images in any embedding store.
 *
 * <pre>{@code
 * EmbeddingModel model =
 *     ClipEmbeddingModel.of(clip, "laion/CLIP-ViT-B-32-256x256-DataComp-s34B-b86K");
 * EmbeddingRequest request =
 *     EmbeddingRequest.builder()
 *         .inputs(List.of(EmbeddingInput.from(ImageContent.from(Path.of("dog.jpg"), "image/jpeg"))))
 *         .build();
 * Embedding image = model.embed(request).embeddings().get(0);
 * Embedding text = model.embed("a photo of a dog").content();
 * }</pre>
 *
 * <p>An input is one text or one image. Images come with their bytes; nothing is fetched from an
 * address. Texts beyond the model's context length are cut. Queries and documents are embedded
 * alike, whatever {@code inputType} says.
 *
 * <p>Any number of threads may share one. It does not own the {@link Clip}: close that when no call
 * will come any more.
 */
public final class ClipEmbeddingModel implements EmbeddingModel {
  private final Clip clip;
  private final String name;

  private ClipEmbeddingModel(Clip clip, String name) {
    this.clip = Objects.requireNonNull(clip, "clip");
    this.name = Objects.requireNonNull(name, "name");
  }

  /**
   * Wraps a model.
   *
   * @param name what {@link #modelName()} says, for example that on the hub
   */
  public static ClipEmbeddingModel of(Clip clip, String name) {
    return new ClipEmbeddingModel(clip, name);
  }

  /**
   * Embeds texts and images, each kind in batches.
   *
   * @throws IllegalArgumentException if an input is not one text or one image, or an image comes
   *     without its bytes; the message says which
   * @throws java.io.UncheckedIOException if an image cannot be decoded
   */
  @Override
  public EmbeddingResponse doEmbed(EmbeddingRequest request) {
    List<EmbeddingInput> inputs = request.inputs();
    Embedding[] embeddings = new Embedding[inputs.size()];
    Map<Integer, String> texts = new LinkedHashMap<>(); // by their places
    Map<Integer, byte[]> images = new LinkedHashMap<>();
    for (int i = 0; i < embeddings.length; i++) {
      Content content = only(inputs.get(i), i);
      if (content instanceof TextContent text) {
        texts.put(i, text.text());
      } else if (content instanceof ImageContent image) {
        images.put(i, bytes(image.image(), i));
      } else {
        throw new IllegalArgumentException(
            name(i) + " is of type " + content.type() + "; CLIP models take texts and images");
      }
    }
    if (!texts.isEmpty()) {
      put(embeddings, texts, clip.encodeTexts(List.copyOf(texts.values())));
    }
    put(embeddings, images, clip.encodeImages(List.copyOf(images.values())));
    return EmbeddingResponse.builder()
        .embeddings(Arrays.asList(embeddings))
        .modelName(name)
        .build();
  }

  private static void put(Embedding[] embeddings, Map<Integer, ?> inputs, float[][] rows) {
    int row = 0;
    for (int place : inputs.keySet()) {
      embeddings[place] = Embedding.from(rows[row++]);
    }
  }

  private static String name(int input) {
    return "input " + (input + 1) + " of the request";
  }

  private static Content only(EmbeddingInput input, int index) {
    if (input.contents().size() != 1) {
      throw new IllegalArgumentException(
          name(index)
              + " has "
              + input.contents().size()
              + " contents; a CLIP model embeds one text or one image, so give each an input of its"
              + " own");
    }
    return input.contents().get(0);
  }

  private static byte[] bytes(Image image, int index) {
    if (image.base64Data() == null) {
      throw new IllegalArgumentException(
          name(index)
              + " is the address of an image, and nothing is fetched; give its bytes, for example by"
              + " ImageContent.from(path, mimeType)");
    }
    try {
      return Base64.getMimeDecoder().decode(image.base64Data());
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(name(index) + " is not an image in Base64", e);
    }
  }

  @Override
  public Set<ContentType> supportedContentTypes() {
    return Set.of(ContentType.TEXT, ContentType.IMAGE);
  }

  /** Gives the kind of input, which makes no difference. */
  @Override
  public Set<EmbeddingParameter<?>> supportedParameters() {
    return Set.of(EmbeddingRequestParameters.INPUT_TYPE);
  }

  @Override
  public int dimension() {
    return clip.embedDim();
  }

  @Override
  public String modelName() {
    return name;
  }
}
