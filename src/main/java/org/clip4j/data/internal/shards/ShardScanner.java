package org.clip4j.data.internal.shards;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.clip4j.io.IoErrors;

/**
 * The samples of one shard in their order, as WebDataset groups them: entries that follow each
 * other and whose names agree up to the first dot of the file name. Where none of such entries is
 * an image or a caption by what follows that dot, as with {@code img.v1.0.jpg}, names have dots of
 * their own, and they are grouped by what comes before the last. What of them is too large, or
 * missing, makes a damaged sample; a damaged tar ends with one that stands for its remainder.
 */
public final class ShardScanner implements Closeable {
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
  public record Sample(String key, Place image, Place text, boolean json, String damage) {}

  /** Part of the tar's bytes. */
  public record Place(long offset, int size) {

    /**
     * Reads it.
     *
     * @param name of what is there, for messages
     */
    public byte[] read(Path tar, String name) throws IOException {
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

  /** By which dot an entry's name is divided into a sample's key and an extension. */
  private enum Naming {
    UNKNOWN,
    FIRST_DOT,
    LAST_DOT
  }

  private record Named(String key, String extension, TarEntries.Entry entry) {}

  private final Deque<Named> ready = new ArrayDeque<>();
  private TarEntries.Entry unread; // taken from the tar, not gathered yet
  private TarEntries.DamagedException broken; // comes after what is ready
  private String firstKey; // up to the first dot, of what was gathered last
  private Naming naming = Naming.UNKNOWN; // of that
  private Named ahead; // the first of the next sample
  private boolean ended;
  private int samples;
  private Sample damage; // of the shard, after the last whole sample

  public ShardScanner(TarEntries entries, long maxImageBytes, boolean preferJson) {
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
  public Sample next() throws IOException {
    while (!ended) {
      Group group = null;
      try {
        for (Named named = take(); named != null; named = take()) {
          if (group == null) {
            group = new Group(named.key);
          } else if (!group.key.equals(named.key) || group.extensions.contains(named.extension)) {
            ahead = named;
            break;
          }
          add(group, named.extension, named.entry);
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

  private Named take() throws IOException {
    Named named = ahead;
    ahead = null;
    if (named == null && ready.isEmpty()) {
      if (broken != null) {
        throw broken;
      }
      gather();
    }
    return named != null ? named : ready.poll();
  }

  /**
   * Gathers entries whose names agree up to the first dot until one of them tells how they are
   * named: by the first dot if what follows it is an image or a caption, else by the last.
   */
  private void gather() throws IOException {
    List<TarEntries.Entry> run = new ArrayList<>();
    try {
      while (run.size() < MAX_ENTRIES) {
        TarEntries.Entry entry = unread != null ? unread : entries.next();
        unread = null;
        if (entry == null) {
          break;
        }
        String key = key(entry.name());
        if (key == null) {
          continue;
        }
        if (!key.equals(run.isEmpty() ? firstKey : key(run.get(0).name()))) {
          if (!run.isEmpty()) {
            unread = entry;
            break;
          }
          naming = Naming.UNKNOWN;
        }
        firstKey = key;
        run.add(entry);
        String extension = extension(entry.name(), key.length());
        if (naming == Naming.UNKNOWN && isKnown(extension)) {
          naming = Naming.FIRST_DOT;
        }
        if (naming != Naming.UNKNOWN) {
          break;
        }
      }
    } catch (TarEntries.DamagedException e) {
      if (run.isEmpty()) {
        throw e;
      }
      broken = e; // after what came before it
    }
    if (run.size() == MAX_ENTRIES) {
      naming = Naming.LAST_DOT; // so far, and so the rest
    }
    for (TarEntries.Entry entry : run) {
      String name = entry.name();
      int dot = naming == Naming.FIRST_DOT ? key(name).length() : name.lastIndexOf('.');
      ready.add(new Named(name.substring(0, dot), extension(name, dot), entry));
    }
  }

  private static String extension(String name, int dot) {
    return name.substring(dot + 1).toLowerCase(Locale.ROOT);
  }

  private static boolean isKnown(String extension) {
    return IMAGES.contains(extension) || extension.equals("txt") || extension.equals("json");
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
  public static String trouble(TarEntries.Entry entry, String what, long limit) {
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
