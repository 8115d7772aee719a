package org.clip4j.examples.options;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.clip4j.data.ImageList;
import org.clip4j.data.Images;
import org.clip4j.image.ImageDecoder;
import picocli.CommandLine.Option;

/** What is embedded: images or texts. */
public final class EmbedInput {
  @Option(
      names = "--images",
      required = true,
      paramLabel = "DIR|LIST|TAR",
      description =
          "A folder of images; a file that names one a line, or a .csv or .tsv table of them; or"
              + " tar files, as train-{000..127}.tar.")
  private String images;

  @Option(
      names = "--texts",
      required = true,
      paramLabel = "FILE",
      description = "A text a line, UTF-8.")
  private Path texts;

  /**
   * Lists the images, null if texts are given.
   *
   * @param column the column of image files in a table
   * @param quotes whether quotes enclose a table's fields
   */
  public ImageList images(String column, boolean quotes, ImageDecoder decoder) throws IOException {
    if (images == null) {
      return null;
    }
    if (PairOptions.isTar(images)) {
      return Images.tars(images, decoder);
    }
    Path path = Path.of(images);
    if (Files.isDirectory(path)) {
      return Images.folder(path, decoder);
    }
    return images.toLowerCase(Locale.ROOT).matches(".*\\.(csv|tsv|tab)")
        ? Images.table(path, column, quotes, decoder)
        : Images.list(path, decoder);
  }

  /** Reads the texts, null if images are given. */
  public List<String> texts() throws IOException {
    return texts == null ? null : read(texts);
  }

  private static List<String> read(Path file) throws IOException {
    if (!Files.isRegularFile(file)) {
      throw new NoSuchFileException(file.toString(), null, "no such file of texts");
    }
    try {
      List<String> texts =
          Files.readString(file).replace("\uFEFF", "").lines().filter(l -> !l.isBlank()).toList();
      if (texts.isEmpty()) {
        throw new IOException(file + " holds no text");
      }
      return texts;
    } catch (CharacterCodingException e) {
      throw new IOException(file + " is not UTF-8; save it as UTF-8", e);
    }
  }
}
