package org.clip4j.text.json;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.clip4j.text.TextCleaning;
import org.clip4j.text.Tokenizer;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Damaged and hostile tokenizer.json files: each is refused with a clear error or works, in under a
 * second and in bounded memory. A panic in the native library would end this process, and so fail.
 */
class TokenizerMutationTest {
  private static final Path FOLDER = Path.of("src/test/resources/tokenizers");

  private static final List<String> TEXTS =
      List.of(
          "",
          "A photo of a   dog, naïve Straße </s> ｆｕｌｌ ﬁ 犬 👩‍👩‍👧 <mask>[SEP]x",
          "a".repeat(2000),
          "▁ ▁▁ \t\n" + "e\u0301\u0302 ".repeat(300));

  /** Of these and of any characters random texts are made. */
  private static final List<String> PIECES =
      Stream.concat(
              TokenizerFuzz.PIECES.stream(),
              Stream.of(
                  "\u11a8 🏻 \u093c \udb40\udc01 <eos> <mask> [SEP] <unk> \ud800 \udc00"
                      .split(" ")))
          .toList();

  /** What a mutation puts in place of a value. */
  private static final List<String> VALUES =
      List.of(
          "null",
          "true",
          "false",
          "0",
          "-1",
          "1",
          "2",
          "0.5",
          "16777216",
          "4294967295",
          "4294967296",
          "1e308",
          "1e999",
          "-0.0",
          "\"\"",
          "\" \"",
          "\"a\"",
          "\"▁\"",
          "\"</s>\"",
          "\"\\u0000\"",
          "\"\\ud800\"",
          "\"Unigram\"",
          "\"BPE\"",
          "\"WordPiece\"",
          "\"Sequence\"",
          "[]",
          "{}",
          "[[\"a\",0]]",
          "{\"a\":0}",
          "\"" + "a".repeat(256) + "\"",
          "\"first\"",
          "\"never\"",
          "\"Removed\"",
          "\"Isolated\"",
          "\"MergedWithNext\"",
          "{\"Regex\":\"\\\\s+\"}",
          "{\"Regex\":\"(a*)*b\"}",
          "{\"String\":\"a\"}",
          "{\"String\":\"\"}",
          "{\"Regex\":\"[a-\\\\p{L}]{2,}\"}",
          "{\"Regex\":\"[z-a]\"}");

  private static final List<String> NORMALIZERS =
      List.of(
          "{\"type\":\"NFC\"}",
          "{\"type\":\"NFKD\"}",
          "{\"type\":\"NFD\"}",
          "{\"type\":\"NFKC\"}",
          "{\"type\":\"Nmt\"}",
          "{\"type\":\"Lowercase\"}",
          "{\"type\":\"StripAccents\"}",
          "{\"type\":\"Strip\",\"strip_left\":true,\"strip_right\":true}",
          "{\"type\":\"Prepend\",\"prepend\":\"▁\"}",
          "{\"type\":\"Prepend\",\"prepend\":\"\"}",
          "{\"type\":\"Replace\",\"pattern\":{\"String\":\"a\"},\"content\":\"aaaaaaaa\"}",
          "{\"type\":\"Replace\",\"pattern\":{\"Regex\":\"\\\\S\"},\"content\":\"\"}",
          "{\"type\":\"Replace\",\"pattern\":{\"Regex\":\"[^a]+\"},\"content\":\"\\u0000\"}",
          "{\"type\":\"BertNormalizer\",\"clean_text\":true,\"handle_chinese_chars\":true,"
              + "\"strip_accents\":null,\"lowercase\":true}");

