package org.clip4j.engine.internal;

import com.sun.jna.Memory;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Platform;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Optional;

/** Tells what the native library in this process was built from. */
public final class NativeLibraries {
  /** PyTorch's torch.__config__.show(), by the name that it has with the present C++ strings. */
  private static final String SHOW_CONFIG = "_ZN2at11show_configB5cxx11Ev";

  private NativeLibraries() {}

  /** Finds PyTorch's library; empty where the system does not tell, as outside Linux. */
  public static Optional<Path> torch() {
    return OpenMp.loaded("libtorch_cpu.so");
  }

  /**
   * Gives PyTorch's own description: compilers, MKL, oneDNN and their versions, and the instruction
   * set that its own arithmetic uses. Known for Linux on x86-64, where a function that returns a
   * string takes the place for it as its first argument.
   */
  public static Optional<String> configuration() {
    if (!Platform.isLinux() || !Platform.isIntel() || !Platform.is64Bit()) {
      return Optional.empty();
    }
    return torch()
        .map(path -> NativeLibrary.getInstance(path.toString()))
        .map(NativeLibraries::configuration);
  }

  private static String configuration(NativeLibrary library) {
    try (Memory string = new Memory(32)) { // pointer, length, and room for short ones
      library.getFunction(SHOW_CONFIG).invokeVoid(new Object[] {string});
      int length = (int) string.getLong(8);
      return new String(string.getPointer(0).getByteArray(0, length), StandardCharsets.UTF_8);
    } catch (UnsatisfiedLinkError e) {
      return null; // built otherwise
    }
  }
}
