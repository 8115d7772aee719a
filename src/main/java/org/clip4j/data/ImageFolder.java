package org.clip4j.data;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Set;
import org.clip4j.encode.ImageFile;
import org.clip4j.encode.ImageSource;
import org.clip4j.image.ImageDecoder;
import org.clip4j.io.FileNames;
import org.clip4j.io.IoErrors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Says how to read a folder of images with captions beside them, see {@link Pairs#folder(Path)}.
 * Not safe for use by several threads.
 */
public final class ImageFolder {
  private static final Logger LOG = LoggerFactory.getLogger(ImageFolder.class);
  private static final int LISTED = 10;

  private static final Set<String> IMAGE_EXTENSIONS =
      Set.of("jpg", "jpeg", "png", "webp", "gif", "bmp", "tif", "tiff");

  private final Path folder;
  private ImageDecoder decoder = ImageDecoder.defaults();

  ImageFolder(Path folder) {
    this.folder = Objects.requireNonNull(folder, "folder");
  }

  /** Sets how image files are decoded; by default transparency is dropped. */
  public ImageFolder optDecoder(ImageDecoder decoder) {
    this.decoder = Objects.requireNonNull(decoder, "decoder");
    return this;
  }

  /**
   * Finds the images in the folder and those below it, in the order of their paths, and reads the
   * text beside each: {@code dog.txt} for {@code dog.jpg}. Each line that is not blank is a
   * caption, of which each epoch draws one. Images without a text, or with a blank one, are left
   * out, reported, and counted by {@link PairTable#rowsWithoutCaption()}. Names that start with a
   * dot are passed over; links to folders are followed, and a folder below that cannot be read is
   * left out with a warning.
   *
   * @throws IOException if the folder is missing or cannot be read, no image has a caption, or a
   *     text is not UTF-8; the message names the file
   */
  public PairTable build() throws IOException {
    List<TableReader.Row> rows = new ArrayList<>();
    List<String> without = new ArrayList<>();
    for (Listed image : images(folder)) {
      List<String> captions = captions(image.in(folder));
      if (captions.isEmpty()) {
        without.add(image.name);
      } else {
        rows.add(new TableReader.Row(image.name, image.path, captions));
      }
    }
    String some = String.join(", ", without.subList(0, Math.min(LISTED, without.size())));
    if (rows.isEmpty()) {
      throw new IOException(
          without.isEmpty()
              ? folder + " holds no images (" + String.join(", ", extensions()) + ")"
              : folder
                  + ": none of its "
                  + without.size()
                  + " images has a caption; dog.jpg needs dog.txt beside it. The first: "
                  + some);
    }
    if (!without.isEmpty()) {
      LOG.warn(
          "{}: {} images have no text beside them and are left out, first {}",
          folder,
          without.size(),
          some);
    }
    return new PairTable(
        folder.toString(), folder, decoder, new TableReader.Result(rows, without.size()));
  }

  /**
   * Finds all images in the folder and those below it, in the order of their paths, whether there
   * is a text beside them or not.
   *
   * @throws IOException if the folder is missing, cannot be read, or holds no image
   */
  public List<ImageSource> images() throws IOException {
    List<Listed> found = images(folder);
    if (found.isEmpty()) {
      throw new IOException(folder + " holds no images (" + String.join(", ", extensions()) + ")");
    }
    return found.stream().map(image -> image.source(folder, decoder)).toList();
  }

  private static List<String> captions(Path image) throws IOException {
    return IoErrors.worded(image, () -> readCaptions(image));
  }

  private static List<String> readCaptions(Path image) throws IOException {
    Path text = FileNames.sibling(image, ".txt");
    if (!Files.isRegularFile(text)) {
      return List.of();
    }
    try {
      return Files.readString(text)
          .replace("\uFEFF", "")
          .lines()
          .filter(l -> !l.isBlank())
          .toList();
    } catch (CharacterCodingException e) {
      throw new IOException(text + " is not UTF-8; save it as UTF-8", e);
    }
  }

  /**
   * A file that was found.
   *
   * @param name relative to the folder, with slashes
   * @param path null where the name leads to it: all but names that are not UTF-8
   */
  record Listed(String name, Path path) {
    Path in(Path folder) {
      return path != null ? path : FileNames.resolve(folder, name);
    }

    ImageSource source(Path folder, ImageDecoder decoder) {
      return new ImageFile(folder, name, path, decoder);
    }
  }

  /**
   * The image files in a folder and below, sorted by name. Links to folders are followed, but none
   * round in a circle; a folder below that cannot be read is left out with a warning.
   */
  static List<Listed> images(Path folder) throws IOException {
    return images(folder, ImageFolder::entries);
  }

  /** Opens a folder; a test's may fail, as root may open any. */
  interface Opener {
    List<Path> entries(Path folder) throws IOException;
  }

  static List<Listed> images(Path folder, Opener opener) throws IOException {
    List<Listed> found = new ArrayList<>();
    walk(folder, opener, "", new HashSet<>(), false, found);
    found.sort(Comparator.comparing(Listed::name));
    return found;
  }

  /** What a folder holds; it is closed before anything in it is opened. */
  static List<Path> entries(Path folder) throws IOException {
    try (DirectoryStream<Path> stream = Files.newDirectoryStream(folder)) {
      List<Path> entries = new ArrayList<>();
      stream.forEach(entries::add);
      return entries;
    } catch (DirectoryIteratorException e) {
      throw IoErrors.worded(e.getCause());
    } catch (IOException e) {
      throw IoErrors.worded(e);
    }
  }

  /**
   * Adds the images of a folder.
   *
   * @param prefix of their names
   * @param seen folders that are not entered again: those above this one, and below a link all that
   *     it led to, so that folders which link to each other are not walked in every order
   */
  private static void walk(
      Path folder,
      Opener opener,
      String prefix,
      Set<Object> seen,
      boolean linked,
      List<Listed> found)
      throws IOException {
    List<Path> entries = opener.entries(folder);
    Object key = Files.readAttributes(folder, BasicFileAttributes.class).fileKey();
    key = key != null ? key : folder.toRealPath();
    if (!seen.add(key)) {
      LOG.debug("{} is left out: its link leads back", folder);
      return;
    }
    for (Path entry : entries) {
      String name = FileNames.text(entry.getFileName());
      if (name.startsWith(".")) {
        continue;
      }
      if (isImage(name) && Files.isRegularFile(entry)) {
        boolean leads = name.indexOf('\uFFFD') < 0 && prefix.indexOf('\uFFFD') < 0;
        found.add(new Listed(prefix + name, leads ? null : entry));
      } else if (Files.isDirectory(entry)) {
        boolean leaves = !linked && Files.isSymbolicLink(entry);
        Set<Object> below = leaves ? new HashSet<>(seen) : seen;
        try {
          walk(entry, opener, prefix + name + "/", below, linked || leaves, found);
        } catch (IOException e) {
          LOG.warn("A folder is left out: {}", IoErrors.message(entry, e));
        }
      }
    }
    if (!linked) {
      seen.remove(key);
    }
  }

  static boolean isImage(String name) {
    int dot = name.lastIndexOf('.');
    return dot >= 0 && IMAGE_EXTENSIONS.contains(name.substring(dot + 1).toLowerCase(Locale.ROOT));
  }

  private static List<String> extensions() {
    return IMAGE_EXTENSIONS.stream().sorted().toList();
  }
}
