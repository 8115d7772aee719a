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

/**
 * Checks the normalizers and pre-tokenizers of a {@code tokenizer.json} and copies what is known of
 * them. What is not known is refused, and so is what would take the native library unbounded time
 * or memory: a backtracking pattern, or replacements that let a text grow and grow.
 */
final class Components {
  private static final int MAX_COUNT = 32;
  private static final int MAX_TEXT = 64;

  /** A text may become so many times as long by all replacements together. */
  private static final int MAX_GROWTH = 16;

  /** What a character map counts for, though single characters may grow to {@link Charsmap}'s. */
  private static final int PRECOMPILED_GROWTH = 4;

  /** Each type's keys; one with a question mark may be missing, for others the library panics. */
  private static final Map<String, Set<String>> NORMALIZERS =
      Map.ofEntries(
          Map.entry("Sequence", Set.of("normalizers")),
          Map.entry(
              "BertNormalizer",
              Set.of("clean_text", "handle_chinese_chars", "strip_accents?", "lowercase")),
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
          Set.of("add_prefix_space", "trim_offsets", "use_regex?"),
          "Metaspace",
          Set.of("replacement", "add_prefix_space?", "prepend_scheme?", "split?", "str_rep?"),
          "Whitespace",
          Set.of(),
          "WhitespaceSplit",
          Set.of(),
          "Punctuation",
          Set.of("behavior?"),
          "Digits",
          Set.of("individual_digits"),
          "Split",
          Set.of("pattern", "behavior", "invert"),
          "UnicodeScripts",
          Set.of());

  private static final Set<String> BEHAVIORS =
      Set.of("Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous");

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

  private final JsonInput json;
  private final Map<String, Set<String>> known;
  private final String sequence;
  private int count;
  private double growth = 1;
  private boolean precompiled;
  private boolean byteLevel;

  private Components(JsonInput json, Map<String, Set<String>> known, String sequence) {
    this.json = json;
    this.known = known;
    this.sequence = sequence;
  }

  /** A checked copy of the file's normalizer; null where it has none. */
  static JsonObject normalizer(JsonInput json, JsonElement element)
      throws TokenizerFormatException {
    return copy(new Components(json, NORMALIZERS, "normalizers"), element);
  }

  /** A checked copy of the file's pre-tokenizer; null where it has none. */
  static JsonObject preTokenizer(JsonInput json, JsonElement element)
      throws TokenizerFormatException {
    return copy(new Components(json, PRE_TOKENIZERS, "pretokenizers"), element);
  }

  private static JsonObject copy(Components components, JsonElement element)
      throws TokenizerFormatException {
    return element.isJsonNull() ? null : components.copy(element, 0);
  }

  private JsonObject copy(JsonElement element, int depth) throws TokenizerFormatException {
    if (++count > MAX_COUNT || depth > 4) {
      throw json.bad("there are more than " + MAX_COUNT + " " + sequence);
    }
    if (!(element instanceof JsonObject object)) {
      throw json.bad("one of the " + sequence + " is not an object");
    }
    String type = text(object, "type");
    Set<String> keys = known.get(type);
    if (keys == null) {
      throw json.bad(JsonInput.shorten(type) + " is not known among the " + sequence);
    }
    JsonObject out = new JsonObject();
    out.addProperty("type", type);
    for (String key : object.keySet()) {
      if (!key.equals("type")) {
        if (!keys.contains(key) && !keys.contains(key + "?")) {
          throw json.bad(type + "." + JsonInput.shorten(key) + " is not known");
        }
        if (key.equals(sequence)) {
          out.add(key, sequence(object.get(key), depth));
        } else if (!key.equals("str_rep")) { // of old files, and never read
          out.add(key, value(type + "." + key, key, object));
        }
      }
    }
    for (String key : keys) {
      if (!key.endsWith("?") && !out.has(key)) {
        throw json.bad(type + "." + key + " is missing");
      }
    }
    limit(type, out);
    return out;
  }

  private JsonArray sequence(JsonElement element, int depth) throws TokenizerFormatException {
    if (!(element instanceof JsonArray array)) {
      throw json.bad(sequence + " is not an array");
    }
    JsonArray out = new JsonArray();
    for (JsonElement part : array) {
      out.add(copy(part, depth + 1));
    }
    return out;
  }

