package org.clip4j.engine.internal;

import ai.djl.Device;
import ai.djl.engine.Engine;
import ai.djl.engine.EngineException;
import ai.djl.engine.StandardCapabilities;
import ai.djl.ndarray.NDManager;
import com.sun.jna.NativeLibrary;
import java.util.Map;
import org.clip4j.io.IoErrors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The one door to PyTorch's native library: loads it, when it is first asked for, with what must be
 * set before.
 */
public final class Libtorch {
  private static final Logger LOG = LoggerFactory.getLogger(Libtorch.class);

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

  private static final String GRAPH_OPTIMIZER = "ai.djl.pytorch.graph_optimizer";

  private static boolean loaded;

  private Libtorch() {}

  /**
   * DJL's engine, which is loaded if it is not yet.
   *
   * @throws EngineException if there is no native library; the message says what to add
   */
  public static synchronized Engine engine() {
    if (!loaded) {
      load();
      loaded = true;
    }
    return Engine.getEngine("PyTorch");
  }

  private static void load() {
    setSpins(System.getenv());
    // DJL would warn of an optimizer that TorchScript switches off here, where the property is not
    // set; it must not stay set, since it would take effect on an application's other models.
    boolean unset = System.getProperty(GRAPH_OPTIMIZER) == null;
    if (unset) {
      System.setProperty(GRAPH_OPTIMIZER, "false");
    }
    try {
      Engine.getEngine("PyTorch");
    } catch (RuntimeException | LinkageError e) {
      throw NativeLibraryHelp.of(e);
    } finally {
      if (unset) {
        System.clearProperty(GRAPH_OPTIMIZER);
      }
    }
  }

  /** Java cannot change its own environment, but libgomp reads the C library's. */
  private static void setSpins(Map<String, String> environment) {
    if (!System.getProperty("os.name").equals("Linux")) {
      return; // other systems' PyTorch has another OpenMP
    }
    if (environment.containsKey(SPINS) || environment.containsKey(WAIT_POLICY)) {
      LOG.debug("{} or {} is set and stays as it is", SPINS, WAIT_POLICY);
      return;
    }
    try {
      NativeLibrary.getProcess()
          .getFunction("setenv")
          .invokeInt(new Object[] {SPINS, FEW_SPINS, 0});
      LOG.debug("{} is set to {} for PyTorch's threads", SPINS, FEW_SPINS);
    } catch (LinkageError e) { // JNA finds no folder to unpack itself in
      LOG.debug("{} could not be set: {}", SPINS, IoErrors.message(e));
    }
  }

  /**
   * Creates a manager of its own, which the caller closes.
   *
   * @throws IllegalArgumentException as {@link #require}
   */
  public static NDManager newManager(Device device) {
    require(device);
    return engine().newBaseManager(device);
  }

  /**
   * Checks that a device is there.
   *
   * @throws IllegalArgumentException saying what there is, if not
   */
  public static void require(Device device) {
    if (!device.isGpu()) {
      return;
    }
    if (!engine().hasCapability(StandardCapabilities.CUDA)) {
      throw new IllegalArgumentException(
          "no CUDA device was found; libtorch here is built for the CPU: compute on the device cpu,"
              + " or install libtorch for CUDA");
    }
    int found = engine().getGpuCount();
    if (device.getDeviceId() >= found) {
      throw new IllegalArgumentException(
          found == 0
              ? "no CUDA device was found; compute on the device cpu"
              : "there is no device "
                  + device
                  + "; the CUDA devices here are gpu0 to gpu"
                  + (found - 1));
    }
  }
}
