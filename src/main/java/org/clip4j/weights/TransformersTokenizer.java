package org.clip4j.weights;

import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.util.List;
import java.util.Locale;
import org.clip4j.io.Tables;
import org.clip4j.text.internal.BytePairs;

/**
 * The tokenizer files of a folder in the transformers layout, for OpenAI's vocabulary: {@code
 * tokenizer.json} and {@code tokenizer_config.json}, which is what transformers itself saves for
 * CLIP and all that its {@code AutoProcessor} needs.
 */
final class TransformersTokenizer {
  /** A tokenizer.json whose vocabulary and merges are empty. */
  private static final String PIPELINE = "/org/clip4j/text/json/clip_pipeline.json";

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
  static String tokenizer() {
    JsonObject json = Tables.json(TransformersTokenizer.class, PIPELINE);
    JsonObject model = json.getAsJsonObject("model");
    JsonObject vocabulary = model.getAsJsonObject("vocab");
    BytePairs.vocabulary().forEach(vocabulary::addProperty);
    JsonArray merges = model.getAsJsonArray("merges"); // as texts: older readers know no pairs
    List<String> symbols = BytePairs.mergeSymbols();
    for (int i = 0; i < symbols.size(); i += 2) {
      merges.add(symbols.get(i) + " " + symbols.get(i + 1));
    }
    return new GsonBuilder().serializeNulls().disableHtmlEscaping().create().toJson(json);
  }
}