  private static final List<String> PRE_TOKENIZERS =
      List.of(
          "{\"type\":\"BertPreTokenizer\"}",
          "{\"type\":\"Whitespace\"}",
          "{\"type\":\"WhitespaceSplit\"}",
          "{\"type\":\"UnicodeScripts\"}",
          "{\"type\":\"Digits\",\"individual_digits\":true}",
          "{\"type\":\"Punctuation\",\"behavior\":\"Contiguous\"}",
          "{\"type\":\"ByteLevel\",\"add_prefix_space\":true,\"trim_offsets\":true}",
          "{\"type\":\"Metaspace\",\"replacement\":\"▁\"}",
          "{\"type\":\"Metaspace\",\"replacement\":\" \",\"prepend_scheme\":\"never\"}",
          "{\"type\":\"Split\",\"pattern\":{\"String\":\"a\"},\"behavior\":\"MergedWithNext\",\"invert\":true}",
          "{\"type\":\"Split\",\"pattern\":{\"Regex\":\"\\\\S\"},\"behavior\":\"Removed\",\"invert\":false}");

  private static final long SECOND = 1_000_000_000;

  private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

  private final Random random = new Random(20260101);
  private int opened;
  private int refused;

  @Test
  void damaged_files_are_refused_or_work(@TempDir Path scratch) throws IOException {
    run(3_000, scratch);
  }

  @Test
  @Tag("slow")
  void a_hundred_thousand_damaged_files_are_refused_or_work(@TempDir Path scratch)
      throws IOException {
    run(120_000, scratch);
  }

  private void run(int count, Path scratch) throws IOException {
    List<JsonObject> seeds = new ArrayList<>();
    for (String name : List.of("siglip", "gemma", "xlmr", "bert", "roberta")) {
      seeds.add(shrunk(name));
    }
    NativeTokenizer.of(wordLevel()).close(); // loads the library, which takes its time once
    for (JsonObject seed : seeds) {
      attempt(seed.toString().getBytes(StandardCharsets.UTF_8), scratch);
    }
    assertThat(opened).as("seeds that open").isEqualTo(seeds.size());
    long before = peakMemory();
    for (int i = 0; i < count; i++) {
      attempt(mutant(seeds.get(i % seeds.size())), scratch);
    }
    assertThat(opened).as("mutants that open").isGreaterThan(count / 20);
    assertThat(refused).as("mutants that are refused").isGreaterThan(count / 5);
    assertThat(peakMemory() - before)
        .as("growth of resident memory, in bytes")
        .isLessThan(256L << 20);
  }

  private static String wordLevel() {
    return "{\"version\":\"1.0\",\"model\":{\"type\":\"WordLevel\",\"vocab\":{\"a\":0},\"unk_token\":\"a\"}}";
  }

  private void attempt(byte[] json, Path scratch) throws IOException {
    Path file = scratch.resolve("tokenizer.json");
    Files.write(file, json);
    TextCleaning[] cleanings = TextCleaning.values();
    TokenizerRules rules =
        TokenizerRules.builder()
            .setContextLength(20)
            .optCleaning(cleanings[random.nextInt(cleanings.length)])
            .build();
    long start = THREADS.getCurrentThreadCpuTime(); // other processes do not count
    try (Tokenizer tokenizer = TokenizerJson.openAny(file, rules)) {
      opened++;
      for (String text : TEXTS) {
        assertThat(tokenizer.encode(text).length).isBetween(1, 20);
      }
      for (int i = 0; i < 4; i++) {
        assertThat(tokenizer.encode(randomText()).length).isBetween(1, 20);
      }
    } catch (TokenizerFormatException e) {
      refused++;
      assertThat(e).hasMessageContaining("tokenizer.json");
      assertThat(e.getMessage().length()).isLessThan(2000);
    }
    if (THREADS.getCurrentThreadCpuTime() - start > SECOND) {
      throw new AssertionError(
          "took over a second: "
              + Files.copy(
                  file,
                  Files.createTempFile("slow", ".json"),
                  StandardCopyOption.REPLACE_EXISTING));
    }
  }

  private String randomText() {
    StringBuilder text = new StringBuilder();
    for (int i = random.nextInt(16); i > 0; i--) {
      if (random.nextInt(4) > 0) {
        text.append(PIECES.get(random.nextInt(PIECES.size())));
      } else {
        text.append((char) random.nextInt(0x10000)); // halves of surrogate pairs, too
      }
    }
    return text.toString();
  }

