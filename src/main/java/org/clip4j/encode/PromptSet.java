package org.clip4j.encode;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.StreamSupport;
import org.clip4j.io.Nearest;
import org.clip4j.io.Tables;

/**
 * Holds the class names and prompts of a data set, as OpenAI published them with CLIP: 26 data sets
 * of the paper's table 9, and ImageNet. They are data of the resource {@code prompts.json}, which
 * names its source; class i has the number that the data set itself gives it.
 *
 * @param name of the data set, for example {@code CIFAR10}
 * @param classes for each class its names; several where its prompts are made with each, as for
 *     facial emotions
 * @param templates each with a {@code {}} where the name goes
 */
public record PromptSet(String name, List<List<String>> classes, List<String> templates) {

  /** The paper's single prompt (Radford et al. 2021, section 3.1.4). */
  public static final List<String> PHOTO = List.of("a photo of a {}.");

  /** The resource, parsed once, when first asked for. */
  private static final class Published {
    static final JsonObject ROOT = Tables.json(PromptSet.class, "prompts.json");
    static final JsonObject SETS = ROOT.getAsJsonObject("sets");
  }

  /** Makes the lists unmodifiable, and checks the templates. */
  public PromptSet {
    classes = classes.stream().map(List::copyOf).toList();
    templates = List.copyOf(templates);
    ClassWeights.checkTemplates(templates);
  }

  /** Returns the names of the published sets, in alphabetical order. */
  public static List<String> publishedNames() {
    return List.copyOf(Published.SETS.keySet());
  }

  /**
   * Returns a published set.
   *
   * @param name one of {@link #publishedNames()}; capitals, spaces and punctuation do not matter
   * @throws IllegalArgumentException if there is none; the message names those there are
   */
  public static PromptSet published(String name) {
    for (String published : Published.SETS.keySet()) {
      if (letters(published).equals(letters(name))) {
        JsonObject set = Published.SETS.getAsJsonObject(published);
        List<List<String>> classes = new ArrayList<>();
        for (JsonElement names : set.getAsJsonArray("classes")) {
          classes.add(
              names.isJsonArray() ? strings(names.getAsJsonArray()) : List.of(names.getAsString()));
        }
        return new PromptSet(published, classes, strings(set.getAsJsonArray("templates")));
      }
    }
    String question = Nearest.question(name, publishedNames());
    throw new IllegalArgumentException(
        "no prompts are published for \""
            + name
            + "\""
            + (question.isEmpty() ? "; there are " : question + " There are ")
            + String.join(", ", publishedNames()));
  }

  /** Returns the 80 prompts of the paper's ImageNet ensemble. */
  public static List<String> imageNet80() {
    return published("ImageNet").templates;
  }

  /**
   * Returns the 7 of the 80 that a forward selection on ImageNet's training set chose; they do
   * about as well as all.
   */
  public static List<String> imageNet7() {
    return strings(Published.ROOT.getAsJsonArray("imagenet_selected"));
  }

  private static List<String> strings(JsonArray array) {
    return StreamSupport.stream(array.spliterator(), false).map(JsonElement::getAsString).toList();
  }

  /** Lower case, letters and digits only, for comparing names. */
  static String letters(String name) {
    return name.toLowerCase(Locale.ROOT).replaceAll("[^\\p{L}\\p{N}]", "");
  }
}
