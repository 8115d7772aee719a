package org.clip4j.data;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;
import org.clip4j.image.ImageDecoder;
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

  /** How image files are decoded; by default transparency is dropped. */
  public ImageFolder optDecoder(ImageDecoder decoder) {
    this.decoder = Objects.requireNonNull(decoder, "decoder");
    return this;
  }

  /**
   * Finds the images in the folder and those below it, in the order of their paths, and reads the
   * text beside each: {@code dog.txt} for {@code dog.jpg}. Each line that is not blank is a
   * caption, of which each epoch draws one. Images without a text, or with a blank one, are left
   * out, reported, and counted by {@link PairTable#rowsWithoutCaption()}. Names that start with a
   * dot are passed over, as are links to folders.
   *
   * @throws IOException if the folder is missing or cannot be read, no image has a caption, or a
   *     text is not UTF-8; the message names the file
   */
  public PairTable build() throws IOException {
    List<TableReader.Row> rows = new ArrayList<>();
    List<String> without = new ArrayList<>();
    for (String image : images(folder)) {
      List<String> captions = captions(folder.resolve(image));
      if (captions.isEmpty()) {
        without.add(image);
      } else {
        rows.add(new TableReader.Row(image, captions));
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
   * All images in the folder and those below it, in the order of their paths, whether there is a
   * text beside them or not.
   *
   * @throws IOException if the folder is missing, cannot be read, or holds no image
   */
  public List<ImageSource> images() throws IOException {
    List<String> found = images(folder);
    if (found.isEmpty()) {
      throw new IOException(folder + " holds no images (" + String.join(", ", extensions()) + ")");
    }
    return found.stream().<ImageSource>map(image -> new ImageFile(folder, image, decoder)).toList();
  }

  private static List<String> captions(Path image) throws IOException {
    String name = image.getFileName().toString();
    Path text = image.resolveSibling(name.substring(0, name.lastIndexOf('.')) + ".txt");
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

  /** Paths of the image files in a folder and below, relative to it, with slashes, sorted. */
  static List<String> images(Path folder) throws IOException {
    if (!Files.isDirectory(folder)) {
      throw new NotDirectoryException(folder + " is not a folder");
    }
    try (Stream<Path> files = Files.walk(folder)) {
      return files
          .filter(file -> isImage(file.getFileName().toString()) && Files.isRegularFile(file))
          .map(folder::relativize)
          .filter(file -> Stream.of(names(file)).noneMatch(name -> name.startsWith(".")))
          .map(file -> String.join("/", names(file)))
          .sorted()
          .toList();
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }

  private static String[] names(Path file) {
    String[] names = new String[file.getNameCount()];
    for (int i = 0; i < names.length; i++) {
      names[i] = file.getName(i).toString();
    }
    return names;
  }

  static boolean isImage(String name) {
    int dot = name.lastIndexOf('.');
    return dot >= 0 && IMAGE_EXTENSIONS.contains(name.substring(dot + 1).toLowerCase(Locale.ROOT));
  }

  private static List<String> extensions() {
    return IMAGE_EXTENSIONS.stream().sorted().toList();
  }
}