  /** The highest resident memory of this process; 0 where the system does not say. */
  private static long peakMemory() throws IOException {
    Path status = Path.of("/proc/self/status");
    if (!Files.exists(status)) {
      return 0;
    }
    return Files.readAllLines(status).stream()
        .filter(line -> line.startsWith("VmHWM:"))
        .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")) << 10)
        .findFirst()
        .orElseThrow();
  }

  /** A tokenizer with a vocabulary small enough that mutations hit the rest, too. */
  private static JsonObject shrunk(String name) throws IOException {
    JsonObject json =
        JsonParser.parseString(Files.readString(FOLDER.resolve(name).resolve("tokenizer.json")))
            .getAsJsonObject();
    JsonObject model = json.getAsJsonObject("model");
    if (model.get("vocab") instanceof JsonArray vocab) {
      JsonArray fewer = new JsonArray();
      for (int i = 0; i < vocab.size(); i++) {
        if (i < 60 || i == vocab.size() - 1) {
          fewer.add(vocab.get(i));
        }
      }
      model.add("vocab", fewer);
    } else {
      JsonObject fewer = new JsonObject();
      for (Map.Entry<String, JsonElement> e : model.getAsJsonObject("vocab").entrySet()) {
        if (fewer.size() < 340) {
          fewer.add(e.getKey(), e.getValue());
        }
      }
      model.add("vocab", fewer);
      if (model.has("merges")) {
        JsonArray merges = new JsonArray();
        for (JsonElement merge : model.getAsJsonArray("merges")) {
          String left = merge.getAsJsonArray().get(0).getAsString();
          String right = merge.getAsJsonArray().get(1).getAsString();
          if (fewer.has(left) && fewer.has(right) && fewer.has(left + right)) {
            merges.add(merge);
          }
        }
        model.add("merges", merges);
      }
    }
    int next =
        model.get("vocab") instanceof JsonArray a
            ? a.size()
            : model.getAsJsonObject("vocab").size();
    for (JsonElement added : json.getAsJsonArray("added_tokens")) {
      JsonObject token = added.getAsJsonObject();
      if (token.get("id").getAsInt() >= next) {
        boolean array = model.get("vocab") instanceof JsonArray;
        token.addProperty("id", array ? next - 1 : next++);
      }
    }
    return json;
  }

  private byte[] mutant(JsonObject seed) {
    JsonObject json = seed.deepCopy();
    int kind = random.nextInt(10);
    int times = 1 + random.nextInt(3);
    for (int i = 0; i < times; i++) {
      if (kind < 6) {
        changeSomething(json);
      } else if (kind < 8) {
        addComponents(json);
      } else if (kind == 8) {
        changeCharsmap(json);
      }
    }
    byte[] bytes = json.toString().getBytes(StandardCharsets.UTF_8);
    return kind == 9 ? changedBytes(bytes, times) : bytes;
  }

  /** Walks down to a random value and changes, removes or repeats it. */
  private void changeSomething(JsonObject json) {
    JsonElement at = json;
    while (true) {
      if (at instanceof JsonObject object && object.size() > 0) {
        List<String> keys = new ArrayList<>(object.keySet());
        String key = keys.get(random.nextInt(keys.size()));
        JsonElement child = object.get(key);
        if (isLeaf(child) || random.nextInt(8) == 0) {
          switch (random.nextInt(4)) {
            case 0 -> object.remove(key);
            case 1 -> object.add(key + (char) ('a' + random.nextInt(26)), object.remove(key));
            default -> object.add(key, value(child));
          }
          return;
        }
        at = child;
      } else if (at instanceof JsonArray array && array.size() > 0) {
        int index = random.nextInt(array.size());
        JsonElement child = array.get(index);
        if (isLeaf(child) || random.nextInt(8) == 0) {
          switch (random.nextInt(4)) {
            case 0 -> array.remove(index);
            case 1 -> array.add(child.deepCopy());
            default -> array.set(index, value(child));
          }
          return;
        }
        at = child;
      } else {
        return;
      }
    }
  }

