package org.clip4j.engine;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.jni.JniUtils;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.function.Consumer;

/**
 * Moves values between Java and tensors without a buffer in between.
 *
 * <p>DJL's own {@code create} backs a tensor with a direct buffer that lives until Java's garbage
 * collector finds it; these tensors own their memory and free it when closed.
 */
public final class HostMemory {
  private HostMemory() {}

  /** A tensor of bytes, uint8. */
  public static NDArray upload(NDManager manager, Shape shape, byte[] values) {
    return upload(manager, shape, DataType.UINT8, memory -> memory.put(values));
  }

  /** A tensor of int64. */
  public static NDArray upload(NDManager manager, Shape shape, long[] values) {
    return upload(manager, shape, DataType.INT64, memory -> memory.asLongBuffer().put(values));
  }

  /** A tensor of float32; reads the remaining values and leaves the buffer's position. */
  public static NDArray upload(NDManager manager, Shape shape, FloatBuffer values) {
    return upload(
        manager, shape, DataType.FLOAT32, memory -> memory.asFloatBuffer().put(values.duplicate()));
  }

  /**
   * A tensor of float32, written in place.
   *
   * @param filler given the tensor's own memory, to fill from the start
   */
  public static NDArray upload(NDManager manager, Shape shape, Consumer<FloatBuffer> filler) {
    return upload(
        manager, shape, DataType.FLOAT32, memory -> filler.accept(memory.asFloatBuffer()));
  }

  /**
   * The values of a contiguous float32 tensor.
   *
   * @return a view of the tensor's own memory where that is on the CPU, else a copy; never use it
   *     after the tensor is closed
   */
  public static FloatBuffer view(NDArray array) {
    if (array.getDevice().equals(Device.cpu())) {
      return bytes(array).asFloatBuffer();
    }
    // DJL moves a tensor through a manager of its own, which it leaves open.
    NDArray host = array.toDevice(Device.cpu(), false);
    try (NDManager moved = host.getManager()) {
      float[] values = host.toFloatArray();
      return FloatBuffer.wrap(values);
    }
  }

  private static NDArray upload(
      NDManager manager, Shape shape, DataType type, Consumer<ByteBuffer> filler) {
    Device device = manager.getDevice();
    NDArray host = manager.create(shape, type, Device.cpu());
    filler.accept(bytes(host));
    if (device.equals(Device.cpu())) {
      return host;
    }
    try (host) {
      NDArray onDevice = host.toDevice(device, true);
      NDManager moved = onDevice.getManager();
      onDevice.attach(manager);
      if (moved != manager) {
        moved.close();
      }
      return onDevice;
    }
  }

  private static ByteBuffer bytes(NDArray array) {
    return JniUtils.getByteBuffer((PtNDArray) array, true);
  }
}
