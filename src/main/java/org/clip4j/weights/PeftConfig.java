package org.clip4j.weights;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import java.util.stream.Stream;
import org.clip4j.model.LoraOptions;
import org.clip4j.weights.tensors.CheckpointException;

/**
 * What {@code adapter_config.json} says of an adapter.
 *
 * @param options the size of its additions, where no pattern says otherwise
 * @param base the name of the class of the model that it is of; empty if that is not said
 */
record PeftConfig(CheckpointFields json, LoraOptions options, String base) {
  private static final int MAX_RANK = 1 << 16;

  /**
   * The flags, lists and objects that are read, or that say only how an adapter was trained. Any
   * other one that is set is refused, for peft has ever more of those that change the result.
   */
  private static final Set<String> KNOWN =
      Set.of(
          "alpha_pattern",
          "auto_mapping",
          "corda_config",
          "ensure_weight_tying",
          "eva_config",
          "exclude_modules",
          "fan_in_fan_out", // which peft takes back for linear layers
          "inference_mode",
          "init_lora_weights",
          "layers_pattern",
          "layers_to_transform",
          "loftq_config",
          "lora_ga_config",
          "megatron_config",
          "rank_pattern",
          "target_modules",
          "use_rslora");

  /** Ways to start an adapter in which peft takes from the base what the adapter adds at first. */
  private static final Pattern CHANGES_BASE =
      Pattern.compile("(pissa|corda|olora|loftq|lora_ga).*", Pattern.CASE_INSENSITIVE);

  /**
   * Reads a folder's.
   *
   * @throws CheckpointException if peft would compute with such an adapter what this library does
   *     not
   */
  static PeftConfig read(Path folder) throws IOException {
    requireHere(folder);
    CheckpointFields json = CheckpointFields.read(folder.resolve(PeftAdapter.CONFIG));
    if (!json.text("peft_type", "missing").equals("LORA")) {
      throw json.bad("peft_type", "this library reads adapters of type LORA");
    }
    for (String key : json.json().keySet()) {
      if (!KNOWN.contains(key) && isSet(json.get(key))) {
        throw json.bad(key, "this library does not compute such adapters");
      }
    }
    if (json.get("init_lora_weights") instanceof JsonPrimitive start
        && CHANGES_BASE.matcher(start.getAsString()).matches()) {
      throw json.bad(
          "init_lora_weights",
          "peft changes the base's weights for such an adapter; have it save a plain one, with"
              + " path_initial_model_for_weight_conversion, or merge it there and load the model");
    }
    if (!json.text("bias", "none").equals("none")) {
      throw json.bad("bias", "this library reads adapters that leave the biases as they are, none");
    }
    double dropout = json.number("lora_dropout", 0);
    if (!(dropout >= 0 && dropout < 1)) {
      throw json.bad("lora_dropout", "expected a number from 0 to below 1");
    }
    LoraOptions options =
        LoraOptions.builder()
            .optRank(json.whole("r", 8, 1, MAX_RANK))
            .optAlpha(json.number("lora_alpha", 8))
            .optDropout(dropout)
            .optRankStabilized(json.flag("use_rslora", false))
            .build();
    return new PeftConfig(json, options, json.object("auto_mapping").text("base_model_class", ""));
  }

  /** An adapter that peft does not call default is in a folder of its name. */
  private static void requireHere(Path folder) throws IOException {
    if (!PeftAdapter.isIn(folder) && Files.isDirectory(folder)) {
      try (Stream<Path> entries = Files.list(folder)) {
        List<Path> within = entries.filter(PeftAdapter::isIn).sorted().toList();
        if (!within.isEmpty()) {
          throw new CheckpointException(
              folder
                  + " holds no "
                  + PeftAdapter.CONFIG
                  + "; name one of its folders, which are adapters: "
                  + within);
        }
      }
    }
  }

  private static boolean isSet(JsonElement value) {
    return value instanceof JsonPrimitive flag && flag.isBoolean() && flag.getAsBoolean()
        || value instanceof JsonArray array && !array.isEmpty()
        || value instanceof JsonObject object && !object.isEmpty();
  }

  /** The modules that a list of endings of names asks for; none where it is a pattern. */
  List<String> targeted(Set<String> weights) {
    if (!(json.get("target_modules") instanceof JsonArray targets)
        || json.has("layers_to_transform")
        || json.has("exclude_modules")) {
      return List.of();
    }
    List<String> endings = new ArrayList<>();
    targets.forEach(target -> endings.add("." + target.getAsString() + ".weight"));
    return weights.stream()
        .filter(name -> endings.stream().anyMatch(("." + name)::endsWith))
        .map(name -> name.substring(0, name.length() - ".weight".length()))
        .toList();
  }

  /** The ranks of those modules that a pattern gives one. */
  Map<String, Integer> ranks(Set<String> modules) throws IOException {
    return patterns("rank_pattern", modules, (all, pattern) -> all.whole(pattern, 0, 1, MAX_RANK));
  }

  /** The alphas of those modules that a pattern gives one. */
  Map<String, Double> alphas(Set<String> modules) throws IOException {
    return patterns("alpha_pattern", modules, (all, pattern) -> all.number(pattern, 0));
  }

  private interface Value<T> {
    T of(CheckpointFields all, String pattern) throws IOException;
  }

  /** As peft matches them: a pattern is the end of a module's name, after a dot. */
  private <T> Map<String, T> patterns(String key, Set<String> modules, Value<T> value)
      throws IOException {
    Map<String, T> values = new HashMap<>();
    CheckpointFields all = json.object(key);
    for (String pattern : all.json().keySet()) {
      T its = value.of(all, pattern);
      try {
        Pattern end = Pattern.compile("(.*\\.)?(" + pattern + ")");
        for (String module : modules) {
          if (end.matcher(module).matches()) {
            values.putIfAbsent(module, its);
          }
        }
      } catch (PatternSyntaxException e) {
        throw json.bad(key, "'" + pattern + "' is no regular expression");
      }
    }
    return values;
  }
}
