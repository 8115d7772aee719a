package org.clip4j.search;

import com.google.gson.Gson;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.clip4j.io.CheckedJson;
import org.clip4j.io.Checksums;
import org.clip4j.io.FolderLock;
import org.clip4j.search.Vectors.Arrangement;
import org.clip4j.search.Vectors.Piece;

/**
 * An index on disk: {@code index.json} names the files that belong to it and holds their checksums,
 * and its own. A file is written once, under a number that is never used again, and counts from the
 * moment that {@code index.json} is replaced by one that names it. So a save that is interrupted
 * leaves the index as it was, and readers may have the old files mapped meanwhile.
 */
final class IndexFolder {
  private static final String INDEX = "index.json";
  private static final String QUANTIZATION = "quantization";
  private static final int VERSION = 1;
  private static final Gson GSON = new Gson();
  private static final String FILE_NAME = "[a-z]{1,20}-[0-9]{1,10}\\.(npy|bin)";

  /** A file of vectors: one {@link Piece}. */
  private record Segment(String file, Arrangement layout, int rows, String crc32c) {}

  /** Where an index is stored, and what of it; null or empty if it never was. */
  static final class Origin {
    private Path folder;
    private JsonObject stored;
    private List<Segment> segments = List.of();
  }

  private final Path folder;
  private final JsonObject fields;
  private final int dimensions;
  private final int next;
  private final Quantization quantization;
  private final List<Segment> segments;

  private IndexFolder(Path folder, JsonObject fields) throws IOException {
    this.folder = folder;
    this.fields = fields;
    try {
      dimensions = fields.get("dimensions").getAsInt();
      int version = fields.get("version").getAsInt();
      if (version != VERSION) {
        throw new IOException(
            folder + " is of version " + version + "; this library knows " + VERSION);
      }
      next = fields.get("next").getAsInt();
      JsonElement form = fields.get(QUANTIZATION);
      quantization =
          form == null
              ? Quantization.NONE
              : Quantization.valueOf(form.getAsString().toUpperCase(Locale.ROOT));
      segments = List.of(GSON.fromJson(fields.get("segments"), Segment[].class));
      boolean counted = segments.stream().allMatch(each -> each.rows > 0 && each.layout != null);
      if (dimensions < 1 || dimensions > Vectors.MAX_DIMENSIONS || next < 0 || !counted) {
        throw new IOException(
            folder.resolve(INDEX)
                + " has values out of range: "
                + fields.get("dimensions")
                + " dimensions, next "
                + next
                + ", segments "
                + fields.get("segments"));
      }
    } catch (RuntimeException e) { // the checksum is right, so somebody else wrote this
      throw new IOException(folder.resolve(INDEX) + " is no index of this library's: " + e, e);
    }
  }

  /** Reads what the folder holds; {@link #load} reads the vectors. */
  static IndexFolder open(Path folder, String format) throws IOException {
    return new IndexFolder(folder, CheckedJson.read(folder.resolve(INDEX), format));
  }

  int dimensions() {
    return dimensions;
  }

  /** The form in which the index was to be searched when it was saved. */
  Quantization quantization() {
    return quantization;
  }

  /**
   * Checks every file and appends its rows, mapped.
   *
   * @return the files
   */
  List<RowFile> load(Vectors into, Origin origin) throws IOException {
    List<RowFile> files = new ArrayList<>();
    for (Segment segment : segments) {
      Path file = file(segment.file, segment.crc32c);
      NpyFile npy = NpyFile.open(file);
      boolean columns = segment.layout == Arrangement.COLUMNS;
      long blocks = (segment.rows + Vectors.BLOCK - 1L) / Vectors.BLOCK;
      if (npy.dimensions() != (columns ? Vectors.BLOCK : dimensions)
          || npy.rows() != (columns ? blocks * dimensions : segment.rows)) {
        throw new IOException(
            file
                + " holds "
                + npy.rows()
                + " x "
                + npy.dimensions()
                + ", not what index.json says");
      }
      List<FloatBuffer> mapped = npy.map();
      if (mapped.size() != 1) {
        throw new IOException(file + " is larger than any that this library writes");
      }
      files.add(new RowFile(npy, segment.layout, into.size(), segment.rows));
      into.append(segment.layout, mapped.get(0), segment.rows);
    }
    origin.folder = folder.toRealPath();
    origin.stored = fields;
    origin.segments = segments;
    return files;
  }

