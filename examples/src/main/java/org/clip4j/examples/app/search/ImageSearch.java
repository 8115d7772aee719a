package org.clip4j.examples.app.search;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.IntStream;
import org.clip4j.Clip;
import org.clip4j.ClipLoader;
import org.clip4j.data.ImageList;
import org.clip4j.data.Images;
import org.clip4j.encode.ImageSource;
import org.clip4j.examples.app.report.HtmlReport;
import org.clip4j.examples.app.report.Thumbnail;
import org.clip4j.examples.app.terminal.Progress;
import org.clip4j.explain.Explainer;
import org.clip4j.explain.HeatMap;
import org.clip4j.image.ImageDecoder;
import org.clip4j.image.RgbImage;
import org.clip4j.search.Embeddings;
import org.clip4j.search.lucene.Filter;
import org.clip4j.search.lucene.IndexEntry;
import org.clip4j.search.lucene.LuceneIndex;
import org.clip4j.search.lucene.LuceneIndexBuilder;
import org.clip4j.search.lucene.ModelIdentity;
import org.clip4j.search.lucene.SearchQuery;

/**
 * A model, and an index of embeddings that it made of images or texts, to be searched by text or
 * image. Any number of threads may; it is closed when none does.
 *
 * <p>The index is kept beside the embeddings, in the folder "index": their rows are its entries, by
 * their numbers. What is added later has the numbers that follow.
 */
public final class ImageSearch implements AutoCloseable {
  static final String FILE = "file";
  private static final String MEMBER = "member";
  private static final String TEXT = "text";
  private static final String FOLDER = "folder";

  /** A row that was found: its rank from 1, its name, cosine, and how many were folded into it. */
  public record Match(int rank, int row, String name, float score, int folded) {}

  /**
   * How to search.
   *
   * @param top how many rows, at most
   * @param where filters that all must match
   * @param relevance a false-discovery rate; null for the most similar, relevant or not
   * @param fold a cosine from which on rows are near duplicates; null to show each
   * @param without a text that is not wanted; null for none
   */
  public record Options(int top, List<String> where, Double relevance, Float fold, String without) {
    static Options top(int top) {
      return new Options(top, List.of(), null, null, null);
    }
  }

  private static final int ROWS_AT_ONCE = 1024;

  private final Clip clip;
  private final Embeddings embeddings;
  private final LuceneIndex index;
  private final Path root;
  private final ImageList.Kind kind; // null if the rows are of texts
  private final Map<String, ImageList> tars = new HashMap<>(); // guarded by itself

  private ImageSearch(Clip clip, Embeddings embeddings, LuceneIndex index, Path root) {
    this.clip = clip;
    this.embeddings = embeddings;
    this.index = index;
    boolean images = ModelFacts.IMAGES.equals(embeddings.facts().get(ModelFacts.OF));
    kind = images ? kind(embeddings.notes().get(ModelFacts.KIND)) : null;
    this.root = root != null || !images ? root : Path.of(embeddings.notes().get(ModelFacts.ROOT));
  }

  private static ImageList.Kind kind(String note) {
    return ImageList.Kind.valueOf(note.toUpperCase(Locale.ROOT));
  }

  /**
   * Loads both, and checks that they belong together.
   *
   * @param root where the images are now; null for where they were when they were embedded
   */
  public static ImageSearch open(ClipLoader loader, String model, Path folder, Path root)
      throws IOException {
    Embeddings embeddings = Embeddings.open(folder); // first, since a model loads slowly
    try {
      String weights = ModelFacts.of(loader).weights();
      if (!weights.equals(embeddings.facts().get(ModelFacts.WEIGHTS))) {
        throw new IOException(
            folder
                + " holds embeddings of another model, "
                + embeddings.notes().get("model")
                + " (weights "
                + embeddings.facts().get(ModelFacts.WEIGHTS)
                + "), not of "
                + model
                + " (weights "
                + weights
                + "); name that one, or embed with this one into another folder");
      }
      if (embeddings.size() == 0) {
        throw new IOException(folder + " holds no embeddings yet; let Embed finish a shard");
      }
      if (!embeddings.isComplete()) {
        System.err.println("Note: " + folder + " is not complete; Embed would go on with it");
      }
      LuceneIndex index = index(embeddings, folder);
      try {
        return new ImageSearch(loader.load(), embeddings, index, root);
      } catch (RuntimeException e) {
        index.close();
        throw e;
      }
    } catch (IOException | RuntimeException e) {
      embeddings.close();
      throw e;
    }
  }

