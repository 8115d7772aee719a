package org.clip4j.examples.options;

import org.clip4j.ClipLoader;
import picocli.CommandLine.Option;

/** Options of the examples that use a model. */
public final class ModelOptions extends DeviceOptions {
  @Option(names = "--model", required = true, paramLabel = "MODEL", description = Models.NAME)
  private String model;

  @Option(names = "--text-model", paramLabel = "MODEL", description = Models.TEXTS)
  private String textModel;

  @Option(
      names = "--language",
      paramLabel = "CODE",
      description = "The language of texts, for NLLB-CLIP (deu_Latn); by default eng_Latn.")
  private String language;

  public String name() {
    return model;
  }

  public ClipLoader loader() {
    return loader(model).optTextModel(textModel).optTextLanguage(language);
  }
}