  private static boolean isLeaf(JsonElement element) {
    return element instanceof JsonPrimitive
        || element instanceof JsonNull
        || (element instanceof JsonObject object && object.size() == 0)
        || (element instanceof JsonArray array && array.size() == 0);
  }

  private JsonElement value(JsonElement old) {
    if (old instanceof JsonPrimitive text && text.isString() && random.nextBoolean()) {
      StringBuilder changed = new StringBuilder(text.getAsString());
      int at = random.nextInt(changed.length() + 1);
      changed.insert(
          at, (char) (random.nextBoolean() ? random.nextInt(128) : random.nextInt(65536)));
      return new JsonPrimitive(changed.toString());
    }
    return JsonParser.parseString(VALUES.get(random.nextInt(VALUES.size())));
  }

  private void addComponents(JsonObject json) {
    boolean normalizer = random.nextBoolean();
    String key = normalizer ? "normalizer" : "pre_tokenizer";
    List<String> known = normalizer ? NORMALIZERS : PRE_TOKENIZERS;
    JsonArray parts = new JsonArray();
    if (random.nextBoolean() && json.has(key) && json.get(key).isJsonObject()) {
      parts.add(json.get(key));
    }
    int count = 1 + random.nextInt(4);
    for (int i = 0; i < count; i++) {
      parts.add(JsonParser.parseString(known.get(random.nextInt(known.size()))));
    }
    JsonObject sequence = new JsonObject();
    sequence.addProperty("type", "Sequence");
    sequence.add(normalizer ? "normalizers" : "pretokenizers", parts);
    json.add(key, sequence);
    for (JsonElement token : json.getAsJsonArray("added_tokens")) {
      if (random.nextInt(4) == 0) {
        token.getAsJsonObject().addProperty("normalized", true);
      }
    }
  }

  private void changeCharsmap(JsonObject json) {
    JsonObject precompiled = precompiled(json.get("normalizer"));
    if (precompiled == null) {
      changeSomething(json);
      return;
    }
    byte[] map = Base64.getDecoder().decode(precompiled.get("precompiled_charsmap").getAsString());
    // Mostly the replacements and the end of the trie, where not every change breaks the rest.
    for (int i = random.nextInt(8); i >= 0; i--) {
      map[random.nextInt(map.length)] = (byte) random.nextInt(256);
    }
    if (random.nextInt(8) == 0) {
      map = Arrays.copyOf(map, random.nextInt(map.length + 8));
    }
    precompiled.addProperty("precompiled_charsmap", Base64.getEncoder().encodeToString(map));
  }

  private static JsonObject precompiled(JsonElement normalizer) {
    if (normalizer instanceof JsonObject object) {
      if (object.has("precompiled_charsmap")) {
        return object;
      }
      if (object.get("normalizers") instanceof JsonArray parts) {
        for (JsonElement part : parts) {
          JsonObject found = precompiled(part);
          if (found != null) {
            return found;
          }
        }
      }
    }
    return null;
  }

  private byte[] changedBytes(byte[] bytes, int times) {
    for (int i = 0; i < times; i++) {
      int at = random.nextInt(bytes.length);
      switch (random.nextInt(4)) {
        case 0 -> bytes[at] = (byte) random.nextInt(256);
        case 1 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
        case 2 -> bytes = Arrays.copyOf(bytes, at + 1);
        default -> {
          int length = Math.min(bytes.length - at, 1 + random.nextInt(200));
          byte[] longer = Arrays.copyOf(bytes, bytes.length + length);
          System.arraycopy(bytes, at, longer, at + length, bytes.length - at);
          bytes = longer;
        }
      }
    }
    return bytes;
  }
}
