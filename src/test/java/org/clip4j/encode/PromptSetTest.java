package org.clip4j.encode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.clip4j.encode.ClassNames.Matched;
import org.clip4j.encode.ClassNames.Matching;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PromptSetTest {

  @TempDir Path folder;

  @Test
  void the_published_sets_have_the_number_of_classes_that_their_data_sets_have() {
    Map<String, Integer> expected = new TreeMap<>();
    expected.put("Birdsnap", 500);
    expected.put("CIFAR10", 10);
    expected.put("CIFAR100", 100);
    expected.put("CLEVRCounts", 8);
    expected.put("Caltech101", 102);
    expected.put("Country211", 211);
    expected.put("DescribableTextures", 47);
    expected.put("EuroSAT", 10);
    expected.put("FGVCAircraft", 100);
    expected.put("FacialEmotionRecognition2013", 7);
    expected.put("Flowers102", 102);
    expected.put("Food101", 101);
    expected.put("GTSRB", 43);
    expected.put("HatefulMemes", 2);
    expected.put("ImageNet", 1000);
    expected.put("KITTI", 4);
    expected.put("Kinetics700", 700);
    expected.put("MNIST", 10);
    expected.put("OxfordPets", 37);
    expected.put("PascalVOC2007", 20);
    expected.put("PatchCamelyon", 2);
    expected.put("RESISC45", 45);
    expected.put("SST2", 2);
    expected.put("STL10", 10);
    expected.put("SUN397", 397);
    expected.put("StanfordCars", 196);
    expected.put("UCF101", 101);
    Map<String, Integer> found = new TreeMap<>();
    for (String name : PromptSet.publishedNames()) {
      found.put(name, PromptSet.published(name).classes().size());
    }
    assertThat(found).isEqualTo(expected);
  }

  @Test
  void image_nets_templates_are_80_and_7_of_them() {
    assertThat(PromptSet.imageNet80())
        .hasSize(80)
        .doesNotHaveDuplicates()
        .contains("a photo of a {}.")
        .containsAll(PromptSet.imageNet7());
    assertThat(PromptSet.imageNet7())
        .hasSize(7)
        .startsWith("itap of a {}.")
        .endsWith("a photo of the small {}.");
  }

  @Test
  void classes_keep_the_numbers_of_the_data_set() {
    List<List<String>> classes = PromptSet.published("ImageNet").classes();
    assertThat(classes.get(0)).containsExactly("tench");
    assertThat(classes.get(999)).containsExactly("toilet paper");
    assertThat(PromptSet.published("cifar-10").classes().get(9)).containsExactly("truck");
    // The one set with several names for a class.
    assertThat(PromptSet.published("facial emotion recognition 2013").classes())
        .contains(List.of("surprised", "shocked", "spooked"));
    assertThat(PromptSet.published("OxfordPets").templates())
        .containsExactly("a photo of a {}, a type of pet.");
  }

  @Test
  void an_unknown_set_is_answered_with_those_there_are() {
    assertThatThrownBy(() -> PromptSet.published("CIFAR11"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll("CIFAR11", "CIFAR100", "UCF101");
  }

  @Test
  void a_template_file_has_one_a_line() throws IOException {
    Path file = write("t.txt", "\uFEFF# mine\na photo of a {}.\n\n  a {} in the snow \r\n");
    assertThat(PromptFiles.templates(file)).containsExactly("a photo of a {}.", "a {} in the snow");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "a {}\\na photo|line 2: the template \"a photo\" has no {}",
        "a {}\\n\\na {}|line 3: the template \"a {}\" is that of line 1",
        "# none|has no template"
      })
  void a_bad_template_file_is_an_error_that_names_the_line(String text, String message)
      throws IOException {
    Path file = write("t.txt", text.replace("\\n", "\n"));
    assertThatThrownBy(() -> PromptFiles.templates(file))
        .isInstanceOf(IOException.class)
        .hasMessageStartingWith(file.toString())
        .hasMessageContaining(message);
  }

  @Test
  void a_missing_file_is_named() {
    Path file = folder.resolve("none.txt");
    assertThatThrownBy(() -> PromptFiles.templates(file)).hasMessage(file + " does not exist");
    assertThatThrownBy(() -> PromptFiles.classNames(file)).hasMessage(file + " does not exist");
  }

  @Test
  void class_names_by_label_or_in_order_come_from_text_or_json() throws IOException {
    List<String> labels = List.of("n01", "n02");
    for (Path file :
        List.of(
            write("a.tsv", "n02\tdog\thound\nn01\tcat\n"),
            write("a.json", "{\"n01\": \"cat\", \"n02\": [\"dog\", \"hound\"]}"))) {
      Matched matched = PromptFiles.classNames(file).match(labels);
      assertThat(matched.names()).containsExactly(List.of("cat"), List.of("dog", "hound"));
      assertThat(matched.classOf()).containsExactly(0, 1);
      assertThat(matched.matching()).isEqualTo(Matching.GIVEN);
      assertThat(matched.titles()).containsExactly("cat", "dog");
    }
    for (Path file : List.of(write("b.txt", "cat\ndog\n"), write("b.json", "[\"cat\", \"dog\"]"))) {
      Matched matched = PromptFiles.classNames(file).match(labels);
      assertThat(matched.names()).containsExactly(List.of("cat"), List.of("dog"));
      assertThat(matched.matching()).isEqualTo(Matching.ORDER);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "c.txt|cat\\ndog\\ncat|line 3: the name \"cat\" stands at line 1 too",
        "c.txt|a\\tcat\\na\\tdog|line 2: the label \"a\" stands at line 1 too",
        "c.txt|a\\tcat\\nb|line 2: the label \"b\" has no name",
        "c.txt|a\\t\\tcat|line 1: the class has an empty name",
        "c.txt|#|names no class",
        "c.json|{\"a\": 3}|must be a text",
        "c.json|{\"a\": []}|\"a\": the class has an empty name",
        "c.json|[\"cat\"|is not JSON",
        "c.json|\"cat\"|must be a list of class names"
      })
  void a_bad_class_file_is_an_error_that_names_the_place(String name, String text, String message)
      throws IOException {
    Path file = write(name, text.replace("\\n", "\n").replace("\\t", "\t"));
    assertThatThrownBy(() -> PromptFiles.classNames(file))
        .isInstanceOf(IOException.class)
        .hasMessageStartingWith(file.toString())
        .hasMessageContaining(message);
  }

  @Test
  void labels_find_published_classes_by_name_number_or_order() {
    ClassNames cifar = ClassNames.of(PromptSet.published("CIFAR100"));
    Matched byName = cifar.match(List.of("aquarium_fish", "Maple-Tree"));
    assertThat(byName.matching()).isEqualTo(Matching.NAME);
    assertThat(byName.names()).hasSize(100);
    assertThat(byName.classOf()).containsExactly(1, 47);
    Matched byNumber = cifar.match(List.of("0", "99"));
    assertThat(byNumber.matching()).isEqualTo(Matching.NUMBER);
    assertThat(byNumber.classOf()).containsExactly(0, 99);
    // Counts are names first: the class "10" is the first of the list.
    Matched counts = ClassNames.of(PromptSet.published("CLEVRCounts")).match(List.of("3", "10"));
    assertThat(counts.classOf()).containsExactly(1, 0);
  }

  @Test
  void a_class_without_a_prompt_is_named() throws IOException {
    ClassNames pets = ClassNames.of(PromptSet.published("OxfordPets"));
    assertThatThrownBy(() -> pets.match(List.of("Abyssinian", "tiger")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll("OxfordPets", "37 classes", "\"tiger\"", "label, tab, name");
    ClassNames own = PromptFiles.classNames(write("d.tsv", "a\tcat\n"));
    assertThatThrownBy(() -> own.match(List.of("a", "b", "c")))
        .hasMessageContainingAll("d.tsv", "no name for \"b\", \"c\"");
  }

  @Test
  void published_sets_have_prompts_that_differ_for_every_class_but_for_published_slips() {
    int equal = 0;
    for (String name : PromptSet.publishedNames()) {
      PromptSet set = PromptSet.published(name);
      List<String> all = set.classes().stream().flatMap(List::stream).toList();
      assertThat(all).as(name).noneMatch(String::isBlank);
      equal += all.size() - new HashSet<>(all).size();
    }
    assertThat(equal).isEqualTo(PUBLISHED_TWICE);
  }

  /** ImageNet's "missile" and "sunglasses" stand for two classes each, as published. */
  private static final int PUBLISHED_TWICE = 2;

  private Path write(String name, String text) throws IOException {
    return Files.writeString(folder.resolve(name), text);
  }
}
