package org.clip4j.weights;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.clip4j.io.IoErrors;
import org.clip4j.model.ClipConfig;
import org.clip4j.model.ClipConfigJson;
import org.clip4j.model.EncoderConfig;
import org.clip4j.model.TextConfig;
import org.clip4j.text.ClipTokenizer;
import org.clip4j.text.Tokenizer;
import org.clip4j.text.internal.BytePairs;
import org.clip4j.text.json.TokenizerJson;
import org.clip4j.text.json.TokenizerRules;
import org.clip4j.weights.tensors.CheckpointException;

/** Which tokenizer belongs to a checkpoint. */
final class CheckpointTokenizer {
  static final String FILE = "tokenizer.json";
  private static final double LEAST_SHARE = 0.9;

  private CheckpointTokenizer() {}

  static Optional<Tokenizer> open(Layout layout, Path folder, ClipConfig config)
      throws IOException {
    Optional<Tokenizer> opened = find(layout, folder, config);
    if (opened.isEmpty()) {
      return opened;
    }
    Tokenizer found = opened.get();
    try {
      requireFits(config.text(), found.files().isEmpty() ? folder : found.files().get(0), found);
      return opened;
    } catch (CheckpointException e) {
      found.close();
      throw e;
    }
  }

  private static Optional<Tokenizer> find(Layout layout, Path folder, ClipConfig config)
      throws IOException {
    TextConfig text = config.text();
    if (text instanceof EncoderConfig) { // whose tokenizer is that of its folder, and none else
      TokenizerRules rules = rules(layout, folder, config);
      return Files.isRegularFile(folder.resolve(FILE))
          ? Optional.of(TokenizerJson.openAny(folder, rules))
          : TokenizerJson.openWithoutFile(folder, rules, false);
    }
    boolean hasFile = Files.isRegularFile(folder.resolve(FILE));
    boolean named = text.tokenizer().hfName() != null;
    if (hasFile && (layout == Layout.TRANSFORMERS || named)) {
      return Optional.of(TokenizerJson.openAny(folder, rules(layout, folder, config)));
    }
    boolean fits = BytePairs.fits(text.vocabSize());
    if (named || layout == Layout.TRANSFORMERS && config.isSigmoid()) {
      return TokenizerJson.openWithoutFile(folder, rules(layout, folder, config), false);
    }
    if (layout == Layout.OPENCLIP && (config.isSigmoid() || !fits)) {
      return Optional.empty();
    }
    if (layout == Layout.OPENCLIP) { // takes OpenAI's, whatever lies there
      return Optional.of(ClipTokenizer.create(text.contextLength()));
    }
    Optional<Tokenizer> found =
        TokenizerJson.openWithoutFile(
            folder,
            rules(layout, folder, config),
            text.vocabSize() >= ClipTokenizer.VOCABULARY_SIZE);
    boolean openAi = text.vocabSize() == ClipTokenizer.VOCABULARY_SIZE;
    return found.isEmpty() && openAi
        ? Optional.of(ClipTokenizer.create(text.contextLength()))
        : found;
  }

  /**
   * Embeddings may be more than tokens, to a round number, but not by a tenth. Of CLIP's own towers
   * they may be fewer, where a model was not enlarged for tokens that were added.
   */
  private static void requireFits(TextConfig text, Path file, Tokenizer tokenizer)
      throws CheckpointException {
    int known = text.vocabSize();
    boolean encoder = text instanceof EncoderConfig;
    int found =
        tokenizer instanceof TokenizerJson json
            ? json.vocabularySize()
            : encoder ? ClipTokenizer.VOCABULARY_SIZE : known;
    if (encoder && found > known || found < known * LEAST_SHARE) {
      throw new CheckpointException(
          file
              + " has "
              + found
              + " tokens, but the text tower, a "
              + text.family()
              + ", was trained with "
              + known
              + "; put the tokenizer into the folder that the model was trained with"
              + (text.tokenizer().hfName() == null
                  ? ""
                  : ", that of " + text.tokenizer().hfName()));
    }
    try {
      text.requirePadding(tokenizer.padId());
    } catch (IllegalArgumentException e) {
      throw new CheckpointException(file + ": " + IoErrors.message(e), e);
    }
  }

  private static TokenizerRules rules(Layout layout, Path folder, ClipConfig config)
      throws IOException {
    try {
      return checkedRules(layout, folder, config);
    } catch (IllegalArgumentException e) {
      throw new CheckpointException(
          folder.resolve(layout.configFile()) + ": text_cfg." + IoErrors.message(e), e);
    }
  }

  private static TokenizerRules checkedRules(Layout layout, Path folder, ClipConfig config)
      throws IOException {
    TextConfig text = config.text();
    boolean says = text.tokenizer().hfName() != null || text.tokenizer().language() != null;
    if (layout == Layout.TRANSFORMERS && !says) {
      return TokenizerRules.transformers(folder, text.contextLength(), text.vocabSize());
    }
    return TokenizerRules.openClip(ClipConfigJson.write(config).getAsJsonObject("text_cfg"));
  }
}
