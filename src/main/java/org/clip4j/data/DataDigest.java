package org.clip4j.data;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import org.clip4j.encode.ImageFile;

/**
 * What a feed's data come to, in few words, so that a checkpoint can tell later whether they are
 * still the same and what changed. Names, captions and sizes go into it, image files' content does
 * not. A folder may be moved: names count from it.
 *
 * @param parts by name, sorted
 */
public record DataDigest(Map<String, String> parts) {
  private static final Gson GSON = new GsonBuilder().disableHtmlEscaping().create();

  /** Copies and sorts the parts. */
  public DataDigest {
    parts = Collections.unmodifiableMap(new TreeMap<>(parts));
  }

  /** Of all pairs of a source. */
  static DataDigest of(PairSource source) {
    Hash images = new Hash();
    Hash captions = new Hash();
    for (int i = 0; i < source.size(); i++) {
      ImageTextPair pair = source.get(i);
      images.add(pair.image() instanceof ImageFile file ? file.file() : pair.image().name());
      captions.add(pair.captions().size());
      pair.captions().forEach(captions::add);
    }
    return new DataDigest(
        Map.of(
            "pairs", String.valueOf(source.size()),
            "image names", images.value(),
            "captions", captions.value()));
  }

  /**
   * What differs, a sentence each; empty if nothing does.
   *
   * @param then what was stored
   */
  public List<String> differences(DataDigest then) {
    List<String> differences = new ArrayList<>();
    TreeSet<String> names = new TreeSet<>(parts.keySet());
    names.addAll(then.parts.keySet());
    for (String name : names) {
      String is = parts.get(name);
      String was = then.parts.get(name);
      if (is == null) {
        differences.add(name + ": was " + was + ", is gone");
      } else if (was == null) {
        differences.add(name + ": is new, " + is);
      } else if (!is.equals(was)) {
        differences.add(name + ": was " + was + ", is " + is);
      }
    }
    return differences;
  }

  /** One line of JSON. */
  public String toJson() {
    return GSON.toJson(parts);
  }

  /**
   * What {@link #toJson} wrote.
   *
   * @throws IllegalArgumentException if the text is anything else
   */
  public static DataDigest fromJson(String json) {
    try {
      if (JsonParser.parseString(json) instanceof JsonObject fields) {
        Map<String, String> parts = new TreeMap<>();
        for (Map.Entry<String, JsonElement> field : fields.entrySet()) {
          parts.put(field.getKey(), field.getValue().getAsString());
        }
        return new DataDigest(parts);
      }
    } catch (JsonParseException | IllegalStateException | UnsupportedOperationException e) {
      throw new IllegalArgumentException("not a digest of data: " + json, e);
    }
    throw new IllegalArgumentException("not a digest of data: " + json);
  }

  /** SHA-256 of a row of texts and numbers, shortened to 128 bits. */
  static final class Hash {
    private final MessageDigest sha;

    Hash() {
      try {
        sha = MessageDigest.getInstance("SHA-256");
      } catch (NoSuchAlgorithmException e) {
        throw new AssertionError(e); // every Java has it
      }
    }

    void add(String text) {
      byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
      add(bytes.length);
      sha.update(bytes);
    }

    void add(long number) {
      sha.update(ByteBuffer.allocate(Long.BYTES).putLong(number).flip());
    }

    String value() {
      return "sha256:" + HexFormat.of().formatHex(sha.digest(), 0, 16);
    }
  }
}
