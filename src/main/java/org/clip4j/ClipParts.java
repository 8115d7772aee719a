package org.clip4j;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.clip4j.image.ImageDecoder;
import org.clip4j.image.ImageTransform;
import org.clip4j.io.IoErrors;
import org.clip4j.model.ClipModel;
import org.clip4j.model.LoraAdapter;
import org.clip4j.model.ParameterSource;
import org.clip4j.model.TextConfig;
import org.clip4j.text.Tokenizer;
import org.clip4j.text.internal.BytePairs;
import org.clip4j.weights.Checkpoint;
import org.clip4j.weights.CheckpointWriter;
import org.clip4j.weights.Layout;
import org.clip4j.weights.ModelOrigin;
import org.jspecify.annotations.Nullable;

/**
 * What belongs to a model beside its weights.
 *
 * @param tokenizer null where there is none for the model's vocabulary
 * @param checkpoint opens what the model was loaded from, which has what the model may lack; null
 *     where it is not known
 * @param adapters that {@link Clip#adapted} may name
 */
record ClipParts(
    ImageTransform transform,
    @Nullable Tokenizer tokenizer,
    ImageDecoder decoder,
    IoErrors.@Nullable Work<Checkpoint> checkpoint,
    Map<String, LoraAdapter> adapters) {

  /** The adapter of this name. */
  LoraAdapter adapter(String name) {
    LoraAdapter adapter = adapters.get(name);
    if (adapter == null) {
      throw new IllegalArgumentException(
          "no adapter was loaded as '"
              + name
              + "'; there are "
              + adapters.keySet()
              + ", which are given to the loader with a name each");
    }
    return adapter;
  }

  /**
   * Saves a model with these.
   *
   * @param added by what it is multiplied with; null for nothing
   */
  void save(ClipModel model, @Nullable LoraAdapter added, Path folder, Layout layout)
      throws IOException {
    if (checkpoint == null) {
      write(model, added, model.values(), List.of(), folder, layout);
      return;
    }
    try (Checkpoint opened = checkpoint.run()) {
      ParameterSource all = model.isComplete() ? model.values() : opened.parameters();
      write(model, added, all, opened.origins(), folder, layout);
    }
  }

  private void write(
      ClipModel model,
      @Nullable LoraAdapter added,
      ParameterSource plain,
      List<ModelOrigin> origins,
      Path folder,
      Layout layout)
      throws IOException {
    ParameterSource all = added == null ? plain : added.addedTo(model.config(), plain);
    CheckpointWriter.of(model.config(), transform, all)
        .optTokenizer(tokenizer)
        .optMadeFrom(origins)
        .write(folder, layout);
  }

  /** Throws IllegalStateException unless there is a tokenizer; it says what to do. */
  void requireTokenizer(TextConfig text) {
    if (tokenizer == null) {
      String name = text.tokenizer().hfName();
      throw new IllegalStateException(
          name == null
              ? text.takesOpenAiTokens()
                  ? BytePairs.misfit(text.vocabSize())
                  : "the model's text tower is a "
                      + text.family()
                      + ", which does not take the tokens of CLIP's tokenizer; its own, a"
                      + " tokenizer.json, belongs into the model's folder"
              : "the model was trained with the tokenizer of "
                  + name
                  + "; put that one's tokenizer.json into the model's folder");
    }
  }
}
