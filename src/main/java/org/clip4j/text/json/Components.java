package org.clip4j.text.json;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.clip4j.io.IoErrors;

/**
 * Checks the normalizers and pre-tokenizers of a {@code tokenizer.json}. What is not known is
 * refused, and so is what would take the native library unbounded time or memory: a backtracking
 * pattern, or replacements that let a text grow and grow. What is missing or of a wrong type the
 * library says itself.
 */
final class Components {
  private static final int MAX_COUNT = 32;
  private static final int MAX_TEXT = 64;

  /** A text may become so many times as long by all replacements together. */
  private static final int MAX_GROWTH = 16;

  /** What a character map counts for, though single characters may grow to {@link Charsmap}'s. */
  private static final int PRECOMPILED_GROWTH = 4;

  /**
   * Each type's keys. The library takes no notice of others, which may mean something in Python.
   */
  private static final Map<String, Set<String>> NORMALIZERS =
      Map.ofEntries(
          Map.entry("Sequence", Set.of("normalizers")),
          Map.entry(
              "BertNormalizer",
              Set.of("clean_text", "handle_chinese_chars", "strip_accents", "lowercase")),
          Map.entry("Strip", Set.of("strip_left", "strip_right")),
          Map.entry("StripAccents", Set.of()),
          Map.entry("NFC", Set.of()),
          Map.entry("NFD", Set.of()),
          Map.entry("NFKC", Set.of()),
          Map.entry("NFKD", Set.of()),
          Map.entry("Nmt", Set.of()),
          Map.entry("Lowercase", Set.of()),
          Map.entry("Prepend", Set.of("prepend")),
          Map.entry("Replace", Set.of("pattern", "content")),
          Map.entry("Precompiled", Set.of("precompiled_charsmap")));

  private static final Map<String, Set<String>> PRE_TOKENIZERS =
      Map.of(
          "Sequence",
          Set.of("pretokenizers"),
          "BertPreTokenizer",
          Set.of(),
          "ByteLevel",
          Set.of("add_prefix_space", "trim_offsets", "use_regex"),
          "Metaspace",
          Set.of("replacement", "add_prefix_space", "prepend_scheme", "split", "str_rep"),
          "Whitespace",
          Set.of(),
          "WhitespaceSplit",
          Set.of(),
          "Punctuation",
          Set.of("behavior"),
          "Digits",
          Set.of("individual_digits"),
          "Split",
          Set.of("pattern", "behavior", "invert"),
          "UnicodeScripts",
          Set.of());

  /** Patterns of published tokenizers that are more than {@link #SIMPLE}, all without ambiguity. */
  private static final Set<String> KNOWN =
      Set.of(
          // CLIP's
          "'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+",
          "<\\|startoftext\\|>|<\\|endoftext\\|>|'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+",
          // GPT-2's
          "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+");

  /** An escape that stands for one character. */
  private static final String ESCAPE =
      "\\\\(?:[sSdDwW]|[pP]\\{[A-Za-z_]{1,24}\\}|[!-/:-@\\[-`{-~])";

  /** One character or class of characters, at most repeated: nothing to backtrack over. */
  private static final Pattern SIMPLE =
      Pattern.compile(
          "(?:[^\\\\\\[\\](){}*+?.^$|]|"
              + ESCAPE
              + "|\\[\\^?(?:(?!&&)[^\\\\\\[\\]]|"
              + ESCAPE
              + ")+\\])(?:\\+|\\{([1-9][0-9]?)(?:,(?:[1-9][0-9]?)?)?\\})?");

  private final Map<String, Set<String>> known;
  private final String sequence;
  private int count;
  private double growth = 1;
  private boolean precompiled;
  private boolean byteLevel;

  private Components(Map<String, Set<String>> known, String sequence) {
    this.known = known;
    this.sequence = sequence;
  }

  /**
   * Checks a file's normalizer.
   *
   * @throws RuntimeException if it is not one that is known; the message says what is wrong
   */
  static void checkNormalizer(JsonElement element) {
    new Components(NORMALIZERS, "normalizers").check(element, 0);
  }

