package org.clip4j;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.clip4j.encode.PromptFiles;
import org.clip4j.encode.PromptSet;

/** Prompts that put a label into a sentence, the label standing where {@code {}} is. */
public final class PromptTemplates {

  /** The prompt that the paper uses where it names one (Radford et al. 2021, section 3.1.4). */
  public static final List<String> PHOTO = PromptSet.PHOTO;

  private PromptTemplates() {}

  /** The 80 prompts of the paper's ImageNet ensemble, as OpenAI published them. */
  public static List<String> imageNet80() {
    return PromptSet.imageNet80();
  }

  /** The 7 of the 80 that OpenAI's forward selection on ImageNet chose. */
  public static List<String> imageNet7() {
    return PromptSet.imageNet7();
  }

  /**
   * The prompts that OpenAI published for a data set, see {@link PromptSet#published}.
   *
   * @param dataSet for example {@code OxfordPets}
   */
  public static List<String> of(String dataSet) {
    return PromptSet.published(dataSet).templates();
  }

  /** Prompts from a file, one a line, see {@link PromptFiles#templates}. */
  public static List<String> read(Path file) throws IOException {
    return PromptFiles.templates(file);
  }
}
