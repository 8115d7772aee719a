package org.clip4j;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * Messages reach users of the command line too, who know no builder: they name what is meant in
 * words, which the examples replace by their options.
 */
class MessagesTest {
  private static final Path SOURCES = Path.of("src/main/java/org/clip4j");
  private static final Pattern TEXT = Pattern.compile("\"(?:[^\"\\\\\n]|\\\\.)*\"");
  private static final Pattern OPTION = Pattern.compile("\\bopt[A-Z]\\w+");

  /** What the examples turn into options themselves. */
  private static final String TRANSLATED = "optMultiLabel";

  @Test
  void messages_name_no_builder_method() throws IOException {
    List<Path> files;
    try (Stream<Path> all = Files.walk(SOURCES)) {
      files =
          all.filter(file -> file.toString().endsWith(".java"))
              .filter(file -> !file.startsWith(SOURCES.resolve("djl"))) // whose users write Java
              .toList();
    }
    assertThat(files).hasSizeGreaterThan(200);
    List<String> named = new ArrayList<>();
    for (Path file : files) {
      Matcher text = TEXT.matcher(Files.readString(file));
      while (text.find()) {
        Matcher option = OPTION.matcher(text.group());
        if (option.find() && !option.group().equals(TRANSLATED)) {
          named.add(file + ": " + text.group());
        }
      }
    }
    assertThat(named).isEmpty();
  }
}
