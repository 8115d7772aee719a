package org.clip4j.weights;

import com.google.gson.stream.JsonWriter;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.zip.GZIPInputStream;

/**
 * The tokenizer files of a folder in the transformers layout, for OpenAI's vocabulary: {@code
 * tokenizer.json} and {@code tokenizer_config.json}, which is what transformers itself saves for
 * CLIP and all that its {@code AutoProcessor} needs.
 */
final class TransformersTokenizer {
  private static final String MERGES = "/org/clip4j/text/internal/bpe_simple_vocab_16e6.txt.gz";

  /** A tokenizer.json whose model is null. */
  private static final String PIPELINE = "/org/clip4j/text/json/clip_pipeline.json";

  private static final String START = "<|startoftext|>";
  private static final String END = "<|endoftext|>";

  /** Merges that OpenAI uses; the file holds more. */
  private static final int MERGE_COUNT = 49152 - 256 - 2;

  private TransformersTokenizer() {}

  /** The content of {@code tokenizer_config.json}. */
  static String config(int contextLength) {
    return String.format(
        Locale.ROOT,
        """
    {
      "bos_token": "<|startoftext|>",
      "eos_token": "<|endoftext|>",
      "model_max_length": %d,
      "pad_token": "<|endoftext|>",
      "tokenizer_class": "CLIPTokenizer",
      "unk_token": "<|endoftext|>"
    }
    """,
        contextLength);
  }

  /** The content of {@code tokenizer.json}, with transformers' pipeline for CLIP. */
  static String tokenizer() throws IOException {
    List<String> merges = merges();
    String pipeline;
    try (InputStream in = resource(PIPELINE)) {
      pipeline = new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
    int model = pipeline.lastIndexOf("null");
    StringWriter text = new StringWriter(4 << 20);
    text.write(pipeline, 0, model);
    JsonWriter json = new JsonWriter(text);
    json.setHtmlSafe(false);
    json.setSerializeNulls(true);
    json.beginObject();
    json.name("type").value("BPE");
    json.name("dropout").nullValue();
    json.name("unk_token").value(END);
    json.name("continuing_subword_prefix").value("");
    json.name("end_of_word_suffix").value("</w>");
    json.name("fuse_unk").value(false);
    json.name("byte_fallback").value(false);
    json.name("ignore_merges").value(false);
    json.name("vocab").beginObject();
    int id = 0;
    for (String token : vocabulary(merges)) {
      json.name(token).value(id++);
    }
    json.endObject();
    json.name("merges").beginArray(); // as texts: older readers know no pairs
    for (String merge : merges) {
      json.value(merge);
    }
    json.endArray();
    json.endObject();
    text.write(pipeline.substring(model + "null".length()));
    return text.toString();
  }

  private static List<String> merges() throws IOException {
    List<String> merges = new ArrayList<>(MERGE_COUNT);
    try (BufferedReader lines =
        new BufferedReader(
            new InputStreamReader(new GZIPInputStream(resource(MERGES)), StandardCharsets.UTF_8))) {
      lines.readLine(); // a version
      while (merges.size() < MERGE_COUNT) {
        merges.add(lines.readLine());
      }
    }
    return merges;
  }

  private static InputStream resource(String name) throws IOException {
    InputStream in = TransformersTokenizer.class.getResourceAsStream(name);
    if (in == null) {
      throw new IOException(name + " is missing from the class path");
    }
    return in;
  }

  /**
   * Tokens by id: a character for each byte, the same ending a word, each merge's result, and the
   * two special tokens.
   */
  private static Set<String> vocabulary(List<String> merges) {
    List<String> bytes = byteCharacters();
    Set<String> tokens = new LinkedHashSet<>(bytes);
    bytes.forEach(b -> tokens.add(b + "</w>"));
    merges.forEach(merge -> tokens.add(merge.replace(" ", "")));
    tokens.add(START);
    tokens.add(END);
    if (tokens.size() != TransformersConfig.OPENAI_VOCABULARY) {
      throw new IllegalStateException(MERGES + " gives " + tokens.size() + " tokens, not 49408");
    }
    return tokens;
  }

  /** OpenAI's order: printable Latin-1 stands for itself, other bytes follow from U+0100 on. */
  private static List<String> byteCharacters() {
    List<String> characters = new ArrayList<>();
    for (int b = 0; b < 256; b++) {
      if (isPrintable(b)) {
        characters.add(Character.toString(b));
      }
    }
    int next = 256;
    for (int b = 0; b < 256; b++) {
      if (!isPrintable(b)) {
        characters.add(Character.toString(next++));
      }
    }
    return characters;
  }

  private static boolean isPrintable(int b) {
    return b >= '!' && b <= '~' || b >= 0xA1 && b <= 0xAC || b >= 0xAE;
  }
}
