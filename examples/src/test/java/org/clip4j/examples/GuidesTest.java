package org.clip4j.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the README and the guides show is what is compiled. */
class GuidesTest {
  private static final Pattern JAVA = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL);

  @ParameterizedTest
  @CsvSource({
    "../README.md, FrontDoor",
    "../docs/fine-tuning.md, FineTuningGuide",
    "../docs/inference.md, InferenceGuide",
    "../docs/integrations.md, LangChain4jGuide SpringAiGuide ./spring/src/main/java/org/clip4j/examples/spring/Pictures",
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

  private static String folded(String code) {
    return code.strip().replaceAll("\\s+", " ");
  }
}
