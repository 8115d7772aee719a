package org.clip4j.springai;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Supplier;
import org.clip4j.Clip;
import org.jspecify.annotations.Nullable;
import org.springframework.ai.chat.metadata.EmptyUsage;
import org.springframework.ai.content.Media;
import org.springframework.ai.document.Document;
import org.springframework.ai.embedding.BatchingStrategy;
import org.springframework.ai.embedding.Embedding;
import org.springframework.ai.embedding.EmbeddingModel;
import org.springframework.ai.embedding.EmbeddingOptions;
import org.springframework.ai.embedding.EmbeddingRequest;
import org.springframework.ai.embedding.EmbeddingResponse;
import org.springframework.ai.embedding.EmbeddingResponseMetadata;

/**
 * Makes a {@link Clip} Spring AI's embedding model: texts and images become vectors of unit length
 * in one space, so that a text finds images in any vector store.
 *
 * <pre>{@code
 * EmbeddingModel model =
 *     ClipEmbeddingModel.of(clip, "laion/CLIP-ViT-B-32-256x256-DataComp-s34B-b86K");
 * Media picture = new Media(MimeTypeUtils.IMAGE_JPEG, new FileSystemResource("dog.jpg"));
 * float[] image = model.embed(new Document(picture, Map.of("file", "dog.jpg")));
 * float[] text = model.embed("a photo of a dog");
 * }</pre>
 *
 * <p>A document with media is embedded by its image, any other by its text, without its metadata.
 * Images come with their bytes, as a {@code Resource}; nothing is fetched from an address. Texts
 * beyond the model's context length are cut.
 *
 * <p>Any number of threads may share one. It does not own the {@link Clip}: close that when no call
 * will come any more.
 */
public final class ClipEmbeddingModel implements EmbeddingModel {
  private final Clip clip;
  private final String name;
  private final List<CallListener> listeners = new CopyOnWriteArrayList<>();

  private ClipEmbeddingModel(Clip clip, String name) {
    this.clip = Objects.requireNonNull(clip, "clip");
    this.name = Objects.requireNonNull(name, "name");
  }

  /**
   * Wraps a model.
   *
   * @param name what answers say that made them, for example that on the hub
   */
  public static ClipEmbeddingModel of(Clip clip, String name) {
    return new ClipEmbeddingModel(clip, name);
  }

  /**
   * Embeds texts.
   *
   * @throws IllegalArgumentException if the options ask for another model or another number of
   *     dimensions
   */
  @Override
  public EmbeddingResponse call(EmbeddingRequest request) {
    check(request.getOptions());
    float[][] rows = encodeTexts(request.getInstructions());
    List<Embedding> embeddings = new ArrayList<>();
    for (float[] row : rows) {
      embeddings.add(new Embedding(row, embeddings.size()));
    }
    return new EmbeddingResponse(embeddings, new EmbeddingResponseMetadata(name, new EmptyUsage()));
  }

  /** Embeds a document's image, or its text if it has none. */
  @Override
  public float[] embed(Document document) {
    return embed(List.of(document), null, null).get(0);
  }

  /**
   * Embeds documents, as {@link #embed(Document)} does, images and texts in batches.
   *
   * @param options may be null; they may not ask for another model or number of dimensions
   * @param batching of no use here: batches are sized by what the model can hold
   */
  @Override
  public List<float[]> embed(
      List<Document> documents,
      @Nullable EmbeddingOptions options,
      @Nullable BatchingStrategy batching) {
    check(options);
    float[][] embeddings = new float[documents.size()][];
    Map<Integer, String> texts = new LinkedHashMap<>(); // by their places
    Map<Integer, byte[]> images = new LinkedHashMap<>();
    for (int i = 0; i < embeddings.length; i++) {
      Document document = documents.get(i);
      if (document.getMedia() != null) {
        images.put(i, bytes(document));
      } else {
        texts.put(i, document.getText());
      }
    }
    if (!texts.isEmpty()) {
      put(embeddings, texts, encodeTexts(List.copyOf(texts.values())));
    }
    if (!images.isEmpty()) {
      List<byte[]> pictures = List.copyOf(images.values());
      put(embeddings, images, told("image", pictures.size(), () -> clip.encodeImages(pictures)));
    }
    return List.of(embeddings);
  }

  private float[][] encodeTexts(List<String> texts) {
    return told("text", texts.size(), () -> clip.encodeTexts(texts));
  }

  private float[][] told(String input, int count, Supplier<float[][]> call) {
    long start = System.nanoTime();
    Throwable failure = null;
    try {
      return call.get();
    } catch (RuntimeException | Error e) {
      failure = e;
      throw e;
    } finally {
      for (CallListener listener : listeners) {
        listener.ended(input, count, System.nanoTime() - start, failure);
      }
    }
  }

  void addListener(CallListener listener) {
    listeners.add(listener);
  }

  private static void put(float[][] embeddings, Map<Integer, ?> inputs, float[][] rows) {
    int row = 0;
    for (int place : inputs.keySet()) {
      embeddings[place] = rows[row++];
    }
  }

  private static byte[] bytes(Document document) {
    Media media = document.getMedia();
    if (!media.getMimeType().getType().equals("image")) {
      throw new IllegalArgumentException(
          "the document "
              + document.getId()
              + " holds "
              + media.getMimeType()
              + "; CLIP models take texts and images");
    }
    if (!(media.getData() instanceof byte[] data)) {
      throw new IllegalArgumentException(
          "the document "
              + document.getId()
              + " holds the address of an image, and nothing is fetched; give its bytes, for example"
              + " as a FileSystemResource");
    }
    return data;
  }

  private void check(EmbeddingOptions options) {
    if (options == null) {
      return;
    }
    if (options.getModel() != null && !options.getModel().equals(name)) {
      throw new IllegalArgumentException(
          "the options ask for the model " + options.getModel() + ", and this is " + name);
    }
    if (options.getDimensions() != null && options.getDimensions() != dimensions()) {
      throw new IllegalArgumentException(
          "the options ask for "
              + options.getDimensions()
              + " dimensions, and those of "
              + name
              + " are "
              + dimensions());
    }
  }

  @Override
  public int dimensions() {
    return clip.embedDim();
  }

  Clip clip() {
    return clip;
  }

  String name() {
    return name;
  }
}
