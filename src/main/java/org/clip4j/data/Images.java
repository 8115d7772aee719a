package org.clip4j.data;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.clip4j.data.internal.shards.ShardNames;
import org.clip4j.data.internal.shards.ShardScanner;
import org.clip4j.data.internal.shards.TarEntries;
import org.clip4j.image.ImageDecoder;
import org.clip4j.io.FileNames;
import org.clip4j.io.IoErrors;

/**
 * Lists images without captions, to be embedded or classified. What cannot be read is found when it
 * is; only a list, folder or tar that cannot be opened is an error here.
 */
public final class Images {
  private static final long MAX_IMAGE_BYTES = 64 << 20;

  private Images() {}

  /**
   * Lists the image files in a folder and below, in the order of their paths. Names that start with
   * a dot are passed over; links to folders are followed, and a folder that cannot be read is left
   * out with a warning.
   *
   * @throws IOException if the folder is missing or holds no images
   */
  public static ImageList folder(Path folder, ImageDecoder decoder) throws IOException {
    List<ImageList.Item> items =
        ImageFolder.images(folder).stream()
            .map(each -> ImageList.Item.of(each.name(), each.path()))
            .toList();
    if (items.isEmpty()) {
      throw new IOException(folder + " holds no images");
    }
    return new ImageList(ImageList.Kind.FOLDER, folder.toAbsolutePath(), decoder, items);
  }

  /**
   * Lists the files that a text file names, one a line, UTF-8; relative names count from its
   * folder. It is no fence: absolute names and {@code ..} are followed.
   *
   * @throws IOException if the file cannot be read or names nothing
   */
  public static ImageList list(Path list, ImageDecoder decoder) throws IOException {
    return IoErrors.worded(list, () -> readList(list, decoder));
  }

  private static ImageList readList(Path list, ImageDecoder decoder) throws IOException {
    if (!Files.isRegularFile(list)) {
      throw new NoSuchFileException(list.toString(), null, "no such file, folder or tar");
    }
    String text;
    try {
      text = Files.readString(list).replaceFirst("^\uFEFF", "");
    } catch (CharacterCodingException e) {
      throw new IOException(list + " is not UTF-8; it should name an image file a line", e);
    }
    List<String> files = text.lines().map(String::strip).filter(line -> !line.isEmpty()).toList();
    return listed(list, files, decoder);
  }

  /**
   * Lists the files in a column of a CSV or TSV table with a header; relative names count from its
   * folder, as in {@link #list}.
   *
   * @throws IOException as for {@link Pairs#table}
   */
  public static ImageList table(Path table, String column, ImageDecoder decoder)
      throws IOException {
    return table(table, column, true, decoder);
  }

  /**
   * Reads a table as {@link #table(Path, String, ImageDecoder)} does.
   *
   * @param quotes whether quotes enclose fields, or are part of the text
   */
  public static ImageList table(Path table, String column, boolean quotes, ImageDecoder decoder)
      throws IOException {
    List<TableReader.Row> rows =
        new TableReader(table, column, List.of(column), null, quotes).read(null).rows();
    return listed(table, rows.stream().map(TableReader.Row::image).toList(), decoder);
  }

  private static ImageList listed(Path list, List<String> files, ImageDecoder decoder)
      throws IOException {
    if (files.isEmpty()) {
      throw new IOException(list + " names no image");
    }
    Path root = list.toAbsolutePath().getParent();
    return new ImageList(
        ImageList.Kind.LIST,
        root,
        decoder,
        files.stream().map(file -> ImageList.Item.of(file, null)).toList());
  }

  /**
   * Lists the images in tar files, in their order; other members are passed over. A member that is
   * too large or stored sparsely stays, to fail when it is read; and so does the rest of a tar that
   * is cut off or damaged, under the tar's name.
   *
   * @param pattern a tar file, or several as {@code train-{000000..000015}.tar}, or a folder of
   *     them
   * @throws IOException if one is missing, compressed or cannot be opened, or there is no image in
   *     them
   */
  public static ImageList tars(String pattern, ImageDecoder decoder) throws IOException {
    List<Path> tars = new ArrayList<>();
    for (String place : ShardNames.expand(pattern)) {
      tars.addAll(ShardNames.in(FileNames.of(place).toAbsolutePath()));
    }
    Path root = tars.get(0).getParent();
    List<ImageList.Item> items = new ArrayList<>();
    for (Path tar : tars) {
      while (!tar.startsWith(root)) {
        root = root.getParent();
      }
    }
    for (Path tar : tars) {
      if (!Files.isRegularFile(tar)) {
        throw new NoSuchFileException(tar.toString(), null, "no such tar file");
      }
      String compression = TarEntries.compression(tar);
      if (compression != null) {
        throw new IOException(tar + " " + compression);
      }
      addMembers(tar, FileNames.text(root.relativize(tar)).replace('\\', '/'), items);
    }
    if (items.isEmpty()) {
      throw new IOException(pattern + " holds no images");
    }
    return new ImageList(ImageList.Kind.TAR, root, decoder, items);
  }

  private static void addMembers(Path tar, String file, List<ImageList.Item> items)
      throws IOException {
    int before = items.size();
    try (TarEntries entries = new TarEntries(tar)) {
      for (TarEntries.Entry entry = entries.next(); entry != null; entry = entries.next()) {
        String base = entry.name().substring(entry.name().lastIndexOf('/') + 1);
        if (!ImageFolder.isImage(base) || base.startsWith(".")) {
          continue;
        }
        String damage = ShardScanner.trouble(entry, "image", MAX_IMAGE_BYTES);
        ShardScanner.Place place =
            damage != null ? null : new ShardScanner.Place(entry.offset(), (int) entry.size());
        items.add(new ImageList.Item(new ImageList.Name(file, entry.name()), null, place, damage));
      }
    } catch (TarEntries.DamagedException e) {
      String damage =
          IoErrors.message(e) + "; " + (items.size() - before) + " images came before it";
      items.add(new ImageList.Item(new ImageList.Name(file, ""), null, null, damage));
    }
  }
}
