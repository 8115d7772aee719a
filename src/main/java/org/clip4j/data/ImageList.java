package org.clip4j.data;

import java.io.IOException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.clip4j.data.internal.shards.ShardScanner;
import org.clip4j.encode.ImageFile;
import org.clip4j.encode.ImageSource;
import org.clip4j.image.ImageDecoder;
import org.clip4j.image.RgbImage;
import org.clip4j.io.FileNames;

/**
 * Lists images without captions, see {@link Images}. Holds names and places; an image is read when
 * asked for. Immutable and safe for use by several threads.
 */
public final class ImageList {
  /** Says how the images are kept. */
  public enum Kind {
    /** The files in a folder and below. */
    FOLDER,
    /** The files that a list names. */
    LIST,
    /** The members of tar files. */
    TAR
  }

  /**
   * Says what an image is called.
   *
   * @param file relative to the root, or as a list has it; a tar file if there is a member
   * @param member of a tar file, else empty
   */
  public record Name(String file, String member) {}

  /**
   * An image and where it is.
   *
   * @param path of a file of its own whose name does not lead to it, else null
   * @param place in a tar; null for a file of its own
   */
  record Item(Name name, Path path, ShardScanner.Place place, String damage) {

    static Item of(String file, Path path) {
      return new Item(new Name(file, ""), path, null, null);
    }
  }

  private final Kind kind;
  private final Path root;
  private final ImageDecoder decoder;
  private final List<Item> items;
  private final Map<Name, Integer> numbers = new HashMap<>();

  ImageList(Kind kind, Path root, ImageDecoder decoder, List<Item> items) {
    this.kind = kind;
    this.root = root;
    this.decoder = decoder;
    this.items = List.copyOf(items);
  }

  /** Returns how they are kept. */
  public Kind kind() {
    return kind;
  }

  /** Returns the folder that relative names count from. */
  public Path root() {
    return root;
  }

  /** Returns how many there are, those that cannot be read included. */
  public int size() {
    return items.size();
  }

  /** Returns what an image is called. */
  public Name name(int index) {
    return items.get(index).name;
  }

  /** Returns an image, to be read. */
  public ImageSource get(int index) {
    Item item = items.get(index);
    if (item.place == null && item.damage == null) {
      return new ImageFile(root, item.name.file, item.path, decoder);
    }
    return new TarMember(FileNames.resolve(root, item.name.file), item, decoder);
  }

  /**
   * Finds an image by its name.
   *
   * @return empty if there is none of that name
   */
  public synchronized Optional<ImageSource> find(Name name) {
    if (numbers.isEmpty()) {
      for (int i = 0; i < items.size(); i++) {
        numbers.putIfAbsent(items.get(i).name, i);
      }
    }
    Integer index = numbers.get(name);
    return Optional.ofNullable(index).map(this::get);
  }

  /**
   * Returns an image file by the name that it has in a list of this kind, which need not be at
   * hand.
   *
   * @param root the folder that relative names count from
   * @throws IOException if the name is none, or leads out of the root where names of this kind
   *     never do
   */
  public static ImageSource file(Kind kind, Path root, String file) throws IOException {
    Path path;
    try {
      path = FileNames.resolve(root, file);
    } catch (InvalidPathException e) {
      throw new IOException("\"" + file + "\" is not a file name: " + e.getReason(), e);
    }
    if (kind != Kind.LIST && !path.normalize().startsWith(root.normalize())) {
      throw new IOException("\"" + file + "\" leads out of " + root);
    }
    return new ImageFile(root, file, path, ImageDecoder.defaults());
  }

  private record TarMember(Path tar, Item item, ImageDecoder decoder) implements ImageSource {
    @Override
    public String name() {
      return FileNames.text(tar) + (item.name.member.isEmpty() ? "" : ":" + item.name.member);
    }

    @Override
    public RgbImage read() throws IOException {
      if (item.damage != null) {
        throw new IOException(name() + " " + item.damage);
      }
      return decoder.read(item.place.read(tar, name()), name());
    }
  }
}
