package org.clip4j.examples.spring;

import jakarta.servlet.Filter;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Set;
import org.clip4j.search.lucene.LuceneIndex;
import org.clip4j.search.lucene.LuceneIndexBuilder;
import org.clip4j.search.lucene.ModelIdentity;
import org.clip4j.springai.ClipProperties;
import org.springframework.ai.embedding.EmbeddingModel;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.annotation.Bean;

/**
 * Keeps pictures and finds them by text, over HTTP on this machine alone. The model is made from
 * the {@code clip4j} properties; see {@link PictureController} for the requests.
 */
@SpringBootApplication(proxyBeanMethods = false)
public class PictureApplication {
  private static final Set<String> THIS_MACHINE = Set.of("localhost", "127.0.0.1", "[::1]");

  /** Starts it. */
  public static void main(String[] arguments) {
    SpringApplication.run(PictureApplication.class, arguments);
  }

  /** Opens the index in a folder, or makes it there. */
  @Bean
  LuceneIndex index(
      @Value("${pictures.folder}") Path folder, EmbeddingModel model, ClipProperties properties)
      throws IOException {
    ModelIdentity identity =
        new ModelIdentity(
            properties.model(),
            "",
            "",
            model.dimensions(),
            properties.precision().name().toLowerCase(Locale.ROOT),
            "");
    Path place = folder.resolve("index");
    LuceneIndexBuilder builder = LuceneIndex.builder(place).optModel(identity);
    if (!LuceneIndex.isIn(place)) {
      return builder.create();
    }
    LuceneIndex index = builder.open();
    String made = index.model().orElseThrow().name();
    if (!made.equals(properties.model())) { // which may have as many dimensions
      index.close();
      throw new IllegalStateException(
          place
              + " was made by "
              + made
              + ", and clip4j.model is "
              + properties.model()
              + "; set pictures.folder to another folder for that model");
    }
    return index;
  }

  /** Refuses names that somebody else's site has given to this machine. */
  @Bean
  Filter hosts() {
    return (request, response, chain) -> {
      if (THIS_MACHINE.contains(request.getServerName())) {
        chain.doFilter(request, response);
      } else {
        ((HttpServletResponse) response).sendError(HttpServletResponse.SC_FORBIDDEN);
      }
    };
  }
}
