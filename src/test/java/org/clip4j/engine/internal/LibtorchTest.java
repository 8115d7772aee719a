package org.clip4j.engine.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.Device;
import ai.djl.engine.StandardCapabilities;
import com.sun.jna.NativeLibrary;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.clip4j.testing.ChildJvm;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

class LibtorchTest {

  @Test
  @EnabledOnOs(OS.LINUX)
  void openmp_spins_little_unless_the_user_has_decided() throws Exception {
    assertThat(child(Map.of())).isEqualTo("libgomp false, spins null; libgomp true, spins 1000");
    assertThat(child(Map.of("GOMP_SPINCOUNT", "77")))
        .isEqualTo("libgomp false, spins 77; libgomp true, spins 77");
    assertThat(child(Map.of("OMP_WAIT_POLICY", "active")))
        .isEqualTo("libgomp false, spins null; libgomp true, spins null");
  }

  /** What libgomp finds in the environment when it is loaded, in a process of its own. */
  static final class Child {
    private Child() {}

    public static void main(String[] args) throws IOException {
      String before = state();
      Libtorch.newManager(Device.cpu()).close();
      System.out.println("found: " + before + "; " + state());
    }

    private static String state() throws IOException {
      boolean loaded = Files.readString(Path.of("/proc/self/maps")).contains("libgomp");
      Object spins =
          NativeLibrary.getProcess()
              .getFunction("getenv")
              .invoke(String.class, new Object[] {"GOMP_SPINCOUNT"});
      return "libgomp " + loaded + ", spins " + spins;
    }
  }

  private static String child(Map<String, String> environment) throws Exception {
    ProcessBuilder builder =
        ChildJvm.of(List.of("-Xmx128m", "-XX:TieredStopAtLevel=1"), Child.class);
    builder.environment().keySet().removeAll(List.of("GOMP_SPINCOUNT", "OMP_WAIT_POLICY"));
    builder.environment().putAll(environment);
    String said = ChildJvm.output(builder);
    assertThat(said).as("a warning of what is switched off").doesNotContain("graph executor");
    return said.lines()
        .filter(line -> line.startsWith("found: "))
        .findFirst()
        .orElseThrow(() -> new AssertionError(said))
        .substring("found: ".length());
  }

  @Test
  void a_gpu_that_is_not_there_is_said_in_one_line() {
    String said =
        Libtorch.engine().hasCapability(StandardCapabilities.CUDA)
            ? "there is no device gpu(99)"
            : "no CUDA device was found; libtorch here is built for the CPU";
    assertThatThrownBy(() -> Libtorch.newManager(Device.gpu(99)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith(said)
        .hasMessageNotContaining("\n");
  }

  @Test
  void the_property_that_quiets_djl_does_not_stay_set() {
    Libtorch.engine();
    assertThat(System.getProperty("ai.djl.pytorch.graph_optimizer")).isNull();
  }
}
