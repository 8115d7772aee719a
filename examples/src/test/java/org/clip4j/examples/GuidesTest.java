package org.clip4j.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.clip4j.model.ClipConfig;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the README and the guides show is what is compiled. */
class GuidesTest {
  private static final Pattern JAVA = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL);
  private static final Pattern LOADS = Pattern.compile("Clip\\.load\\(\"([^\"]+)\"\\)");
  private static final Path MODELS = Path.of("../docs/models.md");

  /** The title of the column of architectures in {@link #MODELS}. */
  private static final String NAME = "architecture";

  @ParameterizedTest
  @CsvSource({
    "../README.md, FrontDoor",
    "../docs/fine-tuning.md, FineTuningGuide",
    "../docs/inference.md, InferenceGuide",
    "../docs/integrations.md, LangChain4jGuide SpringAiGuide"
        + " ./spring/src/main/java/org/clip4j/examples/spring/Pictures",
    "../docs/scaling.md, ./spark/src/main/java/org/clip4j/examples/SparkGuide",
    "../docs/training.md, TrainingGuide"
  })
  void java_in_a_guide_stands_in_compiled_code(Path guide, String sources) throws IOException {
    Path folder = Path.of("src/main/java/org/clip4j/examples/docs");
    StringBuilder code = new StringBuilder();
    for (String source : sources.split(" ")) {
      Path file = Path.of(source + ".java");
      code.append(Files.readString(source.startsWith(".") ? file : folder.resolve(file)));
    }
    String compiled = folded(code.toString());
    List<String> snippets = new ArrayList<>();
    Matcher matcher = JAVA.matcher(Files.readString(guide));
    while (matcher.find()) {
      snippets.add(matcher.group(1));
    }
    assertThat(snippets).hasSizeGreaterThan(1);
    for (String snippet : snippets) {
      String body = folded(snippet);
      assertThat(compiled)
          .contains(body.substring(0, body.length() - 1).strip()); // without the last brace
    }
  }

  @Test
  void every_architecture_has_a_row_in_the_page_of_models_and_nothing_else_has()
      throws IOException {
    Set<String> shown = new TreeSet<>();
    int column = -1;
    for (String line : Files.readAllLines(MODELS)) {
      List<String> cells = List.of(line.replaceFirst("^\\| ", "").split(" \\| "));
      if (cells.contains(NAME)) {
        column = cells.indexOf(NAME);
      } else if (!line.startsWith("|")) {
        column = -1;
      } else if (column >= 0 && !line.startsWith("|--")) {
        shown.add(cells.get(column).replace("`", ""));
      }
    }
    shown.remove(""); // models whose architecture has no name
    assertThat(shown).containsExactlyInAnyOrderElementsOf(ClipConfig.names());
  }

  @Test
  void the_model_that_the_readme_loads_is_the_first_that_the_page_of_models_advises()
      throws IOException {
    Matcher loads = LOADS.matcher(Files.readString(Path.of("../README.md")));
    assertThat(loads.find()).isTrue();
    String guide = Files.readString(MODELS).split("<!-- end of guide -->")[0];
    String first = guide.substring(guide.indexOf("|---")).split("\n")[1];
    assertThat(first).contains("| `" + loads.group(1) + "` |");
  }

  private static String folded(String code) {
    return code.strip().replaceAll("\\s+", " ");
  }
}
