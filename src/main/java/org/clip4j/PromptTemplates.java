package org.clip4j;

import java.util.List;

/** Prompts that put a label into a sentence, the label standing where {@code {}} is. */
public final class PromptTemplates {

  /** The prompt that the paper uses where it names one (Radford et al. 2021, section 3.1.4). */
  public static final List<String> PHOTO = List.of("a photo of a {}.");

  private PromptTemplates() {}
}
