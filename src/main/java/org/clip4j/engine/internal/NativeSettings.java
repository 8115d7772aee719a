package org.clip4j.engine.internal;

import com.sun.jna.NativeLibrary;
import java.util.Map;
import org.clip4j.io.IoErrors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Sets on Linux what OpenMP reads when PyTorch is loaded, and gives free memory back. */
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

  private NativeSettings() {}

  /** Sets all that the environment leaves open. */
  static void apply(Map<String, String> environment) {
    if (!System.getProperty("os.name").equals("Linux")) {
      return; // other systems' PyTorch has another OpenMP
    }
    try {
      setSpins(environment);
    } catch (LinkageError e) { // JNA finds no folder to unpack itself in
      LOG.debug("{} could not be set: {}", SPINS, IoErrors.message(e));
    }
  }

  /**
   * Gives free memory back to the system, also from between what is in use; other than freeing, it
   * takes milliseconds. Nothing happens where the C library has no such call.
   */
  static void trim() {
    if (System.getProperty("os.name").equals("Linux")) {
      try {
        call("malloc_trim", 0L);
      } catch (LinkageError e) {
        LOG.debug("Free memory could not be given back: {}", IoErrors.message(e));
      }
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

  private static void call(String function, Object... arguments) {
    NativeLibrary.getProcess().getFunction(function).invokeInt(arguments);
  }
}
