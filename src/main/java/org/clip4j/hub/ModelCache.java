package org.clip4j.hub;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.clip4j.io.IoErrors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One model's folder in the cache, in the layout of {@code huggingface_hub}:
 *
 * <pre>
 * models--ORG--NAME/refs/REVISION              the commit that a branch or tag meant when last asked
 * models--ORG--NAME/blobs/ETAG                 a file's content
 * models--ORG--NAME/snapshots/COMMIT/FILE      a relative link to its content
 * models--ORG--NAME/.no_exist/COMMIT/FILE      empty: the commit has no such file
 * .locks/models--ORG--NAME/ETAG.lock
 * </pre>
 *
 * <p>Every file takes its name when it is complete, by a rename. The cache itself may be a link to
 * elsewhere; a link below it that leads out of it is an error, so nothing is written outside.
 */
final class ModelCache {
  private static final Logger logger = LoggerFactory.getLogger(ModelCache.class);

  private static final String PREFIX = "models--";

  /** Files that are read lie at most one folder deep in a snapshot. */
  private static final int MAX_DEPTH = 2;

  private final Path root;
  private final HubId id;
  private final boolean symlinks;
  private final Path repo;

  ModelCache(HubSettings settings, HubId id) {
    root = settings.cache();
    symlinks = settings.symlinks();
    this.id = id;
    repo = Path.of(id.folderName());
  }

  /** The models that a cache holds anything of; none where it cannot be read. */
  static List<String> repos(Path root) {
    List<String> repos = new ArrayList<>();
    try (DirectoryStream<Path> folders = Files.newDirectoryStream(root, PREFIX + "*")) {
      for (Path folder : folders) {
        repos.add(folder.getFileName().toString().substring(PREFIX.length()).replace("--", "/"));
      }
    } catch (IOException | DirectoryIteratorException e) {
      return List.of();
    }
    return repos;
  }

  /** The commit that the revision meant when the hub was last asked; empty if it never was. */
  Optional<String> commit() throws IOException {
    if (id.isCommit()) {
      return Optional.of(id.revision());
    }
    Path ref = root.resolve(repo).resolve("refs").resolve(id.revision());
    if (!Files.isRegularFile(ref)) {
      return Optional.empty();
    }
    try (InputStream in = Files.newInputStream(ref)) {
      String text = new String(in.readNBytes(200), StandardCharsets.US_ASCII);
      return Optional.of(RepoPaths.checkCommit(text.strip(), ref.toString()));
    }
  }

  /** Where a commit's files are, whether or not any are there. */
  Path snapshot(String commit) {
    return root.resolve(repo).resolve("snapshots").resolve(commit);
  }

  /** The names of the files in a snapshot that lead to content. */
  Set<String> present(String commit) throws IOException {
    return names(snapshot(commit));
  }

  /** The names that the commit is known not to have. */
  Set<String> absent(String commit) throws IOException {
    return names(noExist(commit));
  }

  private Set<String> names(Path folder) throws IOException {
    if (!Files.isDirectory(folder)) {
      return Set.of();
    }
    requireInside(folder);
    try (Stream<Path> files = Files.walk(folder, MAX_DEPTH)) {
      return files
          .filter(Files::isRegularFile)
          .map(file -> folder.relativize(file).toString().replace('\\', '/'))
          .collect(Collectors.toCollection(TreeSet::new));
    }
  }

  private Path noExist(String commit) {
    return root.resolve(repo).resolve(".no_exist").resolve(commit);
  }

  /** Where content belongs. Its folder is made. */
  Path blob(String etag) throws IOException {
    return makeFolder(repo.resolve("blobs")).resolve(etag);
  }

  /** The lock for content, see {@link CacheLock}. Its folder is made. */
  Path lock(String etag) throws IOException {
    return makeFolder(Path.of(".locks").resolve(repo)).resolve(etag + ".lock");
  }

