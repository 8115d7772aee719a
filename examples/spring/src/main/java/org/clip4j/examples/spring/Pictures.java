package org.clip4j.examples.spring;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.clip4j.search.lucene.IndexEntry;
import org.clip4j.search.lucene.LuceneIndex;
import org.clip4j.search.lucene.SearchQuery;
import org.springframework.ai.content.Media;
import org.springframework.ai.document.Document;
import org.springframework.ai.embedding.EmbeddingModel;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.core.io.ByteArrayResource;
import org.springframework.stereotype.Component;
import org.springframework.util.MimeType;

/**
 * Pictures in a folder, each a file under its id, and their embeddings in an index beside them. The
 * index says which pictures there are. Safe for use by any number of threads, as both are.
 */
@Component
class Pictures {

  /** A picture that a text has found, and the cosine similarity of the two. */
  record Found(String id, double cosine) {}

  /** A picture's file and what it is. */
  record Stored(Path file, String type) {}

  private static final String TYPE = "type";

  private final Path folder;
  private final EmbeddingModel model;
  private final LuceneIndex index;

  Pictures(@Value("${pictures.folder}") Path folder, EmbeddingModel model, LuceneIndex index) {
    this.folder = folder;
    this.model = model;
    this.index = index;
  }

  /** Keeps a picture, durably when this returns, and gives its id. */
  String add(byte[] picture, MimeType type) throws IOException {
    float[] embedding =
        model.embed(new Document(new Media(type, new ByteArrayResource(picture)), Map.of()));
    String id = UUID.randomUUID().toString();
    Files.write(folder.resolve(id), picture);
    index.add(new IndexEntry(id, embedding, Map.of(TYPE, type.toString())));
    index.commit();
    return id;
  }

  /** The pictures most similar to a text, best first. */
  List<Found> find(String text, int count) throws IOException {
    return index.search(SearchQuery.of(model.embed(text)).optTopK(count)).stream()
        .map(match -> new Found(match.id(), match.score()))
        .toList();
  }

  /** The picture of this id. */
  Optional<Stored> get(String id) throws IOException {
    return index
        .get(id)
        .map(entry -> new Stored(folder.resolve(id), (String) entry.fields().get(TYPE)))
        .filter(stored -> Files.exists(stored.file())); // not deleted meanwhile
  }

  /** Forgets a picture; false if there is none of this id. */
  boolean remove(String id) throws IOException {
    if (index.remove(List.of(id)) == 0) {
      return false;
    }
    index.commit();
    Files.deleteIfExists(folder.resolve(id));
    return true;
  }
}
