package org.clip4j.weights;

import com.google.gson.stream.JsonWriter;
import java.io.IOException;
import java.io.StringWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.clip4j.io.Tables;
import org.clip4j.text.internal.BytePairs;

/**
 * The tokenizer files of a folder in the transformers layout, for OpenAI's vocabulary: {@code
 * tokenizer.json} and {@code tokenizer_config.json}, which is what transformers itself saves for
 * CLIP and all that its {@code AutoProcessor} needs.
 */
final class TransformersTokenizer {
  /** A tokenizer.json whose model is null. */
  private static final String PIPELINE = "/org/clip4j/text/json/clip_pipeline.json";

  private static final String START = "<|startoftext|>";
  private static final String END = "<|endoftext|>";

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
    List<String> merges = BytePairs.mergeSymbols();
    String pipeline = String.join("\n", Tables.lines(TransformersTokenizer.class, PIPELINE)) + "\n";
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
    for (int i = 0; i < merges.size(); i += 2) {
      json.value(merges.get(i) + " " + merges.get(i + 1));
    }
    json.endArray();
    json.endObject();
    text.write(pipeline.substring(model + "null".length()));
    return text.toString();
  }

  /**
   * Tokens by id: a character for each byte, the same ending a word, each merge's result, and the
   * two special tokens.
   */
  private static List<String> vocabulary(List<String> merges) {
    List<String> tokens = new ArrayList<>();
    BytePairs.byteSymbols().entrySet().stream()
        .sorted(Map.Entry.comparingByValue())
        .forEach(symbol -> tokens.add(symbol.getKey()));
    for (int i = 0; i < merges.size(); i += 2) {
      tokens.add(merges.get(i) + merges.get(i + 1));
    }
    tokens.add(START);
    tokens.add(END);
    return tokens;
  }
}
