package org.clip4j.text.json;

import com.google.gson.Gson;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.StringJoiner;
import java.util.function.Function;
import org.clip4j.text.TextCleaning;

/**
 * Puts {@code tokenizer.json} files together from valid parts and tokenizes with those that are let
 * through, in a process of its own: what the native library does not bear ends it.
 */
final class TokenizerFuzz {
  private static final Gson GSON = new Gson();

  /** Spaces, marks, what normalizes oddly, and tokens. */
  static final List<String> PIECES =
      List.of(
          (" | |  |a|b|A|0|1|.|_|<|\t|\n|\0|\u0301|\u0323|\u0344|\u0f73|\u00e9|\u1100|"
                  + "\u1161|\uac00|\u2581|\uff21|\ufb01|\u200d|\u200b|\u00a0|\u3000|\ufffd|"
                  + "\ud83d\ude00|\u0130|\u03a3|\u03c2|\u00df|\ufdfa|\u0958|\u0915|\u72ac|</s>|"
                  + "<s>|[UNK]|##|'s|\u2028|\u0085|\u013f|\u0149|\ufb1d|\u2126|\u2177|\u337f|"
                  + "\ud834\udd5e|\u00ad|\ufeff")
              .split("\\|"));

  private static final List<String> PATTERNS =
      List.of(
          "\\s+",
          "[a-z]",
          "[^a]",
          "\\p{L}+",
          "\\p{N}{1,3}",
          "\\W",
          "\\w+",
          "[\\p{L}\\s]{2,}",
          "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
          "'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+",
          " {2,9}",
          "[\u2581]",
          "\\S+");

  private static final List<String> BEHAVIORS =
      List.of("Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous");

  private final Random random;
  private final String charsmap;
  private final Map<String, Integer> vocabulary = new LinkedHashMap<>();
  private final List<String> added = new ArrayList<>();

  private TokenizerFuzz(long seed, String charsmap) {
    random = new Random(seed);
    this.charsmap = charsmap;
  }

  /** Arguments: a folder to write to, the first case, the number of cases. */
  public static void main(String[] args) throws IOException {
    Path folder = Path.of(args[0]);
    Path xlmr = Path.of("src/test/resources/tokenizers/xlmr/tokenizer.json");
    String charsmap =
        JsonParser.parseString(Files.readString(xlmr))
            .getAsJsonObject()
            .getAsJsonObject("normalizer")
            .toString()
            .replaceAll(".*precompiled_charsmap\":\"([^\"]*)\".*", "$1");
    int from = Integer.parseInt(args[1]);
    int opened = 0;
    int count = Integer.parseInt(args[2]);
    for (int seed = from; seed < from + count; seed++) {
      Files.writeString(folder.resolve("case"), String.valueOf(seed)); // the last one is at fault
      opened += new TokenizerFuzz(seed, charsmap).run(folder) ? 1 : 0;
    }
    System.out.println(opened);
  }

  private boolean run(Path folder) throws IOException {
    String model = model();
    Files.writeString(
        folder.resolve("tokenizer.json"),
        "{\"version\":\"1.0\",\"padding\":{\"pad_token\":\"[UNK]\"},\"added_tokens\":"
            + addedTokens()
            + ",\"normalizer\":"
            + (once(5) ? "null" : part(0, "normalizers", this::normalizer))
            + ",\"pre_tokenizer\":"
            + (once(5) ? "null" : part(0, "pretokenizers", this::preTokenizer))
            + ",\"model\":"
            + model
            + "}");
    TextCleaning cleaning = one(List.of(TextCleaning.values()));
    TokenizerRules rules =
        TokenizerRules.builder().setContextLength(77).optCleaning(cleaning).build();
    try (TokenizerJson tokenizer = TokenizerJson.open(folder, rules)) {
      for (int i = 0; i < 6; i++) {
        tokenizer.encode(text(random.nextInt(i == 5 ? 1000 : 30)));
      }
      return true;
    } catch (TokenizerFormatException e) {
      return false;
    }
  }

  private boolean once(int in) {
    return random.nextInt(in) == 0;
  }

  private <T> T one(List<T> values) {
    return values.get(random.nextInt(values.size()));
  }

