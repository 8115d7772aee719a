package org.clip4j.data;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Locale;
import java.util.Set;
import org.clip4j.io.IoErrors;

/**
 * The samples of one shard in their order, as WebDataset groups them: entries that follow each
 * other and whose names agree up to the first dot of the file name. What of them is too large, or
 * missing, makes a damaged sample; a damaged tar ends with one that stands for its remainder.
 */
final class ShardScanner implements Closeable {
  private static final Set<String> IMAGES = Set.of("jpg", "jpeg", "png", "webp");
  private static final int MAX_CAPTION_BYTES = 1 << 20;
  private static final int MAX_ENTRIES = 1000; // of one sample

  /**
   * A sample's places in its shard.
   *
   * @param key common part of the names; empty for the shard itself
   * @param text the place of the caption
   * @param json whether the caption is in JSON
   * @param damage what is wrong, the rest of a sentence; null if nothing is known to be
   */
  record Sample(String key, Place image, Place text, boolean json, String damage) {}

  /** Part of the tar's bytes. */
  record Place(long offset, int size) {

    /**
     * Reads it.
     *
     * @param name of what is there, for messages
     */
    byte[] read(Path tar, String name) throws IOException {
      ByteBuffer bytes = ByteBuffer.allocate(size);
      try (FileChannel channel = FileChannel.open(tar)) {
        while (bytes.hasRemaining()) {
          if (channel.read(bytes, offset + bytes.position()) < 0) {
            throw new IOException(name + ": the shard became shorter");
          }
        }
      }
      return bytes.array();
    }
  }

  private final TarEntries entries;
  private final long maxImageBytes;
  private final boolean preferJson;
  private TarEntries.Entry ahead; // the first of the next sample
  private boolean ended;
  private int samples;
  private Sample damage; // of the shard, after the last whole sample

  ShardScanner(TarEntries entries, long maxImageBytes, boolean preferJson) {
    this.entries = entries;
    this.maxImageBytes = maxImageBytes;
    this.preferJson = preferJson;
  }

  /** A sample being gathered. */
  private static final class Group {
    private final String key;
    private final Set<String> extensions = new HashSet<>();
    private TarEntries.Entry image;
    private TarEntries.Entry text;
    private TarEntries.Entry json;

    Group(String key) {
      this.key = key;
    }
  }

  /** The next sample; null at the end. */
  Sample next() throws IOException {
    while (!ended) {
      Group group = null;
      try {
        for (TarEntries.Entry entry = take(); entry != null; entry = take()) {
          String key = key(entry.name());
          if (key == null) {
            continue;
          }
          String extension = entry.name().substring(key.length() + 1).toLowerCase(Locale.ROOT);
          if (group == null) {
            group = new Group(key);
          } else if (!group.key.equals(key) || group.extensions.contains(extension)) {
            ahead = entry;
            break;
          }
          add(group, extension, entry);
        }
        ended = ahead == null;
      } catch (TarEntries.DamagedException e) {
        ended = true;
        return damagedShard(group, e);
      }
      if (group != null && (group.image != null || group.text != null)) {
        samples++;
        return sample(group);
      }
      // Entries that are neither image nor caption: no sample.
    }
    return pending();
  }

  private Sample pending() {
    Sample last = damage;
    damage = null;
    return last;
  }

  /** The sample before the damage still counts if it is whole. */
  private Sample damagedShard(Group group, IOException why) {
    Sample sample = group == null ? null : sample(group);
    boolean whole = sample != null && sample.damage == null;
    samples += whole ? 1 : 0;
    damage =
        new Sample(
            "",
            null,
            null,
            false,
            IoErrors.message(why) + "; " + samples + " samples came before it");
    return whole ? sample : pending();
  }

  private TarEntries.Entry take() throws IOException {
    TarEntries.Entry entry = ahead != null ? ahead : entries.next();
    ahead = null;
    return entry;
  }

  /** The name up to the first dot after the last slash; null if that is nothing. */
  private static String key(String name) {
    int start = name.lastIndexOf('/') + 1;
    int dot = name.indexOf('.', start);
    return dot <= start ? null : name.substring(0, dot);
  }

  private static void add(Group group, String extension, TarEntries.Entry entry)
      throws TarEntries.DamagedException {
    group.extensions.add(extension);
    if (group.extensions.size() > MAX_ENTRIES) {
      throw new TarEntries.DamagedException(
          "has more than " + MAX_ENTRIES + " entries for the sample " + group.key);
    }
    if (IMAGES.contains(extension)) {
      group.image = group.image == null ? entry : group.image;
    } else if (extension.equals("txt")) {
      group.text = entry;
    } else if (extension.equals("json")) {
      group.json = entry;
    }
  }

  private Sample sample(Group group) {
    boolean json = group.json != null && (preferJson || group.text == null);
    TarEntries.Entry text = json ? group.json : group.text;
    if (group.image == null) {
      return damaged(group, "has no image (jpg, jpeg, png or webp)");
    }
    if (text == null) {
      return damaged(group, "has no caption (txt or json)");
    }
    String trouble = trouble(group.image, "image", maxImageBytes);
    if (trouble == null) {
      trouble = trouble(text, "caption", MAX_CAPTION_BYTES);
    }
    return trouble != null
        ? damaged(group, trouble)
        : new Sample(group.key, place(group.image), place(text), json, null);
  }

  /** What keeps an entry from being read, the rest of a sentence; null for nothing. */
  static String trouble(TarEntries.Entry entry, String what, long limit) {
    if (entry.sparse()) {
      return "is stored sparsely, which is not supported";
    }
    return entry.size() <= limit
        ? null
        : "has " + what + " of " + entry.size() + " bytes; at most " + limit + " are allowed";
  }

  private static Sample damaged(Group group, String damage) {
    return new Sample(group.key, null, null, false, damage);
  }

  private static Place place(TarEntries.Entry entry) {
    return new Place(entry.offset(), (int) entry.size());
  }

  @Override
  public void close() throws IOException {
    entries.close();
  }
}
