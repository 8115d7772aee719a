package org.clip4j.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.EOFException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.UncheckedIOException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.ClosedChannelException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.NotLinkException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class IoErrorsTest {

  static List<IOException> bare() {
    return List.of(
        new NoSuchFileException("/a/b"),
        new AccessDeniedException("/a/b"),
        new DirectoryNotEmptyException("/a/b"),
        new NotDirectoryException("/a/b"),
        new FileAlreadyExistsException("/a/b"),
        new FileSystemLoopException("/a/b"),
        new NotLinkException("/a/b"),
        new FileSystemException("/a/b"));
  }

  @ParameterizedTest
  @MethodSource("bare")
  void a_path_alone_is_no_reason(IOException e) {
    assertThat(e).hasMessage("/a/b"); // what the JDK says
    assertThat(IoErrors.message(e)).startsWith("/a/b: ").contains(" ").hasSizeGreaterThan(15);
    assertThat(IoErrors.worded(e)).hasMessage(IoErrors.message(e)).hasCause(e);
    assertThat(IoErrors.message(IoErrors.worded(e))).isEqualTo(IoErrors.message(e));
    assertThat(IoErrors.message(new UncheckedIOException(e))).isEqualTo(IoErrors.message(e));
    assertThat(IoErrors.unchecked(e)).hasMessage(IoErrors.message(e));
  }

  @Test
  void failures_without_a_message_get_one() {
    assertThat(IoErrors.message(new ClosedByInterruptException())).contains("interrupted");
    assertThat(IoErrors.worded(new ClosedByInterruptException()))
        .isInstanceOf(InterruptedIOException.class)
        .hasMessageContaining("interrupted");
    assertThat(IoErrors.message(new InterruptedException())).contains("interrupted");
    assertThat(IoErrors.message(new ClosedChannelException())).contains("closed");
    assertThat(IoErrors.message(new EOFException())).contains("too early");
    assertThat(IoErrors.message(new IllegalStateException())).isEqualTo("IllegalStateException");
    assertThat(IoErrors.message(new IllegalStateException(null, new IOException("why"))))
        .isEqualTo("IllegalStateException: why");
    assertThat(IoErrors.isInterruption(new UncheckedIOException(new ClosedByInterruptException())))
        .isTrue();
    assertThat(IoErrors.isInterruption(new java.net.SocketTimeoutException())).isFalse();
  }

  @Test
  void what_says_enough_stays_as_it_is() {
    IOException full = new FileSystemException("/a/b", null, "No space left on device");
    assertThat(IoErrors.worded(full)).isSameAs(full);
    assertThat(IoErrors.message(full)).isEqualTo("/a/b: No space left on device");
    assertThat(IoErrors.message(Path.of("/a/b"), full)).isEqualTo("/a/b: No space left on device");
    assertThat(IoErrors.message(Path.of("/a/b"), new IOException("No space left on device")))
        .isEqualTo("/a/b: No space left on device");
  }

  @Test
  void the_class_of_a_failure_is_kept(@TempDir Path folder) {
    assertThatThrownBy(() -> IoErrors.worded(folder, () -> Files.readString(folder.resolve("no"))))
        .isInstanceOf(NoSuchFileException.class)
        .hasMessage(folder.resolve("no") + ": it does not exist");
  }

  @Test
  void near_names_are_found_whatever_their_case() {
    List<String> names = List.of("ViT-B-16", "ViT-B-32", "ViT-L-14", "RN50");
    assertThat(Nearest.of("vit-b-32", names)).startsWith("ViT-B-32");
    assertThat(Nearest.of("ViT-B-23", names)).startsWith("ViT-B-32"); // two letters swapped
    assertThat(Nearest.of("nomodel", names)).isEmpty();
    assertThat(Nearest.question("rn5", names)).isEqualTo("; did you mean \"RN50\"?");
    assertThat(Nearest.of("x".repeat(100_000), names)).isEmpty();
  }
}
