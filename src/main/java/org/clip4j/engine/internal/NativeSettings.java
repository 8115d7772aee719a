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

  /** Numbers that {@code mallopt} knows its settings by. */
  private static final int TRIM_THRESHOLD = -1;

  private static final int MMAP_THRESHOLD = -3;

  /** As much as the C library itself would go up to while pieces are freed. */
  private static final int LARGEST = 32 << 20;

  /** A small weight's bytes. */
  private static final int SMALL = 128 << 10;

  /** Those who keep what they now allocate. */
  private static int keeping;

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

  /**
   * Says that what is allocated from now on stays, or no longer: each larger piece then has pages of
   * its own. Otherwise it would lie among what is allocated and freed meanwhile, and hold its memory.
   */
  static synchronized void keep(boolean begins) {
    keeping += begins ? 1 : -1;
    boolean first = begins && keeping == 1;
    if ((first || keeping == 0)
        && System.getProperty("os.name").equals("Linux")
        && System.getenv("MALLOC_MMAP_THRESHOLD_") == null) {
      try {
        call("mallopt", MMAP_THRESHOLD, first ? SMALL : LARGEST);
        call("mallopt", TRIM_THRESHOLD, 2 * LARGEST); // would no longer follow the other by itself
      } catch (LinkageError e) {
        LOG.debug("Memory is allocated as usual: {}", IoErrors.message(e));
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
