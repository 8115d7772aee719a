package org.clip4j.weights;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import org.clip4j.model.ClipConfig;
import org.clip4j.model.TextConfig;
import org.clip4j.model.TokenizerOptions;
import org.clip4j.text.ClipTokenizer;
import org.clip4j.text.TextCleaning;
import org.clip4j.text.Tokenizer;
import org.clip4j.text.TokenizerJson;
import org.clip4j.text.TokenizerRules;

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
      return Optional.of(TokenizerJson.openAny(folder, rules(layout, folder, text)));
    }
    if (named || !ClipTokenizer.fits(text.vocabSize()) || config.isSigmoid()) {
      return Optional.empty();
    }
    return Optional.of(ClipTokenizer.create(text.contextLength()));
  }

  private static TokenizerRules rules(Layout layout, Path folder, TextConfig text)
      throws IOException {
    TokenizerOptions options = text.tokenizer();
    if (layout == Layout.TRANSFORMERS && options.hfName() == null) {
      return TokenizerRules.transformers(folder, text.contextLength(), text.vocabSize());
    }
    String clean = options.clean() == null ? "whitespace" : options.clean();
    return TokenizerRules.builder()
        .setContextLength(text.contextLength())
        .optVocabSize(text.vocabSize())
        .optCleaning(TextCleaning.valueOf(clean.toUpperCase(Locale.ROOT)))
        .optSeparatorStripped(options.stripSepToken())
        .build();
  }
}
