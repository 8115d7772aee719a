package org.clip4j.search;

import de.siegmar.fastcsv.reader.CloseableIterator;
import de.siegmar.fastcsv.reader.CsvParseException;
import de.siegmar.fastcsv.reader.CsvReader;
import de.siegmar.fastcsv.reader.CsvRecord;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.clip4j.io.CheckedJson;
import org.clip4j.io.Checksums;
import org.clip4j.io.IoErrors;

/**
 * Reads embeddings that an {@link EmbeddingWriter} wrote, with the names of what they are of. The
 * rows are mapped, the names in memory. Immutable; safe for use by several threads.
 */
public final class Embeddings implements AutoCloseable {
  private final EmbeddingManifest manifest;
  private final List<List<String>> names;
  private final ExactIndex index;

  private Embeddings(EmbeddingManifest manifest, List<List<String>> names, ExactIndex index) {
    this.manifest = manifest;
    this.names = names;
    this.index = index;
  }

  /**
   * Opens a folder, also while it is written: then what counted last is there. Every byte is
   * checked first.
   *
   * @throws IOException if it holds no embeddings, or is damaged; the message names the file
   */
  public static Embeddings open(Path folder) throws IOException {
    return open(folder, ExactIndex.builder());
  }

  /**
   * Opens a folder as {@link #open(Path)}.
   *
   * @param options of the index, such as its quantization
   */
  public static Embeddings open(Path folder, ExactIndex.Builder options) throws IOException {
    EmbeddingManifest manifest = EmbeddingManifest.read(folder);
    Path[] files = new Path[manifest.shards().size()];
    for (int i = 0; i < files.length; i++) {
      EmbeddingManifest.Shard shard = manifest.shards().get(i);
      files[i] = folder.resolve(shard.file());
      if (!Files.exists(files[i])) {
        throw new IOException(files[i] + " is missing; the embeddings cannot be used without it");
      }
      String found = CheckedJson.hex(Checksums.of(files[i]));
      if (!found.equals(shard.crc32c()) || NpyFile.open(files[i]).rows() != shard.rows()) {
        throw new IOException(files[i] + " is damaged: it is not what embed.json says");
      }
    }
    ExactIndex index =
        files.length == 0 ? options.create(manifest.dimensions()) : options.ofNpy(files);
    if (index.dimensions() != manifest.dimensions()) {
      throw new IOException(
          folder + " holds rows of " + index.dimensions() + " values, not what embed.json says");
    }
    return new Embeddings(manifest, names(folder, manifest), index);
  }

  private static List<List<String>> names(Path folder, EmbeddingManifest manifest)
      throws IOException {
    Path file = folder.resolve(EmbeddingManifest.NAMES);
    GrowingLines.checked(file, manifest.names());
    List<List<String>> names = new ArrayList<>(manifest.rows());
    int fields = 1 + manifest.columns().size();
    try (FileChannel channel = FileChannel.open(file);
        CloseableIterator<CsvRecord> lines =
            CsvReader.builder()
                .fieldSeparator('\t')
                .ofCsvRecord(
                    new InputStreamReader(Channels.newInputStream(channel), StandardCharsets.UTF_8))
                .iterator()) {
      if (lines.hasNext()) {
        lines.next(); // the heading
      }
      // What follows may be of a run that is writing, and does not count yet.
      while (names.size() < manifest.rows() && lines.hasNext()) {
        CsvRecord line = lines.next();
        if (line.getFieldCount() != fields
            || !line.getField(0).equals(String.valueOf(names.size()))) {
          throw new IOException(
              file
                  + " line "
                  + line.getStartingLineNumber()
                  + " does not name row "
                  + names.size());
        }
        names.add(List.copyOf(line.getFields().subList(1, fields)));
      }
    } catch (CsvParseException | UncheckedIOException e) {
      throw new IOException(file + " cannot be read: " + IoErrors.message(e), e);
    }
    if (names.size() < manifest.rows()) {
      throw new IOException(file + " names " + names.size() + " of " + manifest.rows() + " rows");
    }
    return names;
  }

  /** Returns how many rows there are. */
  public int size() {
    return names.size();
  }

  /** Returns E, the length of an embedding. */
  public int dimensions() {
    return manifest.dimensions();
  }

  /** Returns what a row is of: a value for each of {@link #columns}. */
  public List<String> name(int row) {
    return names.get(row);
  }

  /** Returns what the parts of a name are called. */
  public List<String> columns() {
    return manifest.columns();
  }

  /**
   * Returns what all rows have in common, such as the model; {@link
   * EmbeddingWriter.Builder#optFacts}.
   */
  public Map<String, String> facts() {
    return manifest.facts();
  }

  /** Returns what else is known of them; {@link EmbeddingWriter.Builder#optNotes}. */
  public Map<String, String> notes() {
    return manifest.notes();
  }

  /** Returns whether the run that wrote them came to its end. */
  public boolean isComplete() {
    return manifest.complete();
  }

  /** Returns an index of all rows, by their numbers; closed with this. */
  public ExactIndex index() {
    return index;
  }

  @Override
  public void close() {
    index.close();
  }
}
