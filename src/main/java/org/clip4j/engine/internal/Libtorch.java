package org.clip4j.engine.internal;

import ai.djl.Device;
import ai.djl.engine.Engine;
import ai.djl.engine.EngineException;
import ai.djl.engine.StandardCapabilities;
import ai.djl.ndarray.NDManager;

/**
 * The one door to PyTorch's native library: loads it, when it is first asked for, with what must be
 * set before.
 */
public final class Libtorch {
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
    NativeSettings.apply(System.getenv());
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
