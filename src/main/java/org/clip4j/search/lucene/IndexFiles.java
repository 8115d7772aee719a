package org.clip4j.search.lucene;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.apache.lucene.codecs.CodecUtil;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.IndexReader;
import org.apache.lucene.index.LeafReaderContext;
import org.apache.lucene.index.SegmentInfos;
import org.apache.lucene.index.SegmentReader;
import org.apache.lucene.store.Directory;
import org.apache.lucene.store.IOContext;
import org.apache.lucene.store.IndexInput;
import org.clip4j.io.IoErrors;
import org.clip4j.io.MappedFile;

/** The files of a Lucene index: whether they are whole. */
final class IndexFiles {
  private static final int TRIES = 10;

  private IndexFiles() {}

  /** Says that a folder holds no index, and what to do if it holds one of the old format. */
  static void requireIndex(Path folder, Directory directory) throws IOException {
    requireNoOld(folder);
    if (!DirectoryReader.indexExists(directory)) {
      boolean traces;
      try (Stream<Path> files = Files.list(folder)) {
        traces = files.anyMatch(file -> file.getFileName().toString().matches("_.*\\.(cfs|si)"));
      }
      throw new IOException(
          traces
              ? folder + " is damaged: the file that begins with segments_ is missing"
              : folder + " holds no index; LuceneIndex.builder(folder)...create() makes one");
    }
  }

  /** Refuses a folder that an earlier version of this library filled. */
  static void requireNoOld(Path folder) throws IOException {
    if (Files.exists(folder.resolve("index.json"))) {
      throw new IOException(
          folder
              + " holds an index of an earlier version of this library (index.json), which is not"
              + " read any more; delete the folder, and make the index anew from its embeddings:"
              + " LuceneIndex.addAll, or examples/run Search --embeddings DIR");
    }
  }

  /**
   * Reads every byte of what was committed last and compares the checksums, before Lucene trusts
   * it.
   *
   * @param known files that are known to be whole; what is checked is added
   * @throws IOException if one is damaged or missing; the message names it
   */
  static void check(Path folder, Directory directory, Set<String> known) throws IOException {
    for (int i = 1; ; i++) {
      String commit = SegmentInfos.getLastCommitSegmentsFileName(directory);
      if (commit == null) {
        requireIndex(folder, directory);
      }
      try {
        check(folder, directory, commit, known);
        for (String file : files(folder, directory, commit)) {
          check(folder, directory, file, known);
        }
        return;
      } catch (NoSuchFileException | FileNotFoundException e) {
        // Another process may have committed meanwhile, and deleted what the new commit replaces.
        if (i == TRIES || commit.equals(SegmentInfos.getLastCommitSegmentsFileName(directory))) {
          throw new IOException(folder + " is damaged: " + IoErrors.message(e), e);
        }
      }
    }
  }

  private static Collection<String> files(Path folder, Directory directory, String commit)
      throws IOException {
    try {
      return SegmentInfos.readCommit(directory, commit).files(false);
    } catch (IOException | RuntimeException e) {
      for (Throwable cause = e; cause != null; cause = cause.getCause()) {
        if (cause instanceof NoSuchFileException missing) {
          throw missing;
        }
      }
      throw new IOException(folder + " is damaged: " + IoErrors.message(e), e);
    }
  }

  /** What the last commit says of the index. */
  static Map<String, String> commitData(Path folder, Directory directory) throws IOException {
    try {
      return SegmentInfos.readLatestCommit(directory).getUserData();
    } catch (IOException | RuntimeException e) {
      throw new IOException(folder + " is damaged: " + IoErrors.message(e), e);
    }
  }

  private static void check(Path folder, Directory directory, String file, Set<String> known)
      throws IOException {
    if (known.contains(file)) {
      return;
    }
    try (IndexInput in = directory.openInput(file, IOContext.READONCE)) {
      CodecUtil.checksumEntireFile(in);
    } catch (NoSuchFileException | FileNotFoundException e) {
      throw e;
    } catch (IOException | RuntimeException | InternalError e) {
      throw new IOException(folder.resolve(file) + " is damaged: " + IoErrors.message(e), e);
    }
    known.add(file);
  }

  /** The files that a reader has mapped, as long as they are now. */
  static List<MappedFile> mapped(Path folder, IndexReader reader) throws IOException {
    List<MappedFile> mapped = new ArrayList<>();
    for (LeafReaderContext leaf : reader.leaves()) {
      for (String file : ((SegmentReader) leaf.reader()).getSegmentInfo().files()) {
        if (file.endsWith(".cfs")) { // the others were read when the reader was made
          mapped.add(MappedFile.of(folder.resolve(file)));
        }
      }
    }
    return mapped;
  }
}
