package org.clip4j;

import java.util.List;

/** Prompts that put a label into a sentence, the label standing where {@code {}} is. */
public final class PromptTemplates {

  /** The prompt that the paper uses where it names one (Radford et al. 2021, section 3.1.4). */
  public static final List<String> PHOTO = List.of("a photo of a {}.");

  private PromptTemplates() {}

  /**
   * Puts a label into a template.
   *
   * @throws IllegalArgumentException if the template has no {@code {}}
   */
  static String fill(String template, String label) {
    return check(template).replace("{}", label);
  }

  static String check(String template) {
    if (!template.contains("{}")) {
      throw new IllegalArgumentException(
          "the template \""
              + template
              + "\" has no {}, the place where the label goes; write for example \"a photo of a {}.\"");
    }
    return template;
  }
}
