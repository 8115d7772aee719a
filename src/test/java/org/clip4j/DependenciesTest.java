package org.clip4j;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** What an application gets by depending on the library, as Maven has resolved it. */
class DependenciesTest {
  private static final Pattern LINE = Pattern.compile("\\s+([\\w.-]+:[\\w.-]+):jar:.*");

  @Test
  void applications_get_these_libraries_and_none_of_the_adapters() throws IOException {
    List<String> lines =
        Files.readAllLines(Path.of("target/test-classes/runtime-dependencies.txt"));
    List<String> found =
        lines.stream()
            .filter(line -> !line.contains("(optional)"))
            .map(LINE::matcher)
            .filter(Matcher::matches)
            .map(line -> line.group(1))
            .toList();
    assertThat(lines)
        .as("the adapters' libraries are there, as optional ones")
        .anyMatch(line -> line.contains("langchain4j-core") && line.contains("(optional)"))
        .anyMatch(line -> line.contains("spring-ai-model") && line.contains("(optional)"))
        .anyMatch(line -> line.contains("spring-boot-actuator") && line.contains("(optional)"))
        .anyMatch(line -> line.contains("micrometer-core") && line.contains("(optional)"));
    assertThat(found)
        .containsExactlyInAnyOrder(
            "ai.djl:api",
            "ai.djl.huggingface:tokenizers",
            "ai.djl.pytorch:pytorch-engine",
            "com.google.code.gson:gson",
            "com.google.errorprone:error_prone_annotations",
            "com.twelvemonkeys.common:common-image",
            "com.twelvemonkeys.common:common-io",
            "com.twelvemonkeys.common:common-lang",
            "com.twelvemonkeys.imageio:imageio-core",
            "com.twelvemonkeys.imageio:imageio-metadata",
            "com.twelvemonkeys.imageio:imageio-tiff",
            "commons-codec:commons-codec",
            "commons-io:commons-io",
            "de.siegmar:fastcsv",
            "net.java.dev.jna:jna",
            "org.apache.commons:commons-compress",
            "org.apache.commons:commons-numbers-core",
            "org.apache.commons:commons-numbers-fraction",
            "org.apache.commons:commons-numbers-gamma",
            "org.apache.lucene:lucene-core",
            "org.slf4j:slf4j-api");
  }
}
