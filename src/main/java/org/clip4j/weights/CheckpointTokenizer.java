package org.clip4j.weights;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.clip4j.io.IoErrors;
import org.clip4j.model.ClipConfig;
import org.clip4j.model.ClipConfigJson;
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

  private CheckpointTokenizer() {}

  static Optional<Tokenizer> open(Layout layout, Path folder, ClipConfig config)
      throws IOException {
    TextConfig text = config.text();
    boolean hasFile = Files.isRegularFile(folder.resolve(FILE));
    boolean named = text.tokenizer().hfName() != null;
    if (hasFile && (layout == Layout.TRANSFORMERS || named)) {
      return Optional.of(TokenizerJson.openAny(folder, rules(layout, folder, config)));
    }
    boolean fits = BytePairs.fits(text.vocabSize());
    if (named || config.isSigmoid() || layout == Layout.OPENCLIP && !fits) {
      return Optional.empty();
    }
    if (layout == Layout.OPENCLIP) { // takes OpenAI's, whatever lies there
      return Optional.of(ClipTokenizer.create(text.contextLength()));
    }
    Optional<Tokenizer> found =
        TokenizerJson.openWithoutFile(folder, rules(layout, folder, config), fits);
    boolean openAi = text.vocabSize() == ClipTokenizer.VOCABULARY_SIZE;
    return found.isEmpty() && openAi
        ? Optional.of(ClipTokenizer.create(text.contextLength()))
        : found;
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
    if (layout == Layout.TRANSFORMERS && text.tokenizer().hfName() == null) {
      return TokenizerRules.transformers(folder, text.contextLength(), text.vocabSize());
    }
    return TokenizerRules.openClip(ClipConfigJson.write(config).getAsJsonObject("text_cfg"));
  }
}
