package org.clip4j;

import ai.djl.Device;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.clip4j.engine.internal.Libtorch;

/**
 * Finds the devices of this machine that models can be loaded on, see {@link ClipLoader#optDevice}.
 */
public final class Devices {
  private Devices() {}

  /** Lists the devices: the CPU, then the CUDA devices that libtorch finds. */
  public static List<Device> available() {
    Stream<Device> cuda = IntStream.range(0, Libtorch.engine().getGpuCount()).mapToObj(Device::gpu);
    return Stream.concat(Stream.of(Device.cpu()), cuda).toList();
  }

  /**
   * Checks that a device is there, which loading does too, but later.
   *
   * @return the device
   * @throws IllegalArgumentException saying what there is, if it is not
   */
  public static Device require(Device device) {
    Libtorch.require(device);
    return device;
  }
}
