package org.clip4j.langchain4j;

import dev.langchain4j.data.document.Metadata;
import dev.langchain4j.data.embedding.Embedding;
import dev.langchain4j.data.segment.TextSegment;
import dev.langchain4j.store.embedding.EmbeddingMatch;
import dev.langchain4j.store.embedding.EmbeddingSearchRequest;
import dev.langchain4j.store.embedding.EmbeddingSearchResult;
import dev.langchain4j.store.embedding.EmbeddingStore;
import dev.langchain4j.store.embedding.RelevanceScore;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.clip4j.io.IoErrors;
import org.clip4j.search.lucene.IndexEntry;
import org.clip4j.search.lucene.LuceneIndex;
import org.clip4j.search.lucene.Match;
import org.clip4j.search.lucene.SearchQuery;

/**
 * Makes a {@link LuceneIndex} LangChain4j's embedding store: it keeps vectors of unit length with a
 * text and metadata on disk.
 *
 * <p>Metadata becomes fields of the index, of text where they are text and of numbers else; the
 * text itself is the field {@value #TEXT}. Scores are LangChain4j's, (1 + cosine) / 2.
 *
 * <p>Any number of threads may share one. It does not own the index: {@link LuceneIndex#commit}
 * makes what was added durable, and the index is closed by who opened it.
 */
public final class LuceneEmbeddingStore implements EmbeddingStore<TextSegment> {
  /** The field that holds a segment's text. */
  public static final String TEXT = "text";

  private final LuceneIndex index;

  private LuceneEmbeddingStore(LuceneIndex index) {
    this.index = Objects.requireNonNull(index, "index");
  }

  /** Wraps an index. */
  public static LuceneEmbeddingStore of(LuceneIndex index) {
    return new LuceneEmbeddingStore(index);
  }

  @Override
  public String add(Embedding embedding) {
    return addAll(List.of(embedding)).get(0);
  }

  @Override
  public void add(String id, Embedding embedding) {
    addAll(List.of(id), List.of(embedding), null);
  }

  @Override
  public String add(Embedding embedding, TextSegment segment) {
    List<String> ids = generateIds(1);
    addAll(ids, List.of(embedding), List.of(segment));
    return ids.get(0);
  }

  @Override
  public List<String> addAll(List<Embedding> embeddings) {
    List<String> ids = generateIds(embeddings.size());
    addAll(ids, embeddings, null);
    return ids;
  }

  /** Adds entries, or replaces those of the same ids; {@code segments} may be null. */
  @Override
  public void addAll(List<String> ids, List<Embedding> embeddings, List<TextSegment> segments) {
    if (ids.size() != embeddings.size() || segments != null && segments.size() != ids.size()) {
      throw new IllegalArgumentException(
          ids.size()
              + " ids, "
              + embeddings.size()
              + " embeddings and "
              + (segments == null ? "no" : segments.size())
              + " segments; each entry has one of each");
    }
    List<IndexEntry> entries = new ArrayList<>();
    for (int i = 0; i < ids.size(); i++) {
      Map<String, Object> fields = new HashMap<>();
      if (segments != null) {
        fields.putAll(segments.get(i).metadata().toMap());
        fields.put(TEXT, segments.get(i).text());
      }
      entries.add(new IndexEntry(ids.get(i), embeddings.get(i).vector(), fields));
    }
    try {
      index.putAll(entries);
    } catch (IOException e) {
      throw IoErrors.unchecked(e);
    }
  }

  @Override
  public void removeAll(Collection<String> ids) {
    try {
      index.remove(ids);
    } catch (IOException e) {
      throw IoErrors.unchecked(e);
    }
  }

  /**
   * Finds the nearest entries.
   *
   * @throws UnsupportedOperationException if the request has a filter of LangChain4j's; {@link
   *     LuceneIndex#search(SearchQuery)} has filters of its own
   */
  @Override
  public EmbeddingSearchResult<TextSegment> search(EmbeddingSearchRequest request) {
    if (request.filter() != null) {
      throw new UnsupportedOperationException(
          "LangChain4j's filters are not translated; search the LuceneIndex with its own");
    }
    List<EmbeddingMatch<TextSegment>> found = new ArrayList<>();
    try {
      float[] query = request.queryEmbedding().vector();
      for (Match match : index.search(SearchQuery.of(query).optTopK(request.maxResults()))) {
        double score = RelevanceScore.fromCosineSimilarity(match.score());
        if (score >= request.minScore()) {
          Optional<IndexEntry> entry = index.get(match.id()); // may be removed meanwhile
          entry
              .map(each -> Embedding.from(each.vector()))
              .map(each -> new EmbeddingMatch<>(score, match.id(), each, segment(match)))
              .ifPresent(found::add);
        }
      }
    } catch (IOException e) {
      throw IoErrors.unchecked(e);
    }
    return new EmbeddingSearchResult<>(found);
  }

  private static TextSegment segment(Match match) {
    Map<String, Object> metadata = new HashMap<>(match.fields());
    Object text = metadata.remove(TEXT);
    return text == null ? null : TextSegment.from(text.toString(), Metadata.from(metadata));
  }
}