  private String text(int pieces) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < pieces; i++) {
      text.append(!added.isEmpty() && once(3) ? one(added) : one(PIECES));
    }
    return text.toString();
  }

  private static String quote(String text) {
    return GSON.toJson(text);
  }

  private String pattern() {
    return once(2)
        ? "{\"String\":" + quote(text(1 + random.nextInt(2))) + "}"
        : "{\"Regex\":" + quote(one(PATTERNS)) + "}";
  }

  private String flags(String... names) {
    StringBuilder flags = new StringBuilder();
    for (String name : names) {
      flags.append(",\"").append(name).append("\":").append(random.nextBoolean());
    }
    return flags.toString();
  }

  private static String typed(String type, String fields) {
    return "{\"type\":\"" + type + "\"" + fields + "}";
  }

  /** A component, or a sequence of some. */
  private String part(int depth, String plural, Function<Integer, String> kind) {
    if (depth > 1 || !once(4)) {
      return kind.apply(random.nextInt(12));
    }
    StringJoiner parts = new StringJoiner(",", ",\"" + plural + "\":[", "]");
    for (int i = random.nextInt(6); i > 0; i--) {
      parts.add(part(depth + 1, plural, kind));
    }
    return typed("Sequence", parts.toString());
  }

  private String normalizer(int kind) {
    return switch (kind) {
      case 0 ->
          typed(
              "BertNormalizer",
              flags("clean_text", "handle_chinese_chars", "lowercase", "strip_accents"));
      case 1 -> typed("Strip", flags("strip_left", "strip_right"));
      case 2 -> typed("Prepend", ",\"prepend\":" + quote(text(1 + random.nextInt(2))));
      case 3, 4 ->
          typed(
              "Replace",
              ",\"pattern\":" + pattern() + ",\"content\":" + quote(text(random.nextInt(3))));
      case 5 -> typed("Precompiled", ",\"precompiled_charsmap\":" + quote(charsmap));
      default ->
          typed(one(List.of("StripAccents", "NFC", "NFD", "NFKC", "NFKD", "Nmt", "Lowercase")), "");
    };
  }

  private String preTokenizer(int kind) {
    String behavior = ",\"behavior\":" + quote(one(BEHAVIORS));
    return switch (kind) {
      case 0 -> typed("ByteLevel", flags("add_prefix_space", "trim_offsets", "use_regex"));
      case 1, 2 ->
          typed(
              "Metaspace",
              ",\"replacement\":"
                  + quote(one(List.of("\u2581", "a", " ", "\u72ac", "\0")))
                  + ",\"prepend_scheme\":"
                  + quote(one(List.of("always", "never", "first")))
                  + flags("split"));
      case 3 -> typed("Punctuation", behavior);
      case 4 -> typed("Digits", flags("individual_digits"));
      case 5, 6, 7 -> typed("Split", ",\"pattern\":" + pattern() + behavior + flags("invert"));
      default ->
          typed(
              one(List.of("BertPreTokenizer", "Whitespace", "WhitespaceSplit", "UnicodeScripts")),
              "");
    };
  }

  private String addedTokens() {
    StringJoiner tokens = new StringJoiner(",", "[", "]");
    int next = vocabulary.size();
    for (int i = random.nextInt(5); i > 0; i--) {
      String content =
          once(2) ? one(List.copyOf(vocabulary.keySet())) : text(1 + random.nextInt(2));
      if (!content.isEmpty() && !added.contains(content)) {
        Integer known = vocabulary.get(content);
        added.add(content);
        tokens.add(
            "{\"id\":"
                + (known != null ? known : next++)
                + ",\"content\":"
                + quote(content)
                + flags("single_word", "lstrip", "rstrip", "normalized", "special")
                + "}");
      }
    }
    return tokens.toString();
  }

  private String model() {
    Set<String> tokens = new LinkedHashSet<>(List.of("[UNK]", "<s>", "</s>"));
    for (int i = random.nextInt(40); i > 0; i--) {
      tokens.add((once(6) ? "##" : "") + text(1 + random.nextInt(3)));
    }
    for (int i = 0; once(2) && i < 256; i++) {
      tokens.add("<0x%02X>".formatted(i));
    }
    int kind = random.nextInt(3);
    StringJoiner merges = new StringJoiner(",", "[", "]");
    List<String> parts = List.copyOf(tokens);
    for (int i = random.nextInt(20); kind == 1 && i > 0; i--) {
      String left = one(parts);
      String right = one(parts);
      tokens.add(left + right);
      merges.add("[" + quote(left) + "," + quote(right) + "]");
    }
    tokens.forEach(token -> vocabulary.put(token, vocabulary.size()));
    return switch (kind) {
      case 0 -> {
        StringJoiner scored = new StringJoiner(",", "[", "]");
        tokens.forEach(t -> scored.add("[" + quote(t) + "," + -random.nextInt(20) + ".5]"));
        yield typed("Unigram", ",\"unk_id\":0,\"vocab\":" + scored + flags("byte_fallback"));
      }
      case 1 ->
          typed(
              "BPE",
              ",\"unk_token\":"
                  + one(List.of("null", "\"[UNK]\""))
                  + ",\"end_of_word_suffix\":"
                  + one(List.of("null", "\"</w>\"", "\"a\"", "\"\""))
                  + flags("fuse_unk", "byte_fallback", "ignore_merges")
                  + ",\"vocab\":"
                  + GSON.toJson(vocabulary)
                  + ",\"merges\":"
                  + merges);
      default ->
          typed(
              "WordPiece",
              ",\"unk_token\":\"[UNK]\",\"continuing_subword_prefix\":"
                  + quote(one(List.of("##", "", "a", "\u72ac")))
                  + ",\"max_input_chars_per_word\":"
                  + one(List.of(0, 1, 100, 256))
                  + ",\"vocab\":"
                  + GSON.toJson(vocabulary));
    };
  }
}