  private Path file(String name, String crc32c) throws IOException {
    if (!name.matches(FILE_NAME)) {
      throw new IOException(folder.resolve(INDEX) + " names the file \"" + name + "\"");
    }
    Path file = folder.resolve(name);
    if (!Files.exists(file)) {
      throw new IOException(file + " is missing; the index cannot be used without it");
    }
    String found = CheckedJson.hex(Checksums.of(file));
    if (!found.equals(crc32c)) {
      throw new IOException(
          file + " is damaged: its checksum is " + found + ", index.json says " + crc32c);
    }
    return file;
  }

  /** Writes what is not stored there yet. */
  @SuppressWarnings("try") // the lock is held, and not used otherwise
  static void save(
      Path folder, String format, Vectors vectors, Quantization quantization, Origin origin)
      throws IOException {
    List<Piece> pieces = vectors.pieces();
    try (FolderLock lock = new FolderLock(folder)) {
      boolean again = folder.toRealPath().equals(origin.folder);
      IndexFolder now = Files.exists(folder.resolve(INDEX)) ? open(folder, format) : null;
      JsonObject present = now == null ? null : now.fields;
      if (present != null && !(again && present.equals(origin.stored))) {
        throw new IOException(
            folder
                + (again
                    ? " was changed by another process since it was opened; open it again"
                    : " already holds an index; open it to add to it, or name another folder"));
      }
      int number = now == null ? 0 : now.next;
      List<Segment> stored = present == null ? List.of() : origin.segments;
      List<Segment> segments = new ArrayList<>();
      for (Piece piece : pieces) {
        int i = segments.size();
        if (i < stored.size() && stored.get(i).rows == piece.count()) {
          segments.add(stored.get(i));
          continue;
        }
        String name = String.format(Locale.ROOT, "vectors-%05d.npy", number++);
        Path file = folder.resolve(name);
        long crc =
            piece.layout() == Arrangement.COLUMNS
                ? NpyFile.writeColumns(file, piece)
                : NpyFile.write(file, piece.dimensions(), List.of(piece));
        segments.add(new Segment(name, piece.layout(), piece.count(), CheckedJson.hex(crc)));
      }
      JsonObject fields = new JsonObject();
      fields.addProperty("format", format);
      fields.addProperty("version", VERSION);
      fields.addProperty("dimensions", vectors.dimensions());
      if (quantization != Quantization.NONE) {
        fields.addProperty(QUANTIZATION, quantization.name().toLowerCase(Locale.ROOT));
      }
      fields.addProperty("rows", Vectors.size(pieces));
      fields.addProperty("next", number);
      fields.add("segments", GSON.toJsonTree(segments));
      CheckedJson.write(folder.resolve(INDEX), fields);
      origin.folder = folder.toRealPath();
      origin.stored = CheckedJson.read(folder.resolve(INDEX), format);
      origin.segments = segments;
      if (present != null) {
        deleteReplaced(folder, present, fields);
      }
    }
  }

  private static void deleteReplaced(Path folder, JsonObject old, JsonObject now) {
    Set<String> names = files(old);
    names.removeAll(files(now));
    for (String name : names) {
      try {
        if (name.matches(FILE_NAME)) {
          Files.deleteIfExists(folder.resolve(name));
        }
      } catch (IOException e) {
        // nobody needs it to be gone
      }
    }
  }

  private static Set<String> files(JsonObject fields) {
    Set<String> names = new HashSet<>();
    for (JsonElement segment : fields.getAsJsonArray("segments")) {
      names.add(segment.getAsJsonObject().get("file").getAsString());
    }
    return names;
  }
}
