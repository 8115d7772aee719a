package org.clip4j.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** What the README shows is what is compiled. */
class ReadmeTest {
  private static final Pattern JAVA = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL);

  @Test
  void java_in_the_readme_stands_in_compiled_code() throws IOException {
    String compiled =
        folded(Files.readString(Path.of("src/main/java/org/clip4j/examples/docs/FrontDoor.java")));
    List<String> snippets = new ArrayList<>();
    Matcher matcher = JAVA.matcher(Files.readString(Path.of("../README.md")));
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
