package org.clip4j.text.json;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.util.ArrayList;
import java.util.List;
import org.clip4j.io.IoErrors;

/**
 * The special tokens before and after a text, as a {@code tokenizer.json}'s post-processor has them
 * for a single text. The native library never sees it.
 */
record PostProcessor(List<Integer> before, List<Integer> after) {
  static final PostProcessor NONE = new PostProcessor(List.of(), List.of());

  private static final int MAX_TOKENS = 16;

  /**
   * Reads it.
   *
   * @throws RuntimeException if it is not one that is known; the message says what is wrong
   */
  static PostProcessor of(JsonElement element) {
    if (element == null || element.isJsonNull()) {
      return NONE;
    }
    JsonObject object = element.getAsJsonObject();
    String type = object.has("type") ? object.get("type").getAsString() : "";
    return switch (type) {
      case "ByteLevel" -> NONE; // moves offsets, not tokens
      case "BertProcessing", "RobertaProcessing" ->
          new PostProcessor(
              List.of(numbered(object.get("cls"))), List.of(numbered(object.get("sep"))));
      case "TemplateProcessing" -> template(object);
      case "Sequence" -> sequence(object);
      default -> throw bad("type " + IoErrors.quote(type) + " is not known");
    };
  }

  private static PostProcessor sequence(JsonObject object) {
    PostProcessor found = NONE;
    for (JsonElement part : array(object, "processors")) {
      if (part.getAsJsonObject().has("processors")) {
        throw bad("processors has a sequence of others");
      }
      PostProcessor next = of(part);
      if (found != NONE && next != NONE) {
        throw bad("processors has more than one that adds tokens");
      }
      found = next == NONE ? found : next;
    }
    return found;
  }

  private static PostProcessor template(JsonObject object) {
    List<Integer> before = new ArrayList<>();
    List<Integer> after = new ArrayList<>();
    boolean text = false;
    for (JsonElement piece : array(object, "single")) {
      JsonObject kind = piece.getAsJsonObject();
      if (kind.get("Sequence") instanceof JsonObject sequence) {
        if (text || !(new JsonPrimitive("A").equals(sequence.get("id")))) {
          throw bad("single does not hold the text once");
        }
        text = true;
      } else if (kind.get("SpecialToken") instanceof JsonObject token) {
        (text ? after : before).addAll(ids(object, token.get("id")));
      } else {
        throw bad("single has a piece that is no token and no text");
      }
      if (before.size() + after.size() > MAX_TOKENS) {
        throw bad("single adds more than " + MAX_TOKENS + " tokens");
      }
    }
    if (!text) {
      throw bad("single does not hold the text");
    }
    return new PostProcessor(List.copyOf(before), List.copyOf(after));
  }

  private static List<Integer> ids(JsonObject template, JsonElement name) {
    if (name instanceof JsonPrimitive key
        && template.get("special_tokens") instanceof JsonObject tokens
        && tokens.get(key.getAsString()) instanceof JsonObject token) {
      return array(token, "ids").asList().stream()
          .limit(MAX_TOKENS + 1)
          .map(Vocabulary::id)
          .toList();
    }
    throw bad("special_tokens does not say what " + name + " is");
  }

  /** Of {@code ["</s>", 2]} the number. */
  private static int numbered(JsonElement token) {
    if (token instanceof JsonArray pair && pair.size() == 2) {
      return Vocabulary.id(pair.get(1));
    }
    throw bad("cls or sep is not a text and its id");
  }

  private static JsonArray array(JsonObject object, String key) {
    if (object.get(key) instanceof JsonArray array) {
      return array;
    }
    throw bad(key + " is not an array");
  }

  private static IllegalArgumentException bad(String problem) {
    return new IllegalArgumentException("post_processor." + problem);
  }
}
