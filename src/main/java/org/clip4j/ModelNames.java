package org.clip4j;

import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import org.clip4j.hub.Hub;
import org.clip4j.hub.HubId;
import org.clip4j.io.FileNames;
import org.clip4j.io.IoErrors;
import org.clip4j.io.Nearest;
import org.clip4j.model.ClipConfig;

/**
 * Tells what the name of a model means without asking anyone. A misspelt path must not become the
 * name of a stranger's model, and what cannot be on the hub is answered at once.
 */
final class ModelNames {
  /** Names that no model on the hub has, for they are those of files. */
  private static final Pattern FILE =
      Pattern.compile(
          "[.~/].*|.*\\\\.*|[A-Za-z]:.*|.*/|.*\\.(?i:pt|pth|ckpt|bin|safetensors|json)|.*/.*/.*",
          Pattern.DOTALL);

  /** Names in a folder that are looked at to find the nearest. */
  private static final int MAX_LISTED = 1000;

  private ModelNames() {}

  /** The path if something is there; else says what is beside it. */
  static Path existing(Path path) throws IOException {
    if (Files.exists(path)) {
      return path;
    }
    throw missing(path, "");
  }

  /** Downloads a model, or finds it in the cache. */
  interface Fetch {
    Path fetch(HubId id) throws IOException;
  }

  /**
   * What a name means here, or else on the hub.
   *
   * @throws IOException if it is nothing; the message says what was looked for where
   */
  static Path locate(String name, Supplier<Hub> hub, Fetch fetch) throws IOException {
    Optional<Path> local = local(name, hub);
    if (local.isPresent()) {
      return local.get();
    }
    HubId id;
    try {
      id = HubId.parse(name);
    } catch (IllegalArgumentException e) {
      throw new IOException(
          "there is no file or folder " + name + ", and it is " + IoErrors.message(e), e);
    }
    return fetch.fetch(id);
  }

  /**
   * What a name means here.
   *
   * @param hub whose cache may hold a name that is near
   * @return empty if only a hub may know it
   * @throws IOException if it is nothing here and can be nothing there
   */
  static Optional<Path> local(String name, Supplier<Hub> hub) throws IOException {
    Path path = null;
    try {
      path = FileNames.of(name);
      if (Files.exists(path) && !name.isBlank()) {
        return Optional.of(path);
      }
    } catch (InvalidPathException e) {
      // then it can only be a name, and what is wrong with it is said below
    }
    int at = name.indexOf('@');
    String repo = at < 0 ? name : name.substring(0, at);
    if (path != null && at < 0) {
      if (FILE.matcher(name).matches()) {
        throw missing(path, "");
      }
      Path folder = path.getParent();
      if (folder != null && Files.isDirectory(folder)) {
        throw missing(
            path, "; if the model " + name + " on the hub is meant, write " + name + "@main");
      }
    }
    int slash = repo.indexOf('/');
    if (slash < 0) {
      throw new IOException(unknown(repo, path, hub));
    }
    String organisation = repo.substring(0, slash);
    if (ClipConfig.names().contains(organisation)) {
      throw new IOException(architecture(organisation));
    }
    return Optional.empty();
  }

  /** A name without an organisation, which is not asked of the hub. */
  private static String unknown(String name, Path path, Supplier<Hub> hub) {
    if (ClipConfig.names().contains(name)) {
      return architecture(name);
    }
    List<String> known = new ArrayList<>(ClipConfig.names());
    if (path != null) {
      known.addAll(beside(path));
    }
    List<String> near = Nearest.of(name, known);
    if (near.isEmpty()) {
      near = hub.get().nearest(name);
    }
    return "there is no model \""
        + name
        + "\": no file or folder "
        + (path == null ? "can have that name" : path.toAbsolutePath())
        + ", no architecture of that name, and names on the hub have two parts, organisation/name"
        + Nearest.question(near);
  }

  private static String architecture(String name) {
    return "\""
        + name
        + "\" is the name of an architecture, which has no weights of its own: load a folder, a"
        + " weights file or a model on the hub, or make a new one by ClipModel.create(\""
        + name
        + "\", seed)";
  }

  private static NoSuchFileException missing(Path path, String rest) {
    Path absolute = path.toAbsolutePath();
    Path folder = absolute.getParent();
    String reason = "there is no file or folder of that name";
    if (folder != null && !Files.isDirectory(folder)) {
      reason += ", nor the folder that it should be in";
    } else if (absolute.getFileName() != null) {
      reason += Nearest.question(FileNames.text(absolute.getFileName()), beside(path));
    }
    return new NoSuchFileException(FileNames.text(absolute), null, reason + rest);
  }

  /** Names in the folder that something should have been in; none if it cannot be read. */
  private static List<String> beside(Path path) {
    List<String> names = new ArrayList<>();
    Path folder = path.toAbsolutePath().getParent();
    if (folder == null) {
      return names;
    }
    try (DirectoryStream<Path> files = Files.newDirectoryStream(folder)) {
      for (Path file : files) {
        if (names.size() == MAX_LISTED) {
          break;
        }
        names.add(FileNames.text(file.getFileName()));
      }
    } catch (IOException | DirectoryIteratorException e) {
      return List.of(); // only a suggestion is lost
    }
    return names;
  }
}
