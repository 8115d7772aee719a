package org.clip4j.examples.docs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.segment.TextSegment;
import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.embedding.EmbeddingModel;
import dev.langchain4j.store.embedding.EmbeddingStore;
import dev.langchain4j.store.embedding.inmemory.InMemoryEmbeddingStore;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import org.clip4j.Clip;
import org.clip4j.langchain4j.ClipEmbeddingModel;
import org.clip4j.search.lucene.LuceneIndex;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The guide's snippets, run on a tiny random model and with a language model that echoes. */
class LangChain4jTest {
  private static final Path GOLDEN = Path.of("../src/test/resources/golden");
  private static final Map<Path, String> CAPTIONS =
      Map.of(
          GOLDEN.resolve("preprocess/rgb.png"), "a pattern in colours",
          GOLDEN.resolve("preprocess/gray.png"), "a pattern in grey",
          GOLDEN.resolve("preprocess/square-224.png"), "a square pattern",
          GOLDEN.resolve("preprocess/palette.png"), "a pattern of few colours");

  @Test
  void texts_find_pictures_which_are_an_answers_sources(@TempDir Path folder) throws IOException {
    String question = "which picture is grey?";
    ChatModel echo =
        new ChatModel() {
          @Override
          public ChatResponse doChat(ChatRequest request) {
            return ChatResponse.builder()
                .aiMessage(AiMessage.from(request.messages().toString()))
                .build();
          }
        };
    try (Clip clip = Clip.load(GOLDEN.resolve("hf-clip"));
        LuceneIndex index =
            LuceneIndex.builder(folder.resolve("index")).optDimensions(24).create()) {
      EmbeddingModel model = ClipEmbeddingModel.of(clip, "hf-clip");
      float[] text = clip.encodeText(question);
      List<String> nearest =
          CAPTIONS.keySet().stream()
              .sorted(
                  Comparator.comparingDouble(file -> -Clip.cosine(clip.encodeImage(file), text)))
              .limit(3)
              .map(Path::toString)
              .toList();
      for (EmbeddingStore<TextSegment> store :
          List.of(new InMemoryEmbeddingStore<TextSegment>(), LangChain4jGuide.lucene(index))) {
        LangChain4jGuide.addPictures(model, store, CAPTIONS);
        assertThat(LangChain4jGuide.findPictures(model, store, question))
            .containsExactlyElementsOf(nearest);
        assertThat(LangChain4jGuide.ask(echo, model, store, question))
            .containsExactlyElementsOf(nearest);
      }
      assertThat(index.size()).isEqualTo(CAPTIONS.size());
    }
  }
}
