package org.clip4j.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Runs programs of the tests in processes of their own. */
public final class ChildJvm {
  private ChildJvm() {}

  /** Gives the command of a program with this process's Java and class path. */
  public static List<String> command(List<String> options, Class<?> program, String... arguments) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(options);
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), program.getName()));
    command.addAll(List.of(arguments));
    return command;
  }

  /** Prepares a process for such a program, whose errors go where its output goes. */
  public static ProcessBuilder of(List<String> options, Class<?> program, String... arguments) {
    return new ProcessBuilder(command(options, program, arguments)).redirectErrorStream(true);
  }

  /** Runs a program to its end, which must be a good one, and returns what it said. */
  public static String output(ProcessBuilder builder) throws IOException, InterruptedException {
    Process process = builder.start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(said).isZero();
    return said;
  }
}
