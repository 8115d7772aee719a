package org.clip4j.engine.internal;

import com.sun.jna.NativeLibrary;
import java.util.Map;
import org.clip4j.io.IoErrors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sets what the C library and OpenMP read when PyTorch is loaded, on Linux, unless the environment
 * decides it.
 */
final class NativeSettings {
  private static final Logger LOG = LoggerFactory.getLogger(NativeSettings.class);

  /** How long OpenMP's threads spin for each other before they sleep. */
  private static final String SPINS = "GOMP_SPINCOUNT";

  /**
   * A barrier's usual length on an idle machine. libgomp's own default is many milliseconds, in
   * which a thread that waits for one that has lost its core keeps others from theirs: a server
   * with 20 requests at a time then takes ten times as long.
   */
  private static final String FEW_SPINS = "1000";

  /** Another variable by which a user decides the same. */
  private static final String WAIT_POLICY = "OMP_WAIT_POLICY";

  /** What the beginnings of variables are called by which a user decides how memory is kept. */
  private static final String MALLOC = "MALLOC_";

  private static final String TUNABLES = "GLIBC_TUNABLES";

  /** Numbers of glibc's settings, in its malloc.h. */
  private static final int TRIM_THRESHOLD = -1;

  private static final int MMAP_THRESHOLD = -3;

  /**
   * Blocks up to this size, the most that glibc takes, come from the heap and go back to it. Those
   * that are mapped are handed back to the system at once, and the next layer pays for new pages.
   */
  private static final int LARGEST_BLOCK = 32 << 20;

  /** So much of the heap's end is kept when it is free: the temporaries of a batch. */
  private static final int KEPT = 256 << 20;

  private NativeSettings() {}

  /** Sets all that the environment leaves open. */
  static void apply(Map<String, String> environment) {
    if (!System.getProperty("os.name").equals("Linux")) {
      return; // other systems' PyTorch has another OpenMP, and they another allocator
    }
    try {
      setSpins(environment);
      setAllocator(environment);
    } catch (LinkageError e) { // JNA finds no folder to unpack itself in, or there is no such call
      LOG.debug("Native settings could not be made: {}", IoErrors.message(e));
    }
  }

  /** Java cannot change its own environment, but libgomp reads the C library's. */
  private static void setSpins(Map<String, String> environment) {
    if (environment.containsKey(SPINS) || environment.containsKey(WAIT_POLICY)) {
      LOG.debug("{} or {} is set and stays as it is", SPINS, WAIT_POLICY);
      return;
    }
    call("setenv", SPINS, FEW_SPINS, 0);
    LOG.debug("{} is set to {} for PyTorch's threads", SPINS, FEW_SPINS);
  }

  private static void setAllocator(Map<String, String> environment) {
    if (environment.keySet().stream().anyMatch(n -> n.startsWith(MALLOC) || n.equals(TUNABLES))) {
      LOG.debug("{}* or {} is set and stays as it is", MALLOC, TUNABLES);
      return;
    }
    call("mallopt", MMAP_THRESHOLD, LARGEST_BLOCK);
    call("mallopt", TRIM_THRESHOLD, KEPT);
  }

  private static void call(String function, Object... arguments) {
    NativeLibrary.getProcess().getFunction(function).invokeInt(arguments);
  }
}
