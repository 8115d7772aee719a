package org.clip4j.text.json;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.util.ArrayList;
import java.util.List;

/**
 * The special tokens before and after a text, as a {@code tokenizer.json}'s post-processor has them
 * for a single text.
 */
record PostProcessor(List<Integer> before, List<Integer> after) {
  static final PostProcessor NONE = new PostProcessor(List.of(), List.of());

  private static final int MAX_TOKENS = 16;

  static PostProcessor of(JsonInput json, JsonElement element) throws TokenizerFormatException {
    if (element.isJsonNull()) {
      return NONE;
    }
    JsonObject object = object(json, element);
    String type =
        object.get("type") instanceof JsonPrimitive name && name.isString()
            ? name.getAsString()
            : "";
    return switch (type) {
      case "ByteLevel" -> NONE; // moves offsets, not tokens
      case "BertProcessing", "RobertaProcessing" ->
          new PostProcessor(
              List.of(numbered(json, object.get("cls"))),
              List.of(numbered(json, object.get("sep"))));
      case "TemplateProcessing" -> template(json, object);
      case "Sequence" -> sequence(json, object);
      default -> throw json.bad("post_processor.type " + JsonInput.shorten(type) + " is not known");
    };
  }

  private static PostProcessor sequence(JsonInput json, JsonObject object)
      throws TokenizerFormatException {
    PostProcessor found = NONE;
    JsonArray parts = array(json, object, "processors");
    for (JsonElement part : parts) {
      if (object(json, part).get("processors") != null) {
        throw json.bad("a sequence of post-processors holds another");
      }
      PostProcessor next = of(json, part);
      if (found != NONE && next != NONE) {
        throw json.bad("more than one post-processor adds tokens");
      }
      found = next == NONE ? found : next;
    }
    return found;
  }

  private static PostProcessor template(JsonInput json, JsonObject object)
      throws TokenizerFormatException {
    List<Integer> before = new ArrayList<>();
    List<Integer> after = new ArrayList<>();
    boolean text = false;
    for (JsonElement piece : array(json, object, "single")) {
      JsonObject kind = object(json, piece);
      if (kind.get("Sequence") instanceof JsonObject sequence) {
        if (text || !(new JsonPrimitive("A").equals(sequence.get("id")))) {
          throw json.bad("post_processor.single does not hold the text once");
        }
        text = true;
      } else if (kind.get("SpecialToken") instanceof JsonObject token) {
        (text ? after : before).addAll(ids(json, object, token.get("id")));
      } else {
        throw json.bad("post_processor.single has a piece that is no token and no text");
      }
      if (before.size() + after.size() > MAX_TOKENS) {
        throw json.bad("post_processor adds more than " + MAX_TOKENS + " tokens");
      }
    }
    if (!text) {
      throw json.bad("post_processor.single does not hold the text");
    }
    return new PostProcessor(List.copyOf(before), List.copyOf(after));
  }

  private static List<Integer> ids(JsonInput json, JsonObject template, JsonElement name)
      throws TokenizerFormatException {
    List<Integer> ids = new ArrayList<>();
    if (name instanceof JsonPrimitive key
        && template.get("special_tokens") instanceof JsonObject tokens
        && tokens.get(key.getAsString()) instanceof JsonObject token) {
      JsonArray array = array(json, token, "ids");
      if (array.size() <= MAX_TOKENS) {
        for (JsonElement id : array) {
          ids.add(id(json, id));
        }
        return ids;
      }
    }
    throw json.bad("post_processor.special_tokens does not say what " + name + " is");
  }

  /** Of ["</s>", 2] the number. */
  private static int numbered(JsonInput json, JsonElement token) throws TokenizerFormatException {
    if (token instanceof JsonArray pair && pair.size() == 2) {
      return id(json, pair.get(1));
    }
    throw json.bad("post_processor has a token that is not a text and its id");
  }

  private static int id(JsonInput json, JsonElement id) throws TokenizerFormatException {
    if (id instanceof JsonPrimitive number
        && number.isNumber()
        && number.getAsString().matches("[0-9]{1,9}")
        && number.getAsInt() < Vocabulary.MAX_ID) {
      return number.getAsInt();
    }
    throw json.bad("post_processor has a token id that is not below " + Vocabulary.MAX_ID);
  }

  private static JsonObject object(JsonInput json, JsonElement element)
      throws TokenizerFormatException {
    if (element instanceof JsonObject object) {
      return object;
    }
    throw json.bad("post_processor has a part that is not an object");
  }

  private static JsonArray array(JsonInput json, JsonObject object, String key)
      throws TokenizerFormatException {
    if (object.get(key) instanceof JsonArray array) {
      return array;
    }
    throw json.bad("post_processor." + key + " is not an array");
  }
}