  /**
   * Puts content into a snapshot: as a link; where there are no links, the content itself, moved
   * there if it is new and copied else, for another snapshot may need it too.
   */
  void place(String commit, String name, Path blob, boolean isNew) throws IOException {
    Path within = Path.of(name);
    Path target =
        makeFolder(repo.resolve("snapshots").resolve(commit).resolve(within).getParent())
            .resolve(within.getFileName());
    Path temporary = target.resolveSibling("." + within.getFileName() + "." + unique() + ".tmp");
    try {
      if (!link(temporary, blob, within.getNameCount())) {
        if (isNew) {
          move(blob, target);
          return;
        }
        Files.copy(blob, temporary);
      }
      move(temporary, target);
    } finally {
      Files.deleteIfExists(temporary);
    }
  }

  /** Links a file of a snapshot that is so many names deep in it. */
  private boolean link(Path temporary, Path blob, int depth) {
    if (!symlinks) {
      return false;
    }
    try {
      Files.createSymbolicLink(
          temporary, Path.of("../".repeat(depth + 1), "blobs", blob.getFileName().toString()));
      return true;
    } catch (IOException | UnsupportedOperationException e) {
      logger.debug("No links in {}, so files are copied there: {}", root, IoErrors.message(e));
      return false;
    }
  }

  /** Notes what the revision means. Failing costs only that it is not found offline. */
  void writeRef(String commit) {
    if (id.isCommit()) {
      return;
    }
    try {
      Path ref = Path.of("refs", id.revision().split("/"));
      Path target = root.resolve(repo).resolve(ref);
      if (Files.isRegularFile(target) && Files.readString(target).equals(commit)) {
        return; // the cache may be read-only
      }
      Path folder = makeFolder(repo.resolve(ref).getParent());
      Path temporary = folder.resolve(target.getFileName() + "." + unique() + ".tmp");
      try {
        Files.writeString(temporary, commit, StandardOpenOption.CREATE_NEW);
        move(temporary, target);
      } finally {
        Files.deleteIfExists(temporary);
      }
    } catch (IOException e) {
      logger.warn(
          "{} will not be found offline, as its commit cannot be noted: {}",
          id,
          IoErrors.message(e));
    }
  }

  /** Notes names that a commit does not have. Failing costs only a question to the hub. */
  void writeAbsent(String commit, Set<String> names) {
    try {
      Set<String> known = absent(commit);
      for (String name : names) {
        if (!known.contains(name)) {
          Path file = repo.resolve(".no_exist").resolve(commit).resolve(name);
          Files.createFile(makeFolder(file.getParent()).resolve(file.getFileName()));
        }
      }
    } catch (IOException e) {
      logger.debug("Cannot note what {} has not: {}", id, IoErrors.message(e));
    }
  }

  /** Makes a folder below the root, step by step so that no link leads out of it. */
  private Path makeFolder(Path relative) throws IOException {
    Files.createDirectories(root);
    Path folder = root;
    for (Path part : relative) {
      folder = folder.resolve(part);
      if (Files.isSymbolicLink(folder)) {
        requireInside(folder);
      } else if (!Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)) {
        try {
          Files.createDirectory(folder);
        } catch (FileAlreadyExistsException e) {
          if (!Files.isDirectory(folder)) {
            throw new HubException(
                folder + " is in the way: it should be a folder of the cache", e);
          }
        }
      }
    }
    return folder;
  }

  private void requireInside(Path folder) throws IOException {
    if (!folder.toRealPath().startsWith(root.toRealPath())) {
      throw new HubException(
          folder
              + " leads out of the cache, to "
              + folder.toRealPath()
              + "; remove that link, or set HF_HUB_CACHE to where the models are to be");
    }
  }

  static void move(Path from, Path to) throws IOException {
    Files.move(from, to, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  static String unique() {
    return UUID.randomUUID().toString().substring(0, 8);
  }
}
