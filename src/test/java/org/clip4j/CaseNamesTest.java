package org.clip4j;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import org.junit.jupiter.api.Test;

class CaseNamesTest {
  @Test
  void a_failure_begins_with_the_name_of_its_case() {
    assertThatThrownBy(() -> run("hf-clip: features", new AssertionError("far off")))
        .isInstanceOf(AssertionError.class)
        .hasMessage("hf-clip: features: far off");
    assertThatThrownBy(() -> run("x.png", new IOException("it does not exist")))
        .isInstanceOf(AssertionError.class)
        .hasMessage("x.png: java.io.IOException: it does not exist")
        .hasCauseInstanceOf(IOException.class);
    assertThatCode(() -> CaseNames.named(() -> null, "right")).doesNotThrowAnyException();
  }

  private static void run(String name, Throwable failure) throws Throwable {
    CaseNames.named(
        () -> {
          throw failure;
        },
        name);
  }
}
