package org.clip4j.djl;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeSet;
import org.clip4j.Probabilities;
import org.clip4j.encode.PromptSet;

/**
 * The arguments of a criteria. One that is not known is an error: it is a misspelt one.
 *
 * @param labels null if there are none
 * @param templates null if there are none
 * @param topK null if it is not given
 * @param probabilities null if it is not given
 * @param multiLabel null if it is not given
 * @param architecture null if it is the checkpoint's own
 */
record ClipArguments(
    List<String> labels,
    List<String> templates,
    Integer topK,
    Probabilities probabilities,
    Boolean multiLabel,
    String architecture) {
  private static final List<String> NAMES =
      List.of("labels", "templates", "topK", "probabilities", "multiLabel", "architecture");

  /** Reads them; null is none. */
  static ClipArguments of(Map<String, Object> arguments) {
    Map<String, Object> given = arguments == null ? Map.of() : arguments;
    for (String name : new TreeSet<>(given.keySet())) {
      if (!NAMES.contains(name)) {
        throw new IllegalArgumentException(
            "the criteria's argument \"" + name + "\" is none of " + NAMES);
      }
    }
    return new ClipArguments(
        texts("labels", given.get("labels")),
        texts("templates", given.get("templates")),
        number("topK", given.get("topK")),
        probabilities("probabilities", given.get("probabilities")),
        flag("multiLabel", given.get("multiLabel")),
        text("architecture", given.get("architecture")));
  }

  /** What a classifier is made of. */
  Prompts prompts() {
    if (labels == null) {
      throw new IllegalArgumentException(
          "a classifier needs labels: optArgument(\"labels\", List.of(\"cat\", \"dog\"))");
    }
    return new Prompts(
        labels,
        templates == null ? PromptSet.PHOTO : templates,
        topK == null ? Prompts.DEFAULT_TOP_K : topK,
        probabilities,
        Boolean.TRUE.equals(multiLabel));
  }

  /** For embeddings, which have no use for what makes a classifier. */
  void refusePrompts() {
    if (labels != null
        || templates != null
        || topK != null
        || probabilities != null
        || multiLabel != null) {
      throw new IllegalArgumentException(
          "labels, templates, topK, probabilities and multiLabel make a classifier, but the criteria ask for embeddings;"
              + " setTypes(Image.class, Classifications.class) asks for a classifier");
    }
  }

  private static List<String> texts(String name, Object value) {
    if (value instanceof String[] array) {
      return List.copyOf(Arrays.asList(array));
    }
    if (value instanceof List<?> list) {
      return list.stream().map(each -> text("each of " + name, each)).toList();
    }
    if (value != null) {
      throw wrong(name, "a list of strings", value);
    }
    return null;
  }

  private static String text(String name, Object value) {
    if (value != null && !(value instanceof String)) {
      throw wrong(name, "a string", value);
    }
    return (String) value;
  }

  /** A number, or its text, as configuration files hold it. */
  private static Integer number(String name, Object value) {
    if (value instanceof Integer number) {
      return number;
    }
    try {
      return value == null ? null : Integer.valueOf(value.toString());
    } catch (NumberFormatException e) {
      throw wrong(name, "a whole number", value);
    }
  }

  private static Probabilities probabilities(String name, Object value) {
    if (value == null || value instanceof Probabilities) {
      return (Probabilities) value;
    }
    try {
      return Probabilities.valueOf(value.toString().toUpperCase(Locale.ROOT));
    } catch (IllegalArgumentException e) {
      throw wrong(name, "softmax, sigmoid or background", value);
    }
  }

  /** True or false, or its text. */
  private static Boolean flag(String name, Object value) {
    if (value != null && !value.toString().matches("true|false")) {
      throw wrong(name, "true or false", value);
    }
    return value == null ? null : Boolean.valueOf(value.toString());
  }

  private static IllegalArgumentException wrong(String name, String expected, Object value) {
    return new IllegalArgumentException(
        "the criteria's argument " + name + " must be " + expected + ", found " + value);
  }
}