  private JsonElement value(String name, String key, JsonObject object)
      throws TokenizerFormatException {
    JsonElement value = object.get(key);
    switch (key) {
      case "strip_accents" -> {
        if (!value.isJsonNull()) {
          flag(name, value);
        }
      }
      case "pattern" -> {
        return pattern(name, value);
      }
      case "precompiled_charsmap" -> {
        String problem = Charsmap.problem(text(object, key));
        if (problem != null) {
          throw json.bad("the precompiled character map " + problem);
        }
      }
      case "replacement" -> {
        if (text(object, key).codePointCount(0, text(object, key).length()) != 1) {
          throw json.bad(name + " is not one character");
        }
      }
      case "prepend_scheme" -> oneOf(name, text(object, key), Set.of("always", "never", "first"));
      case "behavior" -> oneOf(name, text(object, key), BEHAVIORS);
      case "content", "prepend" -> {
        String text = text(object, key);
        // Prepending nothing breaks the library's alignments, and the next normalizer panics.
        boolean empty = key.equals("prepend") && text.isEmpty();
        if (empty || text.length() > MAX_TEXT || !Vocabulary.isToken(text)) {
          throw json.bad(name + " is \"" + JsonInput.shorten(text) + "\", not a short text");
        }
      }
      default -> flag(name, value);
    }
    return value;
  }

  private void limit(String type, JsonObject component) throws TokenizerFormatException {
    switch (type) {
      case "Replace" -> {
        int from = shortestMatch(component.getAsJsonObject("pattern"));
        grow(component.get("content").getAsString().length() / (double) from);
      }
      case "Precompiled" -> {
        if (precompiled) {
          throw json.bad("there is more than one precompiled character map");
        }
        precompiled = true;
        grow(PRECOMPILED_GROWTH);
      }
      case "ByteLevel" -> {
        if (byteLevel) {
          throw json.bad("there is more than one ByteLevel");
        }
        byteLevel = true;
      }
      default -> {}
    }
  }

  private void grow(double times) throws TokenizerFormatException {
    growth *= Math.max(1, times);
    if (growth > MAX_GROWTH) {
      throw json.bad("replacements make a text more than " + MAX_GROWTH + " times as long");
    }
  }

  private static int shortestMatch(JsonObject pattern) {
    if (pattern.has("String")) {
      return pattern.get("String").getAsString().length();
    }
    Matcher simple = SIMPLE.matcher(pattern.get("Regex").getAsString());
    return simple.matches() && simple.group(1) != null ? Integer.parseInt(simple.group(1)) : 1;
  }

  private JsonObject pattern(String name, JsonElement value) throws TokenizerFormatException {
    if (!(value instanceof JsonObject pattern) || pattern.size() != 1) {
      throw json.bad(name + " is not {\"String\": ...} or {\"Regex\": ...}");
    }
    boolean regex = pattern.has("Regex");
    String text = text(pattern, regex ? "Regex" : "String");
    if (text.isEmpty()
        || text.length() > 4 * MAX_TEXT
        || !Vocabulary.isToken(text)
        || (regex && !KNOWN.contains(text) && !SIMPLE.matcher(text).matches())) {
      throw json.bad(
          name
              + " is "
              + JsonInput.shorten(text)
              + "; known are texts, single characters or classes that may repeat, and the patterns"
              + " of CLIP and GPT-2");
    }
    return pattern;
  }

  private void oneOf(String name, String text, Set<String> values) throws TokenizerFormatException {
    if (!values.contains(text)) {
      throw json.bad(
          name + " is " + JsonInput.shorten(text) + "; known are " + List.copyOf(values));
    }
  }

  private void flag(String name, JsonElement value) throws TokenizerFormatException {
    if (!(value instanceof JsonPrimitive primitive) || !primitive.isBoolean()) {
      throw json.bad(name + " is not true or false");
    }
  }

  private String text(JsonObject object, String key) throws TokenizerFormatException {
    if (object.get(key) instanceof JsonPrimitive primitive && primitive.isString()) {
      return primitive.getAsString();
    }
    throw json.bad(key + " of one of the " + sequence + " is not a text");
  }
}
