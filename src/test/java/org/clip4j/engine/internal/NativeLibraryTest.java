package org.clip4j.engine.internal;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.util.Platform;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.stream.Collectors;
import org.clip4j.Clip;
import org.clip4j.SystemReport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** An application without the native library, in a process of its own. */
class NativeLibraryTest {
  private static final Platform PLATFORM = Platform.fromSystem("pytorch");
  private static final String CLASSIFIER = PLATFORM.getOsPrefix() + "-" + PLATFORM.getOsArch();
  private static final String LIBRARY = "ai.djl.pytorch:pytorch-native-cpu:2.7.1:" + CLASSIFIER;
  private static final String BRIDGE = "ai.djl.pytorch:pytorch-jni:2.7.1-0.36.0";

  /** Loads a model. */
  static final class Application {
    private Application() {}

    public static void main(String... args) throws IOException {
      Clip.load(Path.of(args[0])).close();
    }
  }

  /** Does as {@code examples/run Doctor} does. */
  static final class Report {
    private Report() {}

    public static void main(String... args) {
      SystemReport report = SystemReport.create();
      System.out.println(report.text());
      System.exit(report.isSound() ? 0 : 1);
    }
  }

  @ParameterizedTest
  @CsvSource({"pytorch-native-cpu|pytorch-jni,2", "pytorch-native-cpu,1"})
  void what_is_missing_is_named_by_its_coordinates(
      String missing, int expected, @TempDir Path cache) throws Exception {
    String output = withoutLibrary(missing, cache, Application.class);
    String first =
        output.lines().filter(line -> line.startsWith("Exception")).findFirst().orElse(output);
    assertThat(output).as("said once").doesNotContain("clip4j-proofs");
    assertThat(first).contains(LIBRARY, "in scope runtime", "Offline mode is enabled");
    assertThat(first.contains(BRIDGE)).isEqualTo(expected == 2);
  }

  @Test
  void the_system_report_tells_what_is_missing_among_all_else(@TempDir Path cache)
      throws Exception {
    String output = withoutLibrary("pytorch-native-cpu|pytorch-jni", cache, Report.class);
    assertThat(output).contains("processor ", "Problems:", LIBRARY, BRIDGE);
    assertThat(output).doesNotContain("Exception in thread", "Nothing that is needed");
  }

  /** What a program says that ends with status 1 in a process without the library. */
  private static String withoutLibrary(String missing, Path cache, Class<?> program)
      throws Exception {
    String classPath =
        Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
            .filter(part -> !part.matches(".*(" + missing + ").*"))
            .collect(Collectors.joining(File.pathSeparator));
    ProcessBuilder builder =
        new ProcessBuilder(
            ProcessHandle.current().info().command().orElseThrow(),
            "-Dai.djl.offline=true",
            "-cp",
            classPath,
            program.getName(),
            Path.of(System.getProperty("golden.dir"), "hf-clip").toString());
    builder.environment().put("DJL_CACHE_DIR", cache.toString());
    builder.environment().remove("PYTORCH_LIBRARY_PATH");
    Process process = builder.redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(output).isEqualTo(1);
    return output;
  }

  @Test
  void a_jar_of_another_platform_or_version_is_told() {
    String message =
        NativeLibraryHelp.message(
            PLATFORM,
            properties("classifier", "beos-x86_64"),
            properties("jni_version", "1.13.1-0.20.0"),
            Map.of(),
            "no such file");
    assertThat(message)
        .contains(LIBRARY + " (there is one of beos-x86_64)")
        .contains(BRIDGE + " (there is 1.13.1-0.20.0)");
  }

  @Test
  void an_installed_library_needs_the_bridge_only() {
    Map<String, String> installed = Map.of("PYTORCH_LIBRARY_PATH", "/opt/libtorch/lib");
    assertThat(NativeLibraryHelp.message(PLATFORM, null, null, installed, "none"))
        .contains(BRIDGE)
        .doesNotContain("pytorch-native-cpu");
  }

  @Test
  void where_nothing_is_missing_the_reason_is_told() {
    String message =
        NativeLibraryHelp.message(
            PLATFORM,
            properties("classifier", CLASSIFIER),
            properties("jni_version", "2.7.1-0.36.0"),
            Map.of(),
            "libgomp.so.1 is damaged");
    assertThat(message).contains("could not be loaded", "libgomp.so.1 is damaged");
    assertThat(List.of(message.split("scope runtime"))).hasSize(1);
  }

  private static Properties properties(String name, String value) {
    Properties properties = new Properties();
    properties.setProperty(name, value);
    return properties;
  }
}
