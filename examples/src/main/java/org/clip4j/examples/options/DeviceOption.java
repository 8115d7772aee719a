package org.clip4j.examples.options;

import ai.djl.Device;
import org.clip4j.Devices;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** Where models compute. */
public class DeviceOption {
  @Option(
      names = "--device",
      defaultValue = "cpu",
      description = "cpu, gpu0, gpu1, …",
      converter = Converter.class)
  private Device device;

  /** Checks that the device is there, before anything long begins. */
  public final Device device() {
    return Devices.require(device);
  }

  static final class Converter implements ITypeConverter<Device> {
    @Override
    public Device convert(String name) {
      if (name.equals("cpu")) {
        return Device.cpu();
      }
      if (name.matches("gpu[0-9]{0,3}")) {
        return Device.gpu(name.equals("gpu") ? 0 : Integer.parseInt(name.substring(3)));
      }
      throw new TypeConversionException("'" + name + "' is none of cpu, gpu0, gpu1, …");
    }
  }
}