  /** The index that is kept beside the embeddings, made or brought up to date. */
  private static LuceneIndex index(Embeddings embeddings, Path folder) throws IOException {
    if (Files.exists(folder.resolve("approximate"))) {
      System.err.println(
          "Note: "
              + folder.resolve("approximate")
              + " is an index of an earlier version and not used any more; it can be deleted");
    }
    Path place = folder.resolve("index");
    LuceneIndexBuilder builder = LuceneIndex.builder(place).optModel(ModelIdentity.of(embeddings));
    LuceneIndex index = LuceneIndex.isIn(place) ? builder.open() : builder.create();
    try {
      int known = Integer.parseInt(index.notes().getOrDefault("rows", "0"));
      if (known > embeddings.size()) {
        throw new IOException(place + " is an index of other embeddings; delete it");
      }
      if (known < embeddings.size()) {
        System.out.printf(
            Locale.ROOT, "Adding %,d rows to the index, once%n", embeddings.size() - known);
        try (Progress bar = new Progress("Indexing", embeddings.size(), known)) {
          for (int row = known; row < embeddings.size(); row += ROWS_AT_ONCE) {
            int end = Math.min(row + ROWS_AT_ONCE, embeddings.size());
            index.putAll(
                IntStream.range(row, end).mapToObj(each -> entry(embeddings, each)).toList());
            bar.progress(end, 0);
          }
        }
        index.notes().put("rows", String.valueOf(embeddings.size()));
        index.commit();
      }
      return index;
    } catch (IOException | RuntimeException e) {
      index.close();
      throw e;
    }
  }

  private static IndexEntry entry(Embeddings embeddings, int row) {
    IndexEntry entry = LuceneIndex.entry(embeddings, row, String.valueOf(row));
    Map<String, Object> fields = new HashMap<>(entry.fields());
    if (fields.get(FILE) instanceof String file) {
      fields.put(FOLDER, fields.containsKey(MEMBER) ? file : folderOf(file));
    }
    return new IndexEntry(entry.id(), entry.vector(), fields);
  }

  private static String folderOf(String file) {
    return file.substring(0, Math.max(0, file.replace('\\', '/').lastIndexOf('/')));
  }

  /**
   * Adds image files; those that are there already, by their absolute names, are replaced.
   *
   * @param fields of all of them, as "year=2024"
   * @return how many
   * @throws IOException if one cannot be read; then none is added
   */
  public int add(List<Path> files, List<String> fields) throws IOException {
    if (kind == null) {
      throw new IOException("the rows are of texts, so that no images can be added");
    }
    Map<String, Object> common = SearchFilters.fields(fields, index.fields());
    float[][] vectors = clip.encodeImages(files);
    int next =
        Math.max(embeddings.size(), Integer.parseInt(index.notes().getOrDefault("next", "0")));
    List<IndexEntry> entries = new ArrayList<>();
    for (int i = 0; i < vectors.length; i++) {
      String file = files.get(i).toAbsolutePath().normalize().toString();
      Map<String, Object> all = new HashMap<>(common);
      all.put(FILE, file);
      all.put(FOLDER, folderOf(file));
      List<String> same = ids(Filter.equal(FILE, file));
      String id = same.isEmpty() ? String.valueOf(next++) : same.get(0);
      entries.add(new IndexEntry(id, vectors[i], all));
    }
    index.putAll(entries);
    index.notes().put("next", String.valueOf(next));
    index.commit();
    return entries.size();
  }

  /** Removes the rows of a name, as it is shown, from the index. Gives how many. */
  public int remove(String name) throws IOException {
    int removed;
    if (kind == null) {
      removed = index.remove(ids(Filter.equal(TEXT, name)));
    } else {
      removed = index.remove(ids(Filter.equal(FILE, name)));
      int colon = name.lastIndexOf(':');
      if (colon > 0 && index.fields().containsKey(MEMBER)) {
        removed +=
            index.remove(
                ids(
                    Filter.all(
                        Filter.equal(FILE, name.substring(0, colon)),
                        Filter.equal(MEMBER, name.substring(colon + 1)))));
      }
    }
    index.commit();
    return removed;
  }

  private List<String> ids(Filter filter) throws IOException {
    float[] any = new float[embeddings.dimensions()];
    any[0] = 1;
    return index
        .search(SearchQuery.of(any).optTopK(Math.max(1, index.size())).optWhere(filter))
        .stream()
        .map(org.clip4j.search.lucene.Match::id)
        .toList();
  }

