package org.clip4j.langchain4j;

import static org.assertj.core.api.Assertions.assertThat;

import dev.langchain4j.data.embedding.Embedding;
import dev.langchain4j.store.embedding.EmbeddingMatch;
import dev.langchain4j.store.embedding.EmbeddingSearchRequest;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.clip4j.search.lucene.LuceneIndex;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The index as LangChain4j's store; the examples' tests compare it with one of LangChain4j's. */
class LuceneEmbeddingStoreTest {

  @Test
  void searches_while_entries_are_removed_find_those_that_stay(@TempDir Path folder)
      throws Exception {
    Embedding embedding = Embedding.from(new float[] {1, 0, 0});
    try (LuceneIndex index = LuceneIndex.builder(folder).optDimensions(3).create()) {
      LuceneEmbeddingStore store = LuceneEmbeddingStore.of(index);
      store.add("stays", embedding);
      CompletableFuture<Void> changes =
          CompletableFuture.runAsync(
              () -> {
                for (int i = 0; i < 100; i++) {
                  store.add("goes", embedding);
                  store.removeAll(List.of("goes"));
                }
              });
      EmbeddingSearchRequest request =
          EmbeddingSearchRequest.builder().queryEmbedding(embedding).maxResults(2).build();
      do {
        assertThat(store.search(request).matches())
            .extracting(EmbeddingMatch::embeddingId)
            .contains("stays");
      } while (!changes.isDone());
      changes.get();
    }
  }
}
