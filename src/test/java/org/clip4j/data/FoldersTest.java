package org.clip4j.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.clip4j.image.ImageDecoder;
import org.clip4j.testing.ChildJvm;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Folders as they are found on disks: with links, without permissions, with names of any kind. */
@Timeout(60)
class FoldersTest {
  private static final String LINKS = "Windows lets only administrators make links";
  private static final ImageDecoder DECODER = ImageDecoder.defaults();

  @TempDir Path temporary;
  private Path folder;

  @BeforeEach
  void fill() throws IOException {
    folder = Files.createDirectory(temporary.resolve("d"));
    image(folder.resolve("ok/a.png"), 1);
  }

  private static void image(Path file, int number) throws IOException {
    Files.createDirectories(file.getParent());
    Files.write(file, TestShards.png(number));
  }

  private static List<String> names(Path folder) throws IOException {
    ImageList list = Images.folder(folder, DECODER);
    return IntStream.range(0, list.size()).mapToObj(i -> list.name(i).file()).toList();
  }

  @Test
  @DisabledOnOs(value = OS.WINDOWS, disabledReason = LINKS)
  void links_to_folders_are_followed() throws IOException {
    Path elsewhere = temporary.resolve("elsewhere");
    image(elsewhere.resolve("b.png"), 2);
    Files.createSymbolicLink(folder.resolve("linked"), elsewhere);
    Files.createSymbolicLink(folder.resolve("relative"), Path.of("ok"));
    Files.createSymbolicLink(folder.resolve("dangling"), Path.of("nowhere"));
    assertThat(names(folder)).containsExactly("linked/b.png", "ok/a.png", "relative/a.png");
    assertThat(LabelledImages.classFolders(folder, DECODER).labels())
        .containsExactly("linked", "ok", "relative");
    Files.writeString(elsewhere.resolve("b.txt"), "two");
    assertThat(Pairs.folder(folder).build().get(0).captions()).containsExactly("two");
    Files.createSymbolicLink(temporary.resolve("root"), folder);
    assertThat(names(temporary.resolve("root"))).hasSize(3);
  }

  @Test
  @DisabledOnOs(value = OS.WINDOWS, disabledReason = LINKS)
  void links_that_lead_back_are_not_followed_for_ever() throws IOException {
    Files.createSymbolicLink(folder.resolve("ok/up"), folder);
    Files.createSymbolicLink(folder.resolve("self"), Path.of("."));
    assertThat(names(folder)).containsExactly("ok/a.png");
  }

  /** In every order of 12 folders there would be a billion paths. */
  @Test
  @DisabledOnOs(value = OS.WINDOWS, disabledReason = LINKS)
  void folders_that_link_to_each_other_are_walked_once_for_each_link() throws IOException {
    for (int i = 0; i < 12; i++) {
      image(folder.resolve("f" + i + "/" + i + ".png"), i);
      for (int j = 0; j < 12; j++) {
        if (j != i) {
          Files.createSymbolicLink(folder.resolve("f" + i + "/to" + j), Path.of("../f" + j));
        }
      }
    }
    assertThat(names(folder)).hasSizeBetween(12 * 12 + 1, 12 * 12 * 12);
  }

  @Test
  void a_folder_that_cannot_be_read_is_left_out_and_a_hidden_one_not_opened() throws IOException {
    image(folder.resolve("secret/b.png"), 2);
    image(folder.resolve(".hidden/c.png"), 3);
    ImageFolder.Opener opener =
        opened -> {
          String name = opened.getFileName().toString();
          assertThat(name).isNotEqualTo(".hidden");
          if (name.equals("secret")) {
            throw new AccessDeniedException(opened.toString());
          }
          return ImageFolder.entries(opened);
        };
    assertThat(ImageFolder.images(folder, opener))
        .extracting(ImageFolder.Listed::name)
        .containsExactly("ok/a.png");
    assertThatThrownBy(() -> ImageFolder.images(folder.resolve("secret"), opener))
        .isInstanceOf(AccessDeniedException.class); // what was asked for is another matter
  }

  @Test
  void a_folder_that_is_none_is_told_in_words() throws IOException {
    assertThatThrownBy(() -> Images.folder(folder.resolve("no"), DECODER))
        .isInstanceOf(NoSuchFileException.class)
        .hasMessage(folder.resolve("no") + ": it does not exist");
    assertThatThrownBy(() -> Pairs.folder(folder.resolve("ok/a.png")).build())
        .hasMessage(folder.resolve("ok/a.png") + ": it is not a folder");
  }

  /** Under this locale the JDK cannot write the names that it lists, nor take them as text. */
  @ParameterizedTest
  @DisabledOnOs(value = OS.WINDOWS, disabledReason = "names there are UTF-16 under any locale")
  @ValueSource(strings = {"POSIX", "C.UTF-8"})
  void names_that_the_locale_cannot_write_are_read(String locale) throws Exception {
    byte[] png = TestShards.png(1);
    for (String name : List.of("caf\u00e9", "\u732b", "a b%20+#")) {
      write("d/" + name + ".png", png);
      write("d/" + name + ".txt", TestShards.text("caption of " + name));
    }
    write("d/kl\u00e4sse/x.png", png);
    write("d/latin\\xE9.png", png); // Latin-1, no UTF-8
    write("d/latin\\xE9.txt", TestShards.text("old"));
    write("t.csv", TestShards.text("file,caption\nd/caf\u00e9.png,one\n"));
    ProcessBuilder builder = ChildJvm.of(List.of(), FolderProcess.class, temporary.toString());
    builder.environment().keySet().removeIf(name -> name.startsWith("LC_") || name.equals("LANG"));
    builder.environment().put("LC_ALL", locale);
    builder.redirectErrorStream(false).redirectError(ProcessBuilder.Redirect.DISCARD);
    String text = ChildJvm.output(builder);
    assertThat(text.lines())
        .containsExactlyInAnyOrder(
            "image a b%20+#.png",
            "image caf\u00e9.png",
            "image kl\u00e4sse/x.png",
            "image latin\uFFFD.png",
            "image ok/a.png",
            "image \u732b.png",
            "pair caption of a b%20+#",
            "pair caption of caf\u00e9",
            "pair caption of \u732b",
            "pair old",
            "class kl\u00e4sse",
            "class ok",
            "row one",
            "found caf\u00e9.png");
  }

  /** Through a shell, as this process may not be able to write the name either. */
  private void write(String name, byte[] content) throws Exception {
    Path plain = Files.write(temporary.resolve("content"), content);
    StringBuilder octal = new StringBuilder();
    String bytes = new String(name.getBytes(StandardCharsets.UTF_8), StandardCharsets.ISO_8859_1);
    for (char c : bytes.replace("\\xE9", "\u00e9").toCharArray()) {
      octal.append(String.format("\\%03o", (int) c));
    }
    String script =
        "f=$(printf '" + octal + "'); mkdir -p \"$(dirname \"$f\")\"; cp content \"$f\"";
    Process process = new ProcessBuilder("sh", "-c", script).directory(temporary.toFile()).start();
    assertThat(process.waitFor()).isZero();
    Files.delete(plain);
  }
}
