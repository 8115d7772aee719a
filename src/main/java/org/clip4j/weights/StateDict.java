package org.clip4j.weights;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import org.clip4j.io.IoErrors;
import org.clip4j.weights.tensors.CheckpointException;
import org.clip4j.weights.tensors.TensorFile;

/**
 * The model's parameters within a file: training scripts nest them in dictionaries and in modules
 * that wrap the model, and each of these leaves a prefix at the names.
 */
final class StateDict {
  /** What every CLIP model has directly under the prefix, the surest first. */
  private static final List<String> MARKS =
      List.of(
          "logit_scale",
          "visual.conv1.weight",
          "visual.trunk.patch_embed.proj.weight",
          "vision_model.embeddings.patch_embedding.weight");

  /** Names of dictionaries and of wrapping modules; averages of a training are not among them. */
  private static final Set<String> WRAPPERS =
      Set.of(
          "state_dict",
          "model_state_dict",
          "model_state",
          "model",
          "module", // DistributedDataParallel, DeepSpeed
          "clip",
          "clip_model",
          "net",
          "network");

  /**
   * Modules of PyTorch's own that may wrap any part of a model, and those that TinyCLIP wraps each
   * tower in; no model names one so.
   */
  private static final Pattern PART_WRAPPERS =
      Pattern.compile(
          "(?<![^.])(?:_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module"
              + "|(?:_image_encoder|_text_encoder|_logit_scale)(?:\\.module)?)(?:\\.|$)");

  private StateDict() {}

  /**
   * The tensors of the model in a file, under the names that it was saved with before it was
   * wrapped.
   *
   * @throws CheckpointException if they have a prefix that is not known, or there are several
   *     models
   */
  static TensorFile of(TensorFile file) throws CheckpointException {
    TensorFile tensors = file;
    if (file.tensors().keySet().stream().anyMatch(name -> PART_WRAPPERS.matcher(name).find())) {
      Optional<TensorFile> renamed =
          file.renamed(name -> PART_WRAPPERS.matcher(name).replaceAll(""));
      tensors = renamed.orElse(file); // both names are there: what is one too many is said later
    }
    for (String mark : MARKS) {
      Set<String> prefixes = prefixes(tensors, mark);
      if (prefixes.contains("")) {
        return tensors;
      }
      if (!prefixes.isEmpty()) {
        String prefix = choose(file, prefixes); // with its dot
        return tensors.under(prefix.substring(0, prefix.length() - 1));
      }
    }
    return tensors;
  }

  /** What comes before a mark in the names that end with it, each with its dot. */
  private static Set<String> prefixes(TensorFile tensors, String mark) {
    Set<String> prefixes = new LinkedHashSet<>();
    for (String name : tensors.tensors().keySet()) {
      if (name.equals(mark) || name.endsWith("." + mark)) {
        prefixes.add(name.substring(0, name.length() - mark.length()));
      }
    }
    return prefixes;
  }

  private static String choose(TensorFile file, Set<String> prefixes) throws CheckpointException {
    List<String> known = new ArrayList<>(prefixes);
    known.removeIf(prefix -> !WRAPPERS.containsAll(List.of(prefix.split("\\."))));
    if (known.size() == 1) {
      return known.get(0);
    }
    List<String> found = known.isEmpty() ? List.copyOf(prefixes) : known;
    String first = IoErrors.quote(found.get(0));
    throw new CheckpointException(
        file.file()
            + " has its model under the "
            + (found.size() == 1 ? "prefix " : "prefixes ")
            + String.join(", ", found.stream().map(IoErrors::quote).toList())
            + (found.size() == 1 ? ", which is not known" : ", of which one is to be chosen")
            + "; in Python, save {k.removeprefix("
            + first
            + "): v for k, v in state_dict.items() if k.startswith("
            + first
            + ")}");
  }
}