  public int size() throws IOException {
    return index.size();
  }

  /** Whether there is a row of this number. */
  boolean has(int row) throws IOException {
    return index.contains(String.valueOf(row));
  }

  /** The names of fields to filter by, and what they hold. */
  public Map<String, String> fields() {
    return index.fields();
  }

  /** Whether rows have pictures. */
  boolean isOfImages() {
    return kind != null;
  }

  public List<Match> byText(String text, Options options) throws IOException {
    return find(clip.encodeText(text), options);
  }

  public List<Match> byImage(RgbImage image, Options options) throws IOException {
    return find(clip.encodeImage(image), options);
  }

  /** The rows most like a row, without itself. */
  List<Match> byRow(int row, Options options) throws IOException {
    float[] vector = index.get(String.valueOf(row)).orElseThrow().vector();
    Options more =
        new Options(
            options.top + 1, options.where, options.relevance, options.fold, options.without);
    return find(vector, more).stream()
        .filter(match -> match.row() != row)
        .limit(options.top)
        .toList();
  }

  private List<Match> find(float[] vector, Options options) throws IOException {
    SearchQuery query =
        SearchQuery.of(vector)
            .optTopK(options.top)
            .optWhere(SearchFilters.filter(options.where, index.fields()));
    if (options.relevance != null) {
      query.optRelevance(options.relevance);
    }
    if (options.fold != null) {
      query.optFold(options.fold);
    }
    if (options.without != null) {
      query.optWithout(clip.encodeText(options.without), 0.5f);
    }
    List<Match> matches = new ArrayList<>();
    for (org.clip4j.search.lucene.Match found : index.search(query)) {
      matches.add(
          new Match(
              matches.size() + 1,
              Integer.parseInt(found.id()),
              name(found.fields()),
              found.score(),
              found.folded().size()));
    }
    return matches;
  }

  private static String name(Map<String, ?> fields) {
    Object member = fields.get(MEMBER);
    Object name = fields.containsKey(FILE) ? fields.get(FILE) : fields.get(TEXT);
    return member == null ? String.valueOf(name) : name + ":" + member;
  }

  /**
   * A row's image as a JPEG.
   *
   * @param side the most pixels that it may be wide and high
   * @throws IOException if the image is not there any more, or cannot be read
   */
  public byte[] jpeg(int row, int side) throws IOException {
    return Thumbnail.jpeg(HtmlReport.Picture.of(image(row), "").image(), side);
  }

  /** Whether {@link #explanation} is to be had: pictures, and a model that keeps its weights. */
  boolean explains() {
    return isOfImages() && clip.model().keepsWeights();
  }

  /** As {@link #jpeg}, with a heat map over it of what makes it similar to a text. */
  byte[] explanation(int row, String text, int side) throws IOException {
    RgbImage image = image(row);
    try (Explainer explainer = clip.explainer()) {
      HeatMap map = explainer.explain(ImageSource.of(image), List.of(text)).get(0).heatMap();
      return Thumbnail.jpeg(map.overlay(image), side);
    }
  }

  private RgbImage image(int row) throws IOException {
    Map<String, ?> fields =
        index
            .get(String.valueOf(row))
            .orElseThrow(() -> new IOException("there is no row " + row + " any more"))
            .fields();
    String file = (String) fields.get(FILE);
    boolean added = row >= embeddings.size(); // by its absolute name
    return fields.containsKey(MEMBER)
        ? member(file, (String) fields.get(MEMBER))
        : ImageList.file(added ? ImageList.Kind.LIST : kind, root, file).read();
  }

  private RgbImage member(String file, String member) throws IOException {
    Path tar = root.resolve(file).normalize();
    if (!tar.startsWith(root.normalize())) {
      throw new IOException("\"" + file + "\" leads out of " + root);
    }
    ImageList.Name name = new ImageList.Name(tar.getFileName().toString(), member);
    ImageList images;
    synchronized (tars) {
      images = tars.get(file);
      if (images == null) {
        images = Images.tars(tar.toString(), ImageDecoder.defaults());
        tars.put(file, images);
      }
    }
    return images
        .find(name)
        .orElseThrow(() -> new IOException(tar + " has no " + member + " any more"))
        .read();
  }

  @Override
  public void close() throws IOException {
    clip.close();
    embeddings.close();
    index.close();
  }
}
