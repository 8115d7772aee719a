package org.clip4j.examples;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.clip4j.Clip;
import org.clip4j.ClipLoader;
import org.clip4j.data.ImageList;
import org.clip4j.data.Images;
import org.clip4j.image.ImageDecoder;
import org.clip4j.image.RgbImage;
import org.clip4j.search.ApproximateIndex;
import org.clip4j.search.Embeddings;
import org.clip4j.search.Hit;
import org.clip4j.search.VectorIndex;

/**
 * A model, and embeddings that it made of images or texts, to be searched by text or image. Any
 * number of threads may; it is closed when none does.
 */
final class ImageSearch implements AutoCloseable {
  /** Kinds of index. */
  enum Index {
    EXACT,
    APPROXIMATE
  }

  /** A row that was found: its rank from 1, its name and cosine. */
  record Match(int rank, int row, String name, float score) {}

  private static final int ROWS_AT_ONCE = 1024;

  private final Clip clip;
  private final Embeddings embeddings;
  private final VectorIndex index;
  private final Path root;
  private final ImageList.Kind kind; // null if the rows are of texts
  private final Map<String, ImageList> tars = new HashMap<>(); // guarded by itself

  private ImageSearch(Clip clip, Embeddings embeddings, VectorIndex index, Path root) {
    this.clip = clip;
    this.embeddings = embeddings;
    this.index = index;
    boolean images = Embed.IMAGES.equals(embeddings.facts().get(Embed.OF));
    kind = images ? kind(embeddings.notes().get(Embed.KIND)) : null;
    this.root = root != null || !images ? root : Path.of(embeddings.notes().get(Embed.ROOT));
  }

  private static ImageList.Kind kind(String note) {
    return ImageList.Kind.valueOf(note.toUpperCase(Locale.ROOT));
  }

  /**
   * Loads both, and checks that they belong together.
   *
   * @param root where the images are now; null for where they were when they were embedded
   */
  static ImageSearch open(ClipLoader loader, String model, Path folder, Index kind, Path root)
      throws IOException {
    Embeddings embeddings = Embeddings.open(folder); // first, since a model loads slowly
    try {
      String weights = ModelFacts.of(loader).weights();
      if (!weights.equals(embeddings.facts().get(Embed.WEIGHTS))) {
        throw new IOException(
            folder
                + " holds embeddings of another model, "
                + embeddings.notes().get("model")
                + " (weights "
                + embeddings.facts().get(Embed.WEIGHTS)
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
      VectorIndex index =
          kind == Index.EXACT
              ? embeddings.index()
              : approximate(embeddings, folder.resolve("approximate"));
      return new ImageSearch(loader.load(), embeddings, index, root);
    } catch (IOException | RuntimeException e) {
      embeddings.close();
      throw e;
    }
  }

  /** The index that is kept beside the embeddings, made or brought up to date. */
  private static ApproximateIndex approximate(Embeddings embeddings, Path folder)
      throws IOException {
    ApproximateIndex index =
        Files.exists(folder)
            ? ApproximateIndex.open(folder)
            : ApproximateIndex.builder(embeddings.dimensions()).build();
    int known = index.size();
    for (int row = 0; row < known; row++) {
      if (row >= embeddings.size()
          || !Arrays.equals(index.vector(row), embeddings.index().vector(row))) {
        throw new IOException(folder + " is an index of other embeddings; delete it");
      }
    }
    if (known < embeddings.size()) {
      System.out.printf(
          Locale.ROOT,
          "Adding %,d rows to the approximate index, once%n",
          embeddings.size() - known);
      try (CountBar bar = new CountBar("Indexing", embeddings.size(), known)) {
        for (int row = known; row < embeddings.size(); row += ROWS_AT_ONCE) {
          float[][] some = new float[Math.min(ROWS_AT_ONCE, embeddings.size() - row)][];
          for (int i = 0; i < some.length; i++) {
            some[i] = embeddings.index().vector(row + i);
          }
          index.add(some);
          bar.progress(row + some.length, 0);
        }
      }
      index.save(folder);
    }
    return index;
  }

  int size() {
    return embeddings.size();
  }

  /** Whether rows have pictures. */
  boolean isOfImages() {
    return kind != null;
  }

  List<Match> byText(String text, int k) {
    return find(clip.encodeText(text), k);
  }

  List<Match> byImage(RgbImage image, int k) {
    return find(clip.encodeImage(image), k);
  }

  /** The rows most like a row, without itself. */
  List<Match> byRow(int row, int k) {
    return find(embeddings.index().vector(row), k + 1).stream()
        .filter(match -> match.row() != row)
        .limit(k)
        .toList();
  }

  private List<Match> find(float[] query, int k) {
    List<Hit> hits = index.search(query, k);
    Match[] matches = new Match[hits.size()];
    for (int i = 0; i < matches.length; i++) {
      Hit hit = hits.get(i);
      List<String> name = embeddings.name(hit.row());
      String shown =
          name.size() > 1 && !name.get(1).isEmpty() ? name.get(0) + ":" + name.get(1) : name.get(0);
      matches[i] = new Match(i + 1, hit.row(), shown, hit.score());
    }
    return List.of(matches);
  }

  /**
   * A row's image as a JPEG.
   *
   * @param side the most pixels that it may be wide and high
   * @throws IOException if the image is not there any more, or cannot be read
   */
  byte[] jpeg(int row, int side) throws IOException {
    List<String> name = embeddings.name(row);
    RgbImage image =
        name.get(1).isEmpty()
            ? ImageList.file(kind, root, name.get(0)).read()
            : member(name.get(0), name.get(1));
    return Html.jpeg(HtmlReport.Picture.of(image, "").image(), side);
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
    if (images.find(name) == null) {
      throw new IOException(tar + " has no " + member + " any more");
    }
    return images.find(name).read();
  }

  @Override
  public void close() {
    clip.close();
    index.close();
    embeddings.close();
  }
}
