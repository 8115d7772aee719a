package org.clip4j.examples.docs;

import dev.langchain4j.data.document.Metadata;
import dev.langchain4j.data.embedding.Embedding;
import dev.langchain4j.data.message.ImageContent;
import dev.langchain4j.data.segment.TextSegment;
import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.embedding.EmbeddingModel;
import dev.langchain4j.model.embedding.request.EmbeddingInput;
import dev.langchain4j.model.embedding.request.EmbeddingRequest;
import dev.langchain4j.rag.content.Content;
import dev.langchain4j.rag.content.retriever.EmbeddingStoreContentRetriever;
import dev.langchain4j.service.AiServices;
import dev.langchain4j.service.Result;
import dev.langchain4j.store.embedding.EmbeddingMatch;
import dev.langchain4j.store.embedding.EmbeddingSearchRequest;
import dev.langchain4j.store.embedding.EmbeddingStore;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.clip4j.Clip;
import org.clip4j.langchain4j.ClipEmbeddingModel;
import org.clip4j.langchain4j.LuceneEmbeddingStore;
import org.clip4j.search.lucene.LuceneIndex;

/**
 * The snippets of docs/integrations.md about LangChain4j, compiled; a test holds the guide to them.
 */
final class LangChain4jGuide {
  private LangChain4jGuide() {}

  static void addPictures(
      EmbeddingModel model, EmbeddingStore<TextSegment> store, Map<Path, String> captions) {
    List<EmbeddingInput> pictures = new ArrayList<>();
    List<TextSegment> segments = new ArrayList<>();
    captions.forEach(
        (file, caption) -> {
          pictures.add(EmbeddingInput.from(ImageContent.from(file, "image/png")));
          segments.add(TextSegment.from(caption, Metadata.from("file", file.toString())));
        });
    List<Embedding> embeddings =
        model.embed(EmbeddingRequest.builder().inputs(pictures).build()).embeddings();
    store.addAll(embeddings, segments);
  }

  static List<String> findPictures(
      EmbeddingModel model, EmbeddingStore<TextSegment> store, String text) {
    EmbeddingSearchRequest search =
        EmbeddingSearchRequest.builder()
            .queryEmbedding(model.embed(text).content())
            .maxResults(3)
            .build();
    List<EmbeddingMatch<TextSegment>> matches = store.search(search).matches();
    return matches.stream().map(match -> match.embedded().metadata().getString("file")).toList();
  }

  static EmbeddingModel model(Clip clip) {
    EmbeddingModel model =
        ClipEmbeddingModel.of(clip, "laion/CLIP-ViT-B-32-256x256-DataComp-s34B-b86K");
    return model;
  }

  static EmbeddingStore<TextSegment> lucene(LuceneIndex index) {
    EmbeddingStore<TextSegment> store = LuceneEmbeddingStore.of(index);
    return store;
  }

  interface Assistant {
    Result<String> answer(String question);
  }

  static List<String> ask(
      ChatModel chat, EmbeddingModel model, EmbeddingStore<TextSegment> store, String question) {
    Assistant assistant =
        AiServices.builder(Assistant.class)
            .chatModel(chat)
            .contentRetriever(
                EmbeddingStoreContentRetriever.builder()
                    .embeddingModel(model)
                    .embeddingStore(store)
                    .maxResults(3)
                    .build())
            .build();
    Result<String> answer = assistant.answer(question);
    System.out.println(answer.content());
    List<Content> sources = answer.sources(); // the captions, with the pictures they belong to
    return sources.stream().map(each -> each.textSegment().metadata().getString("file")).toList();
  }
}
