package org.clip4j.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.OutputStream;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.clip4j.examples.app.terminal.ProgressTest;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/**
 * Ctrl-C in a terminal, which util-linux's {@code script} is here: what promises to save or to go
 * on later does.
 */
@EnabledOnOs(OS.LINUX)
class TerminalTest {
  private static final Path SCRIPT = Path.of("/usr/bin/script");
  private static final String CTRL_C = "\003";

  @TempDir Path folder;

  @BeforeAll
  static void require_script() {
    assertThat(SCRIPT)
        .as("util-linux's script, which these tests need (Debian's package bsdutils)")
        .isExecutable();
  }

  /** Runs an example in a terminal, and presses Ctrl-C once its screen shows something. */
  private String interrupt(Class<?> example, String until, String... arguments) throws Exception {
    List<String> command = new ArrayList<>();
    // Whoever runs the tests in the background has them ignore Ctrl-C, and their children too.
    command.addAll(List.of("/usr/bin/env", "--default-signal=INT"));
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-Xmx512m", "-XX:TieredStopAtLevel=1", "-Djava.awt.headless=true"));
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), example.getName()));
    command.addAll(List.of(arguments));
    String line = command.stream().map(a -> "'" + a + "'").collect(Collectors.joining(" "));
    ProcessBuilder builder =
        new ProcessBuilder(SCRIPT.toString(), "-qfec", line, "/dev/null")
            .directory(folder.toFile())
            .redirectErrorStream(true);
    builder.environment().put("TERM", "xterm");
    builder.environment().put("LC_ALL", "C.UTF-8");
    Process process = builder.start();
    CompletableFuture.delayedExecutor(2, TimeUnit.MINUTES).execute(process::destroyForcibly);
    Pattern shown = Pattern.compile(until);
    StringBuilder said = new StringBuilder();
    boolean pressed = false;
    try (OutputStream keys = process.getOutputStream();
        Reader screen = process.inputReader(StandardCharsets.UTF_8)) {
      char[] buffer = new char[4096];
      for (int n = screen.read(buffer); n >= 0; n = screen.read(buffer)) {
        said.append(buffer, 0, n);
        if (!pressed && shown.matcher(said).find()) {
          pressed = true;
          keys.write(CTRL_C.getBytes(StandardCharsets.US_ASCII));
          keys.flush();
        }
      }
    }
    assertThat(pressed).as(said.toString()).isTrue();
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).as(said.toString()).isEqualTo(130);
    return said.toString();
  }

  private Path table() throws IOException {
    StringBuilder table = new StringBuilder("file,caption\n");
    for (int i = 0; i < 24; i++) {
      BufferedImage image = new BufferedImage(32, 32, BufferedImage.TYPE_INT_RGB);
      image.setRGB(i, i, 0xff0000 + i);
      ImageIO.write(image, "png", folder.resolve(i + ".png").toFile());
      table.append(i).append(".png,picture ").append(i).append('\n');
    }
    return Files.writeString(folder.resolve("pairs.csv"), table);
  }

  private Path architecture() throws IOException {
    return Files.writeString(
        folder.resolve("tiny.json"),
        """
        {"embed_dim": 16,
         "vision_cfg": {"image_size": 32, "layers": 1, "width": 64, "patch_size": 8},
         "text_cfg": {"context_length": 16, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1}}
        """);
  }

  private static final String AFTER_SOME_STEPS = "Training .* [0-9]+[0-9]/1,000,000 ";

  @Test
  void train_saves_a_checkpoint_says_how_to_go_on_and_embed_goes_on_too() throws Exception {
    String[] train = {
      "--data",
      table().toString(),
      "--model",
      architecture().toString(),
      "--out",
      "run",
      "--image-root",
      folder.toString(),
      "--batch-size",
      "8",
      "--steps",
      "1000000"
    };
    String said = interrupt(Train.class, AFTER_SOME_STEPS, train);
    assertThat(said)
        .contains("Stopped after step ", "the same command with --resume goes on from there");
    long step;
    try (Stream<Path> list = Files.list(folder.resolve("run/checkpoints"))) {
      List<String> steps =
          list.map(path -> path.getFileName().toString())
              .filter(n -> n.startsWith("step"))
              .toList();
      assertThat(steps).hasSize(1);
      step = Long.parseLong(steps.get(0).substring(5));
    }
    assertThat(said).contains("Stopped after step " + step + ",");
    String again =
        interrupt(
            Train.class,
            AFTER_SOME_STEPS,
            Stream.concat(Stream.of(train), Stream.of("--resume")).toArray(String[]::new));
    assertThat(again).contains("steps " + (step + 1) + " to 1000000");
    assertThat(ProgressTest.screen(again.replace("\r\n", "\n")))
        .as("log lines beside the progress")
        .filteredOn(line -> line.contains("INFO"))
        .allMatch(line -> line.startsWith("INFO"));
    embedGoesOn();
  }

  private void embedGoesOn() throws Exception {
    Path texts =
        Files.writeString(
            folder.resolve("texts.txt"),
            IntStream.range(0, 300_000)
                .mapToObj(i -> "text " + i + "\n")
                .collect(Collectors.joining()));
    String[] embed = {
      "--model", "run", "--texts", texts.toString(), "--out", "vectors", "--rows-per-shard", "64"
    };
    String afterOneShard = "Embedding .* ([0-9]+,)?[0-9]{3}/300,000 ";
    String said = interrupt(Embed.class, afterOneShard, embed);
    assertThat(said).contains("Stopped at ", "the same command goes on from there");
    assertThat(interrupt(Embed.class, afterOneShard, embed))
        .contains("texts were embedded before; going on from there");
  }

  @Test
  void quickstart_saves_the_model_as_it_is() throws Exception {
    String said =
        interrupt(
            Quickstart.class, "Training .* [0-9]+/1,000,000 ", "--steps", "1000000", "--out", "q");
    assertThat(said).contains("Stopped: the model as it is after step ");
    assertThat(folder.resolve("q/model/open_clip_model.safetensors")).exists();
  }
}