  /** Checks a file's pre-tokenizer likewise. */
  static void checkPreTokenizer(JsonElement element) {
    new Components(PRE_TOKENIZERS, "pretokenizers").check(element, 0);
  }

  private void check(JsonElement element, int depth) {
    if (++count > MAX_COUNT || depth > 4) {
      throw bad("there are more than " + MAX_COUNT + " " + sequence);
    }
    if (!(element instanceof JsonObject object)) {
      throw bad("one of the " + sequence + " is not an object");
    }
    String type = text(object, "type");
    Set<String> keys = known.get(type);
    if (keys == null) {
      throw bad(IoErrors.quote(type) + " is not known among the " + sequence);
    }
    for (String key : object.keySet()) {
      if (!key.equals("type") && !keys.contains(key)) {
        throw bad(type + "." + IoErrors.quote(key) + " is not known");
      }
    }
    if (object.get(sequence) instanceof JsonArray parts) {
      parts.forEach(part -> check(part, depth + 1));
    }
    if (keys.contains("pattern")) {
      checkPattern(type + ".pattern", object.get("pattern"));
    }
    if (keys.contains("precompiled_charsmap")) { // without one the library panics
      Charsmap.check(text(object, "precompiled_charsmap"));
    }
    for (String key : List.of("content", "prepend")) {
      if (keys.contains(key)) {
        String text = text(object, key);
        // Prepending nothing breaks the library's alignments, and the next normalizer panics.
        if (key.equals("prepend") && text.isEmpty() || text.length() > MAX_TEXT) {
          throw bad(type + "." + key + " is " + IoErrors.quote(text) + ", not a short text");
        }
      }
    }
    limit(type, object);
  }

  private void limit(String type, JsonObject component) {
    switch (type) {
      case "Replace" -> {
        int from = shortestMatch(component.getAsJsonObject("pattern"));
        grow(text(component, "content").length() / (double) from);
      }
      case "Precompiled" -> {
        if (precompiled) {
          throw bad("there is more than one precompiled character map");
        }
        precompiled = true;
        grow(PRECOMPILED_GROWTH);
      }
      case "ByteLevel" -> {
        if (byteLevel) {
          throw bad("there is more than one ByteLevel");
        }
        byteLevel = true;
      }
      default -> {}
    }
  }

  private void grow(double times) {
    growth *= Math.max(1, times);
    if (growth > MAX_GROWTH) {
      throw bad("replacements make a text more than " + MAX_GROWTH + " times as long");
    }
  }

  private static int shortestMatch(JsonObject pattern) {
    if (pattern.has("String")) {
      return pattern.get("String").getAsString().length();
    }
    Matcher simple = SIMPLE.matcher(pattern.get("Regex").getAsString());
    return simple.matches() && simple.group(1) != null ? Integer.parseInt(simple.group(1)) : 1;
  }

  private void checkPattern(String name, JsonElement value) {
    if (!(value instanceof JsonObject pattern) || pattern.size() != 1) {
      throw bad(name + " is not {\"String\": ...} or {\"Regex\": ...}");
    }
    boolean regex = pattern.has("Regex");
    String text = text(pattern, regex ? "Regex" : "String");
    if (text.isEmpty()
        || text.length() > 4 * MAX_TEXT
        || (regex && !KNOWN.contains(text) && !SIMPLE.matcher(text).matches())) {
      throw bad(
          name
              + " is "
              + IoErrors.quote(text)
              + "; known are texts, single characters or classes that may repeat, and the patterns"
              + " of CLIP and GPT-2");
    }
  }

  private String text(JsonObject object, String key) {
    if (object.get(key) instanceof JsonPrimitive primitive && primitive.isString()) {
      return primitive.getAsString();
    }
    throw bad(key + " of one of the " + sequence + " is not a text");
  }

  private static IllegalArgumentException bad(String problem) {
    return new IllegalArgumentException(problem);
  }
}
